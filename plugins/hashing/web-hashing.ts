/** Hashes where there is no OpenSSL. Web Crypto has neither MD5 nor SHA-512/256, and cannot hash what comes in parts. */
import { hmac as keyed } from '@noble/hashes/hmac.js'
import { md5 } from '@noble/hashes/legacy.js'
import { sha256, sha512, sha512_256 } from '@noble/hashes/sha2.js'
import type { Hashing, HashName } from './hashing.ts'

const HASHES = { md5, 'sha-256': sha256, 'sha-512': sha512, 'sha-512-256': sha512_256 } as const

/** Begins a hash. */
export function hashing(name: HashName): Hashing {
  const hash = HASHES[name].create()
  return {
    update(bytes) {
      hash.update(bytes)
    },
    digest: () => hash.digest(),
  }
}

/** Computes a keyed hash (RFC 2104). */
export function hmac(name: HashName, key: Uint8Array, message: Uint8Array): Uint8Array {
  return keyed(HASHES[name], key, message)
}
