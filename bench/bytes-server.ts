/** A server that answers `GET /<count>` with so many bytes, as fast as they are taken. */
import { createServer } from 'node:net'
import { forked, listenIfForked, type Forked } from './forked.ts'

const BLOCK = Buffer.alloc(256 * 1024, 'x')

/** Starts it. */
export function startBytesServer(): Promise<Forked> {
  return forked(import.meta.url)
}

listenIfForked(import.meta.url, () =>
  createServer(socket => {
    socket.on('error', () => socket.destroy())
    socket.on('data', data => {
      let left = Number(/^GET \/(\d+)/.exec(data.toString('latin1'))?.[1] ?? 0)
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ${left}\r\n\r\n`)
      const more = (): void => {
        while (left > 0) {
          const block = left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left)
          left -= block.length
          if (!socket.write(block)) {
            socket.once('drain', more)
            return
          }
        }
      }
      more()
    })
  }),
)
