/** Tells values apart without keeping them: what is in a store is read by others. */
import { hashing } from '#hashing'
import { hexadecimal } from '../../src/index.ts'

const UTF8 = new TextEncoder()

/** The first 128 bits of a SHA-256, in hexadecimal digits. */
export function fingerprint(text: string): string {
  const hash = hashing('sha-256')
  hash.update(UTF8.encode(text))
  return hexadecimal(hash.digest().subarray(0, 16))
}
