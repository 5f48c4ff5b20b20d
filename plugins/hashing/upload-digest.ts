/** Digests of bodies that are produced while they are sent: read once before, and held to it when they are sent. */
import { hashing } from '#hashing'
import { Observable } from 'rxjs'
import type { UploadIterator, UploadSource } from '../../src/index.ts'
import type { HashName } from './hashing.ts'

/** What reading a body through came to. */
export interface UploadDigest {
  readonly digest: Uint8Array
  readonly length: number
}

/** Reads a body through for its digest. Leaving it gives the body back at once. Whoever asks sees to it that it can be opened again. */
export function digestOf(source: UploadSource, name: HashName): Observable<UploadDigest> {
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

/** The same body, which fails in place of its end when it is not the one that was read for `expected`. */
export function heldTo(
  source: UploadSource,
  name: HashName,
  expected: Uint8Array,
  changed: () => unknown,
): UploadSource {
  return {
    length: source.length,
    replayable: source.replayable,
    get spent() {
      return source.spent === true
    },
    open: () => holding(source.open(), name, expected, changed),
  }
}

function holding(
  iterator: UploadIterator,
  name: HashName,
  expected: Uint8Array,
  changed: () => unknown,
): UploadIterator {
  const hash = hashing(name)
  return {
    async next() {
      const step = await iterator.next()
      if (!step.done) hash.update(step.value)
      else if (!equal(hash.digest(), expected)) throw changed()
      return step
    },
    return: () => iterator.return(),
  }
}

/** Compares two digests. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}
