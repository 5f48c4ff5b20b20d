/** Watching an Observable from a test: what it emitted, how it ended. */
import type { Observable, Subscription } from 'rxjs'
import { isHttpError, type HttpError } from '../../src/errors.ts'
import type { StreamingResponse } from '../../src/streaming.ts'

/** What came out of a subscription so far. */
export interface Watched<T> {
  readonly values: readonly T[]
  /** Resolves when it completed or failed. */
  readonly ended: Promise<undefined>
  readonly error: unknown
  readonly subscription: Subscription
}

/** Subscribes and keeps what comes. */
export function watch<T>(source: Observable<T>): Watched<T> {
  const ended = Promise.withResolvers<undefined>()
  const values: T[] = []
  const state: { error: unknown } = { error: undefined }
  const subscription = source.subscribe({
    next: value => values.push(value),
    error: (error: unknown) => {
      state.error = error
      ended.resolve(undefined)
    },
    complete: () => {
      ended.resolve(undefined)
    },
  })
  return {
    values,
    ended: ended.promise,
    subscription,
    get error() {
      return state.error
    },
  }
}

/** The error a source must fail with. */
export async function failure(source: Observable<unknown>): Promise<HttpError> {
  const watched = watch(source)
  await watched.ended
  if (isHttpError(watched.error)) return watched.error
  const instead = watched.error === undefined ? `the end after ${watched.values.length} values` : 'another error'
  throw new Error(`an HttpError was expected, not ${instead}`, { cause: watched.error })
}

/** Waits until a number has stood still for a while; resolves with it. */
export async function settled(read: () => number, stillFor = 300): Promise<number> {
  const step = 25
  let last = read()
  for (let still = 0; still < stillFor; still += step) {
    await new Promise(resolve => setTimeout(resolve, step))
    const now = read()
    if (now !== last) still = 0
    last = now
  }
  return last
}

/** Reads a body and keeps nothing of it. */
export async function* swallow(response: StreamingResponse): AsyncGenerator<never> {
  for await (const bytes of response) if (bytes.length < 0) return
}
