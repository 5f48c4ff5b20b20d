/** Everything that can happen in an exchange, in the order in which it does. */
import type { HttpHeaders } from './headers.ts'
import type { HttpRequest } from './request.ts'
import type { HttpResponse } from './response.ts'
import type { WebSocketConnection } from './web-socket.ts'

/** Holds back or lets go what the peer sends, down to the socket. Calls may repeat; the last one counts. */
export interface Flow {
  pause(): void
  resume(): void
}

/** What is known about the connection an exchange runs on. */
export interface ConnectionInfo {
  /** Counts the connections of an engine, from 1. */
  readonly id: number
  readonly protocol: 'http/1.0' | 'http/1.1' | 'h2' | 'h2c'
  /** False for the first exchange on the connection. */
  readonly reused: boolean
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  /** The proxies it leads through, as in `http://proxy.test:3128`; the remote address is then that of the first one. */
  readonly proxy?: string | undefined
  readonly tls?: TlsInfo | undefined
  /** How long the parts of connecting took, in milliseconds. */
  readonly took: {
    readonly dns?: number | undefined
    readonly tcp?: number | undefined
    readonly proxy?: number | undefined
    readonly tls?: number | undefined
  }
}

/** What the TLS handshake agreed on. */
export interface TlsInfo {
  readonly version: string
  readonly cipher: string
  /** SHA-256 fingerprint of the server's certificate, as hexadecimal pairs with colons. */
  readonly fingerprint: string | undefined
  /** True when an earlier session was resumed. */
  readonly resumed: boolean
}

/** When things happened in the attempt that brought the answer. All but the first in milliseconds since `startedAt`. */
export interface Timings {
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /**
   * How long it waited in the pool for a connection to become free; missing when it did not. How long the parts of connecting
   * took stands in `connection.took`.
   */
  readonly queued?: number | undefined
  /** A connection was there. What came before was waiting in the pool's queue and connecting. */
  readonly connected?: number | undefined
  /** The request head was on the wire. */
  readonly sent?: number | undefined
  /** The head of the answer was there. */
  readonly firstByte?: number | undefined
  /** The last byte of the answer was there; missing while a body is live. */
  readonly done?: number | undefined
}

/** The head of an answer: everything before its body. */
export interface ResponseHead {
  readonly status: number
  readonly statusText: string
  readonly headers: HttpHeaders
  readonly httpVersion: '1.0' | '1.1' | '2' | '3'
  /** Where the answer came from, after redirects. */
  readonly url: string
  readonly request: HttpRequest
  /** Filled in by the core. */
  readonly connection?: ConnectionInfo | undefined
  /** Filled in by the core. */
  readonly timings?: Timings | undefined
}

/** The head of an answer whose body is about to come. */
export interface HeadEvent {
  readonly type: 'head'
  readonly head: ResponseHead
  readonly flow: Flow
  /** True when nobody will read the body, so that it was thrown away: no chunk will come, whatever the headers say. */
  readonly unread?: boolean | undefined
  /** The WebSocket that was asked for. There are no chunks then; the exchange lives as long as it does. */
  readonly socket?: WebSocketConnection | undefined
}

/** How many bytes of a body went up or came down so far. */
export interface ProgressEvent {
  readonly type: 'progress'
  readonly way: 'up' | 'down'
  readonly loaded: number
  /** Missing when the length is not known beforehand. */
  readonly total?: number | undefined
  /** True on the last one of its way. */
  readonly done?: boolean | undefined
}

/** A plugin telling what it does: "retrying in 300 ms", "cache hit", … */
export interface NoticeEvent {
  readonly type: 'notice'
  readonly plugin: string
  readonly name: string
  readonly detail: Readonly<Record<string, unknown>>
}

/** The exchange has a connection. */
export interface ConnectedEvent {
  readonly type: 'connection'
  readonly connection: ConnectionInfo
  /** How long it waited for one to become free, in milliseconds; missing when it did not, or nobody can tell. */
  readonly queued?: number | undefined
}

/** One thing that happened in an exchange. */
export type HttpEvent =
  | ConnectedEvent
  | { readonly type: 'sent' }
  | ProgressEvent
  | { readonly type: 'informational'; readonly status: number; readonly headers: HttpHeaders }
  | NoticeEvent
  | HeadEvent
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'trailers'; readonly headers: HttpHeaders }
  | { readonly type: 'response'; readonly response: HttpResponse }

/** Makes the event by which a plugin tells what it does. */
export function notice(plugin: string, name: string, detail: Readonly<Record<string, unknown>> = {}): NoticeEvent {
  return { type: 'notice', plugin, name, detail }
}
