/** Sources of upload bytes: pulled one chunk at a time, so that a slow peer holds the source back. */
import type { Observable } from 'rxjs'
import { Backlog } from './backlog.ts'
import { HttpError } from './errors.ts'
import { Pull } from './pull.ts'

/** Bytes on their way up. `return()` ends them at once, also while a `next()` is pending. */
export interface UploadIterator {
  next(): Promise<IteratorResult<Uint8Array, undefined>>
  return(): Promise<IteratorResult<Uint8Array, undefined>>
}

/** A body that is produced while it is sent. */
export interface UploadSource {
  /** How many bytes will come, where that is known. */
  readonly length: number | undefined
  /** Whether `open()` may be called again for another send. */
  readonly replayable: boolean
  /** True for a source that can be opened only once and was. */
  readonly spent?: boolean
  /**
   * The same body for those who open it twice and hold one to the other: its bytes are the same however fast it is pulled. Missing where
   * they always are.
   */
  readonly steady?: UploadSource
  /**
   * Starts producing. The engine asks for one chunk at a time and calls `return()` exactly once when it stops early.
   * Throws `BODY` when the source is spent.
   */
  open(): UploadIterator
  /** Gives up what was made and never opened; called when the call is over. */
  discard?(): void
}

/** The streams, iterables and Observables of users that were opened or given up, by whatever call. */
const opened = new WeakSet<object>()

/** Sends a blob; it can be sent again. */
export function fromBlob(blob: Blob): UploadSource {
  return { length: blob.size, replayable: true, spent: false, open: () => readStream(blob.stream()) }
}

/** Sends a stream, once. */
export function fromReadableStream(stream: ReadableStream<Uint8Array>): UploadSource {
  return once(
    stream,
    () => {
      if (stream.locked) throw spent('The ReadableStream given as body is locked by another reader.')
      return readStream(stream)
    },
    () => {
      if (!stream.locked) stream.cancel().catch(ignore)
    },
  )
}

/** Sends what an iterable yields, once. Strings are sent as UTF-8. */
export function fromAsyncIterable(iterable: AsyncIterable<Uint8Array | string>): UploadSource {
  // A stream of Node that fails before it is read, as of a file that is not there, would crash the process.
  if (!opened.has(iterable)) nodeStream(iterable)?.on?.('error', ignore)
  return once(
    iterable,
    () => {
      const iterator = iterable[Symbol.asyncIterator]()
      return new Pull(
        () => iterator.next(),
        () => {
          iterator.return?.().catch(ignore)
          destroy(iterable)
        },
      )
    },
    () => {
      destroy(iterable)
    },
  )
}

/** Sends what an Observable emits, once. At most 64 MiB may wait to be sent, then it fails with `TOO_LARGE`. */
export function fromObservable(source: Observable<Uint8Array | string>): UploadSource {
  return once(source, () => new Backlog(source))
}

/** Makes a source replayable by making a new one for every send; `first` serves the first. */
export function replayed(first: UploadSource, make: () => UploadSource): UploadSource {
  let unused: UploadSource | undefined = first
  return {
    length: first.length,
    replayable: true,
    spent: false,
    open() {
      const source = unused ?? make()
      unused = undefined
      return source.open()
    },
    discard() {
      unused?.discard?.()
    },
  }
}

/** The error of a body that cannot be produced a second time. */
export function spent(what = 'The body was sent once and cannot be produced again.'): HttpError {
  return new HttpError('BODY', `${what} Give a function that returns a new one, as in () => createReadStream(path).`, {
    phase: 'send',
    requestWritten: 'no',
  })
}

function once(given: object, open: () => UploadIterator, giveUp?: () => void): UploadSource {
  return {
    length: undefined,
    replayable: false,
    get spent() {
      return opened.has(given)
    },
    open() {
      if (opened.has(given)) throw spent()
      opened.add(given)
      return open()
    },
    discard() {
      if (giveUp === undefined || opened.has(given)) return
      opened.add(given)
      giveUp()
    },
  }
}

function readStream(stream: ReadableStream<Uint8Array>): UploadIterator {
  const reader = stream.getReader()
  return new Pull(
    () => reader.read(),
    () => {
      reader.cancel().catch(ignore)
    },
  )
}

/** A stream of Node waits for its next chunk before it heeds `return()`; only this ends it, and its file, at once. */
function destroy(iterable: object): void {
  nodeStream(iterable)?.destroy?.()
}

interface NodeStream {
  readonly pipe?: unknown
  on?(event: 'error', listener: () => void): unknown
  destroy?(): unknown
}

function nodeStream(iterable: object): NodeStream | undefined {
  const stream: NodeStream = iterable
  return typeof stream.pipe === 'function' ? stream : undefined
}

function ignore(): void {
  // The source was given up; how it takes that is its own affair.
}
