/** The events of one exchange on their way out: those of an encoded body are decoded, all others pass. */
import { CODINGS } from '#zlib'
import type { Observer, Subscriber } from 'rxjs'
import {
  LIVE,
  Token,
  type HeadEvent,
  type HttpError,
  type HttpEvent,
  type HttpHeaders,
  type HttpRequest,
} from '../../src/index.ts'
import { codingsOf, MOST_CODINGS } from './content-encoding.ts'
import { Decoding, type DecodeLimits } from './decoding.ts'
import { failed, tooMany, unknown } from './failures.ts'
import { isCoding, type Coding } from './inflater.ts'

/** What said something of the bytes before they were decoded, `Content-Encoding` and `Content-Length` above all: `response.request.read(ENCODED)`. */
export const ENCODED: Token<HttpHeaders> = new Token<HttpHeaders>('encoded')

/** Digests are those of the bytes with their coding on (RFC 9530 §2, §3; RFC 3230; RFC 1864). */
const REPLACED: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-digest',
  'repr-digest',
  'digest',
  'content-md5',
])

/** Hears an exchange and tells its subscriber of it, decoded. */
export class Receiving implements Observer<HttpEvent> {
  readonly #request: HttpRequest
  readonly #limits: DecodeLimits
  readonly #live: boolean
  readonly #subscriber: Subscriber<HttpEvent>
  #decoding: Decoding | undefined
  #trailers: HttpEvent | undefined
  /** Why the exchange broke off, while what came before is still being decoded. */
  #broken: { readonly error: unknown } | undefined

  constructor(request: HttpRequest, limits: DecodeLimits, subscriber: Subscriber<HttpEvent>) {
    this.#request = request
    this.#live = request.read(LIVE) === true
    this.#limits = this.#live ? { ...limits, maxBytes: false } : limits
    this.#subscriber = subscriber
  }

  next(event: HttpEvent): void {
    if (event.type === 'head') this.#begin(event)
    else if (this.#decoding === undefined) this.#subscriber.next(event)
    else if (event.type === 'chunk') this.#decoding.write(event.bytes)
    else if (event.type === 'trailers') this.#trailers = { ...event, headers: event.headers.filter(isKept) }
    else this.#subscriber.next(event)
  }

  error(error: unknown): void {
    if (this.#decoding !== undefined && this.#live) {
      this.#broken = { error }
      this.#decoding.end()
    } else this.#subscriber.error(error)
  }

  complete(): void {
    if (this.#decoding === undefined) this.#subscriber.complete()
    else this.#decoding.end()
  }

  #begin(event: HeadEvent): void {
    const codings = event.unread === true || event.socket !== undefined ? [] : codingsOf(event.head)
    if (codings.length === 0) {
      this.#subscriber.next(event)
      return
    }
    const refusal = this.#refuse(codings)
    if (refusal === undefined) this.#decode(event, codings as readonly Coding[])
    else this.#subscriber.error(refusal)
  }

  #refuse(codings: readonly string[]): HttpError | undefined {
    if (codings.length > MOST_CODINGS) return tooMany(this.#request)
    const strange = codings.find(coding => !isCoding(coding) || !CODINGS.includes(coding))
    return strange === undefined ? undefined : unknown(this.#request, strange, CODINGS, isCoding(strange))
  }

  #decode({ head, flow }: HeadEvent, codings: readonly Coding[]): void {
    const subscriber = this.#subscriber
    const decoding = new Decoding(codings, this.#limits, flow, this.#live, {
      data(bytes) {
        subscriber.next({ type: 'chunk', bytes })
      },
      end: () => {
        this.#end()
      },
      error: failure => {
        subscriber.error(this.#broken === undefined ? failed(this.#request, failure) : this.#broken.error)
      },
    })
    this.#decoding = decoding
    subscriber.add(() => {
      decoding.destroy()
    })
    const { headers, request } = head
    const kept = headers.filter(isKept)
    const before = headers.filter(name => !isKept(name))
    subscriber.next({
      type: 'head',
      head: { ...head, headers: kept, request: request.note(ENCODED, before) },
      flow: decoding,
    })
  }

  #end(): void {
    if (this.#broken !== undefined) {
      this.#subscriber.error(this.#broken.error)
      return
    }
    if (this.#trailers !== undefined) this.#subscriber.next(this.#trailers)
    this.#subscriber.complete()
  }
}

function isKept(name: string): boolean {
  return !REPLACED.has(name.toLowerCase())
}
