/** `Content-Digest` and `Repr-Digest` (RFC 9530): dictionaries of byte sequences (RFC 9651). */
import { parseDictionary, serializeDictionary } from 'structured-headers'
import type { HttpHeaders } from '../../src/index.ts'

/** The algorithms that are taken for a proof, the stronger first. All others of RFC 9530 are broken, or no hashes at all. */
export const ALGORITHMS: readonly DigestAlgorithm[] = ['sha-512', 'sha-256']

/** A hash whose digest says that a body is what its sender meant. */
export type DigestAlgorithm = 'sha-256' | 'sha-512'

/** What one field claims. */
export interface Claim {
  readonly field: 'Content-Digest' | 'Repr-Digest'
  readonly algorithm: DigestAlgorithm
  readonly digest: Uint8Array
}

/** What digest fields say: claims, and whether there are fields at all, with what nobody understands. */
export interface Claims {
  readonly claims: readonly Claim[]
  readonly any: boolean
}

const FIELDS = ['Content-Digest', 'Repr-Digest'] as const
const NONE: Claims = { claims: [], any: false }

/**
 * Reads the digest fields of a head or of trailers: of each the strongest algorithm. What is no dictionary, and a digest that is no byte
 * sequence, claims nothing.
 */
export function claimsOf(headers: HttpHeaders): Claims {
  let found: Claims = NONE
  for (const field of FIELDS) {
    const value = headers.get(field)
    if (value === undefined) continue
    const claim = strongest(field, value)
    found = { any: true, claims: claim === undefined ? found.claims : [...found.claims, claim] }
  }
  return found
}

function strongest(field: Claim['field'], value: string): Claim | undefined {
  try {
    const digests = parseDictionary(value)
    for (const algorithm of ALGORITHMS) {
      const bytes: unknown = digests.get(algorithm)?.[0]
      if (bytes instanceof ArrayBuffer) return { field, algorithm, digest: new Uint8Array(bytes) }
    }
  } catch {
    // No dictionary: the field counts as missing (RFC 9651 §4.2).
  }
  return undefined
}

/** Writes a `Content-Digest`. */
export function contentDigest(algorithm: DigestAlgorithm, digest: Uint8Array): string {
  return serializeDictionary(new Map([[algorithm, [digest as Uint8Array<ArrayBuffer>, new Map()]]]))
}

/** `Want-Content-Digest` (RFC 9530 §4): 10 is what is wanted most. Both prove enough, and processors have instructions for SHA-256. */
export const WANTED = 'sha-512=5, sha-256=10'

/** True when the trailers that were announced bring a digest. */
export function announcesDigest(headers: HttpHeaders): boolean {
  return /(?:^|,)[ \t]*(?:content|repr)-digest[ \t]*(?:,|$)/i.test(headers.get('trailer') ?? '')
}
