/** WebSockets (RFC 6455), as far as the core and the engines have to do with them; `sluice/streams/web-socket` is made of this. */
import type { Flow } from './events.ts'
import { Token } from './token.ts'

/** What a WebSocket is to be like. */
export interface WebSocketWish {
  /** Sub-protocols, the preferred one first; the server may choose one. */
  readonly protocols: readonly string[]
  /** Whether permessage-deflate (RFC 7692) is offered, by engines that can. */
  readonly compress: boolean
  /** The longest message that is taken, in bytes once it is decompressed. */
  readonly maxMessage: number
}

/**
 * By this note an engine is asked for a WebSocket. It makes the request, a GET without a body, a handshake with the header fields the
 * request has; those of the handshake itself (`sec-websocket-…`) are the engine's, and refused with `CONFIG`. A server that agrees
 * is told of by a head with a {@link WebSocketConnection}, whose status is 101, and 200 over HTTP/2 (RFC 8441); any other answer is an
 * answer like any other, and one that agrees to something else than was asked for is `PROTOCOL`.
 */
export const WEB_SOCKET: Token<WebSocketWish> = new Token<WebSocketWish>('web socket')

/** Hears what comes over a WebSocket. */
export interface WebSocketListener {
  /** A whole message: text, or bytes. */
  message(data: string | Uint8Array): void
  /** The peer answers a ping. */
  pong(): void
  /**
   * It is closed as it should be, with the code and reason of the peer, or 1005 when it gave none. The exchange completes right
   * after this. One that breaks instead fails.
   */
  closed(code: number, reason: string): void
}

/**
 * An open WebSocket. It lives as long as its exchange: aborting that breaks it off, right behind a goodbye if one was said. It fails
 * with `RESET` when the peer breaks off, with `PROTOCOL` when the peer breaks the rules (and is told 1002 or 1007), and with
 * `TOO_LARGE` when a message is (1009). What was heard before is told before, also the end while `pause` counts.
 */
export interface WebSocketConnection extends Flow {
  /** The sub-protocol the server chose; empty when none. */
  readonly protocol: string
  /** Whether messages are compressed where it pays. */
  readonly compressed: boolean
  /** Bytes that were given to `send` and have not been taken by the system yet. */
  readonly bufferedAmount: number
  /** False where the platform keeps pings to itself. */
  readonly pings: boolean
  /** Begins to hear. Nothing that comes before is lost, and nothing is heard while `pause` counts. */
  listen(listener: WebSocketListener): void
  /**
   * Sends a message, whose bytes must stay as they are until then: `taken` is called once the system has taken all of it, never in the
   * same turn, and never when it breaks before. Does nothing once it closes.
   */
  send(data: string | Uint8Array, taken?: () => void): void
  /** Asks the peer for a sign of life. */
  ping(): void
  /**
   * Says goodbye: nothing can be sent any more, what still comes is heard, and the exchange completes when the peer says goodbye
   * too. A peer that does not is left after three seconds, or when it breaks off; `closed` then hears 1006. Throws `CONFIG` for a code
   * that nobody may say, a reason without a code, and one of more than 123 bytes. A platform that says no other codes than
   * 1000 and those from 3000 on says none in their place.
   */
  close(code?: number, reason?: string): void
}
