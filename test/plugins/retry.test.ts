import { firstValueFrom, NEVER, of, take, timer, type Observable, type Subscription } from 'rxjs'
import {
  clock,
  createClient,
  definePlugin,
  HttpError,
  isHttpError,
  RetryBudget,
  type AnyPlugin,
  type Client,
  type HttpErrorDetails,
  type HttpEvent,
  type HttpResponse,
} from 'sluice'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { deadline } from 'sluice/plugins/deadline'
import { redirect } from 'sluice/plugins/redirect'
import { retry, type RetryEvent, type RetryOptions } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { reply, serve, serveSequence } from 'sluice/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { aResponse } from '../src/samples.ts'
import { virtually } from '../support/virtual-time.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const BASE = 'https://api.test/'

/** Waits 10 ms before the first retry, 20 before the second, … */
const steady = (options: Partial<RetryOptions> = {}) => retry({ delay: n => n * 10, ...options })

function open(engine: MockEngine, ...plugins: AnyPlugin[]) {
  return createClient({ engine, baseUrl: BASE, plugins: plugins as [ReturnType<typeof retry>] })
}

/** Subscribes in virtual time and tells what came, and when. */
function watch(events: Observable<HttpEvent>): string[] {
  const seen: string[] = []
  const tell = (what: string): void => {
    seen.push(`${clock.now()} ${what}`)
  }
  virtually(({ flush }) => {
    events.subscribe({
      next(event) {
        if (event.type === 'response') tell(`${event.response.status}`)
        else if (event.type === 'notice') tell(`${event.plugin} ${event.name} ${JSON.stringify(event.detail)}`)
      },
      error(error: unknown) {
        tell(isHttpError(error) ? `${error.code} ${error.phase ?? ''}` : String(error))
      },
    })
    flush()
  })
  return seen
}

/** The statuses of `replies` are answered one after the other; how often was it sent? */
function sends(
  replies: readonly (MockReply | number | Error | 'RESET' | 'CONNECT' | 'DNS' | 'TLS' | 'PROTOCOL')[],
  call: (client: ReturnType<typeof open>) => Observable<unknown>,
  options: Partial<RetryOptions> = {},
): number {
  const api = mock().enqueue(...replies)
  virtually(({ flush }) => {
    call(open(api, steady(options))).subscribe({ error: () => undefined })
    flush()
  })
  return api.history.length
}

const get = (client: Client) => client.get('x')
const post = (client: Client) => client.post('x', { a: 1 })

describe('what is sent again', () => {
  it('is an answer that says "later", at most twice, and then the last answer stands', () => {
    const api = mock().enqueue(503, 502, { status: 504, body: 'last' }, 200)
    expect(watch(open(api, steady()).events('x'))).toEqual([
      '0 retry retrying {"attempt":2,"delay":10,"reason":"status 503"}',
      '10 retry retrying {"attempt":3,"delay":20,"reason":"status 502"}',
      '30 retry gave up {"attempt":3,"reason":"status 504","because":"times"}',
      '30 504',
    ])
    expect(api.history.map(({ request }) => request.attempt)).toEqual([1, 2, 3])
  })

  it.each([408, 425, 429, 502, 503, 504])('is a %i', status => {
    expect(sends([status, 200], get)).toBe(2)
  })

  it.each([400, 401, 404, 409, 500, 501])('is not a %i', status => {
    expect(sends([status, 200], get)).toBe(1)
  })

  it.each(['RESET', 'CONNECT'] as const)('is a failure with %s', code => {
    expect(sends([code, 200], get)).toBe(2)
  })

  it('is a body that was cut off, before anybody saw a response', () => {
    expect(sends([{ body: 'hello', cut: true }, 200], get)).toBe(2)
  })

  it.each([
    ['body', 2],
    ['decode', 1],
    ['send', 1],
  ] as const)('is a body that failed in the phase %s: %i sends', (phase, times) => {
    expect(sends([new HttpError('BODY', 'no body', { phase }), 200], get)).toBe(times)
  })

  it('is a proxy that cannot be reached, and not one that refused', () => {
    const proxy = (details: HttpErrorDetails) => new HttpError('PROXY', 'no way', { phase: 'proxy', ...details })
    const answered = aResponse('forbidden', {}, 407)
    expect(sends([proxy({ requestWritten: 'no' }), 200], get)).toBe(2)
    expect(sends([proxy({ requestWritten: 'no', response: answered }), 200], get)).toBe(1)
    expect(sends([proxy({ requestWritten: 'maybe' }), 200], get)).toBe(1)
  })

  it.each(['TLS', 'PROTOCOL', 'DNS'] as const)('is not a failure with %s', code => {
    expect(sends([code, 200], get)).toBe(1)
  })

  it('is a host whose name server asks to come again', () => {
    const again = Object.assign(new Error('again'), { code: 'EAI_AGAIN' })
    const nowhere = Object.assign(new Error('nowhere'), { code: 'ENOTFOUND' })
    const dns = (cause: Error) => new HttpError('DNS', 'no address', { phase: 'dns', requestWritten: 'no', cause })
    expect(sends([dns(again), 200], get)).toBe(2)
    expect(sends([dns(nowhere), 200], get)).toBe(1)
  })

  it('is a handshake that broke off, and not a certificate', () => {
    const tls = (code: string) =>
      new HttpError('TLS', 'no handshake', {
        phase: 'tls',
        requestWritten: 'no',
        cause: Object.assign(new Error(), { code }),
      })
    expect(sends([tls('ECONNRESET'), 200], get)).toBe(2)
    expect(sends([tls('CERT_HAS_EXPIRED'), 200], get)).toBe(1)
  })

  it.each([
    ['headers', 2],
    ['idle', 2],
    ['attempt', 2],
    ['dns', 2],
    ['connect', 2],
    ['tls', 2],
    ['queue', 1],
    ['deadline', 1],
  ] as const)('is a timeout of the phase %s: %i sends', (phase, times) => {
    expect(sends([new HttpError('TIMEOUT', 'slow', { phase }), 200], get)).toBe(times)
  })

  it.each([
    'CONFIG',
    'UNSUPPORTED',
    'TOO_LARGE',
    'STATUS',
    'CIRCUIT_OPEN',
    'RATE_LIMITED',
    'BLOCKED',
    'CLOSED',
    'CANCELLED',
  ] as const)('is not an error %s', code => {
    expect(sends([new HttpError(code, 'no'), 200], get)).toBe(1)
  })

  it('is not what a plugin or a callback threw', () => {
    expect(sends([new TypeError('oops'), 200], get)).toBe(1)
  })

  it('can be said by status, and by a function that sees the whole answer', () => {
    expect(sends([500, 200], get, { statuses: [500] })).toBe(2)
    const busy = {
      when: ({ response }: { response?: HttpResponse | undefined }) => response?.text() === 'busy' || undefined,
    }
    expect(sends([{ body: 'busy' }, { body: 'done' }], get, busy)).toBe(2)
    expect(sends([503, 200], get, busy)).toBe(2)
    expect(sends([503, 200], get, { when: () => false })).toBe(1)
  })
})

describe('what is safe to send again', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY', 'TRACE'])('is a %s', method => {
    expect(sends([503, 200], client => client.request(method, 'x'))).toBe(2)
  })

  it.each([503, 'RESET'] as const)('is not a POST that may have arrived (%s)', reply => {
    expect(sends([reply, 200], post)).toBe(1)
  })

  it('is a POST that never left', () => {
    expect(sends(['CONNECT', 200], post)).toBe(2)
  })

  it('is a POST whose key tells the server that it knows it already', () => {
    expect(sends([503, 200], client => client.post('x', {}, { headers: { 'idempotency-key': 'k' } }))).toBe(2)
  })

  it('is a POST with a key made here, the same in all attempts and another one in the next call', () => {
    const api = mock().enqueue(503, 503, 200, 200)
    const client = open(api, steady())
    virtually(({ flush }) => {
      client.post('x', {}, { retry: { idempotencyKey: true } }).subscribe()
      flush()
      client.post('x', {}, { retry: { idempotencyKey: true } }).subscribe()
      flush()
    })
    const [first, second, third, other] = api.history.map(({ request }) => request.headers.get('idempotency-key'))
    expect(first).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    expect([second, third]).toEqual([first, first])
    expect(other).not.toBe(first)
  })

  it('does not make a key where none is needed', () => {
    const api = mock().enqueue(200)
    open(api, steady({ idempotencyKey: true }))
      .get('x')
      .subscribe()
    expect(api.history[0]?.request.headers.has('idempotency-key')).toBe(false)
  })

  it('can be said per call', () => {
    expect(sends([503, 200], client => client.post('x', {}, { retry: { methods: ['POST'] } }))).toBe(2)
    expect(sends([503, 200], client => client.get('x', { retry: false }))).toBe(1)
    expect(sends([503, 503, 503, 503, 200], client => client.get('x', { retry: { times: 4 } }))).toBe(5)
  })

  it('is not a body that can be produced only once', async () => {
    async function* once() {
      yield 'once'
    }
    const api = mock().enqueue(503, 200)
    const seen: HttpEvent[] = []
    await new Promise<void>(resolve => {
      open(api, retry({ delay: () => 0 }))
        .events('x', { method: 'PUT', body: once() })
        .subscribe({ next: event => seen.push(event), complete: resolve })
    })
    expect(api.history.length).toBe(1)
    expect(seen).toContainEqual(
      expect.objectContaining({ name: 'gave up', detail: { attempt: 1, reason: 'status 503', because: 'body' } }),
    )
  })

  it('is a one-shot body that nobody has asked for yet', async () => {
    async function* once() {
      yield 'once'
    }
    const api = mock().enqueue('CONNECT', 200)
    const response = await new Promise<HttpResponse>((resolve, reject) => {
      open(api, retry({ delay: () => 0 }))
        .post('x', once())
        .subscribe({ next: resolve, error: reject })
    })
    expect(response.status).toBe(200)
    expect(api.history[1]?.body.text()).toBe('once')
  })

  it('is a body that a function makes anew', async () => {
    const api = mock().enqueue(503, 200)
    async function* fresh() {
      yield 'fresh'
    }
    await new Promise<void>((resolve, reject) => {
      open(api, retry({ delay: () => 0 }))
        .put('x', () => fresh())
        .subscribe({ complete: resolve, error: reject })
    })
    expect(api.history.map(({ body }) => body.text())).toEqual(['fresh', 'fresh'])
  })
})

describe('the wait', () => {
  const delays = (replies: readonly (MockReply | number | 'RESET')[], random: number): number[] => {
    vi.spyOn(Math, 'random').mockReturnValue(random)
    const waits: number[] = []
    const budget = new RetryBudget()
    virtually(({ flush }) => {
      open(
        mock().enqueue(...replies),
        retry({ times: replies.length, budget, onRetry: ({ delay }) => waits.push(delay) }),
      )
        .get('x')
        .subscribe({ error: () => undefined })
      flush()
    })
    return waits
  }

  it('is a random part of 100 ms, doubled each time, up to 20 s', () => {
    expect(delays(Array<'RESET'>(10).fill('RESET'), 0.5).slice(0, 10)).toEqual([
      50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000,
    ])
    expect(delays(['RESET', 200], 0)).toEqual([0])
  })

  it('is five times longer when the server asks for less', () => {
    expect(delays([429, 503, 502, 200], 0.5)).toEqual([250, 500, 200])
  })

  it('is at least what Retry-After says, in seconds', () => {
    const api = mock().enqueue({ status: 503, headers: { 'retry-after': '7' } }, 200)
    expect(watch(open(api, steady()).events('x'))).toEqual([
      '0 retry retrying {"attempt":2,"delay":7000,"reason":"status 503"}',
      '7000 200',
    ])
  })

  const after = (headers: Record<string, string>, status = 503) => ({ status, headers })

  it.each([['Tue, 06 Nov 2035 08:49:42 GMT'], ['Tuesday, 06-Nov-35 08:49:42 GMT'], ['Tue Nov  6 08:49:42 2035']])(
    'is until the date of Retry-After, by the clock of the server: %s',
    date => {
      expect(delays([after({ date: 'Tue, 06 Nov 2035 08:49:37 GMT', 'retry-after': date }), 200], 0)).toEqual([5_000])
    },
  )

  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', '0', '000'])('is nothing more for what is over: %s', value => {
    expect(delays([after({ date: 'Tue, 06 Nov 2035 08:49:37 GMT', 'retry-after': value }), 200], 0)).toEqual([0])
  })

  it.each(['0x2', '1.5', '-1', 'Infinity', '1e3', '2035-11-06T08:49:42Z', 'Tue, 31 Feb 2035 08:49:42 GMT', ''])(
    'takes no notice of Retry-After: %j',
    value => {
      expect(delays([after({ 'retry-after': value }), 200], 0.5)).toEqual([250])
    },
  )

  it.each([
    [{ 'ratelimit-reset': '3' }, 3_000],
    [{ 'x-ratelimit-reset': '4' }, 4_000],
    [{ 'x-ratelimit-reset': '2077951782', date: 'Tue, 06 Nov 2035 08:49:37 GMT' }, 5_000],
    [{ ratelimit: '"day";r=100;t=3600, "burst";r=0;t=6' }, 6_000],
    [{ 'retry-after': '1', 'ratelimit-reset': '3' }, 1_000],
  ])('after a 429 also follows the rate limit fields: %j', (headers, wait) => {
    expect(delays([after(headers as Record<string, string>, 429), 200], 0)).toEqual([wait])
  })

  it('is not begun when the server asks for more than the cap: its answer stands', () => {
    const api = mock().enqueue({ status: 503, headers: { 'retry-after': '61' } }, 200)
    expect(watch(open(api, steady()).events('x'))).toEqual([
      '0 retry gave up {"attempt":1,"reason":"status 503","because":"retry-after","retryAfterMs":61000}',
      '0 503',
    ])
    expect(sends([{ status: 503, headers: { 'retry-after': '61' } }, 200], get, { retryAfterCap: false })).toBe(2)
    expect(sends([{ status: 503, headers: { 'retry-after': '2' } }, 200], get, { retryAfterCap: 1_999 })).toBe(1)
  })

  it('is never longer than a timer can wait, also without a cap', () => {
    expect(
      sends([{ status: 503, headers: { 'retry-after': '99999999999' } }, 200], get, { retryAfterCap: false }),
    ).toBe(1)
  })

  it('is not begun when it would end after the deadline', () => {
    const api = mock().enqueue({ status: 503, headers: { 'retry-after': '5' } }, 200)
    expect(watch(open(api, deadline({ ms: 5_000 }), steady()).events('x'))).toEqual([
      '0 retry gave up {"attempt":1,"reason":"status 503","because":"deadline"}',
      '0 503',
    ])
  })

  it('fails the call when `delay` returns what is no time', () => {
    expect(watch(open(mock().enqueue(503), retry({ delay: () => Number.NaN })).events('x'))).toEqual([
      '0 CONFIG config',
    ])
  })

  it('ends at once when nobody waits for it any more', () => {
    const api = mock().enqueue(503, 200)
    virtually(({ flush }) => {
      const call = open(api, steady({ delay: () => 100 }))
        .get('x')
        .subscribe()
      timer(50).subscribe(() => call.unsubscribe())
      flush()
      expect(clock.now()).toBe(50)
    })
    expect(api.history.length).toBe(1)
  })

  it('keeps no timer when it was left', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const call = open(mock().enqueue(503), retry({ delay: () => 60_000 }))
      .get('x')
      .subscribe()
    expect(timers()).toBe(before + 1)
    call.unsubscribe()
    expect(timers()).toBe(before)
  })
})

describe('the budget', () => {
  it('stops retries that are more than a share of the requests, and says so on the error', () => {
    const budget = new RetryBudget({ share: 0.5, floor: 0 })
    const api = mock(() => new HttpError('RESET', 'broken', { phase: 'headers' }))
    const client = open(api, steady({ budget }))
    const errors: unknown[] = []
    virtually(({ flush }) => {
      for (let call = 0; call < 4; call++) {
        client.get('x').subscribe({ error: (error: unknown) => errors.push((error as HttpError).budgetExhausted) })
        flush()
      }
    })
    // Two calls pay for one retry.
    expect(api.history.map(({ request }) => `${request.id}/${request.attempt}`)).toEqual([
      '1/1',
      '2/1',
      '2/2',
      '3/1',
      '4/1',
      '4/2',
    ])
    expect(errors).toEqual([true, true, true, true])
  })

  it('hands an answer through when it is used up', () => {
    const api = mock().enqueue(503, 200)
    expect(watch(open(api, steady({ budget: new RetryBudget({ share: 0, floor: 0 }) })).events('x'))).toEqual([
      '0 retry gave up {"attempt":1,"reason":"status 503","because":"budget"}',
      '0 503',
    ])
  })

  it('is one per origin', () => {
    const api = mock(() => 503)
    const client = createClient({ engine: api, plugins: [steady({ budget: new RetryBudget({ share: 1, floor: 0 }) })] })
    virtually(({ flush }) => {
      for (const url of ['https://a.test/', 'https://b.test/', 'https://a.test:8443/']) client.get(url).subscribe()
      flush()
    })
    expect(api.history.length).toBe(6)
  })

  it('of a client lets a hundred retries pass in ten seconds, when nothing else is sent', () => {
    const api = mock(() => 503)
    const client = open(api, steady({ times: 1_000, delay: () => 1 }))
    virtually(({ flush }) => {
      client.get('x').subscribe()
      flush()
    })
    expect(api.history.length).toBe(1 + 100)
  })

  it('can be left out', () => {
    expect(sends([503, 503, 200], get, { budget: false })).toBe(3)
  })
})

describe('an attempt', () => {
  it('runs every plugin further in anew', () => {
    let token = 0
    const tokens = definePlugin({
      name: 'tokens',
      scope: 'attempt',
      defaults: {},
      install: () => (request, next) => next(request.header('authorization', `t${++token}`)),
    })
    const api = mock().enqueue(503, 503, 200)
    virtually(({ flush }) => {
      open(api, steady(), tokens()).get('x').subscribe()
      flush()
    })
    expect(api.history.map(({ request }) => request.headers.get('authorization'))).toEqual(['t1', 't2', 't3'])
  })

  it('has the limits of timeout anew', () => {
    const api = mock().enqueue({ stall: 'headers' }, { delay: 90 })
    expect(watch(open(api, steady(), timeout({ headers: 100 })).events('x'))).toEqual([
      '100 retry retrying {"attempt":2,"delay":10,"reason":"TIMEOUT (headers)"}',
      '200 200',
    ])
    expect(api.history.map(({ outcome }) => outcome)).toEqual(['aborted', 'completed'])
  })

  it('ends before the next one begins, live body and all', () => {
    const api = mock().enqueue({ status: 503, chunks: ['a', 1_000, 'b'] }, { body: 'fine' })
    const read: string[] = []
    virtually(({ flush }) => {
      open(api, steady())
        .stream('x', async function* (response) {
          yield response.status
        })
        .subscribe(status => read.push(String(status)))
      flush()
    })
    expect(api.history.map(({ outcome }) => outcome)).toEqual(['aborted', 'completed'])
  })

  it('is not repeated once its head has been handed to a reader', () => {
    const api = mock().enqueue({ body: 'hello', cut: true }, 200)
    virtually(({ flush }) => {
      open(api, steady())
        .stream('x', () => NEVER)
        .subscribe()
      flush()
    })
    expect(api.history.length).toBe(1)
  })
})

describe('an answer that comes from further in without being sent', () => {
  it('is judged like any other', () => {
    let asked = 0
    const cache = definePlugin({
      name: 'cache',
      scope: 'attempt',
      defaults: {},
      install: () => (request, next) =>
        // Were it judged as if it were the first, there would be no end.
        ++asked > 1 ? of({ type: 'response', response: aResponse('busy', {}, asked > 9 ? 200 : 503) }) : next(request),
    })
    const api = mock().enqueue(503)
    virtually(({ flush }) => {
      open(api, steady(), cache()).get('x').pipe(take(1)).subscribe()
      flush()
    })
    expect(asked).toBe(3)
  })
})

describe('onRetry', () => {
  it('hears of each retry before the wait', () => {
    const heard: Partial<RetryEvent>[] = []
    sends(['RESET', 503, 200], get, {
      onRetry: ({ attempt, delay, reason, outcome, request }) =>
        heard.push({ attempt, delay, reason, outcome: { error: outcome.error }, request: request.url as never }),
    })
    expect(heard).toMatchObject([
      { attempt: 2, delay: 10, reason: 'RESET (headers)', outcome: { error: { code: 'RESET' } }, request: `${BASE}x` },
      { attempt: 3, delay: 20, reason: 'status 503' },
    ])
  })

  it('fails the call with what it throws', () => {
    const api = mock().enqueue(503, 200)
    const thrown = new Error('not again')
    const seen = watch(
      open(
        api,
        steady({
          onRetry: () => {
            throw thrown
          },
        }),
      ).events('x'),
    )
    expect(seen.at(-1)).toBe('0 Error: not again')
    expect(api.history.length).toBe(1)
  })

  it('may end the call', () => {
    const api = mock().enqueue({ status: 503, delay: 5 }, 200)
    virtually(({ flush }) => {
      const call: Subscription = open(api, steady({ onRetry: () => call.unsubscribe() }))
        .get('x')
        .subscribe()
      flush()
    })
    expect(api.history.length).toBe(1)
  })
})

describe('on the wire', () => {
  const connect = (url: string, ...plugins: AnyPlugin[]) =>
    createClient({ engine: undici(), baseUrl: url, plugins: [retry({ delay: () => 5 }), ...plugins] })

  it('a flaky server is asked until it answers, over one connection, with a fresh token each time', async () => {
    let n = 0
    const tokens = definePlugin({
      name: 'tokens',
      scope: 'attempt',
      defaults: {},
      install: () => (request, next) => next(request.header('authorization', `t${++n}`)),
    })
    await using server = await serveSequence([
      reply.text('busy', { status: 503 }),
      reply.text('busy', { status: 503 }),
      reply.text('now'),
    ])
    const client = connect(server.url, tokens())
    expect((await firstValueFrom(client.get(''))).text()).toBe('now')
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual(['t1', 't2', 't3'])
    expect(server.connections.length).toBe(1)
    await client.close()
  })

  it('a body that breaks off in the middle is fetched anew', async () => {
    await using server = await serveSequence([
      { body: 'hello world', fault: { kind: 'reset', at: 'mid-body' } },
      { body: 'hello world', fault: { kind: 'fin', at: 'mid-body' } },
      { body: 'hello world' },
    ])
    const client = connect(server.url)
    expect((await firstValueFrom(client.get(''))).text()).toBe('hello world')
    await client.close()
  })

  it('an endless body of an answer that is retried is not read', async () => {
    let produced = 0
    function* endless() {
      for (const piece = new Uint8Array(65_536); ; produced += piece.length) yield piece
    }
    await using server = await serveSequence([() => ({ status: 503, body: endless() }), reply.text('now')])
    const client = connect(server.url)
    expect((await firstValueFrom(client.get(''))).text()).toBe('now')
    await server.closed(1, 1_000)
    expect(produced).toBeLessThan(16 * 1024 * 1024)
    await client.close()
  })

  it('a server that is not there is asked again, by POST too', async () => {
    const reasons: string[] = []
    const client = connect('http://127.0.0.1:9/')
    const error: unknown = await firstValueFrom(
      client.post('', { a: 1 }, { retry: { onRetry: ({ reason }) => reasons.push(reason) } }),
    ).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'CONNECT', attempt: 3 })
    expect(reasons).toEqual(['CONNECT (connect)', 'CONNECT (connect)'])
    await client.close()
  })

  it('a call that is left in the wait sends nothing more, and its client closes at once', async () => {
    await using server = await serve({ 'GET /x': reply.status(503) })
    const client = connect(server.url)
    await new Promise<void>(resolve => {
      const call: Subscription = client
        .get('x', {
          retry: {
            delay: () => 60_000,
            onRetry: () =>
              queueMicrotask(() => {
                call.unsubscribe()
                resolve()
              }),
          },
        })
        .subscribe()
    })
    await client.close()
    expect(server.requests.length).toBe(1)
  })
})

describe('retry()', () => {
  it('stands inside of redirect, and says why', () => {
    expect(() => createClient({ engine: mock(), plugins: [retry(), redirect()] })).toThrow(
      'retry cannot stand before redirect: each hop is retried by itself; around redirect, every retry would run all its hops again. An order that works: [redirect, retry].',
    )
  })

  it.each([
    [{ times: -1 }, 'times'],
    [{ times: 1.5 }, 'times'],
    [{ times: Number.NaN }, 'times'],
    [{ delay: 100 }, 'delay'],
    [{ statuses: [200] }, 'statuses'],
    [{ statuses: 503 }, 'statuses'],
    [{ methods: ['post'] }, 'methods'],
    [{ idempotencyKey: 'k' }, 'idempotencyKey'],
    [{ retryAfterCap: -1 }, 'retryAfterCap'],
    [{ retryAfterCap: Infinity }, 'retryAfterCap'],
    [{ budget: 10 }, 'budget'],
    [{ when: true }, 'when'],
    [{ onRetry: 'log' }, 'onRetry'],
  ])('refuses %j', (options, name) => {
    expect(() => retry(options as never)).toThrow(`retry({ ${name} }) must be`)
  })
})
