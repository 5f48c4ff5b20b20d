import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocketServer, type WebSocket as Peer } from 'ws'
import { CLOSE, frame, goodbye, rawServer, TEXT, type RawPeer, type RawServer } from '../../support/web-socket-raw.ts'
import { asking, Talk } from '../../support/web-socket-talk.ts'

let engine: Engine
let server: RawServer

beforeEach(async () => {
  engine = fetch().create()
  server = await rawServer('http/1.1')
})
afterEach(async () => {
  await engine.destroy()
  await server[Symbol.asyncDispose]()
})

async function converse(wish: Parameters<typeof asking>[1] = {}): Promise<{ talk: Talk; peer: RawPeer }> {
  const talk = new Talk(engine, asking(server.url, wish))
  const [, peer] = await Promise.all([talk.open(), server.next()])
  return { talk, peer }
}

describe("the platform's WebSocket", () => {
  it('is opened with what a platform can say', async () => {
    await using choosing = await rawServer('http/1.1', { fields: { 'Sec-WebSocket-Protocol': 'chat' } })
    const talk = new Talk(engine, asking(choosing.url, { protocols: ['chat', 'chat.v2'] }))
    const [, peer] = await Promise.all([talk.open(), choosing.next()])
    expect(talk.socket).toMatchObject({ protocol: 'chat', pings: false, bufferedAmount: 0, compressed: false })
    expect(talk.head?.headers.get('sec-websocket-protocol')).toBe('chat')
    expect(talk.events.map(({ type }) => type)).toEqual(['sent', 'head'])
    expect(choosing.handshakes[0]?.['sec-websocket-protocol']).toBe('chat, chat.v2')
    peer.send(frame(TEXT, 'a€'), frame(2, Buffer.of(1, 2)))
    expect(await talk.hears(2)).toEqual(['a€', new Uint8Array([1, 2])])
    const taken: string[] = []
    talk.socket.send('text', () => taken.push('text'))
    talk.socket.send(new Uint8Array([3]))
    talk.socket.send(new Uint8Array([4]), () => taken.push('bytes'))
    talk.socket.ping()
    await peer.frame(3)
    expect(peer.frames.map(({ payload }) => payload.toString('latin1'))).toEqual(['text', '\x03', '\x04'])
    await talk.until('it was taken', () => taken.length === 2)
    expect(taken).toEqual(['text', 'bytes'])
    expect(talk.socket.bufferedAmount).toBe(0)
  })

  it('leaves out what the platform says itself, and refuses what it cannot say', async () => {
    const welcome = { accept: '*/*', 'accept-encoding': 'gzip', 'User-Agent': 'x/1' }
    await new Talk(engine, asking(server.url, {}, welcome)).open()
    expect(server.handshakes[0]?.['user-agent']).not.toBe('x/1')
    const refused = new Talk(engine, asking(server.url, {}, { authorization: 'Bearer x' }))
    expect(refused.error).toMatchObject({
      code: 'UNSUPPORTED',
      requestWritten: 'no',
      message:
        /has the header authorization, which this platform sends with no WebSocket; engines that can.*: undici, http2, http/,
    })
    expect(server.handshakes).toHaveLength(1)
  })

  it.each<[string, (peer: RawPeer) => unknown, object]>([
    ['closed', peer => peer.send(goodbye(4001, 'why')), { closed: 4001, reason: 'why' }],
    ['closed without a code', peer => peer.send(frame(CLOSE)), { closed: 1005, reason: '' }],
  ])('that is %s completes', async (_, act, closed) => {
    const { talk, peer } = await converse()
    act(peer)
    await peer.until('the goodbye', ({ closedWith }) => closedWith !== undefined)
    peer.end()
    await talk.end()
    expect(talk.heard).toEqual([closed])
    expect(talk.completed).toBe(true)
  })

  it.each<[string, (peer: RawPeer) => unknown, string]>([
    ['ends without a word', peer => peer.end(), 'RESET'],
    ['is reset', peer => peer.reset(), 'RESET'],
  ])('that %s fails', async (_, act, code) => {
    const { talk, peer } = await converse()
    act(peer)
    await talk.end()
    expect(talk.error).toMatchObject({ code, phase: 'body', requestWritten: 'yes' })
  })

  it('is closed with what a platform can say', async () => {
    for (const [code, seen] of [
      [1000, 1000],
      [4000, 4000],
      [1001, 1005],
      [undefined, 1005],
    ]) {
      const { talk, peer } = await converse()
      talk.socket.close(code)
      talk.socket.send('never')
      await peer.frame(1)
      expect(peer.closedWith).toBe(seen)
      peer.send(goodbye(1000))
      peer.end()
      await talk.end()
      expect(talk.heard).toEqual([{ closed: 1000, reason: '' }])
    }
  })

  it('is left when its peer does not say goodbye', async () => {
    const { talk } = await converse()
    const began = performance.now()
    talk.socket.close(1000)
    await talk.end()
    expect(performance.now() - began).toBeGreaterThan(2900)
    expect(talk.heard).toEqual([{ closed: 1006, reason: '' }])
  })

  it('that is refused says that nobody knows why', async () => {
    await using refusing = await rawServer('http/1.1', {
      raw: 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n',
    })
    const talk = await new Talk(engine, asking(refusing.url)).end()
    expect(talk.error).toMatchObject({
      code: 'CONNECT',
      phase: 'connect',
      message: /or the server refused the WebSocket/,
    })
  })

  it('does not take longer messages than wished for', async () => {
    const { talk, peer } = await converse({ maxMessage: 1000 })
    peer.send(frame(TEXT, 'x'.repeat(1000)), frame(TEXT, 'é'.repeat(501)))
    await talk.end()
    expect(talk.heard).toEqual(['x'.repeat(1000)])
    expect(talk.error).toMatchObject({ code: 'TOO_LARGE', message: /more than 1000 bytes/ })
    await peer.until('the goodbye', ({ closedWith }) => closedWith !== undefined)
  })

  it('keeps what nobody reads, up to 8 MiB', async () => {
    const { talk, peer } = await converse()
    talk.socket.pause()
    peer.send(frame(TEXT, 'a'), frame(TEXT, 'b'))
    await delay(50)
    expect(talk.heard).toEqual([])
    talk.socket.resume()
    expect(talk.heard).toEqual(['a', 'b'])
    talk.socket.pause()
    for (let sent = 0; sent < 9; sent++) peer.send(frame(TEXT, 'x'.repeat(1024 * 1024)))
    await peer.until('the goodbye', ({ closedWith }) => closedWith !== undefined)
    talk.socket.resume()
    await talk.end()
    expect(talk.heard).toHaveLength(10)
    expect(talk.error).toMatchObject({ code: 'TOO_LARGE', message: /nobody has read yet/ })
  })

  it('is left at once, in every phase', async () => {
    const left = new Talk(engine, asking(server.url))
    left.exchange.abort()
    const { talk, peer } = await converse()
    expect(server.handshakes).toHaveLength(1)
    talk.exchange.abort()
    const from = performance.now()
    await peer.until('the goodbye', ({ closedWith, endedAt }) => closedWith !== undefined || endedAt !== undefined)
    expect(performance.now() - from).toBeLessThan(500)
    peer.send(goodbye(1000))
    peer.end()
    expect([left.over, talk.over]).toEqual([false, false])
    await engine.close()
  })

  it('is waited for by close() and ended by destroy()', async () => {
    const { talk, peer } = await converse()
    expect(engine.stats?.().busy).toBe(1)
    await engine.destroy()
    expect(talk.error).toMatchObject({ code: 'CANCELLED' })
    await peer.until('the goodbye', ({ closedWith, endedAt }) => closedWith !== undefined || endedAt !== undefined)
  })

  it('talks with a real server, compressed by the platform', async () => {
    const real = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
    real.on('connection', (peer: Peer) => peer.on('message', (data, binary) => peer.send(data, { binary })))
    await once(real, 'listening')
    const { port } = real.address() as { port: number }
    const talk = await new Talk(engine, asking(`http://127.0.0.1:${port}/`, { compress: true })).open()
    talk.socket.send('x'.repeat(100_000))
    expect(await talk.hears(1)).toEqual(['x'.repeat(100_000)])
    talk.socket.close(1000)
    await talk.end()
    expect(talk.completed).toBe(true)
    await new Promise(resolve => real.close(resolve))
  })
})

it('a fetch of your own opens no WebSockets', async () => {
  const own = fetch({ fetch: (url, init) => globalThis.fetch(url, init) }).create()
  expect(own.capabilities.webSocket).toBe(false)
  await own.destroy()
})
