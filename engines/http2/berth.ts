/** A place on a session that belongs to somebody else. */
import type { ClientHttp2Session } from 'node:http2'
import type { ConnectionFacts } from '../connector/connecting.ts'
import { OneUseConnection } from '../pool/one-use.ts'
import type { ConnectionOwner } from '../pool/pooled.ts'
import type { Carrier } from './carrier.ts'
import type { Http2Exchange } from './exchange.ts'
import type { StreamExchange } from './stream.ts'

/** What is known of a session of an agent, and what is made good in it. */
export class Loan {
  readonly session: ClientHttp2Session
  readonly facts: ConnectionFacts
  readonly berths: Set<Berth> = new Set()
  used = 0
  /** Some request was answered. */
  served = false
  /** Heard of the server so far, in bytes. */
  #read = 0
  fault: Error | undefined
  goaway: { readonly code: number; readonly last: number } | undefined

  /** `closing` is the property by which the agent knows that a session takes no more streams. */
  constructor(session: ClientHttp2Session, closing: symbol | undefined) {
    this.session = session
    const { remoteAddress, remotePort, localAddress, localPort } = session.socket
    this.facts = { protocol: 'h2', remoteAddress, remotePort, localAddress, localPort, took: {} }
    session.on('error', error => {
      this.fault ??= error
    })
    session.on('goaway', (code: number, last: number) => {
      this.goaway = { code, last }
      // The agent would go on giving streams to a session that its server has given up.
      if (closing !== undefined) Object.assign(session, { [closing]: true })
    })
    const lost = (): void => {
      setImmediate(() => {
        for (const berth of [...this.berths]) berth.lost()
      })
    }
    session.once('close', lost)
    session.socket.once('error', (error: Error) => {
      this.fault ??= error
      lost()
    })
    session.socket.once('close', lost)
  }

  get gone(): boolean {
    return this.session.destroyed
  }

  /** How many bytes the server has sent, once it has answered somebody; of a session that is gone, as far as was seen. */
  get mark(): number | undefined {
    if (!this.served) return undefined
    if (!this.gone) this.#read = this.session.socket.bytesRead
    return this.#read
  }
}

/** One request's place. The session outlives it. */
export class Berth extends OneUseConnection<Http2Exchange> implements Carrier {
  readonly maxHeaderSize: number
  readonly #loan: Loan
  #exchange: StreamExchange | undefined

  constructor(id: number, loan: Loan, maxHeaderSize: number, owner: ConnectionOwner<Http2Exchange>) {
    super(id, loan.facts, owner, loan.used++ > 0)
    this.maxHeaderSize = maxHeaderSize
    this.#loan = loan
  }

  get running(): number {
    return this.#exchange === undefined ? 0 : 1
  }
  get fault(): Error | undefined {
    return this.#loan.fault
  }
  get goawayCode(): number | undefined {
    return this.#loan.goaway?.code
  }
  get gone(): boolean {
    return this.#loan.gone
  }
  get mark(): number | undefined {
    return this.#loan.mark
  }

  isUnprocessed(stream: number): boolean {
    return this.#loan.goaway !== undefined && stream > this.#loan.goaway.last
  }

  send(exchange: Http2Exchange): void {
    exchange.ride(this)
  }

  /** At once: the agent counts a stream only when it is opened. */
  open(exchange: StreamExchange): void {
    const { session, berths } = this.#loan
    this.#exchange = exchange
    berths.add(this)
    if (session.closed || session.destroyed) exchange.refused()
    else exchange.start(session)
  }

  done(): void {
    if (this.#exchange === undefined) return
    this.#loan.served ||= this.#exchange.started
    this.#exchange = undefined
    this.#loan.berths.delete(this)
    this.leave()
  }

  lost(): void {
    this.#exchange?.lost()
  }
}
