/** Exchanges with the mock as subscription marbles: when each began, and when and how it ended. */
import { deepStrictEqual } from 'node:assert'
import { TestScheduler } from 'rxjs/testing'
import type { MockExchange, Outcome } from '../../engines/mock.ts'

const ENDS: Readonly<Record<string, Outcome>> = { '!': 'aborted', '|': 'completed', '#': 'failed' }

/** Reads diagrams such as `'--^---!'`. Must be called while the scheduler runs, for the length of a frame to be right. */
export function readExchanges(diagrams: readonly string[]): readonly string[] {
  return diagrams.map(diagram => {
    const end = /[!|#]/.exec(diagram)?.[0]
    const { subscribedFrame, unsubscribedFrame } = TestScheduler.parseMarblesAsSubscriptions(
      diagram.replace(/[|#]/, '!'),
      true,
    )
    return sentence(subscribedFrame, unsubscribedFrame, end === undefined ? 'running' : ENDS[end])
  })
}

/** Throws an `AssertionError` unless the exchanges went as the diagrams say. */
export function checkExchanges(history: readonly MockExchange[], expected: readonly string[]): void {
  const actual = history.map(({ startedAt, endedAt, outcome }) => sentence(startedAt, endedAt ?? Infinity, outcome))
  deepStrictEqual(actual, expected)
}

function sentence(from: number, to: number, outcome: Outcome | undefined): string {
  return outcome === 'running' ? `began at ${from} and runs` : `began at ${from} and ${outcome} at ${to}`
}
