/** Look-ups of host names, and what is remembered of them. */
import type { LookupAddress } from 'node:dns'
import { addressesOf, type AddressOptions } from './addresses.ts'

/** How many hosts are remembered; the one looked up longest ago goes first. */
const MOST = 1000

/** How long a look-up that runs serves others who want the same, in milliseconds: one that hangs must not hold up everybody. */
const SHARED = 1000

type Done = (error: unknown, addresses: readonly LookupAddress[]) => void

interface Known {
  readonly addresses: readonly LookupAddress[]
  readonly until: number
}

interface Running {
  readonly since: number
  readonly waiting: Set<Done>
}

/** Looks up hosts for one connector. What it remembers it forgets when it is asked for it too late; no timer runs for it. */
export class LookUps {
  readonly #options: AddressOptions
  readonly #keep: number
  readonly #known = new Map<string, Known>()
  readonly #running = new Map<string, Running>()

  /** `keep` is how long addresses are remembered, in milliseconds, or `false`. Failures never are. */
  constructor(options: AddressOptions, keep: number | false) {
    this.#options = options
    this.#keep = keep === false ? 0 : keep
  }

  /** Finds the addresses of a host. `done` is called once and never at once; the returned function makes it not be called. */
  find(host: string, done: Done): () => void {
    if (this.#keep === 0) return addressesOf(host, this.#options, done)
    const known = this.#recall(host)
    if (known !== undefined) return soon(done, known)
    const running = this.#joinable(host) ?? this.#begin(host)
    // A function of its own, because two may wait with the same one.
    const waiter: Done = (error, addresses) => done(error, addresses)
    running.waiting.add(waiter)
    return () => {
      running.waiting.delete(waiter)
      // Nobody waited long enough: the next one asks anew.
      if (running.waiting.size === 0) this.#end(host, running)
    }
  }

  /** Forgets addresses with which no connection came about. */
  forget(host: string): void {
    this.#known.delete(host)
  }

  #recall(host: string): readonly LookupAddress[] | undefined {
    const known = this.#known.get(host)
    if (known === undefined || performance.now() < known.until) return known?.addresses
    this.#known.delete(host)
    return undefined
  }

  #joinable(host: string): Running | undefined {
    const running = this.#running.get(host)
    return running !== undefined && performance.now() - running.since < SHARED ? running : undefined
  }

  #begin(host: string): Running {
    const running: Running = { since: performance.now(), waiting: new Set() }
    this.#running.set(host, running)
    addressesOf(host, this.#options, (error, addresses) => {
      this.#end(host, running)
      if (error === undefined) this.#remember(host, addresses)
      for (const waiter of [...running.waiting]) if (running.waiting.delete(waiter)) waiter(error, addresses)
    })
    return running
  }

  #end(host: string, running: Running): void {
    if (this.#running.get(host) === running) this.#running.delete(host)
  }

  #remember(host: string, addresses: readonly LookupAddress[]): void {
    this.#known.delete(host)
    this.#known.set(host, { addresses, until: performance.now() + this.#keep })
    if (this.#known.size <= MOST) return
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest)
      break
    }
  }
}

function soon(done: Done, addresses: readonly LookupAddress[]): () => void {
  let wanted = true
  queueMicrotask(() => {
    if (wanted) done(undefined, addresses)
  })
  return () => {
    wanted = false
  }
}
