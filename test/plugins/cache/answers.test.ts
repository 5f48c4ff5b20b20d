import { asyncScheduler, take } from 'rxjs'
import { createClient, definePlugin, DISCARD, type HttpEvent, type HttpResponse } from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { cache } from 'sluice/plugins/cache'
import { redirect } from 'sluice/plugins/redirect'
import { describe, expect, it } from 'vitest'
import { virtually } from '../../support/virtual-time.ts'

const tagged = { 'cache-control': 'max-age=10', etag: '"1"' }

/** Asks at so many seconds, with these headers; the server gives these answers in order. */
function ask(
  replies: readonly MockReply[],
  calls: readonly (readonly [at: number, headers?: Record<string, string>, method?: string])[],
) {
  const engine = mock().enqueue(...replies)
  const client = createClient({ engine, baseUrl: 'https://a.test/', plugins: [cache()] })
  const got: HttpResponse[] = []
  virtually(({ flush }) => {
    for (const [at, headers = {}, method = 'GET'] of calls) {
      asyncScheduler.schedule(
        () => client.request(method, 'thing', { headers }).subscribe(response => got.push(response)),
        at * 1000,
      )
    }
    flush()
  })
  return { got, engine, status: got.map(({ headers }) => headers.get('cache-status')) }
}

describe('Cache-Status', () => {
  it('says where an answer came from', () => {
    const { status } = ask(
      [
        { headers: tagged },
        { status: 304, headers: tagged },
        { headers: tagged },
        { status: 204 },
        { headers: { 'cache-control': 'no-store' } },
      ],
      [[0], [4], [15], [16, { 'cache-control': 'no-cache' }], [17, {}, 'POST'], [18]],
    )
    expect(status).toEqual([
      'sluice; fwd=uri-miss; stored',
      'sluice; hit; ttl=6',
      'sluice; fwd=stale; fwd-status=304; stored',
      'sluice; fwd=request; fwd-status=200; stored',
      'sluice; fwd=method',
      'sluice; fwd=uri-miss',
    ])
  })

  it('comes after what caches before it said', () => {
    const { status } = ask([{ headers: { ...tagged, 'cache-status': 'edge; hit' } }], [[0], [1]])
    expect(status).toEqual(['edge; hit, sluice; fwd=uri-miss; stored', 'edge; hit, sluice; hit; ttl=9'])
  })

  it('says that a stale answer stands in for an error', () => {
    const headers = { 'cache-control': 'max-age=1, stale-if-error=60' }
    const { status, got } = ask([{ headers, body: 'one' }, { status: 503 }], [[0], [5]])
    expect(status[1]).toBe('sluice; fwd=stale; fwd-status=503; detail=stale-if-error')
    expect([got[1]?.status, got[1]?.text()]).toEqual([200, 'one'])
  })

  it('says why there is a 504', () => {
    const { status, got } = ask([], [[0, { 'cache-control': 'only-if-cached' }]])
    expect([got[0]?.status, status[0]]).toEqual([504, 'sluice; fwd=uri-miss; detail=only-if-cached'])
  })
})

describe('an answer from the cache', () => {
  it('has its Age, belongs to the request of now, and has no connection', () => {
    const { got } = ask([{ headers: { ...tagged, age: '2' }, body: 'one' }], [[0], [4.9]])
    expect(got[1]?.headers.getAll('age')).toEqual(['6'])
    expect(got[1]?.request.id).toBe(2)
    expect(got[1]?.head.connection).toBeUndefined()
    expect(got[1]?.timings.startedAt).toBe(4_900)
  })

  it('has a Date also when the server sent none, and the one it sent', () => {
    expect(ask([{ headers: tagged }], [[0], [1]]).got[1]?.headers.get('date')).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
    const date = 'Thu, 01 Jan 1970 00:00:01 GMT'
    expect(ask([{ headers: { ...tagged, date } }], [[1], [2]]).got[1]?.headers.get('date')).toBe(date)
  })

  it('leaves out what was said of the connection or in answer to a proof, and cookies', () => {
    const headers = {
      ...tagged,
      connection: 'x-hop',
      'x-hop': '1',
      'keep-alive': '5',
      'proxy-authenticate': 'x',
      'authentication-info': 'nextnonce="n"',
      'set-cookie': 'a=1',
      'x-kept': '1',
    }
    const { got } = ask([{ headers }], [[0], [1]])
    expect(got[0]?.headers.get('set-cookie')).toBe('a=1')
    const names = [...(got[1]?.headers ?? [])].map(([name]) => name)
    expect(names).toContain('x-kept')
    const left = ['connection', 'x-hop', 'keep-alive', 'proxy-authenticate', 'authentication-info', 'set-cookie']
    for (const name of left) expect(names).not.toContain(name)
  })

  it('to a HEAD has the headers and no body', () => {
    const { got, engine } = ask([{ headers: tagged, body: 'one' }], [[0], [1, {}, 'HEAD']])
    expect([got[1]?.status, got[1]?.bytes.length, got[1]?.headers.get('content-length')]).toEqual([200, 0, '3'])
    expect(engine.history).toHaveLength(1)
  })

  it.each([
    ['his ETag', { 'if-none-match': '"1"' }, 304],
    ['his ETag among others', { 'if-none-match': '"0", W/"1"' }, 304],
    ['any', { 'if-none-match': '*' }, 304],
    ['another ETag', { 'if-none-match': '"2"' }, 200],
    ['a date after it', { 'if-modified-since': 'Thu, 01 Jan 1970 00:00:09 GMT' }, 304],
    ['a date before it', { 'if-modified-since': 'Thu, 01 Jan 1970 00:00:01 GMT' }, 200],
    ['an ETag before a date', { 'if-none-match': '"2"', 'if-modified-since': 'Thu, 01 Jan 1970 00:00:09 GMT' }, 200],
  ])('tells a user who has %s', (_, headers, status) => {
    const kept = { ...tagged, 'last-modified': 'Thu, 01 Jan 1970 00:00:05 GMT' }
    const { got, engine } = ask([{ headers: kept, body: 'one' }], [[0], [1, headers]])
    expect([got[1]?.status, got[1]?.text()]).toEqual([status, status === 304 ? '' : 'one'])
    expect(engine.history).toHaveLength(1)
  })
})

describe('a user with conditions of his own is told about', () => {
  const later = 'Thu, 01 Jan 1970 00:00:09 GMT'
  const date = 'Thu, 01 Jan 1970 00:00:05 GMT'
  it.each<[string, MockReply, Record<string, string>, number]>([
    ['an error by itself', { status: 404, headers: tagged }, { 'if-none-match': '*' }, 404],
    ['a redirect by itself', { status: 301, headers: tagged }, { 'if-none-match': '"1"' }, 301],
    ['what has no Last-Modified by its Date', { headers: { ...tagged, date } }, { 'if-modified-since': later }, 304],
    ['what came after his', { headers: { ...tagged, date: later } }, { 'if-modified-since': date }, 200],
    [
      'what has a Last-Modified that is none',
      { headers: { ...tagged, date, 'last-modified': 'x' } },
      { 'if-modified-since': later },
      200,
    ],
    ['what has conditions that are none', { headers: { ...tagged, date } }, { 'if-modified-since': 'x' }, 200],
    ['two dates', { headers: { ...tagged, date } }, { 'if-modified-since': `${later}, ${later}` }, 200],
  ])('%s', (_, first, headers, status) => {
    const { got, engine } = ask([{ ...first, body: 'one' }], [[0], [1, headers]])
    expect([got[1]?.status, got[1]?.text()]).toEqual([status, status === 304 ? '' : 'one'])
    expect(engine.history).toHaveLength(1)
  })

  it('a date of this century in two digits', () => {
    const client = createClient({
      engine: mock(() => ({ headers: { ...tagged, 'last-modified': 'Friday, 06-Nov-20 08:49:37 GMT' }, body: 'x' })),
      plugins: [cache()],
    })
    const status: number[] = []
    for (const since of ['Sun, 01 Nov 2020 00:00:00 GMT', 'Sat, 07 Nov 2020 00:00:00 GMT']) {
      client.get('https://a.test/').subscribe()
      client
        .get('https://a.test/', { headers: { 'if-modified-since': since } })
        .subscribe(response => status.push(response.status))
    }
    expect(status).toEqual([200, 304])
  })
})

describe('a 304', () => {
  it('changes and adds header fields, but none that speak of the bytes', () => {
    const first = { ...tagged, 'x-old': '1', 'x-both': '1' }
    const second = {
      ...tagged,
      'x-both': '2',
      'x-new': '2',
      'content-length': '99',
      'content-range': 'bytes 0-0/1',
      'content-encoding': 'gzip',
    }
    const { got } = ask(
      [
        { headers: first, body: 'one' },
        { status: 304, headers: second },
      ],
      [[0], [20], [25]],
    )
    for (const response of got.slice(1)) {
      expect(response.text()).toBe('one')
      const value = (name: string): string | undefined => response.headers.get(name)
      expect(['x-old', 'x-both', 'x-new', 'content-length', 'content-range', 'content-encoding'].map(value)).toEqual([
        '1',
        '2',
        '2',
        '3',
        undefined,
        undefined,
      ])
    }
    expect(got[2]?.headers.get('age')).toBe('5')
  })

  it('brings its cookies to whoever asked, and to nobody else', () => {
    const { got } = ask(
      [{ headers: tagged }, { status: 304, headers: { ...tagged, 'set-cookie': 'a=2' } }],
      [[0], [20], [25]],
    )
    expect(got.map(({ headers }) => headers.get('set-cookie'))).toEqual([undefined, 'a=2', undefined])
  })

  it('to the conditions of a user freshens what is kept', () => {
    const { got, engine } = ask(
      [
        { headers: tagged, body: 'one' },
        { status: 304, headers: tagged },
      ],
      [[0], [20, { 'if-none-match': '"1"' }], [25]],
    )
    expect(got.map(({ status, headers }) => [status, headers.get('age')])).toEqual([
      [200, undefined],
      [304, undefined],
      [200, '5'],
    ])
    expect(engine.history).toHaveLength(2)
  })

  it('that speaks of another answer is followed by a request without conditions', () => {
    const replies: MockReply[] = [
      { headers: tagged, body: 'one' },
      { status: 304, headers: { ...tagged, etag: '"other"' } },
      { headers: tagged, body: 'two' },
    ]
    const { got, engine } = ask(replies, [[0], [20]])
    expect(got[1]?.text()).toBe('two')
    expect(engine.history.map(({ request }) => request.headers.get('if-none-match'))).toEqual([
      undefined,
      '"1"',
      undefined,
    ])
  })
})

describe('an answer whose body was thrown away', () => {
  const moved = { ...tagged, location: '/new' }

  /** Follows a redirect, and asks again at so many seconds. */
  function followed(at: number, options: Readonly<Record<string, unknown>>) {
    const engine = mock(({ request }) => {
      if (request.url.endsWith('new')) return { body: 'here' }
      return request.headers.has('if-none-match')
        ? { status: 304, headers: moved }
        : { status: 301, headers: moved, body: 'moved' }
    })
    const client = createClient({ engine, plugins: [redirect(), cache()] })
    const texts: string[] = []
    virtually(({ flush }) => {
      client.get('https://a.test/old').subscribe()
      asyncScheduler.schedule(() => {
        client
          .get('https://a.test/old', options)
          .subscribe(response => texts.push(`${response.status} ${response.text()}`))
      }, at * 1000)
      flush()
    })
    return { texts, asked: engine.history.filter(({ request }) => request.url.endsWith('old')).length }
  }

  it.each([
    ['fresh, is used by who throws it away, too', 5, {}, ['200 here'], 1],
    ['stale, is confirmed for who throws it away, too', 15, {}, ['200 here'], 2],
    ['fresh, is asked for anew by who reads it', 5, { redirect: false }, ['301 moved'], 2],
    ['stale, is asked for anew by who reads it', 15, { redirect: false }, ['301 moved'], 2],
  ])('%s', (_, at, options, texts, asked) => {
    expect(followed(at, options)).toEqual({ texts, asked })
  })

  it('is asked for anew when a 304 makes it one that is read', () => {
    const leaving = definePlugin({
      name: 'leaving',
      scope: 'steer',
      defaults: {},
      install: () => (request, next) => next(request.note(DISCARD, ({ headers }) => headers.get('x-leave') === 'yes')),
    })
    const left = { ...tagged, 'x-leave': 'yes' }
    const engine = mock().enqueue(
      { headers: left, body: 'one' },
      { status: 304, headers: { ...left, 'x-leave': 'no' } },
      { headers: tagged, body: 'one' },
    )
    const client = createClient({ engine, plugins: [leaving(), cache()] })
    const texts: string[] = []
    virtually(({ flush }) => {
      for (const at of [0, 15_000]) {
        asyncScheduler.schedule(
          () => client.get('https://a.test/').subscribe(response => texts.push(response.text())),
          at,
        )
      }
      flush()
    })
    expect(texts).toEqual(['', 'one'])
    expect(engine.history).toHaveLength(3)
  })
})

it('what was done is told before the answer comes', () => {
  const engine = mock(() => ({ headers: tagged }))
  const client = createClient({ engine, plugins: [cache()] })
  const events: HttpEvent[] = []
  client.get('https://a.test/').subscribe()
  client.events('https://a.test/').subscribe(event => events.push(event))
  expect(events.map(event => (event.type === 'notice' ? event.name : event.type))).toEqual(['hit', 'response'])
})

it('who leaves at the first notice has asked nobody', () => {
  const engine = mock(() => ({ headers: tagged }))
  const client = createClient({ engine, plugins: [cache()] })
  const seen: string[] = []
  client
    .events('https://a.test/')
    .pipe(take(1))
    .subscribe(({ type }) => seen.push(type))
  expect({ seen, sent: engine.history.length, running: client.inFlight }).toEqual({
    seen: ['notice'],
    sent: 0,
    running: 0,
  })
})
