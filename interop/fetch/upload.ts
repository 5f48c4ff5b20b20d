/**
 * The body of a `Request`. It shows as a stream even when it was made of a string, and a stream has no length and cannot be
 * sent twice. So what is there at once is looked at: a body that ends with it is known after all.
 */
import type { Body } from '../../src/index.ts'
import { concat } from '../../src/index.ts'

/** So much of a body in several chunks is looked at; one chunk alone is in memory already, however long it is. */
const MOST = 1024 * 1024

const LATER = Symbol('later')

/** Gives the bytes of a body that is whole already, else the body as it comes. */
export async function uploadOf(stream: ReadableStream<Uint8Array>): Promise<Body> {
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  for (let size = 0; chunks.length < 2 || size <= MOST;) {
    const read = reader.read()
    const result = await Promise.race([read, aMoment()])
    if (result === LATER) return rest(reader, chunks, read)
    if (result.done) return concat(chunks)
    chunks.push(result.value)
    size += result.value.length
  }
  return rest(reader, chunks, reader.read())
}

/** What was looked at, and what still comes. */
async function* rest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  chunks: readonly Uint8Array[],
  begun: ReturnType<typeof reader.read>,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Who stops before it is asked for must not leave a rejection that nobody hears.
  begun.catch(() => undefined)
  try {
    yield* chunks
    for (let read = await begun; !read.done; read = await reader.read()) yield read.value
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

/** Longer than a stream of what is there already takes, shorter than anyone notices. */
function aMoment(): Promise<typeof LATER> {
  return new Promise(resolve => {
    setTimeout(resolve, 0, LATER)
  })
}
