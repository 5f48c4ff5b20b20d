/** Bytes and texts as signatures write them. */
import { hashing } from '#hashing'

/** The SHA-256 of bytes, in hexadecimal. */
export function sha256Hex(bytes: Uint8Array): string {
  const hash = hashing('sha-256')
  hash.update(bytes)
  return hex(hash.digest())
}

/** Bytes in hexadecimal, lower case. */
export function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}
