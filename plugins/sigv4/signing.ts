/** One call that is signed: sent, and once more when the server says that our clock is wrong. */
import { defer, from, switchMap, type Observable } from 'rxjs'
import {
  canBeSentAgain,
  clock,
  discard,
  identified,
  notice,
  parseHttpDate,
  reissue,
  type Handler,
  type HttpEvent,
  type HttpRequest,
  type NoticeEvent,
  type Outcome,
  type ResponseHead,
} from '../../src/index.ts'
import { fingerprint } from '../hashing/fingerprint.ts'
import { chunked } from './chunks.ts'
import type { Credentials, Held } from './credentials.ts'
import type { SigV4Options } from './options.ts'
import { prepared, type Prepared } from './payload.ts'
import { isS3, sign, signingKey, type Scope } from './signer.ts'

/** How far our clock and a server's may be apart, in milliseconds. Services take 5 to 15 minutes. */
const TOLERATED = 4 * 60_000

/** What a signed call is made of. */
export interface SigningParts {
  readonly next: Handler
  readonly scope: Scope
  readonly payload: SigV4Options['payload']
  readonly credentials: Credentials
  /** By how much the clock of an origin is ahead of ours, in milliseconds; kept for the client. */
  readonly skews: Map<string, number>
}

/** Signs and sends one request. */
export class Signing {
  readonly #request: HttpRequest
  readonly #parts: SigningParts
  /** By how much the time of the last signature was ahead of our clock. */
  #skew = 0
  #corrected = false

  constructor(request: HttpRequest, parts: SigningParts) {
    this.#request = request
    this.#parts = parts
  }

  run(): Observable<HttpEvent> {
    return this.#send().pipe(reissue((outcome, tell) => this.#decide(outcome, tell)))
  }

  #send(): Observable<HttpEvent> {
    const { credentials, next, payload, scope } = this.#parts
    const request = this.#request
    return credentials.get(request).pipe(
      switchMap(held =>
        defer(() => prepared(request, payload, isS3(scope))).pipe(
          switchMap(ready => from(this.#signed(ready, held))),
          switchMap(signed => next(discard(identified(signed, nameOf(held)), this.#leaves))),
        ),
      ),
    )
  }

  async #signed({ request, chunks }: Prepared, held: Held): Promise<HttpRequest> {
    const { scope, skews } = this.#parts
    this.#skew = skews.get(request.origin) ?? 0
    const signed = await sign(request, held, scope, clock.now() + this.#skew)
    if (chunks === undefined) return signed.request
    const key = await signingKey(held, scope, signed.date)
    return signed.request.with({ body: chunked(chunks.source, chunks.length, { ...signed, key }) })
  }

  readonly #leaves = (head: ResponseHead): boolean =>
    this.#correction(head) !== undefined && canBeSentAgain(this.#request)

  #decide({ head }: Outcome, tell: (event: NoticeEvent) => void): Observable<HttpEvent> | undefined {
    const skew = head && this.#correction(head)
    if (skew === undefined) return undefined
    this.#corrected = true
    this.#parts.skews.set(this.#request.origin, skew)
    tell(notice('sigv4', 'clock corrected', { skew }))
    // A body that is gone is not signed again; the next one is signed at the right time.
    return canBeSentAgain(this.#request) ? this.#send() : undefined
  }

  /**
   * By how much the server's clock is ahead of ours, for a refusal that is due to it: services say so in different words (RequestTimeTooSkewed,
   * SignatureDoesNotMatch, InvalidSignatureException), but all of them in a `Date` that is far from the time it is for whoever signed.
   */
  #correction({ status, headers }: ResponseHead): number | undefined {
    if (this.#corrected || (status !== 400 && status !== 401 && status !== 403)) return undefined
    const now = clock.now()
    const date = parseHttpDate(headers.get('date') ?? '', now)
    if (date === undefined) return undefined
    // What a cache kept was said a while ago (RFC 9111 §5.1).
    const age = headers.get('age') ?? ''
    const skew = date + (/^\d{1,9}$/.test(age) ? Number(age) * 1_000 : 0) - now
    return Math.abs(skew - this.#skew) > TOLERATED ? skew : undefined
  }
}

const NAMES = new WeakMap<Held, string>()

/** Whose credentials these are. Who knows the id of a key but not its secret is somebody else, and is given no kept answers. */
function nameOf(held: Held): string {
  let name = NAMES.get(held)
  if (name === undefined) {
    const { accessKeyId, secretAccessKey } = held
    name = `aws4-hmac-sha256 ${accessKeyId} ${fingerprint(`${accessKeyId}\n${secretAccessKey}`)}`
    NAMES.set(held, name)
  }
  return name
}
