/** Both protocols in one pool: what the server chooses by ALPN, and HTTP/1.1 where it is not asked. */
import type { Socket } from 'node:net'
import type { ConnectionFacts, ConnectListener } from '../connector/connecting.ts'
import { Connector } from '../connector/connector.ts'
import type { ConnectOptions } from '../connector/options.ts'
import type { Target } from '../connector/target.ts'
import { Opening, type Ready } from '../http2/opening.ts'
import { Session } from '../http2/session.ts'
import type { SessionSettings } from '../http2/settings.ts'
import type { Preparing } from '../pool/attempt.ts'
import type { ConnectionOwner, PooledConnection } from '../pool/pooled.ts'
import type { Source } from '../pool/pools.ts'
import { Connection } from '../undici/connection.ts'
import type { UndiciExchange } from '../undici/exchange.ts'
import type { Settings } from '../undici/settings.ts'

/** Of how many origins is kept what they speak; the one that was asked longest ago goes first. */
const MOST = 1000

/** What is offered by ALPN, the preferred one first. */
const BOTH = ['h2', 'http/1.1']
const OLD = ['http/1.1']

/** Makes connections of the protocol that the server chooses, and remembers what that was. */
export class Negotiation implements Source {
  readonly #both: Connector
  readonly #old: Connector
  readonly #settings: Settings
  readonly #sessions: SessionSettings
  readonly #ready: Ready = new WeakMap()
  /** What origins chose. */
  readonly #chosen = new Map<string, ConnectionFacts['protocol']>()
  /** Origins that speak HTTP/2 and answered that they want HTTP/1.1. */
  readonly #downgraded = new Set<string>()

  /** Throws `CONFIG` when a certificate or key cannot be read. */
  constructor(connecting: ConnectOptions, settings: Settings, sessions: SessionSettings) {
    this.#both = new Connector(connecting, BOTH)
    this.#old = new Connector(connecting, OLD)
    this.#settings = settings
    this.#sessions = sessions
  }

  prepare(target: Target, listener: ConnectListener): Preparing {
    if (!target.secure || this.#downgraded.has(target.origin)) return this.#old.prepare(target, listener)
    return new Opening(this.#both, target, 'either', this.#sessions, this.#ready, {
      phase: phase => {
        listener.phase(phase)
      },
      connected: (socket, facts) => {
        this.#learn(target.origin, facts.protocol)
        listener.connected(socket, facts)
      },
      failed: failure => {
        listener.failed(failure)
      },
    })
  }

  /** Whoever may speak HTTP/2 is asked with one connection first. */
  carriesMany({ secure, origin }: Target): boolean {
    return secure && this.#chosen.get(origin) !== 'http/1.1' && !this.#downgraded.has(origin)
  }

  /** True when it is known that this origin is spoken to over HTTP/1.1. */
  isOld(origin: string): boolean {
    return !origin.startsWith('https:') || this.#chosen.get(origin) === 'http/1.1' || this.#downgraded.has(origin)
  }

  /** Makes a connection out of a socket, as {@link Pools} want it. */
  readonly adopt = (
    id: number,
    target: Target,
    socket: Socket,
    facts: ConnectionFacts,
    owner: ConnectionOwner<UndiciExchange>,
  ): PooledConnection<UndiciExchange> => {
    const session = this.#ready.get(socket)
    if (session === undefined) return new Connection(id, target, socket, facts, this.#settings, owner)
    return new Session(id, session, socket, facts, this.#sessions, owner, () => {
      this.#downgraded.add(target.origin)
      forgetOldest(this.#downgraded)
    })
  }

  #learn(origin: string, protocol: ConnectionFacts['protocol']): void {
    this.#chosen.delete(origin)
    this.#chosen.set(origin, protocol)
    forgetOldest(this.#chosen)
  }
}

function forgetOldest(known: Map<string, unknown> | Set<string>): void {
  if (known.size <= MOST) return
  for (const oldest of known.keys()) {
    known.delete(oldest)
    return
  }
}
