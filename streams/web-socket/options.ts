/** What can be said of a WebSocket. */
import type { ObservableInput } from 'rxjs'
import {
  callback,
  count,
  flag,
  headerName,
  HttpError,
  limit,
  listOf,
  oneOf,
  optional,
  size,
  type Check,
  type Schema,
} from '../../src/index.ts'
import { BACKOFF, BACKOFF_CHECKS, type BackoffOptions } from '../again/backoff.ts'
import { settle } from '../again/settings.ts'
import { schema } from '../reading/validated.ts'
import { CODECS, type CodecName, type WebSocketCodec } from './codec.ts'
import type { WebSocketEnd } from './ending.ts'

/** A connection that has just been opened. */
export interface WebSocketOpened {
  /** Which one it is, counted from 1: 1 for the first, 2 for the first after a break. */
  readonly nth: number
  /** The sub-protocol the server chose; empty when none. */
  readonly protocol: string
}

/** When a peer that says nothing is dead. Bad input throws `CONFIG`. */
export interface HeartbeatOptions {
  /** Asks for a sign of life when nothing came for so many milliseconds. Default 30 000. */
  readonly every?: number | undefined
  /** Gives up when nothing came in so many milliseconds after that. Default 10 000. */
  readonly within?: number | undefined
}

/** How a connection that broke is made again. Bad input throws `CONFIG`. */
export interface ReconnectOptions extends BackoffOptions {
  /** Attempts in a row at most; it counts anew once the peer was heard. Default: as many as it takes. */
  readonly times?: number | undefined
  /**
   * Decides whether an end is worth another connection; `undefined` leaves it to the usual rule, which is: the close codes 1001,
   * 1006 and 1011 to 1014, and errors that may go away by themselves, the statuses 408, 425, 429 and most of 5xx among them.
   */
  readonly when?: ((end: WebSocketEnd) => boolean | undefined) | undefined
  /**
   * Whether what is sent while there is no connection waits for the next one. False drops it; what was sent before the first
   * connection waits in any case. Default true.
   */
  readonly queue?: boolean | undefined
}

/** Options of `webSocket`, beside those of the call. Bad input throws `CONFIG`. */
export interface WebSocketOptions<In, Out, R = In> {
  /** The sub-protocol, or several with the preferred one first, of which the server may choose one. Default: none. */
  readonly protocols?: string | readonly string[] | undefined
  /** Offers to compress messages (RFC 7692), where the engine can. It costs memory on both sides. Default false. */
  readonly compress?: boolean | undefined
  /** The longest message that is taken, in bytes once it is decompressed; a longer one fails with `TOO_LARGE`. Default 1 048 576. */
  readonly maxMessage?: number | undefined
  /**
   * How many bytes may wait to be sent; one message too many fails with `TOO_LARGE`, and so does more than 65 536 messages that wait
   * for a connection. Default 8 388 608.
   */
  readonly maxQueue?: number | undefined
  /**
   * `'json'`; `'text'` for strings; `'binary'` for bytes, which are not copied: leave them as they are until they are sent; or
   * your own. Default `'json'`.
   */
  readonly codec?: CodecName | WebSocketCodec<In, Out> | undefined
  /** Any Standard Schema for what comes in; a message that does not fit fails with `BODY`. Default: none. */
  readonly schema?: Schema<In> | undefined
  /**
   * Finds out about a peer that is gone without a word; the end is then `TIMEOUT`. `false` does not. Default: on where the engine
   * can, which is anywhere but in `fetch`; asked for there, it fails with `UNSUPPORTED`.
   */
  readonly heartbeat?: HeartbeatOptions | false | undefined
  /** Makes a connection that broke again, the first one too. `true` for the defaults. Default `false`. */
  readonly reconnect?: ReconnectOptions | boolean | undefined
  /**
   * What is said first over each connection, before anything that waits: subscriptions, the id of the last message. What it throws
   * ends the WebSocket.
   */
  readonly greet?: ((opened: WebSocketOpened) => Iterable<Out>) | undefined
  /**
   * Called with each message; what it returns is emitted in its place. The peer is held back while as many of its results run as
   * `concurrency` says; where the platform cannot do that, as in `fetch`, it fails with `TOO_LARGE` when 8 MiB wait. What it throws, and
   * what its results fail with, ends the WebSocket. Default: none, messages are emitted as they come.
   */
  readonly project?: ((message: In, index: number) => ObservableInput<R>) | undefined
  /** How many results of `project` may run at a time, at least 1. Default 1. */
  readonly concurrency?: number | undefined
}

/** The same, checked and complete. */
export interface Settings {
  readonly protocols: readonly string[]
  readonly compress: boolean
  readonly maxMessage: number
  readonly maxQueue: number
  readonly codec: WebSocketCodec<unknown, unknown>
  readonly schema: Schema | undefined
  /** `asked`: the user has asked for it, so that it must not be left out silently. */
  readonly heartbeat: { readonly every: number; readonly within: number; readonly asked: boolean } | false
  readonly reconnect: Reconnect | false
  readonly greet: ((opened: WebSocketOpened) => Iterable<unknown>) | undefined
  readonly project: ((message: unknown, index: number) => ObservableInput<unknown>) | undefined
  readonly concurrency: number
}

/** {@link ReconnectOptions}, checked and complete. */
export type Reconnect = typeof BACKOFF & {
  readonly times: number
  readonly when: ReconnectOptions['when']
  readonly queue: boolean
}

type Given = WebSocketOptions<unknown, unknown, unknown>

const DEFAULTS: { readonly [K in keyof Given]-?: Given[K] } = {
  protocols: [],
  compress: false,
  maxMessage: 1024 * 1024,
  maxQueue: 8 * 1024 * 1024,
  codec: 'json',
  schema: undefined,
  heartbeat: undefined,
  reconnect: false,
  greet: undefined,
  project: undefined,
  concurrency: 1,
}

const places: Check = value =>
  Number.isSafeInteger(value) && (value as number) >= 1 ? undefined : 'a whole number of at least 1'
const bytes: Check = value =>
  value !== false && size(value) === undefined ? undefined : 'a whole number of bytes of at least 0'
const time: Check = value =>
  value !== false && limit(value) === undefined ? undefined : 'a number of milliseconds above 0'
/** A sub-protocol is a token, as the name of a header is (RFC 6455 §4.1). */
const protocol: Check = value => (headerName(value) === undefined ? undefined : 'a name such as chat.v2')
const protocols: Check = value => {
  const wanted = Array.isArray(value) ? listOf(protocol)(value) : protocol(value)
  if (wanted !== undefined) return 'the name of a sub-protocol, or a list of them'
  return Array.isArray(value) && new Set(value).size < value.length ? 'a list that has no name twice' : undefined
}
const codec: Check = value =>
  oneOf(...Object.keys(CODECS))(value) === undefined || hasOwnCoding(value)
    ? undefined
    : "'json', 'text', 'binary' or an object with encode() and decode()"
const anObject = (value: unknown): boolean => typeof value === 'object' && value !== null
const heartbeat: Check = value =>
  value === false || anObject(value) ? undefined : 'false or an object such as { every: 30_000, within: 10_000 }'
const reconnect: Check = value =>
  typeof value === 'boolean' || anObject(value) ? undefined : 'true, false or an object such as { most: 10_000 }'

const CHECKS: { readonly [K in keyof Given]-?: Check } = {
  protocols,
  compress: flag,
  maxMessage: bytes,
  maxQueue: bytes,
  codec,
  schema,
  heartbeat,
  reconnect,
  greet: callback,
  project: callback,
  concurrency: places,
}

/** Takes the options of `webSocket` apart: its own, checked, and those of the call. Throws `CONFIG`. */
export function settingsOf(given: object | undefined): readonly [Settings, call: object] {
  const said = settle('webSocket', DEFAULTS, CHECKS, given, false)
  const own: Settings = {
    protocols: typeof said.protocols === 'string' ? [said.protocols] : [...(said.protocols ?? [])],
    compress: said.compress === true,
    maxMessage: said.maxMessage ?? 0,
    maxQueue: said.maxQueue ?? 0,
    codec: typeof said.codec === 'string' ? CODECS[said.codec] : (said.codec ?? CODECS.json),
    schema: said.schema,
    heartbeat: heartbeatOf(said.heartbeat),
    reconnect: reconnectOf(said.reconnect),
    greet: said.greet,
    project: said.project,
    concurrency: said.concurrency ?? 1,
  }
  return [own, callOf(given ?? {})]
}

function heartbeatOf(said: HeartbeatOptions | false | undefined): Settings['heartbeat'] {
  if (said === false) return false
  const settled = settle('webSocket.heartbeat', { every: 30_000, within: 10_000 }, { every: time, within: time }, said)
  return { ...settled, asked: said !== undefined }
}

function reconnectOf(said: ReconnectOptions | boolean | undefined): Reconnect | false {
  if (said === undefined || said === false) return false
  return settle<Reconnect>(
    'webSocket.reconnect',
    { ...BACKOFF, times: Infinity, when: undefined, queue: true },
    { ...BACKOFF_CHECKS, times: count, when: optional(callback), queue: flag },
    said === true ? undefined : said,
  )
}

/** A handshake is a GET without a body (RFC 6455 §4.1). */
function callOf(given: object): object {
  const call: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [name, value] of Object.entries(given)) if (!Object.hasOwn(CHECKS, name)) call[name] = value
  for (const name of ['method', 'body']) {
    if (call[name] === undefined) continue
    throw new HttpError(
      'CONFIG',
      `webSocket() has no option ${JSON.stringify(name)}: its handshake is a GET without a body; say the rest in a first message, with greet.`,
      { phase: 'config' },
    )
  }
  return call
}

function hasOwnCoding(value: unknown): boolean {
  const { encode, decode } = Object(value) as Partial<WebSocketCodec<unknown, unknown>>
  return typeof encode === 'function' && typeof decode === 'function'
}
