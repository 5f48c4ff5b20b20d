/** How a stream of a session is opened for a request, and left. */
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import type { HttpRequest } from '../../src/index.ts'
import type { Offer } from '../web-socket/agreement.ts'
import { connectFieldsOf, fieldsOf } from './fields.ts'
import { stopListening } from './listening.ts'

/** Node reads more options than are needed: none may come from a polluted `Object.prototype`. */
const none = undefined
const PLAIN = { exclusive: none, parent: none, silent: none, waitForTrailers: none, signal: none }
const WITHOUT_BODY = { ...PLAIN, endStream: true } as unknown as { endStream: boolean }
const WITH_BODY = { ...PLAIN, endStream: false } as unknown as { endStream: boolean }

/** Opens one; `offer` is that of a WebSocket. Throws what Node finds wrong with the request, or with the session. */
export function openStream(
  session: ClientHttp2Session,
  request: HttpRequest,
  offer: Offer | undefined,
): ClientHttp2Stream {
  return offer === undefined
    ? session.request(fieldsOf(request), request.body === undefined ? WITHOUT_BODY : WITH_BODY)
    : session.request(connectFieldsOf(request, offer.fields), WITH_BODY)
}

/** Lets go of one. What it still says is not heard. */
export function leaveStream(stream: ClientHttp2Stream, code: number): void {
  stopListening(stream)
  if (!stream.closed) resetStream(stream, code)
  // What nobody reads keeps a stream from its end.
  if (!stream.destroyed && !stream.readableEnded) stream.resume()
}

/** Node would end a stream in good order before it resets it, and what was sent of a body would look whole. */
export function resetStream(stream: ClientHttp2Stream, code: number): void {
  if (!stream.writableEnded) stream.end = () => stream
  stream.close(code)
}
