import { firstValueFrom, timer, type Observable } from 'rxjs'
import {
  clock,
  createClient,
  definePlugin,
  isHttpError,
  type AnyPlugin,
  type HttpError,
  type HttpEvent,
  type HttpResponse,
} from 'sluice'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { bodyLimit } from 'sluice/plugins/body-limit'
import { decode } from 'sluice/plugins/decode'
import { redirect, REDIRECTS } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { virtually } from '../support/virtual-time.ts'

const A = 'https://a.test/'
const B = 'https://b.test/'

const to = (location: string | readonly string[], status = 302): MockReply => ({ status, headers: { location } })

function open(engine: MockEngine, ...plugins: AnyPlugin[]) {
  return createClient({ engine, plugins: [...(plugins as [ReturnType<typeof redirect>])] })
}

/** What was sent, as `METHOD url`. */
const sent = (api: MockEngine): string[] => api.history.map(({ request }) => `${request.method} ${request.url}`)

function answerOf(call: Observable<HttpResponse>): HttpResponse {
  let answer: HttpResponse | undefined
  virtually(({ flush }) => {
    call.subscribe(response => (answer = response))
    flush()
  })
  if (answer === undefined) throw new Error('no answer')
  return answer
}

function errorOf(call: Observable<unknown>): HttpError {
  let caught: unknown
  virtually(({ flush }) => {
    call.subscribe({ error: (error: unknown) => (caught = error) })
    flush()
  })
  if (!isHttpError(caught)) throw new Error(`no HttpError but ${String(caught)}`)
  return caught
}

/** Asks A, which redirects with `reply`; everything else answers 200. */
function follow(reply: MockReply, options?: Parameters<typeof redirect>[0]): MockEngine {
  const api = mock(() => 200).enqueue(reply)
  answerOf(open(api, redirect(options)).get(`${A}from`))
  return api
}

describe('the method', () => {
  it.each([
    [301, 'GET', 'GET'],
    [301, 'HEAD', 'HEAD'],
    [301, 'POST', 'GET'],
    [301, 'PUT', 'PUT'],
    [301, 'QUERY', 'QUERY'],
    [302, 'GET', 'GET'],
    [302, 'POST', 'GET'],
    [302, 'PATCH', 'PATCH'],
    [302, 'DELETE', 'DELETE'],
    [303, 'GET', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [303, 'DELETE', 'GET'],
    [303, 'QUERY', 'GET'],
    [303, 'OPTIONS', 'GET'],
    [307, 'POST', 'POST'],
    [307, 'PUT', 'PUT'],
    [307, 'GET', 'GET'],
    [308, 'POST', 'POST'],
    [308, 'PATCH', 'PATCH'],
    [308, 'HEAD', 'HEAD'],
  ])('after a %i to a %s is %s', (status, method, expected) => {
    const api = mock(() => 200).enqueue(to('/to', status))
    answerOf(open(api, redirect()).request(method, `${A}from`))
    expect(sent(api)).toEqual([`${method} ${A}from`, `${expected} ${A}to`])
  })

  it('that changes leaves body, what describes it, and the key of the operation behind', () => {
    const api = mock(() => 200).enqueue(to('/to', 303))
    const headers = {
      'content-language': 'en',
      'content-md5': 'x',
      'idempotency-key': 'k',
      'x-kept': 'yes',
    }
    answerOf(open(api, redirect()).post(`${A}from`, { a: 1 }, { headers }))
    const second = api.history[1]
    expect(second?.body.length).toBe(0)
    expect(second?.request.headers.flat).toEqual(['x-kept', 'yes'])
  })

  it('that stays takes the body along', () => {
    const api = mock(() => 200).enqueue(to('/to', 307))
    answerOf(open(api, redirect()).post(`${A}from`, { a: 1 }))
    expect(api.history[1]?.body.text()).toBe('{"a":1}')
    expect(api.history[1]?.request.headers.get('content-type')).toBe('application/json')
  })

  it('that stays makes a body anew from its function', async () => {
    const api = mock(() => 200).enqueue(to('/to', 308))
    async function* fresh() {
      yield 'fresh'
    }
    await firstValueFrom(open(api, redirect()).post(`${A}from`, () => fresh()))
    expect(api.history.map(({ body }) => body.text())).toEqual(['fresh', 'fresh'])
  })

  it.each([301, 302, 307, 308])('that stays cannot send a one-shot body again after a %i', async status => {
    async function* once() {
      yield 'once'
    }
    const api = mock(() => 200).enqueue(to('/to', status))
    const error: unknown = await firstValueFrom(open(api, redirect()).put(`${A}from`, once())).catch(
      (caught: unknown) => caught,
    )
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', response: { status } })
    expect((error as HttpError).message).toBe(
      `PUT ${A}from was redirected with ${status}, but its body can be sent only once; give a function that returns a new one, as in () => createReadStream(path).`,
    )
    expect(api.history.length).toBe(1)
  })

  it('that changes does not need the body again', async () => {
    async function* once() {
      yield 'once'
    }
    const api = mock(() => 200).enqueue(to('/to', 303))
    await firstValueFrom(open(api, redirect()).post(`${A}from`, once()))
    expect(sent(api)).toEqual([`POST ${A}from`, `GET ${A}to`])
  })
})

describe('the place', () => {
  it.each([
    ['/to', `${A}to`],
    ['to?x=1', `${A}to?x=1`],
    ['../to', `${A}to`],
    ['?page=2', `${A}from?page=2`],
    ['//b.test/to', `${B}to`],
    [`${B}to`, `${B}to`],
    [`${A}to#part`, `${A}to`],
    [` ${A}to `, `${A}to`],
    ['https://a.test:443/to', `${A}to`],
    ['https://user:pw@a.test/to', `${A}to`],
    ['/caf\u00c3\u00a9', `${A}caf%C3%A9`],
    ['/caf\u00e9', `${A}caf%C3%A9`],
  ])('%j is %s', (location, expected) => {
    expect(sent(follow(to(location)))).toEqual([`GET ${A}from`, `GET ${expected}`])
  })

  it('that is missing makes the answer one like any other', () => {
    for (const answer of [
      { status: 302, body: 'see there' },
      { ...to(''), body: 'see there' },
    ]) {
      const api = mock().enqueue(answer)
      expect(answerOf(open(api, redirect()).get(A)).text()).toBe('see there')
    }
  })

  it.each([200, 201, 300, 304, 305, 404])('of a %i is not gone to', status => {
    const api = mock().enqueue(to('/to', status))
    expect(answerOf(open(api, redirect()).get(A)).status).toBe(status)
  })

  it('is not gone to when the plugin is left out of the call', () => {
    const api = mock().enqueue(to('/to'))
    expect(answerOf(open(api, redirect()).get(A, { redirect: false })).status).toBe(302)
  })

  it('may be said twice, but not be two', () => {
    expect(sent(follow(to(['/to', '/to'])))).toEqual([`GET ${A}from`, `GET ${A}to`])
    const api = mock().enqueue(to(['/to', '/elsewhere']))
    const error = errorOf(open(api, redirect()).get(A))
    expect(error).toMatchObject({ code: 'PROTOCOL', response: { status: 302 } })
    expect(error.message).toBe(`GET ${A} was redirected to 2 places at once; which one is meant, nobody can know.`)
  })

  it.each([
    'data:text/plain,hi',
    'ftp://a.test/',
    'unix:/run/x.sock',
    'http+unix://%2Frun/x',
    'javascript:alert(1)',
    'file:///etc/passwd',
  ])('%s is refused', location => {
    const api = mock().enqueue(to(location))
    const error = errorOf(open(api, redirect()).get(A))
    expect(error.code).toBe('PROTOCOL')
    expect(error.message).toBe(
      `GET ${A} was redirected to a ${location.slice(0, location.indexOf(':') + 1)} url; only http: and https: are followed.`,
    )
    expect(api.history.length).toBe(1)
  })

  it.each(['https://[', 'https://a b/', 'https://:80'])('%s is no url', location => {
    expect(errorOf(open(mock().enqueue(to(location)), redirect()).get(A)).message).toBe(
      `GET ${A} was redirected to what is no url.`,
    )
  })

  it.each(['https://evil:pw@b.test/', 'https://evil@b.test/', 'https://:pw@b.test/'])(
    'with a user or password at another origin is refused: %s',
    location => {
      const error = errorOf(open(mock().enqueue(to(location)), redirect()).get(A))
      expect(error.code).toBe('PROTOCOL')
      expect(error.message).not.toMatch(/evil|pw/)
    },
  )

  it('without TLS is refused after one with, unless that is allowed', () => {
    const error = errorOf(open(mock().enqueue(to('http://a.test/')), redirect()).get(A))
    expect(error).toMatchObject({ code: 'BLOCKED', response: { status: 302 } })
    expect(error.message).toContain('allowDowngrade')
    expect(sent(follow(to('http://a.test/'), { allowDowngrade: true }))).toEqual([`GET ${A}from`, 'GET http://a.test/'])
  })
})

describe('another origin', () => {
  const secrets = Object.fromEntries(
    [
      'authorization',
      'cookie',
      'www-authenticate',
      'x-api-key',
      'x-auth-token',
      'api-key',
      'x-access-token',
      'x-csrf-token',
      'x-xsrf-token',
      'x-amz-security-token',
      'x-vault-token',
      'private-token',
      'x-session-id',
      'x-whatever-comes-next',
      'referer',
      'origin',
      'idempotency-key',
      'traceparent',
    ].map(name => [name, 's3cret']),
  )
  const harmless = {
    accept: 'text/html',
    'accept-language': 'en',
    'accept-encoding': 'gzip',
    'user-agent': 'test',
    range: 'bytes=0-1',
    'if-range': '"x"',
  }
  const headersAt = (api: MockEngine, at: number) =>
    Object.fromEntries((api.history[at]?.request.headers ?? []) as Iterable<[string, string]>)

  it.each([
    ['host', 'https://b.test/'],
    ['port', 'https://a.test:8443/'],
    ['scheme', 'http://a.test/'],
    ['subdomain', 'https://api.a.test/'],
    ['parent domain', 'https://test/'],
    ['trailing dot', 'https://a.test./'],
  ])('is one that differs in its %s: it sees no secret', (_, place) => {
    const api = mock(() => 200).enqueue(to(place))
    const client = open(api, redirect({ allowDowngrade: true }))
    answerOf(client.get(A, { headers: { ...secrets, ...harmless } }))
    expect(headersAt(api, 0)).toEqual({ ...secrets, ...harmless })
    expect(headersAt(api, 1)).toEqual(harmless)
  })

  it('sees what describes a body, if there is one', () => {
    const api = mock(() => 200).enqueue(to(B, 307))
    const headers = { authorization: 's3cret', 'content-language': 'en' }
    answerOf(open(api, redirect()).post(A, { a: 1 }, { headers }))
    expect(headersAt(api, 1)).toEqual({
      'content-language': 'en',
      'content-type': 'application/json',
      'content-length': '7',
    })
  })

  it.each([[[`${B}1`, `${B}2`]], [[`${B}1`, `${A}2`]], [['https://sub.a.test/', B]], [[B, 'https://c.test/', A]]])(
    'took the secrets away for good: %j',
    places => {
      const api = mock(() => 200).enqueue(...places.map(place => to(place)))
      answerOf(open(api, redirect()).get(A, { headers: secrets }))
      expect(api.history.length).toBe(places.length + 1)
      for (let at = 1; at <= places.length; at++) expect(headersAt(api, at)).toEqual({})
    },
  )

  it('does not concern redirects within one origin', () => {
    const api = mock(() => 200).enqueue(to('/to'), to(`${A}again`))
    answerOf(open(api, redirect()).get(A, { headers: secrets }))
    expect(headersAt(api, 2)).toEqual(secrets)
  })

  it('can be trusted, and single headers can be', () => {
    const api = mock(() => 200).enqueue(to(B), to('https://c.test/'))
    const client = open(api, redirect({ trustedOrigins: ['https://b.test'], keepHeaders: ['TraceParent'] }))
    answerOf(client.get(A, { headers: secrets }))
    expect(headersAt(api, 1)).toEqual(secrets)
    expect(headersAt(api, 2)).toEqual({ traceparent: 's3cret' })
  })

  it('gets from plugins further in what they have for it', () => {
    const tokens = definePlugin({
      name: 'tokens',
      scope: 'attempt',
      defaults: {},
      install: () => (request, next) => next(request.header('authorization', `for ${request.origin}`)),
    })
    const api = mock(() => 200).enqueue(to(B))
    answerOf(open(api, redirect(), tokens()).get(A))
    expect(api.history.map(({ request }) => request.headers.get('authorization'))).toEqual([
      'for https://a.test',
      'for https://b.test',
    ])
  })
})

describe('the way', () => {
  it('has ten redirects at most', () => {
    const chain = (length: number) => {
      const api = mock(({ request }) => {
        const at = Number(request.url.slice(A.length))
        return at < length ? to(`/${at + 1}`) : { body: 'there' }
      })
      return { api, call: open(api, redirect()).get(`${A}0`) }
    }
    expect(answerOf(chain(10).call).text()).toBe('there')
    const { api, call } = chain(11)
    const error = errorOf(call)
    expect(error).toMatchObject({ code: 'PROTOCOL', response: { status: 302 } })
    expect(error.message).toBe(`GET ${A}10 was redirected once more than the limit of 10.`)
    expect(error.response?.request.read(REDIRECTS)?.length).toBe(10)
    expect(api.history.length).toBe(11)
  })

  it('has as many as it is given, also none', () => {
    const api = () => mock(() => 200).enqueue(to('/1'), to('/2'))
    expect(errorOf(open(api(), redirect({ limit: 1 })).get(A)).code).toBe('PROTOCOL')
    expect(errorOf(open(api(), redirect({ limit: 0 })).get(A)).code).toBe('PROTOCOL')
    expect(answerOf(open(api(), redirect({ limit: 2 })).get(A)).status).toBe(200)
  })

  it('ends when it comes back to the very same request', () => {
    const api = mock(({ request }) => to(request.url === A ? '/other' : '/'))
    const error = errorOf(open(api, redirect()).get(A))
    expect(error.message).toBe(`GET ${A} was redirected in a loop: the very same request was redirected before.`)
    expect(sent(api)).toEqual([`GET ${A}`, `GET ${A}other`, `GET ${A}`])
  })

  it('may come back to the same url with a cookie from there', () => {
    let jar: string | undefined
    const cookies = definePlugin({
      name: 'jar',
      scope: 'attempt',
      defaults: {},
      install: () => (request, next) => next(request.header('cookie', jar)),
    })
    const api = mock(({ request }) => {
      if (request.url.endsWith('login')) {
        jar = 'session=1'
        return to('/')
      }
      if (request.url.endsWith('home')) return { body: 'welcome' }
      return to(request.headers.has('cookie') ? '/home' : '/login')
    })
    expect(answerOf(open(api, redirect(), cookies()).get(A)).text()).toBe('welcome')
  })

  it('is told: where the answer is from, and how it got there', () => {
    const api = mock(() => 200).enqueue(to('/2?key=secret', 301), to(`${B}3`, 308))
    const response = answerOf(open(api, redirect()).get(`${A}1`))
    expect(response.url).toBe(`${B}3`)
    expect(response.request.read(REDIRECTS)).toEqual([
      { status: 301, method: 'GET', url: `${A}1`, location: `${A}2?key=secret` },
      { status: 308, method: 'GET', url: `${A}2?key=secret`, location: `${B}3` },
    ])
  })

  it('is told as it goes, without secrets', () => {
    const api = mock(() => 200).enqueue(to('/2?key=secret', 303))
    const seen: HttpEvent[] = []
    virtually(({ flush }) => {
      open(api, redirect())
        .events(`${A}1`, { method: 'POST' })
        .subscribe(event => seen.push(event))
      flush()
    })
    expect(seen.filter(({ type }) => type === 'notice')).toEqual([
      {
        type: 'notice',
        plugin: 'redirect',
        name: 'following',
        detail: { hop: 1, status: 303, method: 'GET', from: `${A}1`, to: `${A}2?key=<redacted:6>` },
      },
    ])
    expect(seen.filter(({ type }) => type === 'response').length).toBe(1)
  })

  it('is not gone on with when nobody waits for the answer any more', () => {
    const api = mock(() => ({ delay: 10 })).enqueue({ ...to('/2'), delay: 10 })
    virtually(({ flush }) => {
      const call = open(api, redirect()).get(A).subscribe()
      timer(15).subscribe(() => call.unsubscribe())
      flush()
    })
    expect(api.history.map(({ outcome }) => outcome)).toEqual(['completed', 'aborted'])
  })

  it('waits where the server asks for it, and not for longer than a minute', () => {
    const waiting = (seconds: string) => ({ status: 302, headers: { location: '/to', 'retry-after': seconds } })
    const api = mock(() => 200).enqueue(waiting('7'))
    let at = 0
    virtually(({ flush }) => {
      open(api, redirect())
        .get(A)
        .subscribe(() => (at = clock.now()))
      flush()
    })
    expect(at).toBe(7_000)
    expect(errorOf(open(mock().enqueue(waiting('61')), redirect()).get(A))).toMatchObject({
      code: 'PROTOCOL',
      retryAfterMs: 61_000,
    })
  })
})

describe('with retry further in', () => {
  const steady = retry({ delay: () => 1 })

  it('each hop is retried by itself', () => {
    const api = mock().enqueue(to('/created', 303), 503, 503, { body: 'made' })
    const client = createClient({ engine: api, plugins: [redirect(), steady] })
    expect(answerOf(client.post(A, { a: 1 })).text()).toBe('made')
    expect(sent(api)).toEqual([`POST ${A}`, ...Array<string>(3).fill(`GET ${A}created`)])
  })

  it('retries do not multiply redirects', () => {
    let n = 0
    const api = mock(() => to(`/${++n}`))
    errorOf(createClient({ engine: api, plugins: [redirect(), steady] }).get(A))
    expect(api.history.length).toBe(11)
  })

  it('a key made for an operation goes along with it, and not to another origin', () => {
    const api = mock(() => 200).enqueue(to('/2', 307), 503, to(B, 307))
    const client = createClient({ engine: api, plugins: [redirect(), retry({ delay: () => 1, idempotencyKey: true })] })
    answerOf(client.post(A, { a: 1 }))
    const [first, second, third, fourth] = api.history.map(({ request }) => request.headers.get('idempotency-key'))
    expect(first).toBeDefined()
    expect([second, third]).toEqual([first, first])
    expect(fourth).not.toBe(first)
  })
})

describe('the body of a redirect', () => {
  const world = async (redirecting: Parameters<typeof serve>[0]) => {
    const server = await serve({ ...redirecting, 'GET /to': reply.text('there') })
    const client = createClient({ engine: undici(), baseUrl: server.url, plugins: [redirect()] })
    return {
      server,
      client,
      async [Symbol.asyncDispose]() {
        await client.close()
        await server.close()
      },
    }
  }
  const moved = { status: 302, headers: { location: '/to' } }

  it('is read when it is short, so that the connection serves again', async () => {
    await using place = await world({ 'GET /short': { ...moved, body: '<a href="/to">there</a>' } })
    expect((await firstValueFrom(place.client.get('short'))).text()).toBe('there')
    expect(place.server.connections.length).toBe(1)
  })

  it('may be endless: nobody reads it, and its connection is closed', async () => {
    let produced = 0
    function* endless() {
      for (const piece = new Uint8Array(65_536); ; produced += piece.length) yield piece
    }
    await using place = await world({ 'GET /endless': () => ({ ...moved, body: endless() }) })
    for (const call of [
      place.client.get('endless'),
      place.client.stream('endless', async function* (response) {
        for await (const bytes of response) yield { text: () => new TextDecoder().decode(bytes) }
      }),
    ]) {
      produced = 0
      const answer = await firstValueFrom<{ text(): string }>(call)
      expect(answer.text()).toBe('there')
      await place.server.until(server => server.open <= 1, 1_000)
      // What fits into the buffers of both sockets, not what a fast loopback can carry in the meantime.
      expect(produced).toBeLessThan(16 * 1024 * 1024)
    }
  })

  it('is neither decoded nor measured', () => {
    const headers = { location: '/to', 'content-encoding': 'nonsense', 'content-length': '999999999' }
    const api = mock(() => 200).enqueue({ status: 302, headers, chunks: ['no such coding'] })
    const client = createClient({ engine: api, plugins: [redirect(), bodyLimit(), decode()] })
    expect(answerOf(client.get(A)).status).toBe(200)
  })

  it('may stall: it is not waited for', async () => {
    await using place = await world({
      'GET /stall': { ...moved, body: 'see there', fault: { kind: 'stall', at: 'mid-body' } },
    })
    const start = performance.now()
    expect((await firstValueFrom(place.client.get('stall'))).text()).toBe('there')
    expect(performance.now() - start).toBeLessThan(1_000)
    await place.server.closed(1, 1_000)
  })

  it('may break off: it does not matter', async () => {
    await using place = await world({
      'GET /cut': { ...moved, body: 'see there', fault: { kind: 'reset', at: 'mid-body' } },
    })
    expect((await firstValueFrom(place.client.get('cut'))).text()).toBe('there')
  })
})

describe('redirect()', () => {
  it.each([
    [{ limit: -1 }, 'limit'],
    [{ limit: false }, 'limit'],
    [{ trustedOrigins: ['b.test'] }, 'trustedOrigins'],
    [{ trustedOrigins: ['https://b.test/'] }, 'trustedOrigins'],
    [{ trustedOrigins: ['https://B.test'] }, 'trustedOrigins'],
    [{ trustedOrigins: 'https://b.test' }, 'trustedOrigins'],
    [{ keepHeaders: ['a b'] }, 'keepHeaders'],
    [{ allowDowngrade: 1 }, 'allowDowngrade'],
  ])('refuses %j', (options, name) => {
    expect(() => redirect(options as never)).toThrow(`redirect({ ${name} }) must be`)
  })
})
