/** Talks with a peer over a WebSocket. */
import type { CallOptions, Client, Url } from '../src/index.ts'
import { WebSocketDuplex } from './web-socket/duplex.ts'
import { settingsOf, type WebSocketOptions } from './web-socket/options.ts'
import { toHttp } from './web-socket/url.ts'

export type { WebSocketCodec } from './web-socket/codec.ts'
export type { WebSocketClose, WebSocketEnd } from './web-socket/ending.ts'
export type { HeartbeatOptions, ReconnectOptions, WebSocketOpened, WebSocketOptions } from './web-socket/options.ts'
export type { WebSocketState } from './web-socket/session.ts'
export type { WebSocketDuplex }

/** The options of the call that is the handshake: headers, query, params, those of plugins. */
export type HandshakeOptions<U, O> = Omit<CallOptions<U, O>, 'body'>

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- `unknown` would refuse options that are typed by an interface
type AnyOptions = any
/** Plugin options of a client whose plugins are not named; they are checked when the handshake is sent. */
export type AnyPluginOptions = Readonly<Record<string, AnyOptions>>

type Texts<U, O> = HandshakeOptions<U, O> & WebSocketOptions<string, string> & { readonly codec: 'text' }
type Binaries<U, O> = HandshakeOptions<U, O> &
  WebSocketOptions<Uint8Array, Uint8Array | ArrayBuffer> & { readonly codec: 'binary' }

/** `[options?]`, or `[options]` where the url has params that must be given. */
type OptionsArg<U, O, Own> =
  object extends HandshakeOptions<U, O>
    ? [options?: HandshakeOptions<U, O> & Own]
    : [options: HandshakeOptions<U, O> & Own]

/**
 * Opens a WebSocket (RFC 6455) through the plugins of a client: the handshake is a call like any other, with its authentication,
 * cookies, proxy and time limits. What is returned is like the subject of `rxjs/webSocket`: subscribing connects and receives, `next`
 * sends, `complete()` closes. A `ws:` or `wss:` url, or one that is joined to the base url of the client.
 *
 * It completes when the peer closes with 1000 or 1001, or without a code, and fails with any other code (`RESET`, with
 * `error.close`), with `STATUS` when the handshake is refused, with `BODY` when a message is no JSON, and with `TIMEOUT` when the peer
 * shows no sign of life. With `reconnect` it is connected again; messages that were on their way then are lost, and `greet` says
 * what has to be said anew.
 *
 * Unsubscribing says goodbye and ends the connection at the socket, without waiting. `client.close()` says goodbye and waits.
 *
 * Do not use it for what only one side has to say: `eventSource` is simpler, and goes through anything that HTTP goes through.
 *
 * Throws `CONFIG` for a wrong option; `UNSUPPORTED` is the error of an engine without WebSockets.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { webSocket } from 'sluice/streams/web-socket'
 *
 * const chat = webSocket<{ text: string }>(createClient(), 'wss://api.example.com/chat', { reconnect: true })
 *
 * chat.subscribe(({ text }) => {
 *   console.log(text) // hello
 *   chat.complete()
 * })
 * chat.next({ text: 'hello' })
 * ```
 */
export function webSocket<O extends object, const U extends Url>(
  client: Client<O>,
  url: U,
  options: Texts<U, O>,
): WebSocketDuplex<string>
export function webSocket<O extends object, const U extends Url>(
  client: Client<O>,
  url: U,
  options: Binaries<U, O>,
): WebSocketDuplex<Uint8Array, Uint8Array | ArrayBuffer>
export function webSocket<
  In = unknown,
  Out = In,
  R = In,
  O extends object = AnyPluginOptions,
  const U extends Url = Url,
>(client: Client<O>, url: U, ...args: OptionsArg<U, O, WebSocketOptions<In, Out, R>>): WebSocketDuplex<R, Out>
export function webSocket(client: Client, url: Url, options?: object): WebSocketDuplex<unknown> {
  const [settings, call] = settingsOf(options)
  return new WebSocketDuplex({ client, url: toHttp(url), call, settings })
}
