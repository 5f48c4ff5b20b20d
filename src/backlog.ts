/** What an Observable emitted and nobody has sent yet. */
import { from, Subject, takeUntil, type Observable } from 'rxjs'
import { HttpError } from './errors.ts'
import { toBytes } from './pull.ts'
import type { UploadIterator } from './upload.ts'

/** How much may wait to be sent: an Observable cannot be slowed down. */
const MOST = 64 * 1024 * 1024

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

type End = { readonly failed: boolean; readonly error: unknown }

/** Subscribes to an Observable and gives out its chunks one by one. */
export class Backlog implements UploadIterator {
  readonly #chunks: Uint8Array[] = []
  readonly #stop = new Subject<void>()
  #size = 0
  #end: End | undefined
  #wake: (() => void) | undefined

  constructor(source: Observable<unknown>) {
    // By a notifier, because a source that emits while it is subscribed to can be stopped by nothing else.
    from(source)
      .pipe(takeUntil(this.#stop))
      .subscribe({
        next: chunk => {
          this.#push(chunk)
        },
        error: (error: unknown) => {
          this.#finish({ failed: true, error })
        },
        complete: () => {
          this.#finish({ failed: false, error: undefined })
        },
      })
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const value = this.#chunks.shift()
      if (value !== undefined) {
        this.#size -= value.length
        return { done: false, value }
      }
      if (this.#end?.failed) throw this.#end.error
      if (this.#end !== undefined) return END
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#chunks.length = 0
    this.#finish({ failed: false, error: undefined })
    return Promise.resolve(END)
  }

  #push(chunk: unknown): void {
    try {
      const bytes = toBytes(chunk)
      this.#chunks.push(bytes)
      this.#size += bytes.length
    } catch (error) {
      this.#finish({ failed: true, error })
      return
    }
    if (this.#size <= MOST) this.#wake?.()
    else {
      this.#chunks.length = 0
      this.#finish({ failed: true, error: tooFarAhead() })
    }
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#stop.next()
    this.#wake?.()
  }
}

function tooFarAhead(): HttpError {
  return new HttpError(
    'TOO_LARGE',
    'An Observable body is 64 MiB ahead of what the peer has taken; give an async iterable, which can wait.',
    { phase: 'send' },
  )
}
