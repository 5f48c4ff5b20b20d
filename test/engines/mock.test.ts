import { firstValueFrom, type Observable } from 'rxjs'
import { createClient, HttpError, isHttpError, type Client, type HttpEvent, type HttpResponse } from 'sluice'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { reply } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

const clientOf = (engine: MockEngine): Client => createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })

/** The answer of a call that needs no waiting. */
const now = (call: Observable<HttpResponse>): HttpResponse => {
  let got: HttpResponse | undefined
  call.subscribe({
    next: response => {
      got = response
    },
    error: (error: unknown) => {
      throw error
    },
  })
  if (got === undefined) throw new Error('nothing came before subscribe() had returned')
  return got
}

/** The error of a call that needs no waiting. */
const errorOf = (call: Observable<unknown>): unknown => {
  let got: unknown
  call.subscribe({
    error: (error: unknown) => {
      got = error
    },
  })
  return got
}

const failure = async (call: Observable<unknown>): Promise<HttpError> => {
  try {
    await firstValueFrom(call)
  } catch (error) {
    if (isHttpError(error)) return error
    throw error
  }
  throw new Error('the call did not fail')
}

describe('routes', () => {
  it('answer before subscribe() returns, with the variables of their pattern', () => {
    const api = mock({ 'GET /users/:id': ({ params }) => ({ body: { id: params.id } }) })
    expect(now(clientOf(api).get('users/a%20b')).json()).toEqual({ id: 'a b' })
  })

  it('fit by method, by origin, by path and by query', () => {
    const api = mock({
      'POST /a': { body: 'method' },
      'https://other.test/a': { body: 'origin' },
      'GET /a?page=2': { body: 'query' },
      'GET /a': { body: 'path' },
      '/files/*': ({ params }) => ({ body: params['*'] }),
      '/v:major/x': ({ params }) => ({ body: params.major }),
      '*': { body: 'rest' },
    })
    const client = createClient({ engine: api, plugins: [] })
    const get = (url: string): string => now(client.get(url)).text()
    expect(now(client.post('https://api.test/a')).text()).toBe('method')
    expect(get('https://other.test/a')).toBe('origin')
    expect(get('https://api.test/a?x=1&page=2')).toBe('query')
    expect(get('https://api.test/a?page=3')).toBe('path')
    expect(get('https://api.test/files/b/c.txt')).toBe('b/c.txt')
    expect(get('https://api.test/v2/x')).toBe('2')
    expect(get('https://api.test/')).toBe('rest')
  })

  it('know a port that is written out from the usual one, and a port from a variable', () => {
    const api = mock({ 'https://api.test:443/a': 200, 'http://api.test:8080/:b': 201 })
    const client = createClient({ engine: api, plugins: [] })
    expect(now(client.get('https://api.test/a')).status).toBe(200)
    expect(now(client.get('http://api.test:8080/b')).status).toBe(201)
  })

  it('of GET answer HEAD too, without the body', () => {
    const api = mock({ 'GET /': { body: 'hello' } })
    const response = now(clientOf(api).head(''))
    expect(response.bytes).toHaveLength(0)
    expect(response.headers.get('content-length')).toBe('5')
  })

  it('tell a handler the request, its query, its body and which attempt it is', () => {
    const api = mock(({ request, query, body, attempt, params }) => ({
      body: { method: request.method, q: query.get('q'), json: body.json(), length: body.length, attempt, params },
    }))
    expect(now(clientOf(api).post('x', { a: 1 }, { query: { q: '7' } })).json()).toEqual({
      method: 'POST',
      q: '7',
      json: { a: 1 },
      length: 7,
      attempt: 1,
      params: {},
    })
  })

  it('may answer with a promise', async () => {
    const api = mock({ 'GET /': async () => ({ body: 'later' }) })
    const response = await firstValueFrom(clientOf(api).get(''))
    expect(response.text()).toBe('later')
  })

  it('that throw, or reject, fail the call with just that', async () => {
    const mishap = new RangeError('not this one')
    const api = mock({
      'GET /now': () => {
        throw mishap
      },
      'GET /later': () => Promise.reject(mishap),
    })
    expect(errorOf(clientOf(api).get('now'))).toBe(mishap)
    await expect(firstValueFrom(clientOf(api).get('later'))).rejects.toBe(mishap)
  })

  it('added later go before those that are there', () => {
    const api = mock({ 'GET /': { body: 'first' } }).on('GET /', { body: 'second' })
    expect(now(clientOf(api).get('')).text()).toBe('second')
  })

  it('for a number of times go first, in their order, and are then used up', () => {
    const api = mock({ 'GET /': { body: 'lasting' } })
      .once('GET /', { body: 'one' })
      .on('GET /', { body: 'two' }, { times: 2 })
    const client = clientOf(api)
    const texts = Array.from({ length: 5 }, () => now(client.get('')).text())
    expect(texts).toEqual(['one', 'two', 'two', 'lasting', 'lasting'])
  })

  it.each(['', 'GET', 'users/7', 'GET users', 'GET ftp://api.test/', 'GET /a#b'])('refuse the pattern %j', pattern => {
    expect(() => mock().on(pattern, 200)).toThrow(/is no route of a mock; write 'GET \/users\/:id'/)
  })

  it.each([0, -1, 1.5, Number.NaN])('refuse to answer %d times', times => {
    expect(() => mock().on('GET /', 200, { times })).toThrow(/whole number of times/)
  })
})

describe('the queue', () => {
  it('answers in order, whatever is asked, before all routes', () => {
    const api = mock({ '*': { body: 'route' } })
    const client = clientOf(api)
    api.enqueue({ body: 'one' }, 503, () => ({ body: 'three' }))
    expect(now(client.get('a')).text()).toBe('one')
    expect(now(client.post('b')).status).toBe(503)
    expect(now(client.get('c')).text()).toBe('three')
    expect(now(client.get('d')).text()).toBe('route')
    expect(api.history.map(({ route }) => route)).toEqual(['queue', 'queue', 'queue', '*'])
  })
})

describe('a request that nothing answers', () => {
  it('fails with CONFIG, which nothing retries, and says what is mocked and what is nearest', () => {
    const api = mock({ 'GET /users/:id': 200, 'POST /users': 201, 'GET https://cdn.test/logo.png': 200 })
    const error = errorOf(clientOf(api).get('user/7?token=abc'))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config', requestWritten: 'no' })
    expect((error as Error).message).toBe(
      'The mock has no reply for GET https://api.test/user/7?token=<redacted:3>. ' +
        "Mocked are 'GET /users/:id', 'POST /users', 'GET https://cdn.test/logo.png'. Nearest is 'GET /users/:id'.",
    )
  })

  it('is told when a route is used up, and when there is none at all', () => {
    const api = mock().once('GET /', 200)
    now(clientOf(api).get(''))
    expect(errorOf(clientOf(api).get(''))).toMatchObject({ message: /'GET \/' \(used up\)/ })
    expect(errorOf(clientOf(mock()).get(''))).toMatchObject({ message: /Nothing is mocked/ })
  })

  it('leaves its upload unopened', async () => {
    let opened = false
    async function* source(): AsyncGenerator<string> {
      opened = true
      yield 'a'
    }
    await failure(clientOf(mock()).post('', source()))
    expect(opened).toBe(false)
  })
})

describe('the events of an exchange', () => {
  const eventsOf = (api: MockEngine, options: object = {}): HttpEvent[] => {
    const events: HttpEvent[] = []
    clientOf(api)
      .events('', options)
      .subscribe(event => events.push(event))
    return events
  }

  it('are those of a real engine', () => {
    const api = mock({
      'GET /': {
        body: 'hi',
        informational: [{ status: 103, headers: { link: '</a.css>' } }],
        trailers: { 'x-sum': '1' },
      },
    })
    const events = eventsOf(api)
    expect(events.map(({ type }) => type)).toEqual(['connection', 'sent', 'informational', 'response'])
    expect(events[2]).toMatchObject({ status: 103 })
    const last = events[3]
    expect(last?.type === 'response' && last.response.trailers.get('x-sum')).toBe('1')
  })

  it('tell of a connection as the reply says', () => {
    const api = mock({ 'GET /': { connection: { protocol: 'h2', reused: true } } })
    const [first, , last] = eventsOf(api)
    expect(first).toMatchObject({ connection: { id: 1, protocol: 'h2', reused: true } })
    expect(last).toMatchObject({ response: { httpVersion: '2', connection: { id: 1 } } })
  })
})

describe('a reply', () => {
  it('sends text and bytes as they are and everything else as JSON', () => {
    const api = mock()
    const client = clientOf(api)
    const sent = (body: string | Uint8Array | object | number | boolean | null): HttpResponse => {
      api.enqueue({ body })
      return now(client.get(''))
    }
    expect(sent('text').headers.toJSON()).toEqual({ 'content-length': '4' })
    expect([...sent(Uint8Array.of(0, 255)).bytes]).toEqual([0, 255])
    for (const value of [{ a: [1] }, [1, 2], 7, false, null]) {
      const response = sent(value)
      expect(response.json()).toEqual(value)
      expect(response.headers.get('content-type')).toBe('application/json')
    }
  })

  it('may be one that was written for the test server', () => {
    const api = mock({ 'GET /': reply.json({ a: 1 }, { status: 201 }), 'GET /old': reply.redirect('/', { delay: 0 }) })
    expect(now(clientOf(api).get('')).json()).toEqual({ a: 1 })
    expect(now(clientOf(api).get('old')).headers.get('location')).toBe('/')
  })

  it('keeps headers as given: their order, their case, and several lines of one name', () => {
    const headers = [
      ['Set-Cookie', 'a=1'],
      ['X-Number', 7],
      ['Set-Cookie', 'b=2'],
    ] as const
    const response = now(clientOf(mock({ '*': { headers } })).get(''))
    expect([...response.headers]).toEqual([
      ['Set-Cookie', 'a=1'],
      ['X-Number', '7'],
      ['Set-Cookie', 'b=2'],
      ['content-length', '0'],
    ])
  })

  it.each([204, 304])('with status %d has no body', status => {
    const response = now(clientOf(mock({ '*': { status, body: 'x' } })).get(''))
    expect(response.bytes).toHaveLength(0)
    expect(response.headers.has('content-length')).toBe(false)
  })

  it('that is used again is not changed by who changed what it was given', () => {
    const client = clientOf(mock({ '*': { body: Uint8Array.of(1, 2) } }))
    now(client.get('')).bytes.fill(9)
    expect([...now(client.get('')).bytes]).toEqual([1, 2])
  })

  it('of fewer bytes than it announces is truncated: BODY', () => {
    const error = errorOf(clientOf(mock({ '*': { body: 'abc', headers: { 'content-length': 10 } } })).get(''))
    expect(error).toMatchObject({ code: 'BODY', phase: 'body', message: /cut off after 3 of 10 bytes/ })
  })

  it('of more bytes than it announces is not HTTP: PROTOCOL', () => {
    const error = errorOf(clientOf(mock({ '*': { body: 'abc', headers: { 'content-length': 2 } } })).get(''))
    expect(error).toMatchObject({ code: 'PROTOCOL', phase: 'body' })
  })

  it.each([
    [{ boddy: 1 }, /has no "boddy"; what is to be sent as JSON goes into \{ body/],
    [{ status: 99 }, /status a whole number from 200 to 599, not 99/],
    [{ delay: -1 }, /delay a number of milliseconds/],
    [{ stall: 'lunch' }, /stall one of "queue"/],
    [{ stall: 'body', cut: true }, /one of stall, reset and cut/],
    [{ body: 'abc', cut: true, after: 3 }, /cannot break off after 3 bytes: its body has no more than 3/],
    [{ after: 3 }, /after how many bytes only with cut/],
    [{ body: 'a', chunks: ['b'] }, /a body or chunks, not both/],
    [{ body: new Blob(['a']) }, /cannot have a Blob as body/],
    [{ body: Promise.resolve(1) }, /cannot have a Promise as body/],
    [{ chunks: 'abc' }, /chunks a list of strings/],
    [{ informational: [{ status: 200 }] }, /informational a list/],
    [{ headers: { 'a b': '1' } }, /is not a header name/],
    ['TIMEOUT', /for TIMEOUT and BODY write \{ stall/],
    [undefined, /cannot be undefined/],
  ])('such as %j is refused when it is said', (reply, message) => {
    expect(() => mock().enqueue(reply as never)).toThrow(message)
    expect(errorOf(clientOf(mock({ '*': () => reply as never })).get(''))).toMatchObject({ code: 'CONFIG', message })
  })
})

describe('verify()', () => {
  it('is content when everything was used', () => {
    const api = mock({ 'GET /never': 200 }).once('GET /', 200).enqueue(200)
    now(clientOf(api).get(''))
    now(clientOf(api).get(''))
    api.verify()
  })

  it('says what is left over', () => {
    const api = mock().on('GET /a', 200, { times: 2 }).once('GET /b', 200)
    const client = clientOf(api)
    api.enqueue({ stall: 'headers' })
    client.get('slow').subscribe()
    errorOf(client.get('unknown'))
    now(client.get('a'))
    api.enqueue(200)
    expect(() => {
      api.verify()
    }).toThrow(
      'Not everything went as the mock was told: 1 queued reply was not used; ' +
        "'GET /a' was asked for 1 of 2 times; 'GET /b' was asked for 0 of 1 times; " +
        'GET https://api.test/unknown was not mocked; GET https://api.test/slow still runs (headers).',
    )
  })
})

describe('reset()', () => {
  it('forgets everything but the first routes, and ends what runs', async () => {
    const api = mock({ 'GET /': 200 }).on('GET /', 201).enqueue({ stall: 'headers' }, 500)
    const left = failure(clientOf(api).get(''))
    api.reset()
    expect(await left).toMatchObject({ code: 'CANCELLED', message: /the mock engine was reset/ })
    expect(api.history).toEqual([])
    expect(now(clientOf(api).get('')).status).toBe(200)
    api.verify()
  })

  it('opens a mock that was closed', async () => {
    const api = mock({ '*': 200 })
    await api.close()
    api.reset()
    expect(now(clientOf(api).get('')).status).toBe(200)
  })
})

describe('the end of a mock', () => {
  it('waits, when it is closed, for what runs, and takes nothing more', async () => {
    const answer = Promise.withResolvers<MockReply>()
    const api = mock({ 'GET /': () => answer.promise })
    const running = firstValueFrom(clientOf(api).get(''))
    let closed = false
    const closing = api.close().then(() => {
      closed = true
    })
    expect(await failure(clientOf(api).get(''))).toMatchObject({ code: 'CLOSED', requestWritten: 'no' })
    expect(closed).toBe(false)
    answer.resolve({ body: 'done' })
    expect((await running).text()).toBe('done')
    await closing
    expect(api.inFlight).toBe(0)
  })

  it('fails what runs, when it is destroyed, with the reason given', async () => {
    const api = mock({ '*': { stall: 'headers' } })
    const left = failure(clientOf(api).get(''))
    await api.destroy(new HttpError('CANCELLED', 'enough'))
    expect(await left).toMatchObject({ code: 'CANCELLED', message: 'enough', request: { url: 'https://api.test/' } })
    expect(api.inFlight).toBe(0)
    expect(api.history[0]).toMatchObject({ outcome: 'failed', phase: 'headers' })
  })

  it('belongs to who made it: a client that is closed leaves it open', async () => {
    const api = mock({ '*': 200 })
    await clientOf(api).close()
    expect(now(clientOf(api).get('')).status).toBe(200)
  })
})

describe('capabilities', () => {
  it('are all there but decoding, and can be taken away to see a client refuse', () => {
    expect(mock().capabilities).toMatchObject({ duplex: true, decodes: false })
    const api = mock({}, { name: 'weak', capabilities: { trailers: false } })
    expect(api).toMatchObject({ name: 'weak', capabilities: { trailers: false, duplex: true } })
  })
})
