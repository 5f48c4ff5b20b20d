/** Bodies with a coding on: as a source where the engine can send one, else as bytes. */
import { deflateNow, type Coding } from '#deflate'
import { Observable, of } from 'rxjs'
import { concat, guarded, type HttpRequest, type UploadIterator, type UploadSource } from '../../src/index.ts'
import { Encoding, type Pace } from './encoding.ts'

/** A source that is compressed while it is pulled. How many bytes that makes, nobody knows. */
export function encodedSource(
  source: UploadSource,
  coding: Coding,
  level: number | undefined,
  pace: Pace = 'prompt',
): UploadSource {
  return {
    length: undefined,
    replayable: source.replayable,
    get spent() {
      return source.spent === true
    },
    get steady() {
      return encodedSource(source, coding, level, 'steady')
    },
    open: () => new Encoding(source.open(), coding, level, pace),
    discard() {
      source.discard?.()
    },
  }
}

/**
 * Compresses a body whose length is known to its end, before anything is sent. Emits `undefined` where nothing would be won by it and the body
 * can still be sent as it is.
 */
export function encodedBytes(
  request: HttpRequest,
  body: Uint8Array | UploadSource,
  coding: Coding,
  level: number | undefined,
): Observable<Uint8Array | undefined> {
  const replayable = body instanceof Uint8Array || body.replayable
  const enough = (replayable ? body.length : undefined) ?? Infinity
  const now = body instanceof Uint8Array ? deflateNow(coding, body, level) : undefined
  if (now !== undefined) return of(now.length < enough ? now : undefined)
  return new Observable(subscriber => {
    const source = body instanceof Uint8Array ? once(body) : guarded(request, body, body.length).open()
    const encoding = new Encoding(source, coding, level, 'steady')
    collect(encoding, enough).then(
      bytes => {
        subscriber.next(bytes)
        subscriber.complete()
      },
      (error: unknown) => {
        subscriber.error(error)
      },
    )
    return () => {
      void encoding.return()
    }
  })
}

async function collect(encoding: Encoding, enough: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for (let step = await encoding.next(); step.done !== true; step = await encoding.next()) {
    chunks.push(step.value)
    size += step.value.length
    if (size >= enough) return undefined
  }
  return concat(chunks)
}

function once(bytes: Uint8Array): UploadIterator {
  let given = false
  return {
    next() {
      const step: IteratorResult<Uint8Array, undefined> = given
        ? { done: true, value: undefined }
        : { done: false, value: bytes }
      given = true
      return Promise.resolve(step)
    },
    return: () => Promise.resolve({ done: true, value: undefined }),
  }
}
