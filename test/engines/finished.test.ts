import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { EngineFactory } from 'sluice'
import { http } from 'sluice/engines/http'
import { undici } from 'sluice/engines/undici'
import { describe, expect, it } from 'vitest'
import { send, type Sent } from '../support/send.ts'

const ENGINES: readonly EngineFactory[] = [undici(), http()]

const SIZE = 256 * 1024
const BODY = Buffer.alloc(SIZE, 'x')

/** Numbers from 0 to 1 that look random and are the same every time. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

/** How a whole answer can be framed. */
const FRAMINGS: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['a length', Buffer.concat([head(`content-length: ${SIZE}`), BODY])],
  ['a length and Connection: close', Buffer.concat([head(`connection: close\r\ncontent-length: ${SIZE}`), BODY])],
  ['chunks', Buffer.concat([head('transfer-encoding: chunked'), ...chunked(), Buffer.from('0\r\n\r\n')])],
  ['no length', Buffer.concat([head('connection: close'), BODY])],
]

describe.each(ENGINES)('$name takes a finished body for whole, 1000 times of 1000', factory => {
  it('although the server hangs up behind its last byte and the reader is slow', async () => {
    const roll = dice(7)
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => {
        const [, bytes] = FRAMINGS[Math.floor(roll() * FRAMINGS.length)] ?? ['', BODY]
        void writeInPieces(socket, bytes, roll)
      })
    }).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const engine = factory.create()
    const bad: unknown[] = []
    for (let round = 0; round < 1000; round += 20) {
      const some = Array.from({ length: 20 }, () => send(engine, url, { seen: reading(roll) }).over)
      for (const { failure, size } of await Promise.all(some))
        if (failure !== undefined || size !== SIZE) bad.push(failure?.message ?? size)
    }
    expect(bad).toEqual([])
    await engine.destroy()
    await new Promise(resolve => server.close(resolve))
  }, 60_000)
})

/** A reader that now and then stops for some turns of the loop: at the head, in the middle, at the last piece. */
function reading(roll: () => number): (event: { readonly type: string }, sent: Sent) => void {
  return ({ type }, { exchange }) => {
    if ((type !== 'chunk' && type !== 'head') || roll() < 0.5) return
    exchange.pause()
    let left = Math.floor(roll() * 6)
    const wait = (): void => {
      if (left-- > 0) setImmediate(wait)
      else exchange.resume()
    }
    setImmediate(wait)
  }
}

async function writeInPieces(socket: Socket, bytes: Buffer, roll: () => number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const end = roll() < 0.2 ? bytes.length - 1 : at + 1 + Math.floor(roll() * bytes.length)
    socket.write(bytes.subarray(at, Math.max(end, at + 1)))
    at = Math.max(end, at + 1)
    if (roll() < 0.3) await new Promise(resolve => setImmediate(resolve))
  }
  socket.end()
}

function head(fields: string): Buffer {
  return Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`)
}

function chunked(): Buffer[] {
  const quarter = BODY.subarray(0, SIZE / 4)
  return [1, 2, 3, 4].flatMap(() => [Buffer.from(`${quarter.length.toString(16)}\r\n`), quarter, Buffer.from('\r\n')])
}
