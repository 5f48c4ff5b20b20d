/** Where the connections of an engine come from that was given an agent of hpagent: tunnels, and TLS through them. */
import type { Socket } from 'node:net'
import type { Route } from '../../src/index.ts'
import type { ConnectionFacts, ConnectListener } from '../connector/connecting.ts'
import { Connector } from '../connector/connector.ts'
import type { ConnectFailure, ConnectPhase } from '../connector/failure.ts'
import { handshakeFailed } from '../connector/handshake-failure.ts'
import { ownOf, type ConnectOptions } from '../connector/options.ts'
import { proxyName } from '../connector/proxy/way.ts'
import { targetOf, type Target } from '../connector/target.ts'
import { TlsProfile } from '../connector/tls.ts'
import type { Preparing } from '../pool/attempt.ts'
import type { Source } from '../pool/pools.ts'
import { forwardingOf } from './agent.ts'
import { TunnelAgent, type TunnelOptions } from './tunnel-agent.ts'
import { Tunnel } from './tunnel.ts'

/** Makes connections through the proxy of an agent. */
export class Tunnelling implements Source {
  readonly #agent: TunnelAgent
  readonly #tls: TlsProfile
  readonly #forwarding: Route | undefined
  /** Connects to the proxy where that is asked in place of the server. */
  readonly #connector: Connector

  /** Throws `CONFIG` when a certificate or key cannot be read. */
  constructor(options: TunnelOptions, connecting: ConnectOptions, protocols: readonly string[]) {
    this.#agent = new TunnelAgent(options)
    this.#tls = new TlsProfile(connecting.tls, protocols)
    this.#connector = new Connector(connecting, protocols)
    this.#forwarding = forwardingOf(options, this.#agent.hop)
    for (const { tls } of this.#forwarding?.hops ?? []) new TlsProfile(ownOf(tls ?? {}), protocols)
  }

  /** Where a connection to a server leads: without TLS its proxy is asked in its place. */
  aimOf(target: Target): Target {
    return target.secure ? target : targetOf(target.origin, this.#forwarding)
  }

  /** The same by tunnels alone, as a WebSocket wants it. */
  get tunnels(): Source {
    return { prepare: (target, listener) => new Digging(this.#agent, this.#tls, target, listener) }
  }

  prepare(target: Target, listener: ConnectListener): Preparing {
    const aim = this.aimOf(target)
    return aim.forwarder === undefined
      ? new Digging(this.#agent, this.#tls, target, listener)
      : this.#connector.prepare(aim, listener)
  }
}

/** One connection on its way. */
class Digging implements Preparing {
  phase: ConnectPhase = 'connect'
  readonly #agent: TunnelAgent
  readonly #tls: TlsProfile
  readonly #target: Target
  readonly #listener: ConnectListener
  readonly #took: { tcp?: number; tls?: number } = {}
  #since = 0
  #over = false
  #referenced = true
  #tunnel: Tunnel | undefined
  /** The socket of the tunnel, and TLS on top of it. */
  readonly #layers: Socket[] = []

  constructor(agent: TunnelAgent, tls: TlsProfile, target: Target, listener: ConnectListener) {
    this.#agent = agent
    this.#tls = tls
    this.#target = target
    this.#listener = listener
  }

  start(): void {
    this.#enter('connect')
    this.#tunnel = new Tunnel(this.#agent, this.#target, {
      opened: socket => {
        this.#opened(socket)
      },
      failed: failure => {
        this.#fail(failure)
      },
    })
    this.#tunnel.keepAlive(this.#referenced)
  }

  destroy(): void {
    this.#over = true
    this.#tunnel?.destroy()
    for (const layer of this.#layers.toReversed()) layer.destroy()
  }

  keepAlive(wanted: boolean): void {
    this.#referenced = wanted
    this.#tunnel?.keepAlive(wanted)
    for (const layer of this.#layers) {
      if (wanted) layer.ref()
      else layer.unref()
    }
  }

  #opened(socket: Socket): void {
    this.#took.tcp = performance.now() - this.#since
    this.#layers.push(socket)
    this.keepAlive(this.#referenced)
    // Stays for as long as the socket lives, so that an error nobody waits for any more is not thrown.
    socket.on('error', () => undefined)
    if (this.#target.secure) this.#secure(socket)
    else this.#done(socket, undefined)
  }

  #secure(through: Socket): void {
    this.#enter('tls')
    try {
      const secured: Socket = this.#tls.start(through, this.#target, {
        secured: info => {
          this.#took.tls = performance.now() - this.#since
          this.#done(secured, info)
        },
        failed: failure => {
          this.#fail(failure)
        },
      })
      this.#layers.push(secured)
    } catch (cause) {
      this.#fail(handshakeFailed(this.#target, this.#target.host, cause))
    }
  }

  #done(socket: Socket, tls: ConnectionFacts['tls']): void {
    if (this.#over) return
    this.#over = true
    const { remoteAddress, remotePort, localAddress, localPort } = socket
    this.#listener.connected(socket, {
      protocol: 'http/1.1',
      remoteAddress,
      remotePort,
      localAddress,
      localPort,
      proxy: proxyName(this.#agent.hop),
      tls,
      took: this.#took,
    })
  }

  #fail(failure: ConnectFailure): void {
    if (this.#over) return
    this.destroy()
    this.#listener.failed(failure)
  }

  #enter(phase: ConnectPhase): void {
    this.phase = phase
    this.#since = performance.now()
    this.#listener.phase(phase)
  }
}
