/** How long to wait before something is tried again. */
import { milliseconds, type Check } from '../../src/index.ts'

/** How waits between attempts grow. Bad input fails with `CONFIG`. */
export interface BackoffOptions {
  /** The first wait is a random part of so many milliseconds, at least 1. Default 1 000. */
  readonly first?: number | undefined
  /** Each further one may be so many times as long, at least 1. Default 2. */
  readonly factor?: number | undefined
  /** No wait is longer than so many milliseconds, unless a server asks for it. Default 30 000. */
  readonly most?: number | undefined
  /** The longest wait a server is granted, in milliseconds. Default 300 000. */
  readonly mostAsked?: number | undefined
}

/** What {@link BackoffOptions} are when nothing is said. */
export const BACKOFF: { readonly [K in keyof BackoffOptions]-?: number } = {
  first: 1_000,
  factor: 2,
  most: 30_000,
  mostAsked: 300_000,
}

const wait: Check = value =>
  milliseconds(value) === undefined && (value as number) >= 1 ? undefined : 'a number of milliseconds of at least 1'
const factor: Check = value =>
  typeof value === 'number' && value >= 1 && value < Infinity ? undefined : 'a number of at least 1'

/** What is wanted of each of the {@link BackoffOptions}. */
export const BACKOFF_CHECKS: { readonly [K in keyof BackoffOptions]-?: Check } = {
  first: wait,
  factor,
  most: wait,
  mostAsked: wait,
}

/** A timer of the platform that is set to more rings at once (24.8 days). */
const LONGEST = 2_147_483_647

/**
 * Tells how long to wait before each next attempt: full jitter, a random part of a time that grows with every attempt, so
 * that clients who lost the same server do not come back together. What the server asked for comes before that, never
 * instead of it, for the same reason.
 */
export class Backoff {
  readonly #options: typeof BACKOFF
  #grown: number

  constructor(options: typeof BACKOFF) {
    this.#options = options
    this.#grown = options.first
  }

  /** Milliseconds until the next attempt; `asked` are those the server wants to be left alone. */
  next(asked = 0): number {
    const { factor, most, mostAsked } = this.#options
    const jitter = Math.round(Math.random() * Math.min(this.#grown, most))
    this.#grown = Math.min(this.#grown * factor, most)
    return Math.min(Math.min(Math.max(asked, 0), mostAsked) + jitter, LONGEST)
  }

  /** It worked: the next wait is a first one again. */
  reset(): void {
    this.#grown = this.#options.first
  }
}
