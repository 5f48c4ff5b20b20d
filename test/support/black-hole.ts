/** A port of 127.0.0.1 that swallows connection attempts: what a connect timeout is made of. */
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import { Worker } from 'node:worker_threads'

export interface BlackHole extends AsyncDisposable {
  readonly port: number
  /** `http://127.0.0.1:<port>/` */
  readonly url: string
  close(): Promise<void>
}

// The kernel drops a SYN when the accept queue is full. The thread listens, fills its own queue and then
// sleeps for ever, so that nobody accepts. All ticks run before the loop would look for connections.
const THREAD = `
  const net = require('node:net')
  const { parentPort } = require('node:worker_threads')
  const server = net.createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    const { port } = server.address()
    for (let count = 0; count < 6; count += 1) net.connect(port, '127.0.0.1')
    setTick(3, () => {
      parentPort.postMessage(port)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })
  })
  function setTick(count, work) {
    process.nextTick(() => (count === 0 ? work() : setTick(count - 1, work)))
  }
`

/** Opens a port on which `connect` neither succeeds nor fails. Throws when the system accepts connections all the same. */
export async function blackHole(): Promise<BlackHole> {
  const thread = new Worker(THREAD, { eval: true })
  const port = await new Promise<number>((resolve, reject) => {
    thread.once('message', resolve)
    thread.once('error', reject)
  })
  thread.unref()
  const close = async (): Promise<void> => {
    await thread.terminate()
  }
  if (!(await swallows(port))) {
    await close()
    throw new Error(`127.0.0.1:${port} answers although its queue should be full`)
  }
  return { port, url: `http://127.0.0.1:${port}/`, close, [Symbol.asyncDispose]: close }
}

/** Asks the kernel whether a connection attempt hangs; without /proc, tries one for 250 ms. */
async function swallows(port: number): Promise<boolean> {
  const table = await readFile('/proc/net/tcp', 'latin1').catch(() => undefined)
  if (table !== undefined) {
    const there = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
    const SYN_SENT = '02'
    return table.split('\n').some(line => line.includes(` ${there} ${SYN_SENT} `))
  }
  return new Promise(resolve => {
    const probe = net.connect(port, '127.0.0.1')
    const timer = setTimeout(() => settle(true), 250)
    const settle = (hangs: boolean): void => {
      clearTimeout(timer)
      probe.destroy()
      resolve(hangs)
    }
    probe.once('connect', () => settle(false))
    probe.once('error', () => settle(false))
  })
}
