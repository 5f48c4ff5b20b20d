import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { reply, serve } from 'sluice/testing'
import { expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { describeEach, open } from '../../support/http1-engines.ts'
import { refusal, send, sent, type Given } from '../../support/send.ts'

const MIB = 1024 * 1024
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Holds the answer back after every chunk, for some turns of the loop. */
const slowly = (turns: number): Given => ({
  seen: (event, { exchange }) => {
    if (event.type !== 'chunk') return
    exchange.pause()
    let left = turns
    const wait = (): void => {
      if (left-- > 0) setImmediate(wait)
      else exchange.resume()
    }
    setImmediate(wait)
  },
})

/** A server that answers every request with these bytes and hangs up. */
async function hangingUp(answer: (socket: Socket) => void): Promise<{ url: string; close: () => void }> {
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => {
      answer(socket)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => server.close() }
}

describeEach('a whole body whose connection ends while its reader is busy', () => {
  const body = Buffer.alloc(MIB, 'x')
  const head = (more: string): string => `HTTP/1.1 200 OK\r\n${more}\r\n\r\n`

  it.each([
    ['a length', [head(`content-length: ${MIB}`), body]],
    ['a length and Connection: close', [head(`connection: close\r\ncontent-length: ${MIB}`), body]],
    ['chunks', [head('transfer-encoding: chunked'), `${MIB.toString(16)}\r\n`, body, '\r\n0\r\n\r\n']],
    ['no length', [head('connection: close'), body]],
  ])('is a success 200 times of 200, with %s', async (_, answer) => {
    const server = await hangingUp(socket => {
      for (const piece of answer) socket.write(piece)
      socket.end()
    })
    const engine = open()
    const bad: unknown[] = []
    for (let round = 0; round < 200; round += 10) {
      const ten = Array.from({ length: 10 }, (_, at) => send(engine, server.url, slowly(at % 4)).over)
      for (const { failure, size } of await Promise.all(ten))
        if (failure !== undefined || size !== MIB) bad.push(failure ?? size)
    }
    expect(bad).toEqual([])
    server.close()
  })

  it('is a success when the last piece comes by itself and the reader is busy long after', async () => {
    const answer = Promise.withResolvers<Socket>()
    const server = await hangingUp(socket => {
      socket.write(`${head('content-length: 6')}abc`)
      answer.resolve(socket)
    })
    const one = send(open(), server.url, {
      seen: (event, { exchange }) => {
        if (event.type === 'chunk') exchange.pause()
      },
    })
    const socket = await answer.promise
    while (one.size < 3) await turn()
    one.exchange.resume()
    socket.end('def')
    await one.over
    expect(one.failure).toBeUndefined()
    expect(one.text).toBe('abcdef')
    server.close()
  })

  it('is an error when a byte is missing', async () => {
    const server = await hangingUp(socket => {
      socket.write(head(`content-length: ${MIB}`))
      socket.end(body.subarray(1))
    })
    const one = await send(open(), server.url, slowly(2)).over
    expect(one.failure).toMatchObject({ code: 'BODY', phase: 'body' })
    expect(one.failure?.message).toContain(`was cut off after ${MIB - 1} of ${MIB} bytes`)
    server.close()
  })
})

describeEach('an answer that is held back', () => {
  it('stops the server, before its head as well as after', async () => {
    await using server = await serve({ 'GET /': reply.bytes(Infinity) })
    const engine = open()
    const early = send(engine, server.url)
    early.exchange.pause()
    const late = send(engine, server.url, {
      seen: (event, { exchange }) => {
        if (event.type === 'chunk') exchange.pause()
      },
    })
    await server.received(2)
    let before = -1
    const out = (): number => server.connections.reduce((sum, { bytesOut }) => sum + bytesOut, 0)
    while (before !== out()) {
      before = out()
      await delay(100)
    }
    expect(out()).toBeLessThan(16 * MIB)
    expect(early.all('chunk')).toEqual([])
    expect(early.kinds).toEqual(['connection', 'sent', 'head'])
    expect(late.all('chunk').length).toBeLessThanOrEqual(2)
    early.exchange.resume()
    while (early.size < 12 * MIB) await turn()
    early.exchange.abort()
    late.exchange.abort()
  })

  it('does not hold back another one that is let go while this one is read', async () => {
    await using server = await serve({ 'GET /': reply.bytes(4 * MIB) })
    const engine = open()
    const one = send(engine, server.url, slowly(1))
    // Whoever hears of a chunk of one answer may let another one go on.
    const other = send(engine, server.url, {
      seen: (event, { exchange }) => {
        if (event.type === 'head') exchange.pause()
      },
    })
    const third = send(engine, server.url, { seen: event => event.type === 'chunk' && other.exchange.resume() })
    await Promise.all([one.over, other.over, third.over])
    expect([one.size, other.size, third.size]).toEqual([4 * MIB, 4 * MIB, 4 * MIB])
  })

  it('may be held back and let go any number of times', async () => {
    await using server = await serve({ 'GET /': reply.bytes(2 * MIB) })
    const one = await sent(open(), server.url, {
      seen: (_, { exchange }) => {
        exchange.pause()
        exchange.pause()
        exchange.resume()
        exchange.resume()
      },
    })
    expect(one.size).toBe(2 * MIB)
  })
})

/** A source that counts how it is used. */
class Counting {
  asked = 0
  returned = 0
  readonly #pieces: number
  readonly #wait: () => Promise<unknown>

  constructor(pieces = Infinity, wait: () => Promise<unknown> = turn) {
    this.#pieces = pieces
    this.#wait = wait
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        await this.#wait()
        this.asked++
        return this.asked > this.#pieces
          ? { done: true, value: undefined }
          : { done: false, value: new Uint8Array(50_000).fill(this.asked) }
      },
      return: async () => {
        this.returned++
        return { done: true, value: undefined }
      },
    }
  }
}

describeEach('a body that is sent', () => {
  it('tells of the head before it is through, and of its progress up to the last byte', async () => {
    await using server = await serve({ 'POST /': async request => reply.text(String((await request.bytes()).length)) })
    const engine = open()
    const known = await sent(engine, server.url, { method: 'POST', body: new Uint8Array(200_000), progress: true })
    expect(known.text).toBe('200000')
    expect(known.kinds).toEqual(['connection', 'sent', 'progress', 'head', 'chunk'])
    const up = known.all('progress')
    expect(up.map(({ loaded }) => loaded)).toEqual([65_536, 131_072, 196_608, 200_000])
    expect(up.every(({ way, total }) => way === 'up' && total === 200_000)).toBe(true)
    expect(up.map(({ done }) => done)).toEqual([undefined, undefined, undefined, true])

    const unknown = await sent(engine, server.url, { method: 'POST', body: new Counting(3), progress: true })
    expect(unknown.text).toBe('150000')
    expect(unknown.all('progress').at(-1)).toEqual({
      type: 'progress',
      way: 'up',
      loaded: 150_000,
      total: undefined,
      done: true,
    })

    const small = await sent(engine, server.url, { method: 'POST', body: 'four', progress: true })
    expect(small.all('progress')).toEqual([{ type: 'progress', way: 'up', loaded: 4, total: 4, done: true }])
    const none = await sent(engine, server.url, { method: 'POST', progress: true })
    expect(none.all('progress')).toEqual([])
  })

  it('arrives as it was, whatever the size of its pieces', async () => {
    await using server = await serve({ 'PUT /': async request => ({ body: await request.bytes() }) })
    const bytes = Uint8Array.from({ length: 700_001 }, (_, at) => (at * 31) % 251)
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 1)
      yield bytes.subarray(1, 1)
      yield bytes.subarray(1, 300_000)
      yield bytes.subarray(300_000)
    }
    const { events } = await sent(open(), server.url, { method: 'PUT', body: pieces() })
    const got = Buffer.concat(events.flatMap(event => (event.type === 'chunk' ? [event.bytes] : [])))
    expect(Buffer.compare(got, bytes)).toBe(0)
    expect(server.requests[0]?.headers['transfer-encoding']).toBe('chunked')
  })

  it('is answered early: the answer counts, the source is stopped once, the connection is not used again', async () => {
    await using server = await serve({
      'POST /': reply.text('too large', { status: 413, early: true }),
      '/*': reply.text('x'),
    })
    const engine = open({ connectionsPerOrigin: 1 })
    const source = new Counting()
    const early = await sent(engine, server.url, { method: 'POST', body: source })
    expect([early.head?.status, early.text]).toEqual([413, 'too large'])
    expect(source.returned).toBe(1)
    expect((await sent(engine, `${server.url}next`)).text).toBe('x')
    expect(server.connections.length).toBe(2)
    expect(server.requests[0]?.complete).toBe(false)
  })

  it('is answered early by a server that then resets the connection, 100 times of 100', async () => {
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => {
        socket.pause()
        socket.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig', () => {
          // Unread bytes make this a RST.
          setImmediate(() => socket.destroy())
        })
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const engine = open()
    const outcomes: Record<string, number> = {}
    for (let round = 0; round < 100; round++) {
      const source = new Counting(Infinity, () => Promise.resolve())
      const one = await send(engine, url, { method: 'POST', body: source }).over
      const outcome = one.failure === undefined ? `${String(one.head?.status)} ${one.text}` : one.failure.message
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      expect(source.returned).toBe(1)
    }
    server.close()
    expect(outcomes).toEqual({ '413 big': 100 })
  })

  it('whose source hangs is stopped when the exchange is left, at once and once', async () => {
    await using server = await serve({ 'POST /': { fault: { kind: 'stall', at: 'before-head' } } })
    let pieces = 0
    const source = new Counting(Infinity, () => (pieces++ === 0 ? Promise.resolve() : new Promise(() => undefined)))
    const one = send(open(), server.url, { method: 'POST', body: source })
    await server.until(({ requests }) => (requests[0]?.bodyBytes ?? 0) > 0)
    one.exchange.abort()
    expect(source.returned).toBe(1)
    await server.closed(1)
    expect(server.requests[0]?.complete).toBe(false)
    expect(source.returned).toBe(1)
  })

  it('that fails ends the exchange with its error, and its connection before a whole request was there', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const engine = open()
    const cause = new Error('the disk is gone')
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10)
      throw cause
    }
    const error = await refusal(engine, server.url, { method: 'POST', body: broken(), attempt: 3 })
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', requestWritten: 'maybe', attempt: 3, cause })
    expect(error.message).toBe(`The body of attempt 3 of POST ${server.url} failed while it was sent.`)
    await server.closed(1)
    expect(server.requests.every(({ complete }) => !complete)).toBe(true)
  })

  it('that cannot be started ends the exchange before anything is written, and the connection stays', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const engine = open()
    await sent(engine, server.url)
    const locked = new ReadableStream<Uint8Array>()
    locked.getReader()
    const error = await refusal(engine, server.url, { method: 'POST', body: locked })
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', requestWritten: 'no' })
    let made = 0
    const body = (): AsyncIterable<Uint8Array> => {
      if (made++ > 0) throw new Error('only once')
      return new Counting(1)
    }
    const first = send(engine, server.url, { method: 'POST', body })
    await first.over
    expect(first.failure).toBeUndefined()
    await sent(engine, server.url)
    expect(server.connections.length).toBe(1)
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET'])
  })

  it('is answered while it is sent, when the server likes to', async () => {
    await using server = await serve({ 'POST /': request => ({ body: request.body, early: true }) })
    const answered = Promise.withResolvers<undefined>()
    async function* talk(): AsyncGenerator<string> {
      yield 'hello'
      await answered.promise
      yield ' world'
    }
    const one = await sent(open(), server.url, {
      method: 'POST',
      body: talk(),
      seen: event => {
        if (event.type === 'chunk') answered.resolve(undefined)
      },
    })
    expect(one.text).toBe('hello world')
  })

  it('goes through TLS as well', async () => {
    const { ca, good } = certificates()
    await using server = await serve(
      { 'POST /': async request => reply.text(String((await request.bytes()).length)) },
      { tls: good },
    )
    const engine = open({ tls: { ca } })
    const url = `https://localhost:${server.port}/`
    expect((await sent(engine, url, { method: 'POST', body: new Counting(20) })).text).toBe('1000000')
    expect((await sent(engine, url, { method: 'POST', body: new Uint8Array(MIB) })).text).toBe(String(MIB))
    expect(server.connections.length).toBe(1)
  })
})
