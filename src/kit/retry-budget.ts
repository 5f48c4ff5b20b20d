/** Kit for plugin authors: how much repeating an origin is worth. */
import { milliseconds, shown } from '../check.ts'
import { clock } from '../clock.ts'
import { HttpError } from '../errors.ts'
import { own } from '../own.ts'

/** How a {@link RetryBudget} fills. */
export interface RetryBudgetOptions {
  /** What each request adds, in repetitions. Default 0.2: one repetition for five requests. */
  readonly share?: number | undefined
  /** Repetitions a second there are in any case. Default 10. */
  readonly floor?: number | undefined
  /** Milliseconds after which a deposit, and a withdrawal, is forgotten. Default 10 000. */
  readonly window?: number | undefined
}

const SLOTS = 10
/** Origins that are remembered; the one that came first is forgotten first. */
const MOST_ORIGINS = 1_000

/**
 * Bounds how often requests are repeated, per origin: repetitions may be a share of the requests of the last seconds,
 * plus a few. When an origin is down, its clients then do not multiply the load on it. Give one budget to several
 * plugins or clients and they share it.
 *
 * Throws `CONFIG` for a negative number.
 *
 * @example
 * ```ts
 * import { RetryBudget } from 'sluice'
 *
 * const budget = new RetryBudget({ share: 0.5, floor: 0 })
 * budget.deposit('https://api.example.com')
 * budget.deposit('https://api.example.com')
 * console.log(budget.withdraw('https://api.example.com'), budget.withdraw('https://api.example.com')) // true false
 * ```
 */
export class RetryBudget {
  readonly #share: number
  readonly #reserve: number
  readonly #width: number
  readonly #buckets = new Map<string, Bucket>()
  /** The bucket asked for last: most clients speak to one origin. */
  #last = new Bucket('')

  constructor(options: RetryBudgetOptions = {}) {
    const { share = 0.2, floor = 10, window = 10_000 } = own(options)
    check('share', share >= 0 && share < Infinity, 'a number of at least 0', share)
    check('floor', floor >= 0 && floor < Infinity, 'a number of at least 0', floor)
    check('window', milliseconds(window) === undefined && window >= SLOTS, `milliseconds, at least ${SLOTS}`, window)
    this.#share = share
    this.#reserve = (floor * window) / 1_000
    this.#width = window / SLOTS
  }

  /** Tells of a request that is not a repetition. */
  deposit(origin: string): void {
    this.#bucket(origin).add(this.#share)
  }

  /** Takes one repetition, if there is one. */
  withdraw(origin: string): boolean {
    const bucket = this.#bucket(origin)
    // A sum of many 0.2 is a little less than it should be.
    if (bucket.sum + this.#reserve < 1 - 1e-9) return false
    bucket.add(-1)
    return true
  }

  #bucket(origin: string): Bucket {
    if (this.#last.origin !== origin) this.#last = this.#buckets.get(origin) ?? this.#open(origin)
    this.#last.turnTo(Math.floor(clock.now() / this.#width))
    return this.#last
  }

  #open(origin: string): Bucket {
    if (this.#buckets.size >= MOST_ORIGINS) this.#buckets.delete(this.#buckets.keys().next().value ?? '')
    const bucket = new Bucket(origin)
    this.#buckets.set(origin, bucket)
    return bucket
  }
}

/** The deposits and withdrawals of the last ten slots of time. */
class Bucket {
  readonly origin: string
  readonly #slots = new Float64Array(SLOTS)
  #current = 0

  constructor(origin: string) {
    this.origin = origin
  }

  get sum(): number {
    return this.#slots.reduce((sum, amount) => sum + amount, 0)
  }

  add(amount: number): void {
    this.#slots[this.#current % SLOTS] = (this.#slots[this.#current % SLOTS] ?? 0) + amount
  }

  turnTo(slot: number): void {
    if (slot === this.#current) return
    const passed = slot - this.#current
    // A clock that was set back starts the window anew.
    if (passed < 0 || passed >= SLOTS) this.#slots.fill(0)
    else for (let old = 1; old <= passed; old++) this.#slots[(this.#current + old) % SLOTS] = 0
    this.#current = slot
  }
}

function check(name: string, fine: boolean, wanted: string, value: unknown): void {
  if (fine) return
  throw new HttpError('CONFIG', `RetryBudget({ ${name} }) must be ${wanted}, not ${shown(value)}.`, { phase: 'config' })
}
