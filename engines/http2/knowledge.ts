/** HTTP/2 and nothing else: agreed on by ALPN, or known beforehand. */
import type { Socket } from 'node:net'
import type { ConnectionFacts, ConnectListener } from '../connector/connecting.ts'
import { Connector } from '../connector/connector.ts'
import type { ConnectPhase } from '../connector/failure.ts'
import type { ConnectOptions } from '../connector/options.ts'
import { hostPort, type Target } from '../connector/target.ts'
import type { Preparing } from '../pool/attempt.ts'
import type { ConnectionOwner } from '../pool/pooled.ts'
import type { Source } from '../pool/pools.ts'
import type { Http2Exchange } from './exchange.ts'
import { Opening, type Ready } from './opening.ts'
import { Session } from './session.ts'
import type { SessionSettings } from './settings.ts'

/** Makes sessions. */
export class Knowledge implements Source {
  readonly #connector: Connector
  readonly #settings: SessionSettings
  readonly #inTheClear: boolean
  readonly #ready: Ready = new WeakMap()

  /** Without TLS there is HTTP/2 only `inTheClear`. Throws `CONFIG` when a certificate or key cannot be read. */
  constructor(connecting: ConnectOptions, settings: SessionSettings, inTheClear: boolean) {
    this.#connector = new Connector(connecting, ['h2'])
    this.#settings = settings
    this.#inTheClear = inTheClear
  }

  prepare(target: Target, listener: ConnectListener): Preparing {
    if (!target.secure && !this.#inTheClear) return new Refusal(target, listener)
    const wanted = target.secure ? 'agreed' : 'known'
    // A proxy that is asked in place of the server would be asked over HTTP/1.1: here it always makes a tunnel.
    const reached = { ...target, forwarder: undefined, serverFirst: !target.secure }
    return new Opening(this.#connector, reached, wanted, this.#settings, this.#ready, listener)
  }

  carriesMany(): boolean {
    return true
  }

  /** Makes a connection out of a socket, as {@link Pools} want it. */
  readonly adopt = (
    id: number,
    _: Target,
    socket: Socket,
    facts: ConnectionFacts,
    owner: ConnectionOwner<Http2Exchange>,
  ): Session<Http2Exchange> => {
    const session = this.#ready.get(socket)
    if (session === undefined) throw new Error('There is no session for this socket.')
    return new Session(id, session, socket, facts, this.#settings, owner)
  }
}

/** A connection that is not even tried. */
class Refusal implements Preparing {
  readonly phase: ConnectPhase = 'connect'
  readonly #target: Target
  readonly #listener: ConnectListener
  #wanted = true

  constructor(target: Target, listener: ConnectListener) {
    this.#target = target
    this.#listener = listener
  }

  start(): void {
    queueMicrotask(() => {
      if (!this.#wanted) return
      const where = hostPort(this.#target.host, this.#target.port)
      const why = `http2() speaks HTTP/2 over TLS, and ${where} is asked for in the clear; http2({ mode: 'h2c' }) would speak HTTP/2 with it, http2({ mode: 'auto' }) HTTP/1.1`
      this.#listener.failed({ code: 'UNSUPPORTED', phase: 'config', why, cause: undefined })
    })
  }

  destroy(): void {
    this.#wanted = false
  }

  keepAlive(): void {
    // There is nothing that could keep it.
  }
}
