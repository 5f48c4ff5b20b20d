/** The way of one connection through its proxies, one after the other. */
import type { Socket } from 'node:net'
import { isHttpError, type ProxyHop, type Route } from '../../../src/index.ts'
import type { ConnectFailure } from '../failure.ts'
import { handshakeFailed } from '../handshake-failure.ts'
import { hostPort, type Target } from '../target.ts'
import { Admission } from './access.ts'
import { proxyFailed, proxyUnreachable } from './failure.ts'
import type { Handshake, TunnelListener } from './handshake.ts'
import { Socks5 } from './socks5.ts'
import { Tunnel } from './tunnel.ts'
import { proxyName } from './way.ts'
import type { Ways } from './ways.ts'

/** What a connection shows of itself to each proxy of its route, also when it has to begin once more. */
export function admissionsOf(route: Route): readonly Admission[] {
  return route.hops.map((_, at) => new Admission(route, at))
}

/** Hears how it goes: every socket that stands on top of the one before, and then one of the others. */
export interface PassageListener {
  layer(socket: Socket): void
  /** The last socket leads to the server, or to the proxy that is asked in its place. */
  passed(): void
  /** A proxy was given what it asked for: the way has to be begun once more, from the start. */
  again(): void
  failed(failure: ConnectFailure): void
}

/** Goes on until it is through or destroyed; the sockets belong to whoever listens. */
export class Passage {
  readonly #target: Target
  readonly #hops: readonly ProxyHop[]
  readonly #admissions: readonly Admission[]
  readonly #ways: Ways
  readonly #listener: PassageListener
  #handshake: Handshake | undefined
  #over = false

  constructor(
    target: Target,
    hops: readonly ProxyHop[],
    admissions: readonly Admission[],
    ways: Ways,
    listener: PassageListener,
  ) {
    this.#target = target
    this.#hops = hops
    this.#admissions = admissions
    this.#ways = ways
    this.#listener = listener
  }

  /** Begins with a socket that is connected to the first proxy. */
  start(socket: Socket): void {
    this.#arrived(0, socket)
  }

  destroy(): void {
    this.#over = true
    this.#handshake?.stop()
  }

  #arrived(at: number, socket: Socket): void {
    const hop = this.#hops[at]
    if (hop?.protocol === 'https') this.#secure(at, hop, socket)
    else this.#ask(at, socket)
  }

  #secure(at: number, hop: ProxyHop, socket: Socket): void {
    const { host, port } = hop
    const proxy: Target = { origin: proxyName(hop), secure: true, host, port, route: undefined }
    const fail = (failure: ConnectFailure): void => {
      if (!this.#over) this.#listener.failed(proxyUnreachable(hop, failure))
    }
    try {
      const secured = this.#ways.profileOf(hop).start(socket, proxy, {
        secured: () => {
          if (!this.#over) this.#ask(at, secured)
        },
        failed: fail,
      })
      this.#listener.layer(secured)
    } catch (cause) {
      const why = isHttpError(cause) ? `the tls of the proxy ${proxyName(hop)} cannot be used` : undefined
      // Not from within start(): whoever waits is told later, as always.
      queueMicrotask(() => {
        if (why === undefined) fail(handshakeFailed(proxy, host, cause))
        else fail({ code: 'CONFIG', phase: 'config', why, cause })
      })
    }
  }

  #ask(at: number, socket: Socket): void {
    const admission = this.#admissions[at]
    if (admission === undefined || this.#target.forwarder !== undefined) {
      this.#listener.passed()
      return
    }
    const { hop } = admission
    const next = this.#hops[at + 1]
    const { host, port } = next ?? this.#target
    const listener: TunnelListener = {
      opened: early => {
        if (early.length > 0 && (next !== undefined || this.#target.serverFirst !== true)) {
          // Nobody at the other end has been spoken to: what is there was made up on the way.
          this.#listener.failed(proxyFailed(hop, `sent ${early.length} bytes behind its answer`))
          return
        }
        if (early.length > 0) socket.unshift(early)
        if (next === undefined) this.#listener.passed()
        else this.#arrived(at + 1, socket)
      },
      failed: failure => {
        this.#refused(admission, failure)
      },
    }
    this.#handshake =
      hop.protocol === 'socks5'
        ? new Socks5(socket, hop, { host, port }, listener)
        : new Tunnel(socket, admission, hostPort(host, port), listener)
    this.#handshake.start()
  }

  #refused(admission: Admission, failure: ConnectFailure): void {
    // Nobody is asked for credentials that nobody needs any more.
    if (this.#over) return
    if (failure.refused?.status !== 407) {
      this.#listener.failed(failure)
      return
    }
    admission.refused(failure.refused.fields).then(
      again => {
        if (this.#over) return
        if (again) this.#listener.again()
        else this.#listener.failed(failure)
      },
      (cause: unknown) => {
        if (!this.#over) this.#listener.failed({ ...failure, cause })
      },
    )
  }
}
