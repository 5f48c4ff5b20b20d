/** What of a request asks for a WebSocket, and whether it can. Nothing here needs Node. */
import { describe, HttpError, WEB_SOCKET, type HttpRequest, type WebSocketWish } from '../../src/index.ts'

/** The header fields of the handshake, which say what {@link WebSocketWish} says (RFC 6455 §11.3). */
const OURS = /^sec-websocket-(?:key|version|protocol|extensions|accept)$/i

/** A sub-protocol is a token (RFC 6455 §4.1). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** What is asked for; nothing where no WebSocket is. Throws `CONFIG` for a handshake that no server could take. */
export function wishOf(request: HttpRequest): WebSocketWish | undefined {
  const wish = request.read(WEB_SOCKET)
  if (wish === undefined) return undefined
  const { protocols, maxMessage } = wish
  if (request.method !== 'GET' || request.body !== undefined)
    throw mistaken(request, 'cannot open a WebSocket: a handshake is a GET without a body')
  for (const [name] of request.headers) {
    if (OURS.test(name))
      throw mistaken(
        request,
        `may not carry the header ${JSON.stringify(name.toLowerCase())}: the engine shakes hands, by what the WebSocket is to be like`,
      )
  }
  const wrong = protocols.find((one, at) => !TOKEN.test(one) || protocols.indexOf(one) !== at)
  if (wrong !== undefined)
    throw mistaken(
      request,
      `cannot ask for the sub-protocol ${JSON.stringify(wrong)}: each is a token as in chat.v2, given once`,
    )
  if (!(maxMessage > 0)) throw mistaken(request, 'must allow messages of at least one byte')
  return wish
}

function mistaken(request: HttpRequest, what: string): HttpError {
  const { attempt } = request
  return new HttpError('CONFIG', `${describe(request, attempt)} ${what}.`, {
    phase: 'config',
    request,
    attempt,
    requestWritten: 'no',
  })
}
