/** Replies: what the mock answers, as plain data. */
import type { ConnectionInfo, ErrorCode, HeadersInit, HttpRequest } from '../../src/index.ts'
import type { SentBody } from './sent-body.ts'
import type { MockPeer, MockStep } from './peer.ts'

/** A piece of a body (text is sent as UTF-8), or a pause of so many milliseconds before the next piece. */
export type MockChunk = string | Uint8Array | number

/** Where an exchange can come to a stop: waiting for a connection, making one, sending, or being answered. */
export type StallPhase = 'queue' | 'dns' | 'connect' | 'tls' | 'send' | 'headers' | 'body'

/** Where the peer can break off. */
export type ResetPhase = 'send' | 'headers' | 'body'

/** Header fields: everything a request takes, and pairs with numbers. */
export type MockHeaders = HeadersInit | Iterable<readonly [name: string, value: string | number]>

/** An answer as data. `{}` is an empty 200. */
export interface MockReply {
  /** Default 200. */
  readonly status?: number | undefined
  /** Default: empty, as in HTTP/2. */
  readonly statusText?: string | undefined
  /** Sent as given; `content-length` is added where the length is known, and `content-type` to JSON. */
  readonly headers?: MockHeaders | undefined
  /**
   * Text and bytes are sent as they are; plain objects, arrays, numbers, booleans and `null` as JSON. Not sent to HEAD
   * and with 204 and 304. Default: none.
   */
  readonly body?: string | Uint8Array | ArrayBuffer | object | number | boolean | null | undefined
  /**
   * The body in pieces of unannounced length, with pauses between them: `['a', 100, 'b']`. Asked for one by one while
   * the consumer takes them, so a generator may be endless; a reply that is used more than once needs an array.
   */
  readonly chunks?: Iterable<MockChunk> | undefined
  /** Sent after the body. */
  readonly trailers?: MockHeaders | undefined
  /** Informational heads (103, …), sent before `delay`. */
  readonly informational?:
    | readonly { readonly status: number; readonly headers?: MockHeaders | undefined }[]
    | undefined
  /** Milliseconds between the request and the head. Default 0. */
  readonly delay?: number | undefined
  /** Milliseconds between the head and the body. Default 0. */
  readonly bodyDelay?: number | undefined
  /**
   * What to tell of the connection. `took: { dns, tcp, tls }` is really waited for, and bounded by the limits of a
   * request. Default: a new HTTP/1.1 connection that takes no time.
   */
  readonly connection?: Partial<ConnectionInfo> | undefined
  /** Answers when so many bytes of the request body were taken (`true`: none), and not at its end. Default `false`. */
  readonly early?: boolean | number | undefined
  /** Milliseconds it takes for each chunk of the request body, or each message of a WebSocket. Default 0. */
  readonly readDelay?: number | undefined
  /**
   * Agrees to a WebSocket, and says what its server does: steps that are taken one after the other, as in
   * `['hello', 100, { close: 1001 }]`, `[]` for one that only listens; or a function that is called when it is open, as in
   * `peer => peer.onMessage(text => peer.send(text))`. Goes with `headers` (`sec-websocket-protocol` is what it chooses),
   * `delay`, `informational`, `connection` and `readDelay`. Default: none, which refuses a WebSocket with this reply.
   */
  readonly webSocket?: readonly MockStep[] | ((peer: MockPeer) => void) | undefined
  /** Comes to a stop there for ever: until a limit of the request is over, or somebody aborts. */
  readonly stall?: StallPhase | undefined
  /** The peer resets the connection there: `RESET`, and in the body `BODY`, as on every engine. */
  readonly reset?: ResetPhase | undefined
  /** The peer ends the body before it is whole: `BODY`. */
  readonly cut?: boolean | undefined
  /**
   * How many bytes pass before `cut`, or `stall` and `reset` in `send` and `body`. Default: none of the
   * request's body; of the answer's half of `body`, all of `chunks`.
   */
  readonly after?: number | undefined
}

/** Failures a real engine reports; each happens in the phase it belongs to. */
export type MockFailure = Extract<ErrorCode, 'DNS' | 'CONNECT' | 'TLS' | 'PROXY' | 'RESET' | 'PROTOCOL'>

/** A reply, or short for one: a number is a status; the code of a failure, or an error, fails the exchange. */
export type MockAnswer = MockReply | number | MockFailure | Error

/** What a route is told of the request it answers. */
export interface MockRequest<Params = Readonly<Record<string, string>>> {
  readonly request: HttpRequest
  /** The variables of the route's pattern, decoded. */
  readonly params: Params
  readonly query: URLSearchParams
  /** The whole body of the request. */
  readonly body: SentBody
  /** Which send of the request this is, counted from 1. */
  readonly attempt: number
}

/** Answers a request; called when its body was read. What it throws fails the exchange as it is. */
export type MockHandler<Params = Readonly<Record<string, string>>> = (
  request: MockRequest<Params>,
) => MockAnswer | PromiseLike<MockAnswer>

/** An answer, or a function that makes one for each request. */
export type MockRoute<Params = Readonly<Record<string, string>>> = MockAnswer | MockHandler<Params>
