/** WebSockets over real connections, on every engine that speaks them by itself. */
import { firstValueFrom, NEVER, Subject, take, toArray } from 'rxjs'
import { createClient, HttpError, isHttpError, recommended, type Client } from 'sluice'
import { webSocket, type WebSocketDuplex, type WebSocketState } from 'sluice/streams/web-socket'
import { describe, expect, it, vi } from 'vitest'
import type { WebSocket as Peer } from 'ws'
import { watchLeaks } from '../../support/leaks.ts'
import { current, describeSpeaking, raw } from '../../support/web-socket-engines.ts'
import { CLOSE, frame, goodbye, PING, PONG, TEXT, type RawPeer, type RawServer } from '../../support/web-socket-raw.ts'
import { serveWs } from './serve-ws.ts'

const open = (server: RawServer): Client =>
  createClient({ engine: current(), baseUrl: server.url, plugins: recommended() })
const texts = (peer: RawPeer): string[] =>
  peer.frames.filter(({ opcode }) => opcode === TEXT).map(({ payload }) => payload.toString())

/** Subscribes, and gives what came and the end. */
function listen(socket: WebSocketDuplex<unknown>): {
  readonly heard: unknown[]
  readonly end: Promise<HttpError | 'complete'>
  readonly leave: () => void
} {
  const heard: unknown[] = []
  const { promise, resolve, reject } = Promise.withResolvers<HttpError | 'complete'>()
  const subscription = socket.subscribe({
    next: message => heard.push(message),
    error: (error: unknown) => {
      if (isHttpError(error)) resolve(error)
      else reject(error)
    },
    complete: () => resolve('complete'),
  })
  return { heard, end: promise, leave: () => subscription.unsubscribe() }
}

const seen = (peer: RawPeer, from: number): number => (peer.endedAt ?? Infinity) - from

describeSpeaking('webSocket()', ({ protocol }) => {
  /** A WebSocket of this server, and the server's end of it. */
  async function meet(options: Parameters<typeof webSocket>[2] = {}, given?: RawServer) {
    const server = given ?? (await raw(protocol))
    const client = open(server)
    const socket = webSocket(client, 'talk', { codec: 'text', ...options })
    const listening = listen(socket)
    return { server, client, socket, ...listening, peer: await server.next() }
  }

  it('talks both ways and says goodbye', async () => {
    const { socket, peer, heard, end, client, server } = await meet({ query: { room: 7 }, protocols: 'chat' })
    socket.next('one')
    socket.next('zwölf')
    await peer.frame(2)
    peer.send(frame(TEXT, 'eins'), frame(TEXT, 'tw', { fin: false }), frame(PING, 'x'), frame(0, 'ö'))
    await vi.waitFor(() => {
      expect(heard).toEqual(['eins', 'twö'])
    })
    await peer.drip(frame(TEXT, 'Tröpfchen'))
    await vi.waitFor(() => {
      expect(heard.at(-1)).toBe('Tröpfchen')
    })
    socket.complete()
    await peer.until('a goodbye', ({ closedWith }) => closedWith === 1000)
    peer.send(goodbye(1000))
    expect(await end).toBe('complete')
    expect(texts(peer)).toEqual(['one', 'zwölf'])
    expect(peer.frames.map(({ opcode }) => opcode)).toEqual([TEXT, TEXT, PONG, CLOSE])
    expect(JSON.stringify(server.handshakes)).toMatch(/"sec-websocket-protocol":"chat"/)
    await vi.waitFor(() => {
      expect(client.inFlight).toBe(0)
    })
  })

  it.each<[string, (peer: RawPeer) => unknown, object]>([
    ['a reset', peer => peer.reset(), { code: 'RESET', phase: 'body' }],
    ['an end without a goodbye', peer => peer.end(), { code: 'RESET', phase: 'body' }],
    [
      'a goodbye with 1011',
      peer => peer.send(goodbye(1011, 'oops')),
      { code: 'RESET', close: { code: 1011, reason: 'oops' } },
    ],
    ['silence', () => undefined, { code: 'TIMEOUT', phase: 'idle' }],
  ])('%s is its error, or makes it connect again if so wished', async (_, fault, error) => {
    const heartbeat = { every: 60, within: 60 }
    const once = await meet({ heartbeat })
    once.peer.send(frame(TEXT, 'a'))
    await vi.waitFor(() => {
      expect(once.heard).toEqual(['a'])
    })
    fault(once.peer)
    expect(await once.end).toMatchObject(error)
    await once.peer.until('its end', ({ endedAt }) => endedAt !== undefined)

    const twice = await meet({ heartbeat, reconnect: { first: 5 }, greet: ({ nth }) => [`hello ${nth}`] })
    const states: WebSocketState[] = []
    twice.socket.state.subscribe(state => states.push(state))
    await twice.peer.frame(1)
    fault(twice.peer)
    const peer = await twice.server.next()
    twice.socket.next('here again')
    await peer.until('what waits', one => texts(one).length === 2)
    expect(texts(peer)).toEqual(['hello 2', 'here again'])
    expect(states.find(({ name }) => name === 'waiting')).toMatchObject({ error })
    twice.leave()
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(peer.closedWith).toBe(1000)
  })

  it('a peer that answers pings is alive', async () => {
    const { peer, heard, leave } = await meet({ heartbeat: { every: 15, within: 1000 } })
    await peer.until('pings', ({ frames }) => frames.filter(({ opcode }) => opcode === PING).length === 1)
    peer.send(frame(PONG))
    await peer.until('more pings', ({ frames }) => frames.filter(({ opcode }) => opcode === PING).length === 2)
    leave()
    expect(heard).toEqual([])
  })

  it.each<[string, Buffer, object]>([
    ['a masked frame', frame(TEXT, 'a', { mask: true }), { code: 'PROTOCOL' }],
    ['a message that is too long', frame(TEXT, 'a'.repeat(101)), { code: 'TOO_LARGE' }],
    ['a text that is no UTF-8', frame(TEXT, new Uint8Array([0xff])), { code: 'PROTOCOL' }],
  ])('%s is its error, and no reason to connect again', async (_, bytes, error) => {
    const { peer, end, server } = await meet({ maxMessage: 100, reconnect: { first: 1 } })
    peer.send(bytes)
    expect(await end).toMatchObject(error)
    expect(server.handshakes).toHaveLength(1)
  })

  it('a message that is no JSON is its error, and tells the peer 1007', async () => {
    const { peer, end } = await meet({ codec: 'json' })
    peer.send(frame(TEXT, 's3cret'))
    const error = await end
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
    expect(JSON.stringify(error) + String((error as HttpError).cause)).not.toContain('s3cret')
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(peer.closedWith).toBe(1007)
  })

  it('a projector that fails is its error, and tells the peer 1011', async () => {
    const { peer, heard } = await meet()
    const failing = await meet({
      reconnect: true,
      project: () => {
        throw new HttpError('BLOCKED', 'The database is full.')
      },
    })
    failing.peer.send(frame(TEXT, 'a'))
    expect(await failing.end).toMatchObject({ code: 'BLOCKED' })
    await failing.peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(failing.peer.closedWith).toBe(1011)
    // Another one over the same engine is none the worse for it.
    peer.send(frame(TEXT, 'b'))
    await vi.waitFor(() => {
      expect(heard).toEqual(['b'])
    })
  })

  it('leaving it at any point is seen by the server within 50 ms, and nothing stays', async () => {
    const [first, second, third] = await Promise.all([raw(protocol), raw(protocol), raw(protocol)])
    using leaks = watchLeaks()
    const inProjector = await meet({ project: () => NEVER }, first)
    inProjector.peer.send(frame(TEXT, 'a'), frame(TEXT, 'b'))
    const quiet = await meet({}, second)
    const busy = await meet({}, third)
    busy.socket.next('x'.repeat(100))
    await busy.peer.frame(1)
    for (const { leave, peer, client } of [inProjector, quiet, busy]) {
      const from = performance.now()
      leave()
      await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
      expect(seen(peer, from)).toBeLessThan(50)
      expect(peer.closedWith).toBe(1000)
      peer.wire.destroy()
      await client.close()
    }
    await current().destroy()
    await leaks.settled()
  })

  it('leaving it while it waits, or in the handshake, leaves nothing either', async () => {
    const [server, silent] = await Promise.all([raw(protocol), raw(protocol, { raw: '' }, false)])
    using leaks = watchLeaks()
    const waits = await meet({ reconnect: { first: 60_000 } }, server)
    waits.peer.send(goodbye(1001))
    await vi.waitFor(async () => {
      expect((await firstValueFrom(waits.socket.state)).name).toBe('waiting')
    })
    waits.leave()
    waits.peer.wire.destroy()
    const shaking = listen(webSocket(open(silent), 'x'))
    if (protocol === 'http/1.1') {
      const peer = await silent.next()
      const from = performance.now()
      shaking.leave()
      await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
      expect(seen(peer, from)).toBeLessThan(50)
      peer.wire.destroy()
    }
    shaking.leave()
    await current().destroy()
    await leaks.settled()
  })

  it('a projector that is busy holds the server back', async () => {
    const gate = new Subject<never>()
    const { peer, leave, heard } = await meet({
      codec: 'binary',
      project: (message: unknown) => {
        heard.push((message as Uint8Array).length)
        return gate
      },
    })
    const message = frame(2, new Uint8Array(64 * 1024))
    let taken = 0
    let stopped = performance.now()
    const pour = (): void => {
      if (peer.wire.destroyed || taken > 64 * 1024 * 1024) return
      peer.wire.write(message, error => {
        if (error) return
        taken += message.length
        stopped = performance.now()
        pour()
      })
    }
    pour()
    await peer.until('a pause', () => performance.now() - stopped > 250)
    expect(heard).toEqual([64 * 1024])
    expect(taken).toBeLessThanOrEqual((protocol === 'h2c' ? 1 : 8) * 1024 * 1024)
    const from = performance.now()
    leave()
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(seen(peer, from)).toBeLessThan(100)
  })

  it('a peer that does not read holds the source back', async () => {
    const { peer, socket, leave } = await meet({ codec: 'binary' })
    peer.wire.pause()
    let made = 0
    function* endless() {
      for (;;) {
        made++
        yield new Uint8Array(64 * 1024)
      }
    }
    const sending = socket.send(endless()).subscribe()
    let last = -1
    await vi.waitFor(
      () => {
        const before = last
        last = made
        expect(made).toBe(before)
      },
      { interval: 200, timeout: 5000 },
    )
    expect(made * 64 * 1024).toBeLessThanOrEqual(8 * 1024 * 1024)
    expect(socket.bufferedAmount).toBeLessThan(512 * 1024)
    peer.wire.resume()
    await vi.waitFor(() => {
      expect(made).toBeGreaterThan(last + 10)
    })
    sending.unsubscribe()
    leave()
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
  })

  it('a client that is closed says goodbye with 1001, and waits', async () => {
    const { client, peer, end } = await meet({ reconnect: true })
    const closed = client.close()
    await peer.until('a goodbye', ({ closedWith }) => closedWith === 1001)
    expect(client.inFlight).toBe(1)
    peer.send(frame(TEXT, 'last words'), goodbye(1001))
    expect(await end).toBe('complete')
    expect(await closed).toEqual({ cut: [] })
  })

  it('a client that is cancelled breaks it off', async () => {
    const { client, peer, end } = await meet({ reconnect: true })
    const from = performance.now()
    client.cancel()
    expect(await end).toMatchObject({ code: 'CANCELLED' })
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(seen(peer, from)).toBeLessThan(50)
  })

  if (protocol === 'http/1.1') {
    it('a handshake that is refused is STATUS, with the answer', async () => {
      const server = await raw(protocol, { raw: 'HTTP/1.1 401 No\r\nContent-Length: 3\r\n\r\nwho' })
      const error = await listen(webSocket(open(server), 'x')).end
      expect(error).toMatchObject({ code: 'STATUS', response: { status: 401 } })
      expect((error as HttpError).response?.text()).toBe('who')
    })

    describe('with a server of ws', () => {
      it.each([false, true])('echoes what is small and what is big (compress: %s)', async compress => {
        await using server = await serveWs()
        const client = createClient({ engine: current(), plugins: recommended() })
        const socket = webSocket(client, server.url, { compress })
        const sent = [{ a: 1 }, 'x'.repeat(300_000), Array.from({ length: 5000 }, (_, n) => n), null]
        const heard = firstValueFrom(socket.pipe(take(sent.length), toArray()))
        for (const message of sent) socket.next(message)
        expect(await heard).toEqual(sent)
        await client.close()
      })

      it('comes back to a server that is restarted on its port, and subscribes anew', async () => {
        const topics = (peer: Peer): void => {
          peer.on('message', data => {
            peer.send(
              JSON.stringify({
                topic: (JSON.parse((data as Buffer).toString()) as { on?: string }).on,
                at: generation,
              }),
            )
          })
        }
        let generation = 1
        const first = await serveWs(0, topics)
        const client = createClient({ engine: current(), plugins: [] })
        const socket = webSocket<{ topic?: string; at?: number; on?: string }>(client, first.url, {
          reconnect: { first: 5, most: 20 },
        })
        const heard: unknown[] = []
        const subscription = socket
          .multiplex(
            () => ({ on: 'prices' }),
            () => ({}),
            ({ topic }) => topic === 'prices',
          )
          .subscribe(({ at }) => heard.push(at))
        await vi.waitFor(() => {
          expect(heard).toEqual([1])
        })
        await first[Symbol.asyncDispose]()
        await vi.waitFor(async () => {
          expect((await firstValueFrom(socket.state)).name).toBe('waiting')
        })
        generation = 2
        await using second = await serveWs(first.port, topics)
        await vi.waitFor(() => {
          expect(heard).toEqual([1, 2])
        }, 5000)
        expect(second.peers.size).toBe(1)
        subscription.unsubscribe()
        await client.close()
      })
    })
  }
})
