/** A server in a process of its own that answers every request with the same small JSON, as cheaply as Node can. */
import { fork } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

/** Where it listens, and its end. */
export interface JsonServer {
  readonly origin: string
  readonly url: string
  close(): Promise<void>
}

const BODY = '{"id":7,"name":"Ada Lovelace","mail":"ada@api.test","roles":["author","reader"],"active":true}'
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\ndate: Sat, 21 Nov 2026 12:00:00 GMT\r\nserver: bench\r\ncache-control: no-store\r\n\r\n${BODY}`,
)

/** Starts it on a loopback port of the system's choice. */
export async function startJsonServer(): Promise<JsonServer> {
  const child = fork(fileURLToPath(import.meta.url), { stdio: 'inherit' })
  const port = await new Promise<number>(resolve => {
    child.once('message', message => {
      resolve(Number(message))
    })
  })
  const origin = `http://127.0.0.1:${port}`
  return {
    origin,
    url: `${origin}/`,
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
    let rest = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', data => {
      const heads = (rest + data.toString('latin1')).split('\r\n\r\n')
      rest = heads.pop() ?? ''
      for (let at = 0; at < heads.length; at++) socket.write(ANSWER)
    })
  })
  // It never sleeps: waking a sleeping process costs the sender more than the request, and a client that is a little
  // slower would be charged for many more wake-ups.
  const spin = (): void => {
    setImmediate(spin)
  }
  spin()
  // The bench may fail; its server does not outlive it.
  process.once('disconnect', () => process.exit())
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}
