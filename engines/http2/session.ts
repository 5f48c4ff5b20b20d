/** One connection that speaks HTTP/2, and the exchanges on it. */
import type { ClientHttp2Session, Settings } from 'node:http2'
import type { Socket } from 'node:net'
import { LinkedList, type ConnectedEvent } from '../../src/index.ts'
import type { ConnectionFacts } from '../connector/connecting.ts'
import { CountedConnection } from '../pool/counted.ts'
import type { ConnectionOwner } from '../pool/pooled.ts'
import type { Carrier, Rider } from './carrier.ts'
import { Pulse } from './pulse.ts'
import type { SessionSettings } from './settings.ts'
import type { StreamExchange } from './stream.ts'

/** How many streams a client can open on one session (RFC 9113 §5.1.1). */
const MOST_STREAMS = 2 ** 30 - 1

/** Carries many requests side by side, no more than the server takes. */
export class Session<X extends Rider> extends CountedConnection<X> implements Carrier {
  readonly pipelinable: boolean = false
  readonly maxHeaderSize: number
  /** From now on the origin is spoken to over HTTP/1.1. */
  readonly downgrade?: () => void
  readonly #session: ClientHttp2Session
  readonly #socket: Socket
  readonly #settings: SessionSettings
  readonly #settle: () => void
  readonly #pulse: Pulse
  readonly #exchanges = new LinkedList<StreamExchange>()
  /** Those whose streams are opened in a moment. */
  #next: StreamExchange[] = []
  /** How many streams the server takes at a time. */
  #most: number
  #running = 0
  /** Some request was answered, so that the session may have been given up by its server since. */
  #served = false
  #settling = false
  #gone = false
  #fault: Error | undefined
  #goaway: { readonly code: number; readonly last: number } | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(
    id: number,
    session: ClientHttp2Session,
    socket: Socket,
    facts: ConnectionFacts,
    settings: SessionSettings,
    owner: ConnectionOwner<X>,
    downgrade?: () => void,
  ) {
    super(id, facts, owner)
    this.maxHeaderSize = settings.maxHeaderSize
    this.#session = session
    this.#socket = socket
    this.#settings = settings
    this.#most = session.remoteSettings.maxConcurrentStreams ?? Infinity
    if (downgrade !== undefined) {
      this.downgrade = () => {
        downgrade()
        this.retire()
      }
    }
    this.#settle = () => {
      this.#settling = false
      if (this.#running === 0) this.#rest()
      owner.settled(this)
    }
    this.#pulse = new Pulse(session, socket, settings.pingInterval, error => {
      this.#fault ??= error
      this.destroy()
    })
    this.#listen(session, socket)
    this.#rest()
  }

  get running(): number {
    return this.#running
  }
  get mark(): number | undefined {
    return this.#served ? this.#socket.bytesRead : undefined
  }
  get roomy(): boolean {
    return !this.retiring && this.#running < Math.min(this.#most, this.#settings.streams)
  }
  override get retiring(): boolean {
    return this.retired || this.#session.closed || this.#session.destroyed || this.#socket.destroyed
  }
  get gone(): boolean {
    return this.#gone || this.#session.destroyed || this.#socket.destroyed || this.#socket.readableEnded
  }
  get fault(): Error | undefined {
    return this.#fault
  }
  get goawayCode(): number | undefined {
    return this.#goaway?.code
  }

  isUnprocessed(stream: number): boolean {
    return this.#goaway !== undefined && stream > this.#goaway.last
  }

  /** Sends a request, once the turn is over. */
  send(exchange: X): void {
    if (this.#running++ === 0) this.#work()
    exchange.ride(this)
  }

  /** Whoever leaves in the turn in which it came is never written. */
  open(exchange: StreamExchange): void {
    this.#exchanges.add(exchange)
    if (this.#next.push(exchange) > 1) return
    queueMicrotask(() => {
      for (const one of this.#next.splice(0)) {
        if (!this.#exchanges.has(one)) continue
        if (this.retiring) one.refused()
        else one.start(this.#session)
      }
    })
  }

  override use(): ConnectedEvent {
    const event = super.use()
    if (this.used >= MOST_STREAMS) this.retire()
    return event
  }

  done(exchange: StreamExchange): void {
    if (!this.#exchanges.delete(exchange)) return
    this.#served ||= exchange.started
    this.#running--
    this.#settleSoon()
  }

  override retire(): void {
    if (this.retired) return
    super.retire()
    if (this.#running === 0) this.#end()
  }

  destroy(): void {
    this.retire()
    this.#end()
  }

  #listen(session: ClientHttp2Session, socket: Socket): void {
    const note = (error: Error): void => {
      this.#fault ??= error
    }
    session.on('error', note)
    session.on('remoteSettings', ({ maxConcurrentStreams = Infinity }: Settings) => {
      this.#most = maxConcurrentStreams
      if (this.#running > 0) this.#settleSoon()
    })
    session.on('goaway', (code: number, last: number) => {
      this.#goaway = { code, last }
      this.retire()
    })
    const lost = (): void => {
      if (this.#gone) return
      this.#gone = true
      this.#stop()
      this.#session.destroy()
      // Streams usually say so themselves, in this turn; some sessions die without a word.
      setImmediate(() => {
        for (const exchange of [...this.#exchanges]) exchange.lost()
      })
      this.retire()
    }
    session.once('close', lost)
    // A session may die of what its socket says without a word of either, as of an alert behind the handshake.
    socket.on('error', (error: Error) => {
      note(error)
      lost()
      setImmediate(() => socket.destroy())
    })
    socket.once('end', () => {
      if (this.#running === 0) this.destroy()
      else this.retire()
    })
    socket.once('close', () => {
      lost()
      this.owner.closed(this)
    })
  }

  #settleSoon(): void {
    if (this.#settling) return
    this.#settling = true
    this.owner.settling()
    queueMicrotask(this.#settle)
  }

  /** It has requests. */
  #work(): void {
    clearTimeout(this.#idle)
    this.#socket.ref()
    this.#pulse.start()
  }

  /** It has no requests: it does not keep the process alive, and is kept for a while. */
  #rest(): void {
    this.#pulse.stop()
    this.#socket.unref()
    const { keepAlive } = this.#settings
    if (this.retiring || (keepAlive === false && this.used > 0)) this.destroy()
    else {
      clearTimeout(this.#idle)
      this.#idle = setTimeout(() => this.destroy(), keepAlive === false ? 0 : keepAlive)
      this.#idle.unref()
    }
  }

  #stop(): void {
    clearTimeout(this.#idle)
    this.#pulse.stop()
  }

  #end(): void {
    this.#stop()
    // Says goodbye, and what was not written yet is not.
    this.#session.destroy()
    setImmediate(() => this.#socket.destroy())
  }
}
