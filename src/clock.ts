/** Where time comes from: RxJS's own scheduler, so that everything built on it runs in virtual time too. */
import { asyncScheduler } from 'rxjs'

/** Tells the time and wakes up later. Times are milliseconds. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `work` once after `ms`; the returned function takes that back. */
  schedule(work: () => void, ms: number): () => void
}

/** The clock that plugins and the mock engine use, in marble tests as well as in life. */
export const clock: Clock = {
  now: () => asyncScheduler.now(),
  schedule(work, ms) {
    const timer = asyncScheduler.schedule(work, ms)
    return () => {
      timer.unsubscribe()
    }
  },
}
