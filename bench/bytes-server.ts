/** A server in a process of its own that answers `GET /<count>` with so many bytes, as fast as they are taken. */
import { fork } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

/** Where it listens, and its end. */
export interface BytesServer {
  readonly origin: string
  close(): Promise<void>
}

const BLOCK = Buffer.alloc(256 * 1024, 'x')

/** Starts it on a loopback port of the system's choice. */
export async function startBytesServer(): Promise<BytesServer> {
  const child = fork(fileURLToPath(import.meta.url), { stdio: 'inherit' })
  const port = await new Promise<number>(resolve => {
    child.once('message', message => {
      resolve(Number(message))
    })
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        child.once('exit', () => {
          resolve()
        })
        child.kill()
      }),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined) {
  const server = createServer(socket => {
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
  })
  // The bench may fail; its server does not outlive it.
  process.once('disconnect', () => process.exit())
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}
