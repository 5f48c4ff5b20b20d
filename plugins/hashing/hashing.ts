/** Hashes, as the platform has them: `#hashing` is OpenSSL on Node and `@noble/hashes` elsewhere. */

/** The hashes of Digest (RFC 7616), of digest fields (RFC 9530) and of signatures. */
export type HashName = 'md5' | 'sha-256' | 'sha-512' | 'sha-512-256'

/** One hash being computed. */
export interface Hashing {
  /** Takes more of the message. */
  update(bytes: Uint8Array): void
  /** Ends it; nothing can be added any more. */
  digest(): Uint8Array
}
