/** Virtual time: what is scheduled inside happens at once, in its order, and the clock says when. */
import { TestScheduler } from 'rxjs/testing'
import { expect } from 'vitest'

/** Runs `work` and then everything it scheduled. */
export function virtually(work: Parameters<TestScheduler['run']>[0]): void {
  new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected)
  }).run(work)
}
