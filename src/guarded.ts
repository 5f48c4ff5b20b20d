/** An upload that keeps to what was announced, and whose failures are ours. */
import { describe, HttpError } from './errors.ts'
import type { HttpRequest } from './request.ts'
import type { UploadIterator, UploadSource } from './upload.ts'

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** A source that keeps to its length and whose failures are ours. */
export function guarded(request: HttpRequest, source: UploadSource, length: number | undefined): UploadSource {
  return {
    length,
    replayable: source.replayable,
    get spent() {
      return source.spent === true
    },
    open() {
      try {
        return new Guard(request, source.open(), length)
      } catch (error) {
        throw error instanceof HttpError
          ? error.with({ request, attempt: request.attempt })
          : failed(request, 'could not be opened', error)
      }
    },
  }
}

class Guard implements UploadIterator {
  readonly #request: HttpRequest
  readonly #source: UploadIterator
  readonly #length: number | undefined
  #sent = 0
  #ended = false

  constructor(request: HttpRequest, source: UploadIterator, length: number | undefined) {
    this.#request = request
    this.#source = source
    this.#length = length
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const request = this.#request
    const length = this.#length
    for (;;) {
      const step = await this.#pull()
      if (step === undefined) return END
      if (step.done) {
        this.#ended = true
        if (length === undefined || this.#sent === length) return END
        throw failed(request, `ended after ${this.#sent} of the ${length} bytes announced`)
      }
      // An empty chunk would be the end of a chunked body (RFC 9112 §7.1).
      if (step.value.length === 0) continue
      this.#sent += step.value.length
      if (length !== undefined && this.#sent >= length) await this.#checkEnd(length)
      return step
    }
  }

  /** The last byte announced is only sent when nothing comes after it: with it the request is whole for the peer. */
  async #checkEnd(length: number): Promise<void> {
    let extra = this.#sent > length
    while (!extra) {
      const step = await this.#pull()
      if (step === undefined) return
      if (step.done) {
        this.#ended = true
        return
      }
      extra = step.value.length > 0
    }
    void this.return()
    throw failed(this.#request, `has more than the ${length} bytes announced`)
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#ended) {
      this.#ended = true
      this.#source.return().catch(ignore)
    }
    return Promise.resolve(END)
  }

  /** The next step of the source, `undefined` once nobody wants it. */
  async #pull(): Promise<IteratorResult<Uint8Array, undefined> | undefined> {
    if (this.#isOver()) return undefined
    try {
      const step = await this.#source.next()
      return this.#isOver() ? undefined : step
    } catch (cause) {
      if (this.#isOver()) return undefined
      this.#ended = true
      const request = this.#request
      throw cause instanceof HttpError
        ? cause.with({ request, attempt: request.attempt })
        : failed(request, 'failed while it was sent', cause)
    }
  }

  #isOver(): boolean {
    return this.#ended
  }
}

function ignore(): void {
  // The source was given up; how it takes that is its own affair.
}

function failed(request: HttpRequest, what: string, cause?: unknown): HttpError {
  return new HttpError('BODY', `The body of ${describe(request, request.attempt)} ${what}.`, {
    phase: 'send',
    request,
    attempt: request.attempt,
    cause,
  })
}
