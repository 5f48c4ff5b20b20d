/** Sends what a source has, as fast as it is taken. */
import { from, type ObservableInput, type Subscriber } from 'rxjs'
import { HttpError, shown } from '../../src/index.ts'

/** Bytes that may be on their way before the next message is asked for. */
const HIGH_WATER = 256 * 1024
/** Messages that may be on their way: those of a few bytes, or none, would fill the queue long before, or never come to an end. */
const MOST_PENDING = 4096

/** Where messages go. */
export interface Drain<Out> {
  readonly bufferedAmount: number
  /** Sends one and calls back once it is out, or lost. */
  post(message: Out, taken: () => void): void
}

/**
 * Sends all of a source, and completes the subscriber once all is out. An iterable is asked for its next message when there is
 * room for it; an Observable cannot be held back, what it emits waits in the queue.
 */
export function pump<Out>(source: ObservableInput<Out>, drain: Drain<Out>, subscriber: Subscriber<never>): void {
  let pending = 0
  let exhausted = false
  let wake: (() => void) | undefined
  const taken = (): void => {
    pending--
    wake?.()
    if (exhausted && pending === 0) subscriber.complete()
  }
  const post = (message: Out): void => {
    pending++
    drain.post(message, taken)
  }
  const exhaust = (): void => {
    exhausted = true
    if (pending === 0) subscriber.complete()
  }
  const iterator = iteratorOf(source)
  if (iterator === undefined) {
    subscriber.add(
      from(source).subscribe({
        next: post,
        error: (error: unknown) => {
          subscriber.error(error)
        },
        complete: exhaust,
      }),
    )
    return
  }
  const room = (): Promise<void> | undefined => {
    if (pending === 0 || (pending < MOST_PENDING && drain.bufferedAmount < HIGH_WATER)) return undefined
    return new Promise(resolve => (wake = resolve))
  }
  subscriber.add(() => {
    wake?.()
    if (!exhausted) leave(iterator)
  })
  pull(iterator, post, room, () => subscriber.closed).then(
    () => {
      exhaust()
    },
    (error: unknown) => {
      exhausted = true
      subscriber.error(error)
    },
  )
}

type AnyIterator<T> = Iterator<T> | AsyncIterator<T>

async function pull<Out>(
  iterator: AnyIterator<Out>,
  post: (message: Out) => void,
  room: () => Promise<void> | undefined,
  isLeft: () => boolean,
): Promise<void> {
  for (;;) {
    const step = await iterator.next()
    if (step.done === true || isLeft()) return
    post(step.value)
    await room()
    if (isLeft()) return
  }
}

function iteratorOf<T>(source: ObservableInput<T>): AnyIterator<T> | undefined {
  // A text is a list of characters to the language, and a message to whoever passes it.
  if ((typeof source !== 'object' && typeof source !== 'function') || (source as object | null) === null)
    throw noSource(source)
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]()
  if (Symbol.iterator in source) return source[Symbol.iterator]()
  return undefined
}

/** Tells a source that nothing more is wanted; how it takes that is its own affair. */
function leave(iterator: AnyIterator<unknown>): void {
  const ignore = (): void => undefined
  try {
    Promise.resolve(iterator.return?.()).then(ignore, ignore)
  } catch {
    ignore()
  }
}

function noSource(source: unknown): HttpError {
  return new HttpError(
    'CONFIG',
    `send() takes messages from a list, a generator, an async iterable or an Observable, not from ${shown(source)}; one message is sent by next().`,
    { phase: 'config' },
  )
}
