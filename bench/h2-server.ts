/** A server of HTTP/2 in a process of its own that answers every request with the same small JSON. */
import { fork } from 'node:child_process'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { JsonServer } from './json-server.ts'

const BODY = Buffer.from(
  '{"id":7,"name":"Ada Lovelace","mail":"ada@api.test","roles":["author","reader"],"active":true}',
)
const HEADERS = {
  ':status': 200,
  'content-type': 'application/json',
  'content-length': BODY.length,
  'cache-control': 'no-store',
}

/** Starts it, with prior knowledge and without TLS, on a loopback port of the system's choice. */
export async function startH2Server(): Promise<JsonServer> {
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
  const server = createServer()
  server.on('stream', stream => {
    stream.on('error', () => undefined)
    stream.respond(HEADERS)
    stream.end(BODY)
  })
  // It never sleeps: waking a sleeping process costs the sender more than the request.
  const spin = (): void => {
    setImmediate(spin)
  }
  spin()
  // The bench may fail; its server does not outlive it.
  process.once('disconnect', () => process.exit())
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}
