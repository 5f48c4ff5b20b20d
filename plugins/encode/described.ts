/** Requests whose bytes somebody has spoken for: with others in their place, what was said would be wrong. */
import type { HttpHeaders } from '../../src/index.ts'

const DESCRIPTIONS: ReadonlySet<string> = new Set([
  // Encoded already.
  'content-encoding',
  // The length is wanted on the wire as it was given.
  'content-length',
  // A part of something, counted in its bytes (RFC 9110 §14.4, tus 1.0.0).
  'content-range',
  'tus-resumable',
  'upload-offset',
  // Digests of the bytes with their coding on (RFC 9530 §2, §3; RFC 3230; RFC 1864).
  'content-digest',
  'repr-digest',
  'digest',
  'content-md5',
  // Part of what was signed.
  'x-amz-content-sha256',
])

/** Digests of those who store what is sent, coding and all: S3, Google, Azure. */
const STORED = /^x-(?:amz-checksum-.+|goog-hash|ms-(?:blob-)?content-(?:md5|crc64))$/

/** Credentials that are made of the body, or of what is said of it: Digest with auth-int (RFC 7616 §3.4.3), AWS Signature 4, Azure's Shared Key. */
const COVERS_BODY = /^\s*(?:digest\s.*\bqop="?auth-int\b|aws4-|sharedkey)/i

/** True when a header says something of the very bytes of the body. */
export function isDescribed(headers: HttpHeaders): boolean {
  for (const [field, value] of headers) {
    const name = field.toLowerCase()
    if (DESCRIPTIONS.has(name) || STORED.test(name) || (name === 'authorization' && COVERS_BODY.test(value)))
      return true
  }
  return false
}
