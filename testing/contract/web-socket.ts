/** Contract: WebSockets, of engines that open them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { WebSocketWish } from '../../src/web-socket.ts'
import type { Case, Workbench } from './case.ts'
import { asking, Talk } from './talk.ts'
import { settled } from './watch.ts'
import type { Manners, Peer, SocketServer } from './web-socket-server.ts'

/** How soon a server must see that a client left: the middle one of five tries, in milliseconds. */
const SOON = 50

interface Both {
  readonly talk: Talk
  readonly peer: Peer
  readonly server: SocketServer
}

async function converse(bench: Workbench, wish: Partial<WebSocketWish> = {}, manners: Manners = {}): Promise<Both> {
  const server = await bench.sockets(manners)
  const talk = new Talk(bench.engine(), asking(server.url, wish))
  const [, peer] = await Promise.all([talk.open(), server.next()])
  return { talk, peer, server }
}

/** Resolves with what the peer hears next. */
async function heardBy(peer: Peer): Promise<string | Uint8Array> {
  const [data, binary] = (await once(peer, 'message')) as [Buffer, boolean]
  return binary ? new Uint8Array(data) : data.toString()
}

async function closeHeardBy(peer: Peer): Promise<readonly [code: number, reason: string]> {
  const [code, reason] = (await once(peer, 'close')) as [number, Buffer]
  return [code, reason.toString()]
}

const all: readonly Case[] = [
  {
    title: 'opens a WebSocket, says and hears texts and bytes, empty ones too, in their order',
    async run(bench) {
      const { talk, peer } = await converse(bench)
      const said = ['a', '€😀', '', new Uint8Array([0, 255]), new Uint8Array()]
      peer.on('message', (data: Buffer, binary: boolean) => {
        peer.send(data, { binary })
      })
      for (const one of said) talk.socket.send(one)
      assert.deepEqual(await talk.hears(said.length), said)
      assert.equal(talk.socket.protocol, '')
    },
  },
  {
    title: 'says and hears messages of a megabyte over a WebSocket, whole or in pieces',
    async run(bench) {
      const { talk, peer } = await converse(bench)
      const size = 1024 * 1024
      talk.socket.send('x'.repeat(size))
      assert.equal((await heardBy(peer)).length, size)
      const piece = new Uint8Array(size / 4).fill(7)
      for (const fin of [false, false, false, true]) peer.send(piece, { binary: true, fin })
      peer.send('y'.repeat(size))
      const [bytes, text] = await talk.hears(2)
      assert.deepEqual(bytes, new Uint8Array(size).fill(7))
      assert.equal(text, 'y'.repeat(size))
    },
  },
  {
    title: 'tells which sub-protocol a server chose',
    async run(bench) {
      const { talk } = await converse(bench, { protocols: ['a', 'b.v2'] }, { protocol: 'b.v2' })
      assert.equal(talk.socket.protocol, 'b.v2')
    },
  },
  {
    title: 'refuses a sub-protocol that was not offered',
    async run(bench) {
      const server = await bench.sockets({ protocol: 'c' })
      const talk = await new Talk(bench.engine(), asking(server.url, { protocols: ['a', 'b'] })).end()
      assert.equal(talk.head, undefined)
      assert.ok(['PROTOCOL', 'CONNECT'].includes(talk.error?.code ?? ''), talk.error?.message)
    },
  },
  {
    title: 'compresses messages of a WebSocket where both sides can',
    needs: ['http/1.1'],
    unless: ['connections'],
    async run(bench) {
      const { talk, peer } = await converse(bench, { compress: true }, { compress: true })
      assert.equal(talk.socket.compressed, true)
      const long = 'again and '.repeat(50_000)
      peer.send(long)
      talk.socket.send(long)
      assert.equal(await heardBy(peer), long)
      assert.deepEqual(await talk.hears(1), [long])
    },
  },
  {
    title: 'takes a refused handshake for an answer like any other',
    unless: ['connections'],
    async run(bench) {
      const server = await bench.sockets({ refuses: 401 })
      const talk = await new Talk(bench.engine(), asking(server.url)).end()
      assert.equal(talk.error, undefined, talk.error?.message)
      assert.equal(talk.head?.status, 401)
      assert.equal(talk.head.headers.get('x-why'), 'because')
      assert.equal(talk.body, 'no: 401')
      assert.equal(talk.completed, true)
    },
  },
  {
    title: 'never takes a refused handshake for a WebSocket',
    async run(bench) {
      const server = await bench.sockets({ refuses: 403 })
      const talk = await new Talk(bench.engine(), asking(server.url)).end()
      assert.ok(talk.error !== undefined || talk.head?.status === 403)
    },
  },
  {
    title: 'answers the pings of a server, and tells of the answer to its own',
    async run(bench) {
      const { talk, peer } = await converse(bench)
      const pong = once(peer, 'pong')
      peer.ping('there?')
      assert.equal(String((await pong)[0]), 'there?')
      if (!talk.socket.pings) return
      talk.socket.ping()
      assert.deepEqual(await talk.hears(1), [{ pong: true }])
    },
  },
  {
    title: 'tells how a server closed a WebSocket, and completes',
    async run(bench) {
      for (const [code, closed] of [
        [4001, { closed: 4001, reason: 'enough' }],
        [1000, { closed: 1000, reason: 'enough' }],
        [undefined, { closed: 1005, reason: '' }],
      ] as const) {
        const { talk, peer } = await converse(bench)
        peer.send('last')
        if (code === undefined) peer.close()
        else peer.close(code, 'enough')
        await talk.end()
        assert.deepEqual(talk.heard, ['last', closed])
        assert.equal(talk.completed, true)
      }
    },
  },
  {
    title:
      'closes a WebSocket with code and reason behind all that was said, and hears on until the server has closed too',
    async run(bench) {
      const { talk, peer } = await converse(bench)
      const heard: string[] = []
      peer.on('message', (data: Buffer) => heard.push(data.toString()))
      const closed = closeHeardBy(peer)
      for (let index = 0; index < 100; index++) talk.socket.send(String(index))
      talk.socket.close(4002, 'über')
      talk.socket.send('never')
      assert.deepEqual(await closed, [4002, 'über'])
      assert.deepEqual(
        heard,
        Array.from({ length: 100 }, (_, index) => String(index)),
      )
      await talk.end()
      // Whether it repeats the reason is for the server to say.
      assert.deepEqual(
        talk.heard.map(one => (typeof one === 'object' && 'closed' in one ? one.closed : one)),
        [4002],
      )
      assert.equal(talk.completed, true)
    },
  },
  {
    title: 'takes a WebSocket whose connection breaks for an error',
    async run(bench) {
      const { talk, peer } = await converse(bench)
      peer.terminate()
      await talk.end()
      assert.equal(talk.error?.code, 'RESET', talk.error?.message)
      assert.equal(talk.error.phase, 'body')
    },
  },
  {
    title: 'does not take a message that is longer than wished for',
    async run(bench) {
      const { talk, peer } = await converse(bench, { maxMessage: 1000 })
      const closed = once(peer, 'close')
      peer.send('x'.repeat(1000))
      peer.send('x'.repeat(1001))
      await talk.end()
      assert.equal(talk.error?.code, 'TOO_LARGE', talk.error?.message)
      assert.deepEqual(talk.heard, ['x'.repeat(1000)])
      await closed
    },
  },
  {
    title: 'stops a server whose WebSocket nobody reads, and loses nothing',
    needs: ['backPressure'],
    unless: ['connections'],
    async run(bench) {
      const { talk, peer } = await converse(bench)
      talk.socket.pause()
      const size = 64 * 1024
      let given = 0
      let left = 0
      const flood = (): void => {
        for (; given < 400 && given - left < 4; given++)
          peer.send('x'.repeat(size), () => {
            left++
            flood()
          })
      }
      flood()
      const ahead = (await settled(() => left)) * size
      const most = talk.head?.httpVersion === '2' ? 1024 * 1024 : 8 * 1024 * 1024
      assert.ok(ahead <= most, `${ahead} bytes left the server for a reader that reads none`)
      assert.deepEqual(talk.heard, [])
      talk.socket.resume()
      assert.equal((await talk.hears(400)).length, 400)
    },
  },
  {
    title: 'tells what waits to be said over a WebSocket, and when it was taken',
    async run(bench) {
      const { talk, peer } = await converse(bench)
      peer.pause()
      const size = 256 * 1024
      let taken = 0
      for (let index = 0; index < 100; index++) talk.socket.send('x'.repeat(size), () => taken++)
      assert.ok(talk.socket.bufferedAmount > 0)
      await settled(() => taken)
      assert.ok(taken < 100, 'all was taken by a server that reads nothing')
      assert.ok(talk.socket.bufferedAmount > 0)
      peer.resume()
      await talk.until('all was taken', () => taken === 100)
      assert.equal(talk.socket.bufferedAmount, 0)
    },
  },
  ...(['handshake', 'open'] as const).map((phase): Case => ({
    title: `ends a WebSocket at once when it is left ${phase === 'open' ? 'open' : 'while it waits for the server to agree'}`,
    async run(bench) {
      const took: number[] = []
      const server = await bench.sockets(phase === 'open' ? {} : { refuses: 'silence' })
      const engine = bench.engine()
      for (let round = 1; round <= 5; round++) {
        const talk = new Talk(engine, asking(server.url))
        if (phase === 'open') await Promise.all([talk.open(), server.next()])
        else await talk.until('the server has seen it', () => server.handshakes === round)
        const left = performance.now()
        talk.exchange.abort()
        await talk.until('the server sees that', () => server.leftAt !== undefined)
        took.push((server.leftAt ?? Infinity) - left)
        assert.equal(talk.over, false, 'it ended after it was left')
      }
      const [, , middle = Infinity] = took.toSorted((a, b) => a - b)
      assert.ok(middle < SOON, `the server saw it after ${took.map(Math.round).join(', ')} ms`)
    },
  })),
  {
    title: 'lets WebSockets go on until their end when it is closed, and then takes no more',
    async run(bench) {
      const server = await bench.sockets({})
      const engine = bench.engine()
      const talk = new Talk(engine, asking(server.url))
      const [, peer] = await Promise.all([talk.open(), server.next()])
      let closed = false
      const closing = engine.close().then(() => (closed = true))
      assert.equal((await new Talk(engine, asking(server.url)).end()).error?.code, 'CLOSED')
      peer.send('still open')
      await talk.hears(1)
      assert.equal(closed, false, 'it was closed while a WebSocket was open')
      peer.close(1001)
      await talk.end()
      assert.equal(talk.completed, true)
      await closing
    },
  },
  {
    title: 'ends WebSockets when it is destroyed',
    async run(bench) {
      const server = await bench.sockets({})
      const engine = bench.engine()
      const talk = new Talk(engine, asking(server.url))
      await Promise.all([talk.open(), server.next()])
      await engine.destroy()
      await talk.end()
      assert.equal(talk.error?.code, 'CANCELLED')
      await talk.until('the server sees that', () => server.leftAt !== undefined)
    },
  },
]

/** WebSockets, of engines that open them. */
export const webSockets: readonly Case[] = all.map(one => ({ ...one, needs: ['webSocket', ...(one.needs ?? [])] }))
