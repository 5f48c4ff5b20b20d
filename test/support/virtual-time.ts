/** Runs a test in virtual time: waits take no time, and `clock.now()` counts frames from 0. */
import type { RunHelpers } from 'rxjs/testing'
import { TestScheduler } from 'rxjs/testing'
import { expect } from 'vitest'

/** Runs `test`; everything scheduled is run to its end when `flush()` is called, and when `test` returns. */
export function virtually<T>(test: (time: RunHelpers) => T): T {
  return new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected)
  }).run(test)
}
