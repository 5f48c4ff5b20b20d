/** What the cache says of an answer in `Cache-Status` (RFC 9211). */
import { HttpHeaders, type AnswerEvent, type HttpEvent, type ResponseHead } from '../../src/index.ts'

/** Why a request was sent on; the words of RFC 9211 §2.2. */
export type Forward = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale'

/** The name by which the cache goes. */
const NAME = 'sluice'

/** An answer that was kept. */
export function hit(ttl: number): string {
  return `${NAME}; hit; ttl=${Math.floor(ttl / 1_000)}`
}

/** An answer for which the server was asked. */
export function forwarded(why: Forward, status?: number, more = ''): string {
  return `${NAME}; fwd=${why}${status === undefined ? '' : `; fwd-status=${status}`}${more}`
}

/** An answer that says what the cache did. */
export function withStatus(event: AnswerEvent, head: ResponseHead, status: string): HttpEvent {
  const said = { ...head, headers: HttpHeaders.received([...head.headers.flat, 'cache-status', status]) }
  return event.type === 'head' ? { ...event, head: said } : { ...event, response: event.response.with({ head: said }) }
}
