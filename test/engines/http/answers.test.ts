import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Engine } from 'sluice'
import { http, type HttpOptions } from 'sluice/engines/http'
import { reply, serve, type Reply } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { refusal, send, sent } from '../../support/send.ts'

const engines: Engine[] = []

function open(options?: HttpOptions): Engine {
  const engine = http(options).create()
  engines.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
})

/** A server that does with each connection what it is told. */
async function rawServer(serving: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    serving(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Waits for what happens without anybody telling. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise(resolve => setImmediate(resolve))
}

const closed = (socket: Socket): Promise<unknown> =>
  socket.destroyed ? Promise.resolve() : new Promise(resolve => socket.once('close', resolve))

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

describe('an answer in HTTP/1.0', () => {
  it('is whole when its connection ends, and says its version', async () => {
    await using server = await serve({ '/*': { raw: 'HTTP/1.0 200 Fine\r\nX-Old: yes\r\n\r\nold', close: true } })
    const one = await sent(open(), server.url)
    expect(one.head).toMatchObject({ status: 200, statusText: 'Fine', httpVersion: '1.0' })
    expect(one.text).toBe('old')
  })

  it('ends its connection when it does not say otherwise, and keeps it when it does', async () => {
    const answers: readonly [head: string, connections: number][] = [
      ['HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok', 2],
      ['HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok', 1],
      // Chunks are not of HTTP/1.0: whoever wrote them may have passed on what it did not understand (RFC 9112 §6.1).
      ['HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 2],
    ]
    for (const [raw, connections] of answers) {
      await using server = await serve({ '/*': { raw } })
      const engine = open()
      expect([(await sent(engine, server.url)).text, (await sent(engine, server.url)).text]).toEqual(['ok', 'ok'])
      expect(server.connections.length).toBe(connections)
    }
  })
})

describe('an answer in another version', () => {
  it.each(['0.9', '2.0'])('is PROTOCOL in HTTP/%s', async version => {
    await using server = await serve({ '/*': { raw: `HTTP/${version} 200 OK\r\ncontent-length: 0\r\n\r\n` } })
    const error = await refusal(open(), server.url)
    expect(error).toMatchObject({ code: 'PROTOCOL', phase: 'headers' })
    expect(error.message).toBe(`GET ${server.url} was answered in HTTP/${version} over a connection for HTTP/1.1.`)
  })
})

describe('an informational answer', () => {
  it('is told with its headers, also 100 for which nobody asked', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.css>\r\n\r\n'
    await using server = await serve({ '/*': { raw: `HTTP/1.1 100 Continue\r\n\r\n${early}${OK}` } })
    const engine = open()
    for (const reused of [false, true]) {
      const one = await sent(engine, server.url)
      expect(one.all('informational').map(({ status }) => status)).toEqual([100, 103])
      expect(one.all('informational')[1]?.headers.getAll('link')).toEqual(['</a.css>', '</b.css>'])
      expect(one.text).toBe('ok')
      expect(one.all('connection')[0]?.connection.reused).toBe(reused)
    }
  })
})

describe('an upgrade for which nobody asked', () => {
  it.each([
    ['', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    [
      ' with all that belongs to it',
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhi',
    ],
  ])('is PROTOCOL%s', async (_, raw) => {
    await using server = await serve({ '/*': { raw } })
    const error = await refusal(open(), server.url)
    expect(error).toMatchObject({ code: 'PROTOCOL', phase: 'headers', requestWritten: 'yes' })
    expect(error.message).toBe(
      `GET ${server.url} was answered with 101 Switching Protocols, for which it had not asked.`,
    )
    await server.closed(1)
  })

  it('is none when another status comes with such headers', async () => {
    const raw = `HTTP/1.1 200 OK\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\nok`
    await using server = await serve({ '/*': { raw } })
    expect((await sent(open(), server.url)).text).toBe('ok')
  })
})

describe('headers of an answer', () => {
  it('keep their case, order and repetition', async () => {
    const headers = [
      ['Set-Cookie', 'a=1'],
      ['X-Same', '1'],
      ['set-cookie', 'b=2'],
      ['x-same', '2'],
      ['Age', '1'],
      ['Age', '2'],
    ] as const
    await using server = await serve({ '/*': { headers, body: 'x' } })
    const { head } = await sent(open(), server.url)
    expect(head?.headers.flat.slice(0, 12)).toEqual(headers.flat())
  })

  it('are all there, up to 2000', async () => {
    const headers = Array.from({ length: 1990 }, (_, at) => [`x${at}`, '1'] as const)
    await using server = await serve({ '/*': { headers, body: 'x' } })
    const { head } = await sent(open(), server.url)
    expect(head?.headers.get('x1989')).toBe('1')
  })
})

describe('bytes behind an answer', () => {
  it('are never taken for the answer to the next request', async () => {
    await using server = await rawServer(socket => {
      socket.on('data', () => socket.write(OK))
    })
    const engine = open()
    expect((await sent(engine, server.url)).text).toBe('ok')
    await until(() => engine.stats?.().idle === 1)
    const [socket] = server.sockets
    socket?.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged')
    await until(() => engine.stats?.().open === 0)
    expect((await sent(engine, server.url)).text).toBe('ok')
    expect(server.sockets.size).toBe(2)
  })

  it('are never taken for the answer to the next request when they come together with the first', async () => {
    let connections = 0
    await using server = await rawServer(socket => {
      connections++
      socket.on('data', () => socket.write(`${OK}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged`))
    })
    const engine = open()
    expect([(await sent(engine, server.url)).text, (await sent(engine, server.url)).text]).toEqual(['ok', 'ok'])
    expect(connections).toBe(2)
  })

  it('do no harm to a reader who has not read all of the answer', async () => {
    await using server = await rawServer(socket => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 40000\r\n\r\n${'x'.repeat(40_000)}`)
        setImmediate(() => socket.write('forged'))
      })
    })
    const engine = open()
    const one = send(engine, server.url, {
      seen: (event, { exchange }) => {
        if (event.type === 'head') exchange.pause()
      },
    })
    await until(() => one.head !== undefined && engine.stats?.().open === 0)
    one.exchange.resume()
    expect((await one.over).failure).toBeUndefined()
    expect(one.size).toBe(40_000)
    await Promise.all([...server.sockets].map(closed))
  })
})

describe('a body that is cut off while its reader is slow', () => {
  it.each([
    ['ends', '', false, 'BODY', 'was cut off after 30000 bytes of the body of its answer.'],
    ['resets', '', true, 'BODY', 'was cut off after 30000 bytes of the body of its answer.'],
    ['sends nonsense', 'nonsense\r\n', false, 'PROTOCOL', 'that is not HTTP/1.1: invalid character in chunk size.'],
  ])('is told as far as it came before the failure, when the server %s', async (_, behind, reset, code, message) => {
    await using server = await rawServer(socket => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7530\r\n${'x'.repeat(30_000)}\r\n${behind}`)
      })
    })
    const engine = open()
    const one = send(engine, server.url, {
      seen: (event, { exchange }) => {
        if (event.type === 'head') exchange.pause()
      },
    })
    await until(() => one.head !== undefined)
    for (const socket of server.sockets) {
      if (reset) socket.resetAndDestroy()
      else socket.end()
    }
    await until(() => engine.stats?.().open === 0)
    expect(one.ends).toBe(0)
    one.exchange.resume()
    const { failure, size } = await one.over
    expect(size).toBe(30_000)
    expect(failure).toMatchObject({ code, phase: 'body' })
    expect(failure?.message).toContain(message)
  })
})

describe('a server that keeps idle connections for a time', () => {
  it.each([
    ['timeout=1', true],
    ['max=5, timeout=1', true],
    ['timeout="1"', true],
    ['max=5', false],
    ['timeout=soon', false],
  ])('is believed when it says %s: %s', async (announced, sooner) => {
    await using server = await serve({ '/*': { headers: { 'keep-alive': announced }, body: 'x' } })
    const engine = open()
    const { endedAt } = await sent(engine, server.url)
    if (sooner) {
      const { closedAt = 0 } = await server.closed(1)
      expect(closedAt - endedAt).toBeGreaterThan(400)
      expect(closedAt - endedAt).toBeLessThan(1000)
    } else expect(engine.stats?.().idle).toBe(1)
  })
})

describe('an answer that is not quite HTTP', () => {
  const broken: readonly [what: string, answer: Reply, text: string][] = [
    ['control characters in a value', { raw: 'HTTP/1.1 200 OK\r\nx: a\x01b\r\ncontent-length: 2\r\n\r\nok' }, 'ok'],
    [
      'a length together with chunks',
      { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n' },
      'ok',
    ],
    ['a value without its line end', { raw: 'HTTP/1.1 200 OK\nx: a\ncontent-length: 2\n\nok', close: true }, 'ok'],
  ]

  it.each(broken)('is refused because of %s', async (_, answer) => {
    await using server = await serve({ '/*': answer })
    expect(await refusal(open(), server.url)).toMatchObject({ code: 'PROTOCOL', phase: 'headers' })
  })

  it.each(broken)('is read in spite of %s where that is wanted', async (_, answer, text) => {
    await using server = await serve({ '/*': answer })
    expect((await sent(open({ dangerouslyAcceptInvalidHttp: true }), server.url)).text).toBe(text)
  })

  it('is refused because of endless chunk extensions', async () => {
    const raw = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\nok\r\n0\r\n\r\n`
    await using server = await serve({ '/*': reply.raw(raw) })
    expect(await refusal(open(), server.url)).toMatchObject({ code: 'TOO_LARGE', phase: 'body' })
  })
})
