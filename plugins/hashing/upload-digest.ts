/** Digests of bodies that are produced while they are sent: read once before, and held to it when they are sent. */
import { hashing } from '#hashing'
import { catchError, map, Observable, throwError } from 'rxjs'
import {
  describe,
  HttpError,
  isHttpError,
  type HttpRequest,
  type UploadIterator,
  type UploadSource,
} from '../../src/index.ts'
import type { HashName } from './hashing.ts'

/** What reading a body through came to. */
export interface ReadThrough {
  readonly digest: Uint8Array
  /** The body to send: as long as the one that was read, and in place of its end an error when it is another one. */
  readonly body: UploadSource
}

/**
 * Reads the body of a request through for its digest, before it is sent; `purpose` says in errors what it is part of. Leaving it gives the body
 * back at once. Fails with `BODY` where the body does. Whoever asks sees to it that the body can be opened again.
 */
export function readThrough(
  request: HttpRequest,
  source: UploadSource,
  name: HashName,
  purpose: string,
): Observable<ReadThrough> {
  const details = { phase: 'send', request, attempt: request.attempt } as const
  const body = `The body of ${describe(request, request.attempt)}`
  const changed = (): HttpError =>
    new HttpError('BODY', `${body} is not the one its ${purpose} was made of: it changed in between.`, {
      ...details,
      requestWritten: 'maybe',
    })
  const failed = (cause: unknown): HttpError =>
    isHttpError(cause)
      ? cause.with({ request, attempt: request.attempt, requestWritten: 'no' })
      : new HttpError('BODY', `${body} failed while it was read for its ${purpose}.`, {
          ...details,
          requestWritten: 'no',
          cause,
        })
  const steady = source.steady ?? source
  return digestOf(steady, name).pipe(
    map(({ digest, length }) => ({ digest, body: heldTo(steady, name, { digest, length }, changed) })),
    catchError((cause: unknown) => throwError(() => failed(cause))),
  )
}

interface UploadDigest {
  readonly digest: Uint8Array
  readonly length: number
}

function digestOf(source: UploadSource, name: HashName): Observable<UploadDigest> {
  return new Observable(subscriber => {
    const iterator = source.open()
    let over = false
    const read = async (): Promise<void> => {
      const hash = hashing(name)
      let length = 0
      try {
        for (;;) {
          const step = await iterator.next()
          if (subscriber.closed) return
          if (step.done) break
          hash.update(step.value)
          length += step.value.length
        }
        over = true
        subscriber.next({ digest: hash.digest(), length })
        subscriber.complete()
      } catch (error) {
        over = true
        subscriber.error(error)
      }
    }
    void read()
    return () => {
      if (!over) void iterator.return()
    }
  })
}

function heldTo(source: UploadSource, name: HashName, read: UploadDigest, changed: () => HttpError): UploadSource {
  return {
    // Now it is known, also where nobody knew it: some servers take no body without it (S3 for one).
    length: source.length ?? read.length,
    replayable: source.replayable,
    get spent() {
      return source.spent === true
    },
    open: () => holding(source.open(), name, read, changed),
  }
}

function holding(
  iterator: UploadIterator,
  name: HashName,
  read: UploadDigest,
  changed: () => HttpError,
): UploadIterator {
  const hash = hashing(name)
  let length = 0
  return {
    async next() {
      const step = await iterator.next()
      if (step.done) {
        if (!equal(hash.digest(), read.digest)) throw changed()
        return step
      }
      length += step.value.length
      if (length > read.length) {
        void iterator.return()
        throw changed()
      }
      hash.update(step.value)
      return step
    },
    return: () => iterator.return(),
  }
}

/** Compares two digests. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
