/** Sources of bytes, for the tests of encode. */

/** Gives out chunks, and tells when it is opened and when it is returned. */
export function opened(
  chunks: Iterable<Uint8Array>,
  open: () => unknown = () => undefined,
  returned: () => unknown = () => undefined,
): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      open()
      const iterator = chunks[Symbol.iterator]()
      return {
        async next() {
          // As from a disk: in a later turn of the loop.
          await new Promise(resolve => setImmediate(resolve))
          return iterator.next()
        },
        return() {
          returned()
          return Promise.resolve({ done: true, value: undefined })
        },
      }
    },
  }
}

/** Gives out chunks one after the other. */
export async function* yielded<T extends string | Uint8Array>(...chunks: readonly T[]): AsyncGenerator<T> {
  for (const chunk of chunks) yield await Promise.resolve(chunk)
}
