/** What a whole and a live answer have in common: their head. */
import type { ConnectionInfo, ResponseHead } from './events.ts'
import type { HttpHeaders } from './headers.ts'
import type { HttpRequest } from './request.ts'

/** Reads off a head. */
export abstract class Answer {
  readonly head: ResponseHead

  constructor(head: ResponseHead) {
    this.head = head
  }

  get status(): number {
    return this.head.status
  }
  get statusText(): string {
    return this.head.statusText
  }
  /** True for 200–299. */
  get ok(): boolean {
    return this.head.status >= 200 && this.head.status <= 299
  }
  get headers(): HttpHeaders {
    return this.head.headers
  }
  /** Where the answer came from, after redirects. */
  get url(): string {
    return this.head.url
  }
  get httpVersion(): ResponseHead['httpVersion'] {
    return this.head.httpVersion
  }
  /** The request as it was sent last, after redirects and with what plugins added. */
  get request(): HttpRequest {
    return this.head.request
  }
  /** The connection it came over; missing when it came from a cache. */
  get connection(): ConnectionInfo | undefined {
    return this.head.connection
  }
}
