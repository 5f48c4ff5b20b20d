/** A server of items of 100 bytes, as fast as they are taken: `GET /<format>/<count>`. */
import { createServer } from 'node:net'
import { forked, listenIfForked, type Forked } from './forked.ts'

/** The formats it writes, with what they are called in `Content-Type`: events that can be resumed behind, and some that cannot. */
export const FORMATS = {
  ndjson: 'application/x-ndjson',
  sse: 'text/event-stream',
  'sse-data': 'text/event-stream',
} as const
export type Format = keyof typeof FORMATS

/** The bytes of an item, with what ends it. */
export const ITEM = 100
/** Items that differ from each other before they begin anew. */
const DIFFERENT = 2500

/** Starts it. */
export function startItemsServer(): Promise<Forked> {
  return forked(import.meta.url)
}

/** So many items after each other. */
export function block(format: Format, count: number = DIFFERENT): Buffer {
  const after = format === 'ndjson' ? '\n' : '\n\n'
  const items = Array.from({ length: Math.min(count, DIFFERENT) }, (_, at) => {
    const id = 100_000 + at
    const before = { ndjson: '', sse: `id: ${id}\ndata: `, 'sse-data': 'data: ' }[format]
    const start = `${before}{"id":${id},"name":"Ada ${id % 97}","score":${(id % 1000) / 8},"active":${id % 2 === 0},"tag":"`
    const end = `"}${after}`
    return start + 'x'.repeat(ITEM - start.length - end.length) + end
  }).join('')
  return Buffer.alloc(count * ITEM, items)
}

listenIfForked(import.meta.url, () => {
  const blocks = new Map(Object.keys(FORMATS).map(format => [format, block(format as Format)]))
  return createServer(socket => {
    socket.on('error', () => socket.destroy())
    socket.on('data', data => {
      const [, format, count] = /^GET \/([a-z-]+)\/(\d+)/.exec(data.toString('latin1')) ?? []
      const bytes = blocks.get(format ?? '')
      if (bytes === undefined) {
        socket.destroy()
        return
      }
      let left = Number(count) * ITEM
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${FORMATS[format as Format]}\r\ncontent-length: ${left}\r\n\r\n`)
      const more = (): void => {
        while (left > 0) {
          const some = left >= bytes.length ? bytes : bytes.subarray(0, left)
          left -= some.length
          if (!socket.write(some)) {
            socket.once('drain', more)
            return
          }
        }
      }
      more()
    })
  })
})
