import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { firstValueFrom } from 'rxjs'
import { createClient, isHttpError, recommended, type Client } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { fromFetch, toFetch } from 'sluice/fetch'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { retry } from 'sluice/plugins/retry'
import { reply, serve, type Reply, type Routes, type ServedRequest, type TestServer } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

type Fetch = typeof globalThis.fetch

const HELLO = 'hello'
/** The types of the platform do not know it yet. */
const HALF = { duplex: 'half' } as RequestInit

/** Says back what a request was. */
async function echo(request: ServedRequest): Promise<Reply> {
  const { method, target, headers } = request
  const shown = ['content-type', 'content-length', 'transfer-encoding', 'x-own', 'accept', 'cache-control', 'cookie']
  const fields = shown.flatMap(name => (headers[name] === undefined ? [] : [[name, headers[name]]]))
  return reply.json({ method, target, headers: Object.fromEntries(fields) as unknown, body: await request.text() })
}

const endless = async function* (gone: AbortSignal): AsyncGenerator<string> {
  while (!gone.aborted) {
    yield 'again\n'
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

const routes: Routes = {
  '/echo': echo,
  'GET /hello': reply.text(HELLO, { headers: { 'x-a': ['1', '2'], 'set-cookie': ['a=1', 'b=2'] } }),
  'HEAD /hello': reply.text(HELLO),
  'GET /json': reply.json({ a: [1, 2] }),
  'GET /missing': reply.text('not here', { status: 404 }),
  'GET /204': reply.status(204),
  'GET /304': reply.status(304),
  'GET /205': reply.status(205),
  'GET /phrase': { statusText: 'Very Well', body: 'x' },
  'GET /gzip': { headers: { 'content-encoding': 'gzip' }, body: gzipSync('packed') },
  'GET /bytes': reply.bytes(300_000),
  'GET /moved': reply.redirect('/hello'),
  'POST /moved': reply.redirect('/echo', { status: 303 }),
  'POST /kept': reply.redirect('/echo', { status: 307 }),
  'GET /twice': reply.redirect('/moved'),
  'GET /nowhere': reply.status(302),
  'GET /loop': reply.redirect('/loop'),
  'GET /elsewhere': reply.redirect('ftp://127.0.0.1/x'),
  'GET /cut': { body: HELLO, fault: { kind: 'reset', at: 'mid-body', bytes: 2 } },
  'GET /broken': { fault: { kind: 'reset', at: 'before-head' } },
  'GET /stalled': { fault: { kind: 'stall', at: 'before-head' } },
  'GET /half': { body: 'x'.repeat(100), fault: { kind: 'stall', at: 'mid-body', bytes: 50 } },
  'GET /endless': ({ gone }) => ({ body: endless(gone) }),
}

let server: TestServer
let client: Client
let ours: Fetch

beforeAll(async () => {
  server = await serve(routes)
  client = createClient({ engine: undici(), plugins: recommended(retry({ times: 0 })) })
  ours = toFetch(client)
})

afterAll(async () => {
  client.cancel()
  await client.join()
  await server.close()
})

/** What came of it, in a form in which two can be compared. */
async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await work }
  } catch (error) {
    const { name, cause } = error as Error
    return { error: name, hasCause: cause !== undefined, same: error instanceof Error }
  }
}

/** Everything about an answer that a caller may look at. */
async function all(answer: Response | Promise<Response>): Promise<unknown> {
  const response = await answer
  const { status, statusText, ok, redirected, type, url, body, bodyUsed } = response
  const before = { body: body !== null, bodyUsed }
  const text = await response.text()
  const cookies = response.headers.getSetCookie()
  const headers = [...response.headers].filter(
    ([name]) => !['connection', 'keep-alive', 'content-encoding', 'content-length', 'transfer-encoding'].includes(name),
  )
  return { status, statusText, ok, redirected, type, url, before, text, cookies, headers, after: response.bodyUsed }
}

const encoder = new TextEncoder()

function streamOf(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk))
      controller.close()
    },
  })
}

/** A body that is not whole when it is sent. */
function slowly(...chunks: string[]): ReadableStream<Uint8Array> {
  const left = [...chunks]
  return new ReadableStream({
    async pull(controller) {
      await new Promise(resolve => setTimeout(resolve, 20))
      const chunk = left.shift()
      if (chunk === undefined) controller.close()
      else controller.enqueue(encoder.encode(chunk))
    },
  })
}

const form = new FormData()
form.append('a', '1')

class Init {
  get method() {
    return 'PUT'
  }
  get body() {
    return 'of a class'
  }
}

/** Each is done with the platform's `fetch` and with ours, and must come to the same. */
const CASES: Readonly<Record<string, (fetch: Fetch, url: string) => Promise<unknown>>> = {
  'a text': (fetch, url) => all(fetch(`${url}hello`)),
  'a url as URL': (fetch, url) => all(fetch(new URL('hello', url))),
  'a url with a fragment': (fetch, url) => all(fetch(`${url}hello#part`)),
  'a url with braces, spaces and a query': (fetch, url) => all(fetch(`${url}echo?q={id} x&y=%7Bz%7D`)),
  JSON: async (fetch, url) => (await fetch(`${url}json`)).json() as Promise<unknown>,
  'an array buffer': async (fetch, url) => (await (await fetch(`${url}bytes`)).arrayBuffer()).byteLength,
  bytes: async (fetch, url) => (await (await fetch(`${url}bytes`)).bytes()).length,
  'a blob, with its type': async (fetch, url) => {
    const { size, type } = await (await fetch(`${url}json`)).blob()
    return { size, type }
  },
  'a body as stream': async (fetch, url) => {
    let size = 0
    for await (const bytes of (await fetch(`${url}bytes`)).body ?? []) size += (bytes as Uint8Array).length
    return size
  },
  'what is no success': (fetch, url) => all(fetch(`${url}missing`)),
  '204': (fetch, url) => all(fetch(`${url}204`)),
  '205': (fetch, url) => all(fetch(`${url}205`)),
  '304': (fetch, url) => all(fetch(`${url}304`)),
  HEAD: (fetch, url) => all(fetch(`${url}hello`, { method: 'HEAD' })),
  'a phrase': (fetch, url) => all(fetch(`${url}phrase`)),
  'a coded body': async (fetch, url) => (await fetch(`${url}gzip`)).text(),
  'a clone': async (fetch, url) => {
    const response = await fetch(`${url}hello`)
    const copy = response.clone()
    return [await all(copy), await all(response)]
  },
  'a body used twice': async (fetch, url) => {
    const response = await fetch(`${url}hello`)
    await response.text()
    return response.text()
  },
  'a clone of a used body': async (fetch, url) => {
    const response = await fetch(`${url}hello`)
    await response.text()
    return response.clone()
  },
  'bad JSON': async (fetch, url) => (await fetch(`${url}hello`)).json() as Promise<unknown>,

  'a string': (fetch, url) => all(fetch(`${url}echo`, { method: 'POST', body: 'text' })),
  'an empty string': (fetch, url) => all(fetch(`${url}echo`, { method: 'POST', body: '' })),
  'no body with POST': (fetch, url) => all(fetch(`${url}echo`, { method: 'POST' })),
  'null as body': (fetch, url) => all(fetch(`${url}echo`, { method: 'POST', body: null })),
  'bytes as body': (fetch, url) => all(fetch(`${url}echo`, { method: 'POST', body: encoder.encode('bytes') })),
  'a part of a buffer': (fetch, url) =>
    all(fetch(`${url}echo`, { method: 'POST', body: new DataView(encoder.encode('a part').buffer, 2, 2) })),
  'a buffer': (fetch, url) => all(fetch(`${url}echo`, { method: 'POST', body: encoder.encode('buffer').buffer })),
  'a Blob': (fetch, url) => all(fetch(`${url}echo`, { method: 'POST', body: new Blob(['blob'], { type: 'a/b' }) })),
  'search params': (fetch, url) =>
    all(fetch(`${url}echo`, { method: 'POST', body: new URLSearchParams({ a: '1 2' }) })),
  'an object, which is text': (fetch, url) =>
    all(fetch(`${url}echo`, { method: 'POST', body: { a: 1 } as unknown as BodyInit })),
  'a number, which is text': (fetch, url) =>
    all(fetch(`${url}echo`, { method: 'POST', body: 7 as unknown as BodyInit })),
  'a body of its own type': (fetch, url) =>
    all(fetch(`${url}echo`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })),
  'a stream that is not whole yet': (fetch, url) =>
    all(fetch(`${url}echo`, { method: 'POST', body: slowly('a', 'b'), ...HALF })),
  'a stream without duplex': (fetch, url) => all(fetch(`${url}echo`, { method: 'POST', body: streamOf('a') })),
  'a stream that is locked': (fetch, url) => {
    const body = streamOf('a')
    body.getReader()
    return all(fetch(`${url}echo`, { method: 'POST', body, ...HALF }))
  },
  'an upload that fails': (fetch, url) => {
    const body = new ReadableStream({
      pull() {
        throw new RangeError('source')
      },
    })
    return all(fetch(`${url}echo`, { method: 'POST', body, ...HALF }))
  },
  'GET with a body': (fetch, url) => all(fetch(`${url}echo`, { body: 'x' })),
  'a form': async (fetch, url) => {
    const response = await fetch(`${url}echo`, { method: 'POST', body: form })
    const { body, headers } = (await response.json()) as { body: string; headers: Record<string, string> }
    return { body: body.replaceAll(/--[\w-]{20,}/g, 'B').split('\r\n'), type: headers['content-type']?.split(';')[0] }
  },

  'methods in any case': async (fetch, url) => {
    const methods = ['get', 'post', 'put', 'delete', 'options']
    const asked = methods.map(method =>
      fetch(`${url}echo`, { method }).then(async answer => answer.json() as Promise<unknown>),
    )
    return ((await Promise.all(asked)) as { method: string }[]).map(({ method }) => method)
  },
  PATCH: (fetch, url) => all(fetch(`${url}echo`, { method: 'PATCH', body: 'x' })),
  'headers as record, list and Headers': async (fetch, url) => {
    const headers = [
      { 'x-own': '1' },
      [
        ['x-own', '2'],
        ['x-own', '3'],
      ] as [string, string][],
      new Headers({ 'x-own': '4' }),
    ]
    return Promise.all(headers.map(own => all(fetch(`${url}echo`, { headers: own }))))
  },
  'an accept of its own': (fetch, url) => all(fetch(`${url}echo`, { headers: { accept: 'a/b' } })),
  'an init of a class': (fetch, url) => all(fetch(`${url}echo`, new Init())),
  'a Request': (fetch, url) => all(fetch(new Request(`${url}echo`, { headers: { 'x-own': '1' } }))),
  'a Request and an init': (fetch, url) =>
    all(fetch(new Request(`${url}echo`, { method: 'POST', body: 'a', headers: { 'x-own': '1' } }), { method: 'PUT' })),
  'a Request whose body is replaced': async (fetch, url) => {
    const request = new Request(`${url}echo`, { method: 'POST', body: 'a' })
    return [await all(fetch(request, { body: 'b' })), request.bodyUsed]
  },
  'a Request with a body': async (fetch, url) => {
    const request = new Request(`${url}echo`, { method: 'POST', body: 'a' })
    return [await all(fetch(request)), request.bodyUsed]
  },
  'a Request that was used': async (fetch, url) => {
    const request = new Request(`${url}echo`, { method: 'POST', body: 'a' })
    await request.text()
    return all(fetch(request))
  },

  'a redirect': (fetch, url) => all(fetch(`${url}moved`)),
  'two redirects': (fetch, url) => all(fetch(`${url}twice`)),
  'a redirect without a place': (fetch, url) => all(fetch(`${url}nowhere`)),
  'POST that becomes GET': (fetch, url) => all(fetch(`${url}moved`, { method: 'POST', body: 'x' })),
  'POST that stays POST': (fetch, url) => all(fetch(`${url}kept`, { method: 'POST', body: 'x' })),
  'a stream that would be needed twice': (fetch, url) =>
    all(fetch(`${url}kept`, { method: 'POST', body: slowly('x'), ...HALF })),
  'a loop': (fetch, url) => all(fetch(`${url}loop`)),
  'a redirect to what is not http': (fetch, url) => all(fetch(`${url}elsewhere`)),
  'redirect: error': (fetch, url) => all(fetch(`${url}moved`, { redirect: 'error' })),
  'redirect: error without a redirect': (fetch, url) => all(fetch(`${url}hello`, { redirect: 'error' })),
  'redirect: manual': async (fetch, url) => {
    const { status, redirected, headers } = await fetch(`${url}moved`, { redirect: 'manual' })
    return { status, redirected, location: headers.get('location') }
  },

  'no host': fetch => all(fetch('http://127.0.0.1:9/')),
  'no url': fetch => all(fetch('http://')),
  'a relative url': fetch => all(fetch('/hello')),
  'a user in the url': fetch => all(fetch('http://user:secret@127.0.0.1/')),
  'another scheme': fetch => all(fetch('ftp://127.0.0.1/')),
  'a data url': fetch => all(fetch('data:text/plain,hello')),
  'a blob url': fetch => fetch(URL.createObjectURL(new Blob(['blob']))).then(async answer => answer.text()),
  'a method that is none': (fetch, url) => all(fetch(`${url}echo`, { method: 'G T' })),
  'a method that is forbidden': (fetch, url) => all(fetch(`${url}echo`, { method: 'CONNECT' })),
  'a header that is none': (fetch, url) => all(fetch(`${url}echo`, { headers: { 'x y': '1' } })),
  'a header value that is none': (fetch, url) => all(fetch(`${url}echo`, { headers: { 'x-own': 'a\nb' } })),
  'a mode that is none': (fetch, url) => all(fetch(`${url}echo`, { redirect: 'maybe' as RequestRedirect })),
  'a server that resets before its answer': (fetch, url) => all(fetch(`${url}broken`)),
  'a server that resets in its answer': async (fetch, url) => {
    const response = await fetch(`${url}cut`)
    return [response.status, await outcome(response.text())]
  },
  'the integrity it has': (fetch, url) =>
    all(fetch(`${url}hello`, { integrity: `sha256-${createHash('sha256').update(HELLO).digest('base64')}` })),
  'one of several integrities': (fetch, url) =>
    all(
      fetch(`${url}hello`, { integrity: `sha512-xxxx sha512-${createHash('sha512').update(HELLO).digest('base64')}` }),
    ),
  'another integrity': (fetch, url) =>
    all(fetch(`${url}hello`, { integrity: `sha256-${createHash('sha256').update('x').digest('base64')}` })),
  'a weaker integrity beside a wrong one': (fetch, url) =>
    all(
      fetch(`${url}hello`, {
        integrity: `sha512-xxxx sha256-${createHash('sha256').update(HELLO).digest('base64')}`,
      }),
    ),

  'a signal aborted before': (fetch, url) => all(fetch(`${url}hello`, { signal: AbortSignal.abort() })),
  'a reason given before': (fetch, url) => reasonOf(fetch(`${url}hello`, { signal: AbortSignal.abort('why') })),
  'an abort while it waits': async (fetch, url) => {
    const controller = new AbortController()
    const answer = fetch(`${url}stalled`, { signal: controller.signal })
    setTimeout(() => controller.abort(new RangeError('enough')), 30)
    return reasonOf(answer)
  },
  'a signal that times out': (fetch, url) => all(fetch(`${url}stalled`, { signal: AbortSignal.timeout(30) })),
  'the signal of a Request': async (fetch, url) => {
    const controller = new AbortController()
    const answer = fetch(new Request(`${url}stalled`, { signal: controller.signal }))
    setTimeout(() => controller.abort('why'), 30)
    return reasonOf(answer)
  },
  'an abort in the body': async (fetch, url) => {
    const controller = new AbortController()
    const response = await fetch(`${url}half`, { signal: controller.signal })
    setTimeout(() => controller.abort('why'), 30)
    return reasonOf(response.text())
  },
  'an abort after the body': async (fetch, url) => {
    const controller = new AbortController()
    const text = await (await fetch(`${url}hello`, { signal: controller.signal })).text()
    controller.abort()
    return text
  },
}

async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'no error',
    (reason: unknown) => (reason instanceof Error ? [reason.name, reason.message] : reason),
  )
}

describe('beside the fetch of the platform', () => {
  it.each(Object.entries(CASES))('comes to the same with %s', async (_, work) => {
    const theirs = await outcome(work(globalThis.fetch, server.url))
    expect(await outcome(work(ours, server.url))).toEqual(theirs)
  })
})

/** A `fetch` on a client of its own, which ends with the test. */
function opened(...[options]: Parameters<typeof createClient>) {
  const own = createClient({ engine: undici(), plugins: recommended(), ...options })
  return { fetch: toFetch(own), client: own, [Symbol.asyncDispose]: async () => own[Symbol.asyncDispose]() }
}

async function causeOf(work: Promise<unknown>): Promise<unknown> {
  const error = (await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )) as Error
  expect(error).toBeInstanceOf(TypeError)
  return isHttpError(error.cause) ? error.cause.code : error.cause
}

describe('as a client', () => {
  it('sends by the engine and through the plugins of the client', async () => {
    const engine = mock(() => 200).enqueue(503, 503)
    await using own = opened({ engine, plugins: [retry({ times: 2, delay: () => 0 })] })
    expect((await own.fetch('https://api.test/')).status).toBe(200)
    expect(engine.history).toHaveLength(3)
  })

  it('can send the body of a Request again, because it was whole', async () => {
    const engine = mock(() => 200).enqueue(503)
    await using own = opened({ engine, plugins: [retry({ times: 1, delay: () => 0 })] })
    const response = await own.fetch(new Request('https://api.test/', { method: 'PUT', body: 'text' }))
    expect(response.status).toBe(200)
    expect(engine.history.map(({ request }) => request.body)).toEqual([encoder.encode('text'), encoder.encode('text')])
  })

  it('gives a status that the client calls an error', async () => {
    await using own = opened({ plugins: recommended(expectSuccess()) })
    const response = await own.fetch(`${server.url}missing`)
    expect([response.status, await response.text()]).toEqual([404, 'not here'])
  })

  it('says why in the cause', async () => {
    expect(await causeOf(ours('http://127.0.0.1:9/'))).toBe('CONNECT')
    expect(await causeOf(ours(`${server.url}broken`))).toBe('RESET')
    const response = await ours(`${server.url}cut`)
    expect(await causeOf(response.text())).toBe('BODY')
  })

  it('is no way out of a client that is closed', async () => {
    await using own = opened({})
    await own.client.close()
    expect(await causeOf(own.fetch(`${server.url}hello`))).toBe('CLOSED')
  })

  it('ends with the client, in the body too', async () => {
    await using own = opened({})
    const response = await own.fetch(`${server.url}half`)
    own.client.cancel()
    expect(await causeOf(response.text())).toBe('CANCELLED')
  })

  it('lets close() wait for a body that is being read', async () => {
    await using own = opened({})
    const response = await own.fetch(`${server.url}bytes`)
    const closed = own.client.close()
    expect((await response.bytes()).length).toBe(300_000)
    await closed
  })

  it('does not follow without redirect(), and says so', async () => {
    await using own = opened({ plugins: [] })
    const cause = await causeOf(own.fetch(`${server.url}moved`))
    expect((cause as Error).message).toContain('install redirect()')
    expect((await own.fetch(`${server.url}moved`, { redirect: 'manual' })).status).toBe(302)
  })

  it('is not held back by the base url of the client', async () => {
    await using own = opened({ baseUrl: 'https://elsewhere.test/v1/' })
    expect(await (await own.fetch(`${server.url}hello`)).text()).toBe(HELLO)
  })

  it.each([
    ['default', undefined],
    ['no-store', 'no-store, no-cache'],
    ['reload', 'no-cache'],
    ['no-cache', 'max-age=0'],
    ['force-cache', 'max-stale'],
  ] as const)('tells caches of the mode %s', async (cache, directives) => {
    const response = await ours(`${server.url}echo`, { cache })
    expect(((await response.json()) as { headers: Record<string, string> }).headers['cache-control']).toBe(directives)
  })

  it.each(['connection', 'content-length', 'expect', 'keep-alive', 'te', 'transfer-encoding', 'upgrade'])(
    'drops the field %s, as browsers do',
    async name => {
      const response = await ours(`${server.url}echo`, { method: 'POST', body: 'xyz', headers: { [name]: '1' } })
      expect(((await response.json()) as { body: string }).body).toBe('xyz')
    },
  )
})

describe('at the socket', () => {
  const open = (): number => server.connections.filter(({ closedAt }) => closedAt === undefined).length

  it.each([
    [
      'the abort of a signal',
      (abort: AbortController) => {
        abort.abort()
      },
    ],
    ['the cancel of a body', (_: AbortController, response: Response) => response.body?.cancel()],
    [
      'the end of a loop',
      async (_: AbortController, response: Response) => {
        for await (const bytes of response.body ?? []) if ((bytes as Uint8Array).length > 0) break
      },
    ],
  ] as const)('%s ends the exchange', async (_, end) => {
    await using own = opened({})
    const abort = new AbortController()
    const response = await own.fetch(`${server.url}endless`, { signal: abort.signal })
    const before = open()
    await end(abort, response)
    await expect.poll(open, { timeout: 1_000, interval: 5 }).toBe(before - 1)
    expect(own.client.inFlight).toBe(0)
  })

  it('an answer that is forgotten unread ends its exchange when it is collected', async () => {
    await using own = opened({})
    await (async () => {
      await own.fetch(`${server.url}endless`)
    })()
    const collect = globalThis.gc
    if (collect === undefined) throw new Error('run with --expose-gc')
    await expect
      .poll(
        () => {
          collect()
          return own.client.inFlight
        },
        { timeout: 5_000, interval: 10 },
      )
      .toBe(0)
  })

  it('an answer that is being read is not forgotten', async () => {
    await using own = opened({})
    const reader = await (async () => (await own.fetch(`${server.url}endless`)).body?.getReader())()
    for (let round = 0; round < 20; round++) {
      globalThis.gc?.()
      expect((await reader?.read())?.done).toBe(false)
    }
    await reader?.cancel()
  })

  it('an abort stops an upload and its source', async () => {
    await using own = opened({})
    const abort = new AbortController()
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise(resolve => setTimeout(resolve, 5))
        controller.enqueue(encoder.encode('more'))
      },
      cancel() {
        cancelled = true
      },
    })
    const answer = own.fetch(`${server.url}echo`, { method: 'POST', body, signal: abort.signal, ...HALF })
    setTimeout(() => {
      abort.abort('enough')
    }, 50)
    await expect(answer).rejects.toBe('enough')
    await expect.poll(() => cancelled).toBe(true)
  })

  it('a reader that waits holds the server back', async () => {
    await using own = opened({})
    await using flood = await serve({ 'GET /': reply.bytes(Infinity) })
    const response = await own.fetch(flood.url)
    const reader = response.body?.getReader()
    await reader?.read()
    let last = -1
    await expect
      .poll(
        () => {
          const now = flood.requests[0]?.bytesOut ?? 0
          const same = now === last
          last = now
          return same
        },
        { timeout: 3_000, interval: 100 },
      )
      .toBe(true)
    expect(last).toBeLessThan(8 * 1024 * 1024)
    await reader?.cancel()
  })
})

describe('fromFetch', () => {
  it('sends by any fetch', async () => {
    const asked: string[] = []
    const engine = fromFetch(async (url, init) => {
      asked.push(`${init.method ?? ''} ${url}`)
      return new Response('tea', { status: 418 })
    })
    const own = createClient({ engine, plugins: recommended() })
    const { status, text } = await firstValueFrom(own.get('https://api.test/tea')).then(answer => ({
      status: answer.status,
      text: answer.text(),
    }))
    expect([status, text, asked]).toEqual([418, 'tea', ['GET https://api.test/tea']])
    await own.close()
  })

  it('and toFetch are there and back again', async () => {
    const own = createClient({ engine: fromFetch(ours), plugins: recommended() })
    expect((await firstValueFrom(own.get(`${server.url}moved`))).text()).toBe(HELLO)
    await own.close()
  })
})
