import { spawn } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { HttpError, isHttpError, type Engine } from 'sluice'
import { fetch, type FetchOptions } from 'sluice/engines/fetch'
import { engineContract, reply, serve } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { ROOT } from '../house/files.ts'
import { refusal, send, sent } from '../support/send.ts'

const engines: Engine[] = []

function open(options?: FetchOptions): Engine {
  const engine = fetch(options).create()
  engines.push(engine)
  return engine
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map(engine => engine.destroy()))
})

const contract = engineContract('fetch', fetch())

describe('the contract', () => {
  for (const one of contract) if (one.excluded === undefined) it(one.title, () => one.run())

  it('says nothing of what the platform keeps to itself or cannot do', () => {
    const reasons = new Set(contract.flatMap(({ excluded }) => excluded ?? []))
    expect([...reasons].toSorted()).toEqual([
      'fetch declares that it has no informational',
      'fetch declares that it has no limit connect',
      'fetch declares that it has no limit send',
      'fetch declares that it has no limit tls',
      'fetch declares that it has no trailers',
      'fetch declares that its platform reserves connections to itself',
      'fetch declares that its platform reserves headers to itself',
      'fetch declares that its platform reserves methods to itself',
      'fetch declares that its platform reserves parsing to itself',
      'no engine with a single connection was given',
      'the servers speak http/1.1, and this is about http/2',
    ])
  })
})

describe('the options', () => {
  it.each([
    [{ redirect: 'error' }, 'The option redirect of fetch must be one of "manual", "follow", not "error".'],
    [{ mode: 'no-cors' }, 'The option mode of fetch must be one of "cors", "same-origin", not "no-cors".'],
    [
      { credentials: true },
      'The option credentials of fetch must be one of "omit", "same-origin", "include", not true.',
    ],
    [{ fetch: 'mine' }, 'The option fetch of fetch must be a function, not "mine".'],
    [{ keepalive: 1 }, 'The option keepalive of fetch must be true or false, not 1.'],
    [{ keepAlive: 1 }, 'fetch has no option "keepAlive"; it has fetch, redirect, credentials, mode, cache, integrity,'],
  ])('%o are refused in a sentence', (options, message) => {
    expect(() => fetch(options as FetchOptions)).toThrow(
      expect.objectContaining({ code: 'CONFIG', phase: 'config', message: expect.stringContaining(message) as string }),
    )
  })

  it('are passed on, and those not given are left to the platform', async () => {
    const seen: RequestInit[] = []
    const own = (_: string, init: RequestInit): Promise<Response> => {
      seen.push(init)
      return Promise.resolve(new Response('own'))
    }
    const passed = {
      credentials: 'include',
      mode: 'cors',
      cache: 'no-store',
      integrity: 'sha256-x',
      keepalive: true,
      priority: 'low',
      referrer: '',
      referrerPolicy: 'origin',
    } as const
    expect((await sent(open({ fetch: own, ...passed }), 'https://api.test/')).text).toBe('own')
    await sent(open({ fetch: own, cache: undefined }), 'https://api.test/')
    expect(seen[0]).toMatchObject({ ...passed, redirect: 'manual', method: 'GET', body: null })
    expect(Object.keys(seen[1] ?? {}).toSorted()).toEqual(['body', 'headers', 'method', 'redirect', 'signal'])
    expect(Object.getPrototypeOf(seen[1])).toBeNull()
  })

  it('duplex goes with a body that is produced while it is sent, and with no other', async () => {
    const seen: unknown[] = []
    const own = async (_: string, init: RequestInit): Promise<Response> => {
      seen.push((init as { duplex?: string }).duplex)
      await new Response(init.body).arrayBuffer()
      return new Response()
    }
    async function* source(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3)
    }
    await sent(open({ fetch: own }), 'https://api.test/', { method: 'POST', body: source() })
    await sent(open({ fetch: own, duplex: 'full' }), 'https://api.test/', { method: 'POST', body: source() })
    await sent(open({ fetch: own, duplex: 'full' }), 'https://api.test/', { method: 'POST', body: 'x' })
    expect(seen).toEqual(['half', 'full', undefined])
  })

  it('an own fetch that throws at once fails the request and not its caller', async () => {
    const own = (): Promise<Response> => {
      throw new Error('not today')
    }
    const error = await refusal(open({ fetch: own }), 'https://api.test/')
    expect(error).toMatchObject({ code: 'CONNECT', phase: 'connect', requestWritten: 'maybe' })
    expect((error.cause as Error).message).toBe('not today')
  })

  it("redirect: 'follow' lets the platform follow, and the head says where the answer came from", async () => {
    await using server = await serve({ 'GET /': reply.redirect('/there'), 'GET /there': reply.text('there') })
    const engine = open({ redirect: 'follow' })
    const { head, text } = await sent(engine, server.url)
    expect(text).toBe('there')
    expect(head?.url).toBe(`${server.url}there`)
    expect(engine.capabilities.reserves).toContain('redirects')
    expect(open().capabilities.reserves).not.toContain('redirects')
  })
})

describe('what a platform does not send', () => {
  it.each([
    ['GET', { body: 'x' }, "has a body, which this platform's fetch does not send with GET"],
    ['HEAD', { body: 'x' }, "has a body, which this platform's fetch does not send with HEAD"],
    ['TRACE', {}, "is not sent by this platform's fetch"],
  ])('%s with %o is UNSUPPORTED, before anything is sent', async (method, given, why) => {
    await using server = await serve({ '/*': reply.status(204) })
    const error = await refusal(open(), server.url, { method, ...given })
    expect(error).toMatchObject({ code: 'UNSUPPORTED', phase: 'config', requestWritten: 'no' })
    expect(error.message).toBe(
      `${method} ${server.url} ${why}; engines that can, outside of browsers: undici, http2, http.`,
    )
    expect(server.connections).toEqual([])
  })
})

describe('an answer', () => {
  it('is decoded by the platform, and its announced length is then not that of what came', async () => {
    const body = gzipSync('plain '.repeat(1000))
    await using server = await serve({ 'GET /': { headers: { 'content-encoding': 'gzip' }, body } })
    expect((await sent(open(), server.url)).size).toBe(6000)
  })

  it('that is shorter than announced is no answer where only we can see it', async () => {
    const own = (): Promise<Response> => Promise.resolve(new Response('four', { headers: { 'content-length': '10' } }))
    const error = await refusal(open({ fetch: own }), 'https://api.test/')
    expect(error).toMatchObject({ code: 'BODY', phase: 'body', requestWritten: 'yes' })
    expect(error.message).toBe('GET https://api.test/ was cut off after 4 of 10 bytes of the body of its answer.')
  })

  it('with more header fields than a head may have is refused where the platform takes any number', async () => {
    const headers = { 'x-a': 'a'.repeat(40_000), 'x-b': 'b'.repeat(40_000) }
    const error = await refusal(open({ fetch: async () => new Response('', { headers }) }), 'https://api.test/')
    expect(error).toMatchObject({ code: 'TOO_LARGE', phase: 'headers', requestWritten: 'yes' })
  })

  it('comes in events of the usual order', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    expect((await sent(open(), server.url)).kinds).toEqual(['sent', 'head', 'chunk'])
  })

  it('that the platform hides is an error that says what would help', async () => {
    const hidden = Object.defineProperty(new Response(), 'type', { value: 'opaqueredirect' })
    const error = await refusal(open({ fetch: () => Promise.resolve(hidden) }), 'https://api.test/')
    expect(error).toMatchObject({ code: 'UNSUPPORTED', phase: 'headers', requestWritten: 'yes' })
    expect(error.message).toContain("fetch({ redirect: 'follow' })")
  })

  it('is not read on while it is paused', async () => {
    let pulled = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(10))
          if (pulled === 5) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const own = (): Promise<Response> => Promise.resolve(new Response(body))
    const one = send(open({ fetch: own }), 'https://api.test/', {
      seen: ({ type }, { exchange, size }) => {
        if (type === 'chunk' && size === 20) exchange.pause()
      },
    })
    await expect.poll(() => one.size).toBe(20)
    await new Promise(resolve => setImmediate(resolve))
    expect(pulled).toBe(2)
    one.exchange.resume()
    expect((await one.over).size).toBe(50)
  })
})

describe('the end of an engine', () => {
  it('waits for what runs, and counts it until then', async () => {
    await using server = await serve({ 'GET /': { delay: 50, body: 'late' } })
    const engine = open()
    const one = send(engine, server.url)
    await server.received()
    const origin = server.url.slice(0, -1)
    const busy = { open: 1, idle: 0, busy: 1, queued: 0 }
    expect(engine.stats?.()).toEqual({ ...busy, origins: { [origin]: busy } })
    await engine.close()
    expect(one.text).toBe('late')
    expect(engine.stats?.()).toEqual({ open: 0, idle: 0, busy: 0, queued: 0, origins: {} })
  })

  it('by destroy() gives every exchange the reason and its own name', async () => {
    await using server = await serve({ 'GET /': { fault: { kind: 'stall', at: 'before-head' } } })
    const engine = open()
    const one = send(engine, server.url)
    await server.received()
    await engine.destroy(new HttpError('CANCELLED', 'Enough.'))
    expect(one.failure).toMatchObject({ code: 'CANCELLED', message: 'Enough.', request: { url: server.url } })
    await server.closed(1)
    expect(isHttpError(await refusal(engine, server.url).catch((error: unknown) => error))).toBe(true)
  })

  it('does not have to come for the process to end', async () => {
    const program = `import { createServer } from 'node:http'
      import { createClient } from 'sluice'
      import { fetch } from 'sluice/engines/fetch'
      const server = createServer((_, response) => response.end('x')).listen(0, '127.0.0.1', () => {
        createClient({ engine: fetch(), plugins: [] }).get('http://127.0.0.1:' + server.address().port + '/').subscribe(({ status }) => {
          console.log(status)
          server.close()
          server.closeAllConnections()
        })
      })`
    const child = spawn(process.execPath, ['--conditions=sluice-source', '--input-type=module', '-e', program], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 8000,
    })
    let printed = ''
    child.stdout.on('data', (text: Buffer) => (printed += text.toString()))
    const code = await new Promise(resolve => child.on('close', resolve))
    expect([code, printed]).toEqual([0, '200\n'])
  })
})
