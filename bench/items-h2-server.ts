/** The same items over HTTP/2, with prior knowledge and without TLS: `GET /ndjson/<count>`. */
import { createServer } from 'node:http2'
import { Readable } from 'node:stream'
import { forked, listenIfForked, type Forked } from './forked.ts'
import { block, FORMATS, ITEM } from './items-server.ts'

/** Starts it. */
export function startItemsH2Server(): Promise<Forked> {
  return forked(import.meta.url)
}

listenIfForked(import.meta.url, () => {
  const bytes = block('ndjson')
  const server = createServer()
  server.on('stream', (stream, headers) => {
    const count = Number(/^\/ndjson\/(\d+)/.exec(headers[':path'] ?? '')?.[1] ?? 0)
    stream.on('error', () => undefined)
    stream.respond({ ':status': 200, 'content-type': FORMATS.ndjson, 'content-length': count * ITEM })
    Readable.from(blocks(count * ITEM)).pipe(stream)
  })
  return server

  function* blocks(left: number): Generator<Buffer> {
    for (; left > 0; left -= bytes.length) yield left >= bytes.length ? bytes : bytes.subarray(0, left)
  }
})
