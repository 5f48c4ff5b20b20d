/** What a proxy said in place of letting a request through: kept for the error, as far as it is worth keeping. */
import { HttpHeaders, HttpResponse, type HttpRequest, type ProxyHop } from '../../../src/index.ts'
import { after } from '../after.ts'
import { valuesOf, type ProxyHead } from './head.ts'
import { proxyName } from './way.ts'

/** How many bytes of the page that comes with a refusal are kept. */
const MOST = 64 * 1024

/** How long that page is waited for, in milliseconds. */
const PATIENCE = 1000

/** An answer of a proxy. */
export interface Refused extends ProxyHead {
  /** Its name, as in `http://proxy.test:3128`. */
  readonly proxy: string
  readonly bytes: Uint8Array
}

/** Gathers the page; `done` is called once and never at once. */
export class Refusal {
  readonly #proxy: ProxyHop
  readonly #head: ProxyHead
  readonly #done: (refused: Refused) => void
  readonly #stopClock: () => void
  readonly #expected: number | undefined
  readonly #pieces: Uint8Array[] = []
  #received = 0
  #over = false

  /** `expected` is how long the page is, where that is known; 0 where there is none. */
  constructor(proxy: ProxyHop, head: ProxyHead, expected: number | undefined, done: (refused: Refused) => void) {
    this.#proxy = proxy
    this.#head = head
    this.#done = done
    this.#expected = expected
    this.#stopClock = after(PATIENCE, () => {
      this.end()
    })
    if (expected === 0) this.end()
  }

  /** Takes a piece of the page. */
  took(bytes: Uint8Array): void {
    if (this.#over) return
    // A copy: a driver may use its memory again.
    this.#pieces.push(bytes.slice(0, MOST - this.#received))
    this.#received += bytes.length
    if (this.#received >= Math.min(this.#expected ?? MOST, MOST)) this.end()
  }

  /** There is no more, or no more is wanted. */
  end(): void {
    if (this.#over) return
    this.stop()
    queueMicrotask(() => {
      this.#done({ ...this.#head, proxy: proxyName(this.#proxy), bytes: this.#page() })
    })
  }

  /** Nobody wants to know any more. */
  stop(): void {
    this.#over = true
    this.#stopClock()
  }

  #page(): Uint8Array {
    const raw = Buffer.concat(this.#pieces)
    const page = this.#expected === undefined ? raw : raw.subarray(0, this.#expected)
    // A plain array: what is kept must not be a view of a pool.
    return new Uint8Array(page)
  }
}

/** How long the page behind a head is, where the head says so. */
export function lengthOf({ status, fields }: ProxyHead): number | undefined {
  if (status === 204 || status === 304) return 0
  if (valuesOf(fields, 'transfer-encoding').length > 0) return undefined
  const [length] = valuesOf(fields, 'content-length')
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined
}

/** The answer for an error. It says that it comes from the proxy: its url is that of the proxy. */
export function responseOf(
  { proxy, status, statusText, httpVersion, fields, bytes }: Refused,
  request: HttpRequest,
): HttpResponse {
  const headers = HttpHeaders.received(fields)
  return new HttpResponse({
    head: { status, statusText, headers, httpVersion, url: `${proxy}/`, request },
    bytes,
  })
}
