/** Servers of the benches: each in a process of its own, so that only the client's time is counted. */
import { fork } from 'node:child_process'
import type { AddressInfo, Server } from 'node:net'
import { fileURLToPath } from 'node:url'

/** Where it listens, and its end. */
export interface Forked {
  readonly origin: string
  readonly url: string
  close(): Promise<void>
}

/** Starts the server a file is, on a loopback port of the system's choice; `file` is its `import.meta.url`. */
export async function forked(file: string): Promise<Forked> {
  const child = fork(fileURLToPath(file), { stdio: 'inherit' })
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

/** In the process of the server: makes it, listens and says where. The bench may fail; its server does not outlive it. */
export function listenIfForked(file: string, make: () => Server): void {
  if (process.argv[1] !== fileURLToPath(file) || process.send === undefined) return
  process.once('disconnect', () => process.exit())
  const server = make()
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
}

/**
 * Keeps the process of a server awake: waking a sleeping one costs the sender more than the request, and a client that is a
 * little slower would be charged for many more wake-ups.
 */
export function stayAwake(): void {
  setImmediate(stayAwake)
}
