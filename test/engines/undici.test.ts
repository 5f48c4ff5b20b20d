import { isHttpError, type Engine, type HttpError } from 'sluice'
import { undici, type UndiciOptions } from 'sluice/engines/undici'
import { engineContract, reply, serve } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { refusal, send, sent } from '../support/send.ts'

const engines: Engine[] = []

function open(options?: UndiciOptions): Engine {
  const engine = undici(options).create()
  engines.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
})

/** A route that answers when it is told to. */
function gate() {
  const opened = Promise.withResolvers<undefined>()
  return {
    open: () => {
      opened.resolve(undefined)
    },
    route: async () => {
      await opened.promise
      return reply.text('held')
    },
  }
}

describe('the contract', () => {
  const single = undici({ connectionsPerOrigin: 1 })
  for (const one of engineContract('undici', undici(), { single })) {
    if (one.excluded === undefined) it(one.title, () => one.run())
  }
})

describe('the options', () => {
  const wrong = (options: object): HttpError => {
    try {
      undici(options)
    } catch (error) {
      if (isHttpError(error)) return error
      throw error
    }
    throw new Error('it was taken')
  }

  it.each([
    [{ connections: 0 }, 'The option connections of undici must be a whole number of at least 1, or Infinity'],
    [{ connectionsPerOrigin: 1.5 }, 'The option connectionsPerOrigin of undici must be a whole number'],
    [{ pipelining: Infinity }, 'The option pipelining of undici must be a whole number of at least 1, not Infinity.'],
    [{ keepAlive: -1 }, 'The option keepAlive of undici must be a number of milliseconds above 0'],
    [{ connectTimeout: Number.NaN }, 'The option connectTimeout of undici must be a number of milliseconds above 0'],
    [{ acquireTimeout: 2 ** 31 }, 'or false for no limit, not 2147483648.'],
    [{ connectAttempts: 0 }, 'The option connectAttempts of undici must be a whole number of at least 1'],
    [{ maxHeaderSize: '1k' }, 'The option maxHeaderSize of undici must be a whole number of at least 1, not "1k".'],
    [{ family: 5 }, 'The option family of undici must be one of 4, 6, not 5.'],
    [{ localAddress: 'eth0' }, 'The option localAddress of undici must be an IP address of this machine'],
    [{ lookup: true }, 'The option lookup of undici must be a function, not true.'],
    [{ tls: 'strict' }, 'The option tls of undici must be an object of TLS options, not "strict".'],
    [{ tls: { rejectUnauthorized: false } }, 'undici({ tls }) has no option "rejectUnauthorized"; it has ca, cert,'],
    [{ tls: { minVersion: 'TLS1.2' } }, 'The option minVersion of undici({ tls }) must be one of "TLSv1",'],
    [{ lookupCache: 0 }, 'The option lookupCache of undici must be a number of milliseconds above 0'],
    [{ tls: { pins: [] } }, 'The option pins of undici({ tls }) must be at least one key, not '],
    [{ tls: { pins: 'sha1/x' } }, 'must be the SHA-256 of a public key in base64, as in "sha256//47DEQpj8HBSa+'],
    [{ tls: { pins: ['nonsense'] } }, 'The option pins of undici({ tls }) must be the SHA-256 of a public key'],
    [{ tls: { cert: 'x' } }, 'undici({ tls }) has cert alone; a client certificate needs cert and key.'],
    [{ tls: { cert: 'x', key: 'y' } }, 'The tls options cannot be used: '],
    [{ keepalive: 1 }, 'undici has no option "keepalive"; it has connections, connectionsPerOrigin,'],
  ])('%o are refused in a sentence', (options, message) => {
    const error = wrong(options)
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toContain(message)
  })

  it('left undefined are as if they were not there', () => {
    expect(undici({ connections: undefined, tls: { ca: undefined } }).create().name).toBe('undici')
  })
})

describe('connections', () => {
  it('carry several requests at a time with pipelining when no more may be opened', async () => {
    const held = gate()
    await using server = await serve({ 'GET /held': held.route, 'GET /:n': reply.text('x'), 'POST /': reply.text('p') })
    const engine = open({ connectionsPerOrigin: 1, pipelining: 3 })
    await sent(engine, `${server.url}0`)
    const first = sent(engine, `${server.url}held`)
    const others = ['1', '2', '3'].map(path => sent(engine, server.url + path))
    expect(engine.stats?.()).toMatchObject({ open: 1, queued: 1 })
    held.open()
    expect((await Promise.all([first, ...others])).map(({ text }) => text)).toEqual(['held', 'x', 'x', 'x'])
    expect((await sent(engine, server.url, { method: 'POST', body: 'x' })).text).toBe('p')
    expect(server.connections.length).toBe(1)
  })

  it('that is left by one of several requests has the others sent again', async () => {
    await using server = await serve({
      'GET /stalled': { fault: { kind: 'stall', at: 'before-head' } },
      'GET /': reply.text('x'),
    })
    const engine = open({ connectionsPerOrigin: 1, pipelining: 4 })
    await sent(engine, server.url)
    const left = send(engine, `${server.url}stalled`)
    const behind = [1, 2, 3].map(() => sent(engine, server.url))
    await server.received(2)
    left.exchange.abort()
    expect((await Promise.all(behind)).map(({ text }) => text)).toEqual(['x', 'x', 'x'])
  })
})

describe('100 Continue with nothing to continue', () => {
  it('is PROTOCOL, because undici does not take it', async () => {
    const raw = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
    await using server = await serve({ '/*': { raw } })
    const error = await refusal(open(), server.url)
    expect(error).toMatchObject({ code: 'PROTOCOL', phase: 'headers' })
    expect(error.message).toBe(
      `GET ${server.url} was answered with 100 Continue, for which it had not asked and which undici does not take.`,
    )
  })
})
