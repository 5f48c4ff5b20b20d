/** One answer on its way out, held to the digests it came with. */
import { hashing } from '#hashing'
import {
  describe,
  HttpError,
  isCoded,
  notice,
  Stage,
  type HeadEvent,
  type HttpEvent,
  type HttpHeaders,
  type HttpRequest,
  type Sink,
} from '../../src/index.ts'
import type { Hashing } from '../hashing/hashing.ts'
import { equal } from '../hashing/upload-digest.ts'
import { ALGORITHMS, announcesDigest, claimsOf, type Claim, type DigestAlgorithm } from './digest-fields.ts'

/** What the engine does to bodies before we see them. */
export interface Sight {
  /** It takes off codings by itself: what arrives is not what a digest of a coded body is made of. */
  readonly decodes: boolean
  /** It may not show every header field, `Content-Encoding` for one (CORS). */
  readonly hides: boolean
}

/** Why digests of an answer prove nothing, for people. */
const WHY = {
  unknown: 'has no digest by an algorithm that proves anything (sha-256, sha-512)',
  partial: 'is a part of a body, and its Repr-Digest is that of the whole',
  decoded: 'was decoded by the engine, and its digest is that of the coded bytes',
  unannounced: 'has a digest in its trailers, which the field Trailer did not announce',
} as const

/** Passes an answer on while it hashes it; at the end it is what it claims to be, or an error. */
export class Verifying extends Stage {
  readonly #request: HttpRequest
  readonly #require: boolean
  readonly #sight: Sight
  readonly #hashes = new Map<DigestAlgorithm, Hashing>()
  #claims: readonly Claim[] = []
  #why: keyof typeof WHY | undefined
  #partial = false
  #received = 0
  #length: string | undefined
  /** True while there is a body to look at. */
  #looking = false

  constructor(request: HttpRequest, require: boolean, sight: Sight, out: Sink) {
    super(out)
    this.#request = request
    this.#require = require
    this.#sight = sight
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    if (event.type === 'head') this.#begin(event)
    else if (this.#looking && event.type === 'chunk') this.#take(event.bytes)
    else if (this.#looking && event.type === 'trailers') this.#claim(event.headers)
    super.next(event)
  }

  override complete(): void {
    if (this.ended) return
    const wrong = this.#looking ? this.#judge() : undefined
    if (wrong === undefined) super.complete()
    else this.error(wrong)
  }

  #begin({ head, unread, socket }: HeadEvent): void {
    const { status, headers } = head
    this.#looking = unread !== true && socket === undefined && !isBodiless(this.#request.method, status)
    if (!this.#looking) return
    this.#partial = status === 206
    this.#length = headers.get('content-length')
    if (this.#sight.decodes && isCoded(head)) this.#why = 'decoded'
    else if (this.#require || announcesDigest(headers)) for (const name of ALGORITHMS) this.#hash(name)
    this.#claim(headers)
  }

  #hash(name: DigestAlgorithm): void {
    if (!this.#hashes.has(name)) this.#hashes.set(name, hashing(name))
  }

  /** Takes note of what a head or trailers claim. */
  #claim(headers: HttpHeaders): void {
    const { claims, any } = claimsOf(headers)
    if (!any || this.#why === 'decoded') return
    const provable = claims.filter(({ field }) => field === 'Content-Digest' || !this.#partial)
    if (this.#received === 0) for (const { algorithm } of provable) this.#hash(algorithm)
    const hashed = provable.filter(({ algorithm }) => this.#hashes.has(algorithm))
    this.#claims = [...this.#claims, ...hashed]
    if (hashed.length === 0) {
      this.#why ??= provable.length > 0 ? 'unannounced' : claims.length > 0 ? 'partial' : 'unknown'
    }
  }

  #take(bytes: Uint8Array): void {
    this.#received += bytes.length
    for (const hash of this.#hashes.values()) hash.update(bytes)
  }

  /** What is wrong at the end of the body. */
  #judge(): HttpError | undefined {
    const digests = new Map<DigestAlgorithm, Uint8Array>()
    for (const [name, hash] of this.#hashes) digests.set(name, hash.digest())
    for (const { field, algorithm, digest } of this.#claims) {
      if (equal(digests.get(algorithm) ?? NOTHING, digest)) continue
      if (this.#mayBeDecoded()) this.#why = 'decoded'
      else return this.#error('body', `does not match its ${field} (${algorithm}, RFC 9530)`)
    }
    const [claim] = this.#claims
    if (claim !== undefined && this.#why !== 'decoded') {
      const { field, algorithm } = claim
      super.next(notice('checksum', 'verified', { field, algorithm }))
      return undefined
    }
    if (this.#require) return this.#error('decode', this.#why === undefined ? 'has no digest' : WHY[this.#why])
    if (this.#why !== undefined) super.next(notice('checksum', 'unverified', { why: WHY[this.#why] }))
    return undefined
  }

  /** A coding whose field was not shown may have been taken off; then the length is not the announced one, which always is shown. */
  #mayBeDecoded(): boolean {
    return this.#sight.hides && this.#length !== String(this.#received)
  }

  /** Bytes that broke on the way (`body`) may come whole the next time; what nobody can verify stays what it is (`decode`). */
  #error(phase: 'body' | 'decode', what: string): HttpError {
    const request = this.#request
    const { attempt } = request
    const name = `The body of the answer to ${describe(request, attempt)}`
    return new HttpError('BODY', `${name} ${what}.`, { phase, request, attempt, requestWritten: 'yes' })
  }
}

const NOTHING = new Uint8Array(0)

function isBodiless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304
}
