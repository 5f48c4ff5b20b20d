/** One exchange that answers several requests: they wait for whether its answer is for them too. */
import type { Unsubscribable } from 'rxjs'
import {
  LIMITS,
  NEEDS,
  ROUTE,
  UPLOAD_PROGRESS,
  type HttpEvent,
  type HttpRequest,
  type Sink,
  type Token,
} from '../../src/index.ts'
import type { Around } from './around.ts'
import { Fetching } from './fetching.ts'
import type { Kept } from './kept.ts'
import type { Found } from './shelf.ts'
import type { Forward } from './status.ts'

/** A request that waits for the exchange of another one. */
export interface Follower {
  /** `kept` is missing when the answer is for the other one alone; `helpsOut` when it is stale, because the server cannot answer. */
  landed(kept: Kept | undefined, bytes: Uint8Array, helpsOut: boolean): void
  failed(error: unknown): void
}

/** Hears the exchange; ends it when nobody wants it any more. */
export class Flight implements Sink, Unsubscribable {
  readonly #around: Around
  readonly #followers = new Set<Follower>()
  readonly #fetching: Fetching
  /** When it began, as the shelf counts. */
  readonly since: number
  /** Who began it, until he leaves. */
  #leader: Sink | undefined
  #landed = false

  constructor(around: Around, found: Found | undefined, why: Forward, leader: Sink) {
    this.#around = around
    this.since = around.shelf.now()
    this.#leader = leader
    this.#fetching = new Fetching(around, found, why, this)
  }

  /** Begins; it may be over before this returns. */
  begin(): this {
    const { shelf, key } = this.#around
    shelf.flights.set(key, this)
    this.#fetching.begin()
    return this
  }

  get url(): string {
    return this.#around.request.url
  }

  get closed(): boolean {
    return this.#leader === undefined ? this.#followers.size === 0 : this.#leader.closed && this.#followers.size === 0
  }

  /** True when a request would have been sent in the same way. */
  fits(request: HttpRequest): boolean {
    const mine = this.#around.request
    return NOTES.every(token => Object.is(mine.read(token), request.read(token))) && sameOptions(mine, request)
  }

  join(follower: Follower): void {
    this.#followers.add(follower)
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower)
    this.#endWithoutAnybody()
  }

  /** Who began it leaves. */
  unsubscribe(): void {
    this.#leader = undefined
    this.#endWithoutAnybody()
  }

  next(event: HttpEvent): void {
    if (event.type !== 'response') {
      this.#leader?.next(event)
      return
    }
    const followers = this.#land()
    const { kept, helpedOut } = this.#fetching
    // Whoever gets the bytes first may change them.
    const { bytes } = event.response
    const copy = followers.length > 0 && kept !== undefined ? bytes.slice() : bytes
    this.#leader?.next(event)
    for (const follower of followers) follower.landed(kept, copy, helpedOut)
  }

  error(error: unknown): void {
    const followers = this.#land()
    this.#leader?.error(error)
    for (const follower of followers) follower.failed(error)
  }

  complete(): void {
    const followers = this.#land()
    this.#leader?.complete()
    for (const follower of followers) follower.landed(undefined, NO_BYTES, false)
  }

  #land(): readonly Follower[] {
    this.#landed = true
    this.#depart()
    const followers = [...this.#followers]
    this.#followers.clear()
    return followers
  }

  #endWithoutAnybody(): void {
    if (this.#leader !== undefined || this.#followers.size > 0) return
    if (!this.#landed) this.#depart()
    this.#fetching.unsubscribe()
  }

  /** From now on nobody can join. */
  #depart(): void {
    const { shelf, key } = this.#around
    if (shelf.flights.get(key) === this) shelf.flights.delete(key)
  }
}

const NO_BYTES = new Uint8Array(0)

/** What is noted on a request and changes how it is sent further in. */
const NOTES: readonly Token<unknown>[] = [LIMITS, NEEDS, ROUTE, UPLOAD_PROGRESS] as readonly Token<unknown>[]

function sameOptions({ options: mine }: HttpRequest, { options: theirs }: HttpRequest): boolean {
  if (mine === theirs) return true
  const names = Object.keys(mine)
  return names.length === Object.keys(theirs).length && names.every(name => sameOption(mine[name], theirs[name]))
}

function sameOption(mine: object | false | undefined, theirs: object | false | undefined): boolean {
  if (mine === theirs) return true
  if (typeof mine !== 'object' || typeof theirs !== 'object') return false
  const other = new Map<string, unknown>(Object.entries(theirs))
  const own = Object.entries(mine)
  return own.length === other.size && own.every(([name, value]) => other.has(name) && Object.is(value, other.get(name)))
}
