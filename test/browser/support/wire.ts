/** What Node and a page say to each other so that an engine in the page serves a client in Node. */

import type { WebSocketConnection, WebSocketWish } from '../../../src/index.ts'

/** From Node to the page. `x` names an exchange, `e` an engine. */
export type ToPage =
  | { readonly type: 'engine'; readonly e: number; readonly kind: Kind; readonly options: object }
  | {
      readonly type: 'end'
      readonly e: number
      readonly how: 'close' | 'destroy'
      readonly message: string
      readonly call: number
    }
  | { readonly type: 'exchange'; readonly e: number; readonly x: number; readonly request: WireRequest }
  | { readonly type: 'abort' | 'pause' | 'resume'; readonly x: number }
  | { readonly type: 'taken'; readonly x: number; readonly bytes: number }
  | { readonly type: 'say'; readonly x: number; readonly data: WireMessage }
  | { readonly type: 'ping'; readonly x: number }
  | { readonly type: 'bye'; readonly x: number; readonly code?: number | undefined; readonly reason: string }
  | { readonly type: 'piece'; readonly x: number; readonly bytes?: string; readonly failed?: string }

/** From the page to Node. */
export type ToNode =
  | { readonly type: 'ended'; readonly call: number }
  | {
      readonly type: 'event'
      readonly x: number
      readonly event: object
      readonly fields?: readonly string[]
      readonly socket?: WireSocket | undefined
    }
  | { readonly type: 'said'; readonly x: number; readonly data: WireMessage }
  | { readonly type: 'closed'; readonly x: number; readonly code: number; readonly reason: string }
  | { readonly type: 'chunk'; readonly x: number; readonly bytes: string }
  | { readonly type: 'error'; readonly x: number; readonly error: WireError }
  | { readonly type: 'pong'; readonly x: number }
  | { readonly type: 'taken'; readonly x: number }
  | { readonly type: 'complete' | 'pull' | 'return'; readonly x: number }

/** A message of a WebSocket: a text, or bytes in base64. */
export type WireMessage = { readonly text: string } | { readonly bytes: string }

/** What is known of a WebSocket when it is open. */
export type WireSocket = Pick<WebSocketConnection, 'protocol' | 'compressed' | 'pings'>

/** The engines a page has. */
export type Kind = 'fetch' | 'xhr'

/** A request as text. */
export interface WireRequest {
  readonly id: number
  readonly method: string
  readonly url: string
  readonly fields: readonly (readonly [string, string])[]
  readonly attempt: number
  readonly progress: boolean
  /** What the WebSocket is to be like, where one is asked for. */
  readonly wish?: WebSocketWish | undefined
  /** The bytes in base64, or what is known of a source that stays in Node. */
  readonly body?: string | { readonly length?: number | undefined; readonly replayable: boolean } | undefined
}

/** An error as text. */
export interface WireError {
  readonly code: string
  readonly message: string
  readonly phase?: string | undefined
  readonly requestWritten?: string | undefined
}
