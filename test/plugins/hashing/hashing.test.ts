import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HashName } from '../../../plugins/hashing/hashing.ts'
import * as node from '../../../plugins/hashing/node-hashing.ts'
import * as web from '../../../plugins/hashing/web-hashing.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The hash of "abc" in RFC 1321 §A.5 and FIPS 180-4. */
const ABC: readonly [HashName, string][] = [
  ['md5', '900150983cd24fb0d6963f7d28e17f72'],
  ['sha-256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'sha-512',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
  ['sha-512-256', '53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23'],
]

describe.each(ABC)('%s', (name, expected) => {
  it.each([
    ['OpenSSL', node],
    ['@noble/hashes', web],
  ])('of "abc" is the standard’s, by %s', (_, { hashing }) => {
    const hash = hashing(name)
    hash.update(bytes('a'))
    hash.update(bytes('bc'))
    expect(Buffer.from(hash.digest()).toString('hex')).toBe(expected)
  })

  it('is the same on both, for any message in any parts, keyed or not', () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 })
    fc.assert(
      fc.property(parts, fc.uint8Array({ maxLength: 200 }), (message, key) => {
        const [ours, theirs] = [node.hashing(name), web.hashing(name)]
        for (const part of message) {
          ours.update(part)
          theirs.update(part)
        }
        expect(Buffer.from(theirs.digest()).equals(ours.digest())).toBe(true)
        const whole = Buffer.concat(message)
        expect(Buffer.from(web.hmac(name, key, whole)).equals(node.hmac(name, key, whole))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })
})
