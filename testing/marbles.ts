/** Marble tests of HTTP: calls, answers and aborts in virtual time. */
import { deepStrictEqual } from 'node:assert'
import { catchError, type Observable } from 'rxjs'
import { TestScheduler, type RunHelpers } from 'rxjs/testing'
import { mock, type MockEngine } from '../engines/mock.ts'
import type { HttpEvent } from '../src/index.ts'
import { checkExchanges, readExchanges } from './marbles/exchanges.ts'
import { lettersOf, markOf, USUAL, type ErrorMark } from './marbles/letters.ts'

export type { ErrorMark } from './marbles/letters.ts'

/** How events are watched. */
export interface EventOptions {
  /** The letters of the events to look at. Default: all but `c`, `s` and `p`. */
  readonly show?: string | undefined
  /** When to subscribe and unsubscribe, as in `'^---!'`. Default: at 0, and not. */
  readonly subscription?: string | undefined
}

/** What a marble test is given: the helpers of RxJS's `TestScheduler`, and those for HTTP. */
export interface Marbles extends RunHelpers {
  /** A fresh mock engine. */
  readonly api: MockEngine
  /**
   * Expects events, each written as a letter: `c` connection, `s` sent, `p` progress, `i` informational, `n` notice,
   * `h` head, `d` chunk, `t` trailers, `r` response. An error is given by its code, or by code and phase.
   */
  readonly expectEvents: (
    source: Observable<HttpEvent>,
    options?: EventOptions,
  ) => { readonly toBe: (diagram: string, error?: ErrorMark) => void }
  /**
   * Expects exchanges of `api`, or of another mock, in the order in which they began: `^` begun, `!` aborted,
   * `|` completed, `#` failed, none of these: still running at the end.
   */
  readonly expectExchanges: (engine?: MockEngine) => { readonly toBe: (...diagrams: readonly string[]) => void }
}

/**
 * Runs a test in virtual time: a frame is a millisecond, and every timer of plugins and of the mock engine waits for it.
 * When the test function has returned, time passes, and what was expected is checked.
 *
 * Throws an `AssertionError` when something went otherwise; needs no test framework. Promises do not resolve while
 * virtual time passes: use handlers that answer at once, and request bodies that are no streams.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { retry } from 'sluice/plugins/retry'
 * import { marbles } from 'sluice/testing'
 *
 * marbles(({ api, expectEvents, expectExchanges }) => {
 *   const client = createClient({ engine: api, plugins: [retry({ times: 1, delay: () => 300 })] })
 *   api.enqueue(503, { delay: 20 })
 *   expectEvents(client.events('https://api.test/')).toBe('n 319ms (r|)')
 *   expectExchanges().toBe('(^|)', '300ms ^ 19ms |')
 * })
 * console.log('as drawn') // as drawn
 * ```
 */
export function marbles(test: (marbles: Marbles) => unknown): void {
  const scheduler = new TestScheduler((actual, expected) => {
    deepStrictEqual(actual, expected)
  })
  const checks: (() => void)[] = []
  scheduler.run(helpers => {
    const api = mock()
    const returned = test({
      ...helpers,
      api,
      expectEvents(source, { show = USUAL, subscription = null } = {}) {
        let wanted: ErrorMark | undefined
        const letters = lettersOf(source, show).pipe(
          catchError((error: unknown) => {
            throw markOf(error, wanted)
          }),
        )
        const expectation = helpers.expectObservable(letters, subscription)
        return {
          toBe(diagram, error) {
            wanted = error
            expectation.toBe(diagram, undefined, error)
          },
        }
      },
      expectExchanges(engine = api) {
        return {
          toBe(...diagrams) {
            const expected = readExchanges(diagrams)
            checks.push(() => {
              checkExchanges(engine.history, expected)
            })
          },
        }
      },
    })
    if (returned instanceof Promise) {
      throw new TypeError('A marble test cannot be asynchronous: promises do not resolve while virtual time passes.')
    }
  })
  for (const check of checks) check()
}
