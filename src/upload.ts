/** Sources of upload bytes: pulled one chunk at a time, so that a slow peer holds the source back. */
import type { Observable, Subscription } from 'rxjs'
import { HttpError } from './errors.ts'

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
   * Starts producing. The engine asks for one chunk at a time and calls `return()` exactly once when it stops early.
   * Throws `BODY` when the source is spent.
   */
  open(): UploadIterator
}

/** How much of an Observable may wait to be sent; it cannot be slowed down. */
const OBSERVABLE_BACKLOG = 64 * 1024 * 1024

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }
const encoder = new TextEncoder()

/** Sends a blob; it can be sent again. */
export function fromBlob(blob: Blob): UploadSource {
  return { length: blob.size, replayable: true, open: () => readStream(blob.stream()) }
}

/** Sends a stream, once. */
export function fromReadableStream(stream: ReadableStream<Uint8Array>): UploadSource {
  return once(() => {
    if (stream.locked) throw spent('The ReadableStream given as body is locked by another reader.')
    return readStream(stream)
  })
}

/** Sends what an iterable yields, once. Strings are sent as UTF-8. */
export function fromAsyncIterable(iterable: AsyncIterable<Uint8Array | string>): UploadSource {
  return once(() => {
    const iterator = iterable[Symbol.asyncIterator]()
    return {
      async next() {
        const step = await iterator.next()
        return step.done ? END : { done: false, value: toBytes(step.value) }
      },
      async return() {
        await iterator.return?.()
        return END
      },
    }
  })
}

/** Sends what an Observable emits, once. At most 64 MiB may wait to be sent, then it fails with `TOO_LARGE`. */
export function fromObservable(source: Observable<Uint8Array | string>): UploadSource {
  return once(() => new Backlog(source))
}

/** Makes a source replayable by making a new one for every send; `first` serves the first. */
export function replayed(first: UploadSource, make: () => UploadSource): UploadSource {
  let unused: UploadSource | undefined = first
  return {
    length: first.length,
    replayable: true,
    open() {
      const source = unused ?? make()
      unused = undefined
      return source.open()
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

function once(open: () => UploadIterator): UploadSource {
  let opened = false
  return {
    length: undefined,
    replayable: false,
    get spent() {
      return opened
    },
    open() {
      if (opened) throw spent()
      opened = true
      return open()
    },
  }
}

function readStream(stream: ReadableStream<Uint8Array>): UploadIterator {
  const reader = stream.getReader()
  return {
    async next() {
      const { done, value } = await reader.read()
      return done ? END : { done: false, value: toBytes(value) }
    },
    async return() {
      await reader.cancel()
      return END
    },
  }
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  if (typeof chunk === 'string') return encoder.encode(chunk)
  throw new TypeError(
    `A body source produced ${chunk === null ? 'null' : `a ${typeof chunk}`} where bytes or text were expected.`,
  )
}

/** What an Observable emitted and nobody has taken yet. */
class Backlog implements UploadIterator {
  readonly #chunks: Uint8Array[] = []
  readonly #subscription: Subscription
  #size = 0
  #end: { readonly error?: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(source: Observable<Uint8Array | string>) {
    this.#subscription = source.subscribe({
      next: chunk => {
        this.#push(chunk)
      },
      error: (error: unknown) => {
        this.#finish({ error })
      },
      complete: () => {
        this.#finish({})
      },
    })
    if (this.#end !== undefined) this.#subscription.unsubscribe()
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const value = this.#chunks.shift()
      if (value !== undefined) {
        this.#size -= value.length
        return { done: false, value }
      }
      if (this.#end !== undefined) {
        if ('error' in this.#end) throw this.#end.error
        return END
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#chunks.length = 0
    this.#finish({})
    return Promise.resolve(END)
  }

  #push(chunk: unknown): void {
    try {
      const bytes = toBytes(chunk)
      this.#chunks.push(bytes)
      this.#size += bytes.length
    } catch (error) {
      this.#finish({ error })
      return
    }
    if (this.#size > OBSERVABLE_BACKLOG) {
      this.#chunks.length = 0
      this.#finish({
        error: new HttpError(
          'TOO_LARGE',
          'An Observable body is 64 MiB ahead of what the peer has taken; give an async iterable, which can wait.',
          {
            phase: 'send',
          },
        ),
      })
    }
    this.#wake?.()
  }

  #finish(end: { readonly error?: unknown }): void {
    this.#end ??= end
    // Not assigned yet when the source ends while it is being subscribed to.
    ;(this.#subscription as Subscription | undefined)?.unsubscribe()
    this.#wake?.()
  }
}
