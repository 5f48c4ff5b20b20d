/** A session on its way: a connection, and then the settings of the server, without which no request may be sent. */
import { connect, type ClientHttp2Session, type SecureClientSessionOptions } from 'node:http2'
import type { Socket } from 'node:net'
import type { ConnectionFacts, ConnectListener } from '../connector/connecting.ts'
import type { Connector } from '../connector/connector.ts'
import { codeOf, named, type ConnectFailure, type ConnectPhase } from '../connector/failure.ts'
import { handshakeFailed } from '../connector/handshake-failure.ts'
import { ownOf } from '../connector/options.ts'
import { hostPort, type Target } from '../connector/target.ts'
import type { Preparing } from '../pool/attempt.ts'
import { SESSION_WINDOW, type SessionSettings } from './settings.ts'

/** What a connection is to speak: HTTP/2 whatever it says, only if it agrees, or HTTP/1.1 where it does not agree. */
export type Wanted = 'known' | 'agreed' | 'either'

/** Where sessions that are ready are laid down until the pool takes their socket. */
export type Ready = WeakMap<Socket, ClientHttp2Session>

/** Prepares a connection that speaks HTTP/2 when it is there, or HTTP/1.1 if that will do. */
export class Opening implements Preparing {
  readonly #target: Target
  readonly #wanted: Wanted
  readonly #settings: SessionSettings
  readonly #ready: Ready
  readonly #listener: ConnectListener
  readonly #connecting: Preparing
  #session: ClientHttp2Session | undefined
  #socket: Socket | undefined
  #fault: unknown
  #over = false
  #referenced = true

  constructor(
    connector: Connector,
    target: Target,
    wanted: Wanted,
    settings: SessionSettings,
    ready: Ready,
    listener: ConnectListener,
  ) {
    this.#target = target
    this.#wanted = wanted
    this.#settings = settings
    this.#ready = ready
    this.#listener = listener
    this.#connecting = connector.prepare(target, {
      phase: phase => {
        listener.phase(phase)
      },
      connected: (socket, facts) => {
        this.#connected(socket, facts)
      },
      failed: failure => {
        this.#fail(wanted === 'agreed' && isNoProtocol(failure.cause) ? this.#noHttp2(failure.cause) : failure)
      },
    })
  }

  get phase(): ConnectPhase {
    return this.#socket === undefined ? this.#connecting.phase : 'connect'
  }

  start(): void {
    this.#connecting.start()
  }

  destroy(): void {
    this.#over = true
    this.#connecting.destroy()
    this.#session?.destroy()
    // A session that is destroyed before it is connected leaves its socket open.
    this.#socket?.destroy()
  }

  keepAlive(wanted: boolean): void {
    this.#referenced = wanted
    if (this.#socket === undefined) this.#connecting.keepAlive(wanted)
    else if (wanted) this.#socket.ref()
    else this.#socket.unref()
  }

  #connected(socket: Socket, facts: ConnectionFacts): void {
    if (facts.protocol === 'h2' || this.#wanted === 'known') this.#agree(socket, facts)
    else if (this.#wanted === 'either') this.#listener.connected(socket, facts)
    else {
      socket.destroy()
      this.#fail(this.#noHttp2(undefined))
    }
  }

  /** Waits for the settings of the server. Nobody waits for ever: a limit on connecting goes on. */
  #agree(socket: Socket, facts: ConnectionFacts): void {
    this.#socket = socket
    // The handshake is over, and with it the limit on that.
    this.#listener.phase('connect')
    const session = connect(this.#target.origin, optionsOf(socket, this.#settings))
    this.#session = session
    if (!this.#referenced) socket.unref()
    const note = (error: unknown): void => {
      this.#fault ??= error
    }
    const lost = (): void => {
      this.#lost()
    }
    session.on('error', note)
    socket.on('error', note)
    // A session may die of what its socket says without a word of either, as of an alert behind the handshake.
    socket.once('error', lost)
    socket.once('close', lost)
    session.once('close', lost)
    session.once('remoteSettings', () => {
      if (this.#over) return
      this.#over = true
      socket.off('error', lost)
      socket.off('close', lost)
      session.off('close', lost)
      session.setLocalWindowSize(SESSION_WINDOW)
      this.#ready.set(socket, session)
      this.#listener.connected(socket, { ...facts, protocol: facts.protocol === 'h2' ? 'h2' : 'h2c' })
    })
  }

  #lost(): void {
    if (this.#over) return
    this.destroy()
    this.#fail(whyLost(this.#target, this.#fault))
  }

  #fail(failure: ConnectFailure): void {
    this.#over = true
    this.#listener.failed(failure)
  }

  #noHttp2(cause: unknown): ConnectFailure {
    const where = hostPort(this.#target.host, this.#target.port)
    const why = `${where} does not speak HTTP/2, it did not choose it by ALPN; http2({ mode: 'auto' }) would speak HTTP/1.1`
    return { code: 'TLS', phase: 'tls', why: `${why}${named(cause)}`, cause }
  }
}

/** Why a connection was lost before the server had sent its settings. */
function whyLost(target: Target, cause: unknown): ConnectFailure {
  const code = codeOf(cause)
  const where = hostPort(target.host, target.port)
  // From TLS 1.3 on a server refuses a client's certificate when the client is through with the handshake.
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return handshakeFailed(target, target.host, cause)
  if (code.startsWith('ERR_HTTP2_')) {
    const why = `${where} answered with something that is not HTTP/2`
    return { code: 'PROTOCOL', phase: 'headers', why: `${why}${named(cause)}`, cause }
  }
  const why = `${where} closed the connection before it had sent the settings of HTTP/2`
  return { code: 'CONNECT', phase: 'connect', why: `${why}${named(cause)}`, cause }
}

function isNoProtocol(cause: unknown): boolean {
  return codeOf(cause) === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'
}

/** Node reads more options than are set here: none may come from a polluted `Object.prototype`. */
function optionsOf(socket: Socket, { streamWindow, maxHeaderSize }: SessionSettings): SecureClientSessionOptions {
  return ownOf({
    createConnection: () => socket,
    settings: {
      enablePush: false,
      initialWindowSize: streamWindow,
      maxHeaderListSize: maxHeaderSize,
      headerTableSize: 4096,
      maxFrameSize: 16_384,
    },
    // We count fields and their bytes ourselves, so that too many are an error of their own.
    maxHeaderListPairs: 4096,
    maxSendHeaderBlockLength: 1024 * 1024,
    // What is unread is bounded by the windows; a session that is full refuses streams without saying so.
    maxSessionMemory: 1000,
    peerMaxConcurrentStreams: 100,
    // What fields a request has is not for a connection to judge.
    strictSingleValueFields: false,
  } as SecureClientSessionOptions)
}
