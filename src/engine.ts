/**
 * The contract between the core and an engine.
 *
 * An engine sends one request once. It must not follow redirects, keep cookies, cache, judge a status, decode a
 * body, change the request, or repeat it, but for what was provably never processed. `engineContract()` of
 * `sluice/testing` holds an engine to all of it.
 */
import type { ConnectionInfo, Flow, HttpEvent } from './events.ts'
import type { HttpError } from './errors.ts'
import type { HttpRequest } from './request.ts'
import { Token } from './token.ts'

/** What an engine can do. A request that needs what is missing here fails with `UNSUPPORTED`. */
export interface Capabilities {
  /** Protocols it speaks, the preferred one first. */
  readonly protocols: readonly ConnectionInfo['protocol'][]
  /** Sends a body as it is produced, holding the source back when the peer is slow. */
  readonly streamingUpload: boolean
  /** Tells how much of a body was sent. */
  readonly uploadProgress: boolean
  /** Delivers the answer while the request body is still on its way. */
  readonly duplex: boolean
  /** Reports 1xx answers. */
  readonly informational: boolean
  /** Reports trailers. */
  readonly trailers: boolean
  /** Holds back the peer while the consumer is busy. */
  readonly backPressure: boolean
  /** Decodes bodies by itself (the platform's `fetch` cannot help it). */
  readonly decodes: boolean
  /** Opens WebSockets, which {@link WEB_SOCKET} asks for. */
  readonly webSocket: boolean
  /** Goes the way that {@link ROUTE} says. */
  readonly proxies: boolean
  /** Obeys these limits of {@link LIMITS}. */
  readonly limits: readonly (keyof Limits)[]
  /** What the platform underneath reserves to itself. Missing where the engine writes and reads every byte. */
  readonly reserves?: readonly Reserved[] | undefined
}

/**
 * What a platform may reserve to itself:
 *
 * - `headers`: it adds header fields of its own, and may refuse some of the request's.
 * - `methods`: it sends no body with GET and HEAD, and some methods not at all.
 * - `uploads`: it sends a body while it is produced only to servers that speak HTTP/2.
 * - `redirects`: it does not show a redirect; it follows it or fails.
 * - `cookies`: it does not show `Set-Cookie`.
 * - `connections`: it opens, keeps and closes connections as it likes and does not tell which one was used.
 * - `failures`: it does not tell why there was no answer.
 * - `parsing`: it takes what is not quite HTTP in its own way, such as a head that is cut off for a whole one.
 */
export type Reserved =
  | 'headers'
  | 'methods'
  | 'uploads'
  | 'redirects'
  | 'cookies'
  | 'connections'
  | 'failures'
  | 'parsing'

/** A capability a request can ask for through {@link NEEDS}. */
export type Need = { [K in keyof Capabilities]-?: Capabilities[K] extends boolean ? K : never }[keyof Capabilities]

/** Sends requests. Made by an {@link EngineFactory}, or by the user and handed to several clients. */
export interface Engine {
  readonly name: string
  readonly capabilities: Capabilities
  /** Which engine a request would go to, for one that is made of several; its capabilities then count for the request. */
  engineFor?(request: HttpRequest): Pick<Engine, 'name' | 'capabilities'>
  /** Sends one request once. Never throws: every failure goes to `observer.error`. Settles once. */
  exchange(request: HttpRequest, observer: EventObserver): Exchange
  /** Lets running exchanges finish, then releases everything. */
  close(): Promise<void>
  /** Ends everything now; running exchanges fail with `reason`. */
  destroy(reason?: HttpError): Promise<void>
  /** What the pools hold right now. */
  stats?(): PoolStats
  /** Tells of connections opened and closed until the returned function is called. */
  watch?(listener: (event: ConnectionEvent) => void): () => void
}

/** Makes an engine for one client, which then owns and releases it. */
export interface EngineFactory {
  readonly name: string
  create(): Engine
}

/** Hears what happens in an exchange; nothing after `error` or `complete`. */
export interface EventObserver {
  next(event: HttpEvent): void
  error(error: HttpError): void
  complete(): void
  /**
   * True once nobody listens any more. For an engine that answers before `exchange()` has returned: until then it
   * cannot be aborted.
   */
  closed?(): boolean
}

/** A running exchange. */
export interface Exchange extends Flow {
  /** Ends the exchange now and silently, in whatever phase it is; does nothing once it has settled. */
  abort(reason?: unknown): void
}

/** Numbers of a pool, in all and by origin. */
export interface PoolStats extends PoolNumbers {
  readonly origins: Readonly<Record<string, PoolNumbers>>
}

/** Sockets open, of those idle and busy; requests waiting for one. */
export interface PoolNumbers {
  readonly open: number
  readonly idle: number
  readonly busy: number
  readonly queued: number
}

/** A connection came or went. */
export interface ConnectionEvent {
  readonly type: 'opened' | 'closed'
  readonly connection: ConnectionInfo
}

/** How long an engine may take for what only it can see, in milliseconds; missing or `false` means no limit. */
export interface Limits {
  /** Waiting in the queue of a full pool. */
  readonly queue?: number | false | undefined
  /** Looking up the host name. */
  readonly dns?: number | false | undefined
  /** Everything from the look-up to a connection that can be written to. */
  readonly connect?: number | false | undefined
  /** The TLS handshake. */
  readonly tls?: number | false | undefined
  /** The peer taking no byte of a body that is ready to be sent. */
  readonly send?: number | false | undefined
}

/** By this note an engine is told its limits. */
export const LIMITS: Token<Limits> = new Token<Limits>('limits')

/** By this note an engine is told to report the upload as `progress` events. */
export const UPLOAD_PROGRESS: Token<boolean> = new Token('upload progress', false)

/** By this note a plugin says what the request needs of the engine. */
export const NEEDS: Token<readonly Need[]> = new Token<readonly Need[]>('needs')

/** What a proxy asks for before it lets anybody through. */
export interface ProxyCredentials {
  readonly username: string
  readonly password: string
}

/** A proxy on the way to a server. */
export interface ProxyHop {
  readonly protocol: 'http' | 'https' | 'socks5'
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  /** Percent-decoded; sent to this proxy and to nobody else. */
  readonly credentials?: ProxyCredentials | undefined
  /** TLS to the proxy itself (`https`), as in the `tls` option of the engines; missing means Node's defaults. */
  readonly tls?: object | undefined
}

/** A proxy said 407. */
export interface ProxyChallenge {
  /** The proxy that asks, as in `http://proxy.test:3128`. */
  readonly proxy: string
  readonly realm: string | undefined
  /** What it would take, in lower case, as in `basic` and `digest`. */
  readonly schemes: readonly string[]
  /** True when it was given credentials and did not accept them. */
  readonly refused: boolean
}

/** The way to a server. Two requests share connections only when their route is the same object. */
export interface Route {
  /** One or two; the first is connected to. */
  readonly hops: readonly ProxyHop[]
  /** Asks for a tunnel for `http://` too; without it such a request is sent to the one HTTP proxy in absolute form. */
  readonly tunnel: boolean
  /** Asked once for credentials after a 407; an answer of undefined gives up. */
  readonly ask?: ((challenge: ProxyChallenge) => Promise<ProxyCredentials | undefined>) | undefined
}

/** By this note an engine is told the route; without it the way is direct. */
export const ROUTE: Token<Route> = new Token<Route>('route')

/**
 * By this note those further in are told until when the whole call must be done, in milliseconds of the `clock`.
 * Nobody has to watch it: whoever noted it ends the call. It tells what is not worth being started any more.
 */
export const DEADLINE: Token<number> = new Token<number>('deadline')
