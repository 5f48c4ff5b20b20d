/** One connection on its way: look-up, TCP, proxies, TLS. It can be called off at any point. */
import { isIP, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ConnectionInfo, Route } from '../../src/index.ts'
import { candidatesOf, reachableFrom } from './candidates.ts'
import { lookupFailed, noneFits, unreachable, type ConnectFailure, type ConnectPhase } from './failure.ts'
import { handshakeFailed } from './handshake-failure.ts'
import type { LookUps } from './look-ups.ts'
import type { ConnectOptions } from './options.ts'
import { Race, type Candidate } from './race.ts'
import { proxyUnreachable } from './proxy/failure.ts'
import type { Admission } from './proxy/access.ts'
import { admissionsOf, Passage } from './proxy/passage.ts'
import { routeName } from './proxy/way.ts'
import type { Ways } from './proxy/ways.ts'
import type { Target } from './target.ts'
import type { HandshakeListener, TlsProfile } from './tls.ts'

/** What is known of a connection beside its number and its use. */
export type ConnectionFacts = Omit<ConnectionInfo, 'id' | 'reused'>

/** Hears how connecting goes: its parts in order, then one of the other two, which never happens while `start()` runs. */
export interface ConnectListener {
  phase(phase: ConnectPhase): void
  connected(socket: Socket, facts: ConnectionFacts): void
  failed(failure: ConnectFailure): void
}

/** A connection that is being made. */
export class Connecting {
  readonly #target: Target
  readonly #options: ConnectOptions
  readonly #lookUps: LookUps
  readonly #tls: TlsProfile
  readonly #ways: Ways
  readonly #admissions: readonly Admission[]
  readonly #listener: ConnectListener
  readonly #took: { dns?: number; tcp?: number; proxy?: number; tls?: number } = {}
  #phase: ConnectPhase = 'dns'
  #attemptsLeft: number
  #since = 0
  #referenced = true
  #over = false
  #stopLookup: (() => void) | undefined
  #race: Race | undefined
  #passage: Passage | undefined
  /** The socket, and where there are proxies those on top of it. */
  #layers: Socket[] = []

  constructor(
    target: Target,
    options: ConnectOptions,
    lookUps: LookUps,
    tls: TlsProfile,
    ways: Ways,
    listener: ConnectListener,
  ) {
    this.#target = target
    this.#options = options
    this.#lookUps = lookUps
    this.#tls = tls
    this.#ways = ways
    this.#admissions = target.route === undefined ? [] : admissionsOf(target.route)
    this.#listener = listener
    this.#attemptsLeft = options.connectAttempts
  }

  /** Which part it is in. */
  get phase(): ConnectPhase {
    return this.#phase
  }

  start(): void {
    this.#attemptsLeft--
    this.#begin()
  }

  #begin(): void {
    const { host, port } = this.#near
    const { localAddress, socketPath } = this.#options
    if (socketPath !== undefined) this.#connect([{ name: socketPath, options: { path: socketPath } }])
    else if (isIP(host) !== 0) this.#connect(candidatesOf([{ address: host, family: isIP(host) }], port, localAddress))
    else this.#lookUp()
  }

  /** Calls it off: whatever was opened is closed at once, and nothing more is heard. */
  destroy(): void {
    if (this.#over) return
    this.#over = true
    this.#stopLookup?.()
    this.#race?.destroy()
    this.#close()
  }

  /** Whether the process stays alive until this is through; it does unless told otherwise. */
  keepAlive(wanted: boolean): void {
    this.#referenced = wanted
    this.#race?.keepAlive(wanted)
    for (const socket of this.#layers) {
      if (wanted) socket.ref()
      else socket.unref()
    }
  }

  /** What is connected to: the first proxy, or the server itself. */
  get #near(): { readonly host: string; readonly port: number } {
    return this.#target.route?.hops[0] ?? this.#target
  }

  #lookUp(): void {
    const { host, port } = this.#near
    this.#enter('dns')
    const { localAddress } = this.#options
    this.#stopLookup = this.#lookUps.find(host, (error, addresses) => {
      this.#took.dns = this.#sinceEntered()
      if (error !== undefined) this.#fail(lookupFailed(host, error))
      else this.#connect(candidatesOf(reachableFrom(localAddress, addresses), port, localAddress))
    })
  }

  #connect(candidates: readonly Candidate[]): void {
    this.#enter('connect')
    if (candidates.length === 0) {
      this.#fail(noneFits(this.#near.host, String(this.#options.localAddress)))
      return
    }
    this.#race = new Race(candidates, {
      won: socket => {
        this.#took.tcp = this.#sinceEntered()
        this.#race = undefined
        this.#layers = [socket]
        if (this.#target.route === undefined) this.#reached(socket)
        else this.#pass(socket, this.#target.route)
      },
      lost: failures => {
        this.#fail(unreachable(this.#near, failures))
      },
    })
    this.#race.keepAlive(this.#referenced)
    this.#race.start()
  }

  /** Goes through the proxies. */
  #pass(socket: Socket, { hops }: Route): void {
    this.#enter('proxy')
    this.#passage = new Passage(this.#target, hops, this.#admissions, this.#ways, {
      layer: layer => {
        this.#add(layer)
      },
      passed: () => {
        this.#took.proxy = this.#sinceEntered()
        this.#passage = undefined
        this.#reached(this.#layers.at(-1) ?? socket)
      },
      again: () => {
        this.#close()
        this.#begin()
      },
      failed: failure => {
        this.#fail(failure)
      },
    })
    this.#passage.start(socket)
  }

  #reached(socket: Socket): void {
    if (this.#target.secure) this.#secure(socket)
    else this.#done(socket, 'http/1.1', undefined)
  }

  #add(layer: Socket): void {
    this.#layers.push(layer)
    if (!this.#referenced) layer.unref()
  }

  #close(): void {
    this.#passage?.destroy()
    this.#passage = undefined
    for (const layer of this.#layers.splice(0).toReversed()) layer.destroy()
  }

  #secure(socket: Socket): void {
    this.#enter('tls')
    const { route } = this.#target
    const sessions = route === undefined ? undefined : this.#ways.sessionsOf(route)
    try {
      const listener: HandshakeListener = {
        secured: info => {
          this.#took.tls = this.#sinceEntered()
          this.#done(secured, secured.alpnProtocol === 'h2' ? 'h2' : 'http/1.1', info)
        },
        failed: failure => {
          this.#fail(failure)
        },
      }
      const secured: TLSSocket = this.#tls.start(socket, this.#target, listener, sessions)
      this.#add(secured)
    } catch (cause) {
      this.#fail(handshakeFailed(this.#target, this.#target.host, cause))
    }
  }

  #done(socket: Socket, protocol: ConnectionFacts['protocol'], tls: ConnectionFacts['tls']): void {
    if (this.#over) return
    this.#over = true
    const { route } = this.#target
    const { remoteAddress, remotePort, localAddress, localPort } = socket
    this.#listener.connected(socket, {
      protocol,
      remoteAddress,
      remotePort,
      localAddress,
      localPort,
      ...(route === undefined ? undefined : { proxy: routeName(route) }),
      tls,
      took: this.#took,
    })
  }

  #fail(failure: ConnectFailure): void {
    if (this.#over) return
    this.#race = undefined
    this.#close()
    this.#lookUps.forget(this.#near.host)
    // What is wrong with a name or a certificate is still wrong a moment later.
    if (failure.code === 'CONNECT' && this.#attemptsLeft > 0) {
      this.start()
      return
    }
    this.#over = true
    const [hop] = this.#target.route?.hops ?? []
    const near = failure.phase === 'dns' || failure.phase === 'connect'
    this.#listener.failed(hop !== undefined && near ? proxyUnreachable(hop, failure) : failure)
  }

  #enter(phase: ConnectPhase): void {
    this.#phase = phase
    this.#since = performance.now()
    this.#listener.phase(phase)
  }

  #sinceEntered(): number {
    return performance.now() - this.#since
  }
}
