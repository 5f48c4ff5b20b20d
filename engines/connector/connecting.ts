/** One connection on its way: look-up, TCP, TLS. It can be called off at any point. */
import type { LookupAddress } from 'node:dns'
import { isIP, type NetConnectOpts, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ConnectionInfo } from '../../src/index.ts'
import { lookupFailed, noneFits, unreachable, type ConnectFailure, type ConnectPhase } from './failure.ts'
import { handshakeFailed } from './handshake-failure.ts'
import type { LookUps } from './look-ups.ts'
import type { ConnectOptions } from './options.ts'
import { Race, type Candidate } from './race.ts'
import { hostPort, type Target } from './target.ts'
import type { TlsProfile } from './tls.ts'

/** What is known of a connection beside its number and its use. */
export type ConnectionFacts = Omit<ConnectionInfo, 'id' | 'reused'>

/** Hears how connecting goes: its parts in order, then one of the other two, which never happens while `start()` runs. */
export interface ConnectListener {
  phase(phase: ConnectPhase): void
  connected(socket: Socket, facts: ConnectionFacts): void
  failed(failure: ConnectFailure): void
}

/** Bytes that may wait in a socket that is not read. */
const HIGH_WATER = 64 * 1024

/** A connection that is being made. */
export class Connecting {
  readonly #target: Target
  readonly #options: ConnectOptions
  readonly #lookUps: LookUps
  readonly #tls: TlsProfile
  readonly #listener: ConnectListener
  readonly #took: { dns?: number; tcp?: number; tls?: number } = {}
  #phase: ConnectPhase = 'dns'
  #attemptsLeft: number
  #since = 0
  #referenced = true
  #over = false
  #stopLookup: (() => void) | undefined
  #race: Race | undefined
  #socket: Socket | undefined

  constructor(target: Target, options: ConnectOptions, lookUps: LookUps, tls: TlsProfile, listener: ConnectListener) {
    this.#target = target
    this.#options = options
    this.#lookUps = lookUps
    this.#tls = tls
    this.#listener = listener
    this.#attemptsLeft = options.connectAttempts
  }

  /** Which part it is in. */
  get phase(): ConnectPhase {
    return this.#phase
  }

  start(): void {
    this.#attemptsLeft--
    const { host, port } = this.#target
    const { socketPath } = this.#options
    if (socketPath !== undefined) this.#connect([{ name: socketPath, options: { path: socketPath } }])
    else if (isIP(host) !== 0) this.#connect([this.#candidate({ address: host, family: isIP(host) }, port)])
    else this.#lookUp()
  }

  /** Calls it off: whatever was opened is closed at once, and nothing more is heard. */
  destroy(): void {
    if (this.#over) return
    this.#over = true
    this.#stopLookup?.()
    this.#race?.destroy()
    this.#socket?.destroy()
  }

  /** Whether the process stays alive until this is through; it does unless told otherwise. */
  keepAlive(wanted: boolean): void {
    this.#referenced = wanted
    this.#race?.keepAlive(wanted)
    if (wanted) this.#socket?.ref()
    else this.#socket?.unref()
  }

  #lookUp(): void {
    const { host, port } = this.#target
    this.#enter('dns')
    this.#stopLookup = this.#lookUps.find(host, (error, addresses) => {
      this.#took.dns = this.#sinceEntered()
      if (error !== undefined) this.#fail(lookupFailed(host, error))
      else
        this.#connect(addresses.filter(fits(this.#options.localAddress)).map(address => this.#candidate(address, port)))
    })
  }

  #connect(candidates: readonly Candidate[]): void {
    this.#enter('connect')
    if (candidates.length === 0) {
      this.#fail(noneFits(this.#target.host, String(this.#options.localAddress)))
      return
    }
    this.#race = new Race(candidates, {
      won: socket => {
        this.#took.tcp = this.#sinceEntered()
        this.#race = undefined
        this.#socket = socket
        if (this.#target.secure) this.#secure(socket)
        else this.#done(socket, 'http/1.1', undefined)
      },
      lost: failures => {
        this.#fail(unreachable(this.#target, failures))
      },
    })
    this.#race.keepAlive(this.#referenced)
    this.#race.start()
  }

  #secure(socket: Socket): void {
    this.#enter('tls')
    try {
      const secured: TLSSocket = this.#tls.start(socket, this.#target, {
        secured: info => {
          this.#took.tls = this.#sinceEntered()
          this.#done(secured, secured.alpnProtocol === 'h2' ? 'h2' : 'http/1.1', info)
        },
        failed: failure => {
          this.#fail(failure)
        },
      })
      this.#socket = secured
    } catch (cause) {
      this.#fail(handshakeFailed(this.#target, this.#target.host, cause))
    }
  }

  #done(socket: Socket, protocol: ConnectionFacts['protocol'], tls: ConnectionFacts['tls']): void {
    if (this.#over) return
    this.#over = true
    const { remoteAddress, remotePort, localAddress, localPort } = socket
    this.#listener.connected(socket, {
      protocol,
      remoteAddress,
      remotePort,
      localAddress,
      localPort,
      tls,
      took: this.#took,
    })
  }

  #fail(failure: ConnectFailure): void {
    if (this.#over) return
    this.#race = undefined
    this.#socket?.destroy()
    this.#socket = undefined
    this.#lookUps.forget(this.#target.host)
    // What is wrong with a name or a certificate is still wrong a moment later.
    if (failure.code === 'CONNECT' && this.#attemptsLeft > 0) {
      this.start()
      return
    }
    this.#over = true
    this.#listener.failed(failure)
  }

  #enter(phase: ConnectPhase): void {
    this.#phase = phase
    this.#since = performance.now()
    this.#listener.phase(phase)
  }

  #sinceEntered(): number {
    return performance.now() - this.#since
  }

  #candidate({ address, family }: LookupAddress, port: number): Candidate {
    const options: NetConnectOpts = {
      host: address,
      port,
      family,
      localAddress: this.#options.localAddress,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    }
    return { name: hostPort(address, port), options: { ...options, highWaterMark: HIGH_WATER } as NetConnectOpts }
  }
}

/** Only addresses of its own family can be reached from a local address. */
function fits(localAddress: string | undefined): (address: LookupAddress) => boolean {
  const family = localAddress === undefined ? 0 : isIP(localAddress)
  return address => family === 0 || address.family === family
}
