/** A connection that is being made, and the request that waits for it. */
import type { Socket } from 'node:net'
import type { ConnectionFacts, ConnectListener } from '../connector/connecting.ts'
import type { ConnectFailure, ConnectPhase } from '../connector/failure.ts'
import { after } from '../connector/after.ts'
import type { Pooled } from './pooled.ts'

/** A connection that is prepared: the connector's own, or one on which more has to be agreed. */
export interface Preparing {
  /** Which part it is in. */
  readonly phase: ConnectPhase
  start(): void
  /** Calls it off. */
  destroy(): void
  /** Whether the process stays alive until it is through. */
  keepAlive(wanted: boolean): void
}

/** Hears what becomes of an attempt. */
export interface AttemptOwner<X extends Pooled<X>> {
  phase(attempt: Attempt<X>, phase: ConnectPhase): void
  connected(attempt: Attempt<X>, socket: Socket, facts: ConnectionFacts): void
  failed(attempt: Attempt<X>, failure: ConnectFailure): void
}

/** Goes on for as long as a request waits for it, or until it is through if the request was served by another connection. */
export class Attempt<X extends Pooled<X>> implements ConnectListener {
  readonly #owner: AttemptOwner<X>
  readonly #connecting: Preparing
  #waiter: X | undefined
  #stopSpare: (() => void) | undefined

  constructor(owner: AttemptOwner<X>, prepare: (listener: ConnectListener) => Preparing) {
    this.#owner = owner
    this.#connecting = prepare(this)
  }

  /** Which part it is in. */
  get phaseNow(): ConnectPhase {
    return this.#connecting.phase
  }

  /** The request whose limits count for it. */
  get waiter(): X | undefined {
    return this.#waiter
  }

  start(waiter: X): void {
    this.give(waiter)
    this.#connecting.start()
  }

  /** Gives it to another request, which then waits for it from now on. */
  give(waiter: X): void {
    if (this.#stopSpare !== undefined) {
      this.#stopSpare()
      this.#stopSpare = undefined
      this.#connecting.keepAlive(true)
    }
    this.#waiter = waiter
    waiter.attempt = this
    waiter.connecting(this.#connecting.phase)
  }

  /** Takes it from the request that waited for it. */
  release(): void {
    if (this.#waiter !== undefined) this.#waiter.attempt = undefined
    this.#waiter = undefined
  }

  /** Lets it go on for the pool, `ms` milliseconds at most, without keeping the process alive. */
  spare(ms: number, giveUp: () => void): void {
    this.#connecting.keepAlive(false)
    this.#stopSpare = after(ms, giveUp, false)
  }

  destroy(): void {
    this.#stopSpare?.()
    this.release()
    this.#connecting.destroy()
  }

  phase(phase: ConnectPhase): void {
    this.#waiter?.connecting(phase)
    this.#owner.phase(this, phase)
  }

  connected(socket: Socket, facts: ConnectionFacts): void {
    this.#stopSpare?.()
    this.#owner.connected(this, socket, facts)
  }

  failed(failure: ConnectFailure): void {
    this.#stopSpare?.()
    this.#owner.failed(this, failure)
  }
}
