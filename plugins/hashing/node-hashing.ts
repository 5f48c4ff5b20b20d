/** Hashes by OpenSSL. */
import { createHash, createHmac } from 'node:crypto'
import type { Hashing, HashName } from './hashing.ts'

const NAMES: Readonly<Record<HashName, string>> = {
  md5: 'md5',
  'sha-256': 'sha256',
  'sha-512': 'sha512',
  'sha-512-256': 'sha512-256',
}

/** Begins a hash. */
export function hashing(name: HashName): Hashing {
  const hash = createHash(NAMES[name])
  return {
    update(bytes) {
      hash.update(bytes)
    },
    digest: () => hash.digest(),
  }
}

/** Computes a keyed hash (RFC 2104). */
export function hmac(name: HashName, key: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac(NAMES[name], key).update(message).digest()
}
