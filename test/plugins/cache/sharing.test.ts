import { asyncScheduler, type Subscription } from 'rxjs'
import {
  createClient,
  definePlugin,
  identified,
  isHttpError,
  type HttpRequest,
  type HttpResponse,
  type MonitorEvent,
} from 'sluice'
import { mock, type MockAnswer } from 'sluice/engines/mock'
import { cache, memoryCache, type CacheOptions, type CacheStore } from 'sluice/plugins/cache'
import { describe, expect, it } from 'vitest'
import { virtually } from '../../support/virtual-time.ts'

const fresh = { 'cache-control': 'max-age=60' }
const slow = (more: object = {}): MockAnswer => ({ headers: fresh, body: 'one', delay: 100, ...more })

/** Sends requests at so many milliseconds, and tells what came of each. */
function run(
  answer: (count: number) => MockAnswer,
  calls: readonly { at: number; leave?: number; headers?: Record<string, string>; method?: string }[],
  options: Partial<CacheOptions> = {},
) {
  let count = 0
  const engine = mock(() => answer(++count))
  const client = createClient({ engine, baseUrl: 'https://a.test/', plugins: [cache(options)] })
  const got: (HttpResponse | Error | undefined)[] = calls.map(() => undefined)
  const times: number[] = []
  const notices: string[] = []
  const watched = client.monitor.subscribe((event: MonitorEvent) => {
    if (event.type === 'notice') notices.push(event.name)
  })
  virtually(({ flush }) => {
    for (const [index, { at, leave, headers = {}, method = 'GET' }] of calls.entries()) {
      let subscription: Subscription | undefined
      asyncScheduler.schedule(() => {
        subscription = client.request(method, 'thing', { headers }).subscribe({
          next: response => {
            got[index] = response
            times[index] = asyncScheduler.now()
          },
          error: (error: unknown) => (got[index] = error as Error),
        })
      }, at)
      if (leave !== undefined) asyncScheduler.schedule(() => subscription?.unsubscribe(), leave)
    }
    flush()
  })
  watched.unsubscribe()
  return { got, times, notices, engine, client, texts: got.map(one => (one instanceof Error ? one.name : one?.text())) }
}

describe('requests for one thing at one time', () => {
  it('wait for one answer', () => {
    const { texts, times, engine, got } = run(() => slow(), [{ at: 0 }, { at: 10 }, { at: 99 }])
    expect(texts).toEqual(['one', 'one', 'one'])
    expect(times).toEqual([100, 100, 100])
    expect(engine.history).toHaveLength(1)
    expect((got[2] as HttpResponse).headers.get('cache-status')).toBe('sluice; fwd=uri-miss; collapsed')
  })

  it('are two hundred and one exchange', () => {
    const { texts, engine } = run(
      () => slow(),
      Array.from({ length: 200 }, () => ({ at: 0 })),
    )
    expect(new Set(texts)).toEqual(new Set(['one']))
    expect(engine.history).toHaveLength(1)
  })

  it('go on when the first one leaves', () => {
    const { texts, engine } = run(() => slow(), [{ at: 0, leave: 50 }, { at: 10 }])
    expect(texts).toEqual([undefined, 'one'])
    expect(engine.history.map(({ outcome }) => outcome)).toEqual(['completed'])
  })

  it('go on when one that waits leaves', () => {
    const { texts } = run(() => slow(), [{ at: 0 }, { at: 10, leave: 50 }])
    expect(texts).toEqual(['one', undefined])
  })

  it('are aborted when the last one leaves, whoever it is', () => {
    const { engine, client } = run(
      () => slow(),
      [
        { at: 0, leave: 30 },
        { at: 10, leave: 40 },
      ],
    )
    expect(engine.history.map(({ outcome, endedAt }) => [outcome, endedAt])).toEqual([['aborted', 40]])
    expect(client.inFlight).toBe(0)
  })

  it('begin anew after the last one has left', () => {
    const { texts, engine } = run(() => slow(), [{ at: 0, leave: 30 }, { at: 40 }])
    expect(texts).toEqual([undefined, 'one'])
    expect(engine.history).toHaveLength(2)
  })

  it('fail together, each with an error of its own request', () => {
    const { got, engine } = run(() => ({ delay: 100, reset: 'headers' }), [{ at: 0 }, { at: 10 }])
    const errors = got.filter(isHttpError)
    expect(errors.map(({ code, request }) => [code, request?.id])).toEqual([
      ['RESET', 1],
      ['RESET', 2],
    ])
    expect(engine.history).toHaveLength(1)
  })

  it.each([
    ['may not be kept', { headers: { 'cache-control': 'no-store' } }],
    ['is for one user', { headers: { 'cache-control': 'max-age=60', 'set-cookie': 'a=1' } }],
    ['has to be validated every time', { headers: { 'cache-control': 'no-cache', etag: '"1"' } }],
    [
      'may stand in for an error, and there was none',
      { headers: { 'cache-control': 'max-age=0, stale-if-error=60', etag: '"1"' } },
    ],
    ['is an error', { status: 500 }],
  ])('go by themselves, all at once, where the answer %s; the next ones do not wait', (_, more) => {
    const options = { shared: true }
    const { times, engine } = run(
      count => slow({ ...more, body: `answer ${count}` }),
      [{ at: 0 }, { at: 10 }, { at: 20 }, { at: 300 }, { at: 310 }],
      options,
    )
    expect(engine.history).toHaveLength(5)
    expect(times).toEqual([100, 200, 200, 400, 410])
  })

  it('wait again once an answer could be shared', () => {
    const { engine } = run(
      count =>
        slow(
          count === 1 ? { headers: { 'cache-control': 'no-store' } } : { headers: { 'cache-control': 'max-age=1' } },
        ),
      [{ at: 0 }, { at: 200 }, { at: 2000 }, { at: 2010 }],
    )
    expect(engine.history).toHaveLength(3)
  })

  it('are told apart by what the answer varies by', () => {
    const { texts, engine } = run(
      count => slow({ headers: { ...fresh, vary: 'x-a' }, body: `answer ${count}` }),
      [
        { at: 0, headers: { 'x-a': '1' } },
        { at: 10, headers: { 'x-a': '2' } },
        { at: 20, headers: { 'x-a': '1' } },
      ],
    )
    expect(texts).toEqual(['answer 1', 'answer 2', 'answer 1'])
    expect(engine.history).toHaveLength(2)
  })

  it('are told apart by their credentials', () => {
    const { engine } = run(
      () => slow(),
      [
        { at: 0, headers: { authorization: 'Bearer a' } },
        { at: 0, headers: { authorization: 'Bearer b' } },
      ],
    )
    expect(engine.history).toHaveLength(2)
  })

  it.each([
    { 'cache-control': 'no-cache' },
    { pragma: 'no-cache' },
    { 'if-none-match': '"x"' },
    { range: 'bytes=0-1' },
  ])('do not wait when they say %o', headers => {
    expect(run(() => slow(), [{ at: 0 }, { at: 10, headers }]).engine.history).toHaveLength(2)
  })

  it('confirm what is stale once', () => {
    const tagged = { 'cache-control': 'max-age=1', etag: '"1"' }
    const { texts, engine } = run(
      count => (count === 1 ? { headers: tagged, body: 'one' } : { status: 304, headers: tagged, delay: 100 }),
      [{ at: 0 }, { at: 5000 }, { at: 5010 }],
    )
    expect(texts).toEqual(['one', 'one', 'one'])
    expect(engine.history).toHaveLength(2)
  })

  it('do not get an answer from before a change, and it is not kept', () => {
    const { engine, texts } = run(
      count => (count === 2 ? 204 : slow({ body: `answer ${count}` })),
      [{ at: 0 }, { at: 50, method: 'POST' }, { at: 60 }, { at: 300 }],
    )
    expect(texts).toEqual(['answer 1', '', 'answer 3', 'answer 3'])
    expect(engine.history).toHaveLength(3)
  })

  it('each have bytes of their own', () => {
    const { got } = run(() => slow(), [{ at: 0 }, { at: 10 }, { at: 300 }, { at: 310 }])
    const bytes = got.map(one => (one as HttpResponse).bytes)
    for (const one of bytes) one.fill(0)
    expect(new Set(bytes.map(one => one.buffer)).size).toBe(4)
  })

  it('that spoil what they were given spoil nothing for others', () => {
    const engine = mock(() => slow({ delay: 0 }))
    const client = createClient({ engine, plugins: [cache()] })
    const texts: string[] = []
    const spoil = (response: HttpResponse): void => {
      texts.push(response.text())
      response.bytes.fill(0)
    }
    for (let n = 0; n < 3; n++) client.get('https://a.test/').subscribe(spoil)
    expect(texts).toEqual(['one', 'one', 'one'])
  })

  it('may ask again from inside of the answer', () => {
    const engine = mock(() => slow({ delay: 0 }))
    const client = createClient({ engine, plugins: [cache()] })
    const ages: (string | undefined)[] = []
    const again = (): void =>
      void client.get('https://a.test/').subscribe(({ headers }) => ages.push(headers.get('age')))
    client.get('https://a.test/').subscribe(again)
    expect(ages).toEqual(['0'])
    expect(engine.history).toHaveLength(1)
  })
})

describe('in the background', () => {
  const swr = { 'cache-control': 'max-age=1, stale-while-revalidate=60', etag: '"1"' }
  const revalidating = (count: number): MockAnswer =>
    count === 1
      ? { headers: swr, body: 'one' }
      : { headers: { ...swr, etag: `"${count}"` }, body: `answer ${count}`, delay: 100 }

  it('one request at a time asks again, and the next one gets what came', () => {
    const { texts, times, engine, notices } = run(revalidating, [{ at: 0 }, { at: 5000 }, { at: 5050 }, { at: 5600 }])
    expect(texts).toEqual(['one', 'one', 'one', 'answer 2'])
    expect(times).toEqual([0, 5000, 5050, 5600])
    expect(engine.history).toHaveLength(2)
    expect(notices).toEqual(['miss', 'stale', 'stale', 'hit'])
  })

  it('what was confirmed is fresh again, and the monitor says so', () => {
    const { notices, engine } = run(
      count => (count === 1 ? { headers: swr, body: 'one' } : { status: 304, headers: swr }),
      [{ at: 0 }, { at: 5000 }, { at: 5500 }],
    )
    expect(notices).toEqual(['miss', 'stale', 'revalidated', 'hit'])
    expect(engine.history).toHaveLength(2)
  })

  it('nobody hears of a failure', () => {
    const { texts, engine } = run(
      count => (count === 1 ? { headers: swr, body: 'one' } : 'RESET'),
      [{ at: 0 }, { at: 5000 }],
    )
    expect(texts).toEqual(['one', 'one'])
    expect(engine.history.map(({ outcome }) => outcome)).toEqual(['completed', 'failed'])
  })

  it('it goes on when whoever got the stale answer leaves, and ends with the client', () => {
    const engine = mock({ 'GET /': { headers: swr, body: 'one' } })
    const client = createClient({ engine, baseUrl: 'https://a.test/', plugins: [cache()] })
    virtually(({ flush }) => {
      client.get('').subscribe()
      engine.enqueue({ headers: swr, delay: 10_000 })
      asyncScheduler.schedule(() => client.get('').subscribe().unsubscribe(), 5000)
      asyncScheduler.schedule(() => {
        expect(engine.inFlight).toBe(1)
        client.cancel()
        expect(engine.inFlight).toBe(0)
      }, 6000)
      flush()
    })
    expect(engine.history.map(({ outcome }) => outcome)).toEqual(['completed', 'aborted'])
  })

  it('it ends when the client is closed', async () => {
    const engine = mock({ 'GET /': { headers: { ...swr, age: '5' }, body: 'one' } })
    const client = createClient({ engine, baseUrl: 'https://a.test/', plugins: [cache()] })
    client.get('').subscribe()
    engine.enqueue({ headers: swr, stall: 'headers' })
    client.get('').subscribe()
    expect(engine.inFlight).toBe(1)
    await client.close()
    expect(engine.history.map(({ outcome }) => outcome)).toEqual(['completed', 'aborted'])
  })
})

describe('the memory of a client', () => {
  it('forgets what was not used for the longest time', () => {
    const store = memoryCache({ maxBytes: 20_000 })
    const engine = mock(() => ({ headers: fresh, body: 'x'.repeat(5_000) }))
    const client = createClient({ engine, baseUrl: 'https://a.test/', plugins: [cache({ store })] })
    const get = (path: string): void => void client.get(path).subscribe()
    for (const path of ['a', 'b', 'c', 'a', 'd', 'a']) get(path)
    expect(engine.history.map(({ request }) => request.url.at(-1))).toEqual(['a', 'b', 'c', 'd'])
    expect(store.size).toBe(3)
    expect(store.bytes).toBeLessThanOrEqual(20_000)
    get('b')
    expect(engine.history).toHaveLength(5)
    store.clear()
    expect([store.size, store.bytes]).toEqual([0, 0])
    get('a')
    expect(engine.history).toHaveLength(6)
  })

  it('keeps nothing that alone is too much', () => {
    const store = memoryCache({ maxBytes: 4_000 })
    const engine = mock(() => ({ headers: fresh, body: 'x'.repeat(5_000) }))
    const client = createClient({ engine, plugins: [cache({ store })] })
    client.get('https://a.test/').subscribe()
    expect([store.size, store.bytes]).toEqual([0, 0])
  })

  it('keeps no more variants of a url than anybody needs', () => {
    const store = memoryCache()
    const engine = mock(() => ({ headers: { ...fresh, vary: 'x-a' }, body: 'x' }))
    const client = createClient({ engine, plugins: [cache({ store })] })
    for (let n = 0; n < 500; n++) client.get('https://a.test/', { headers: { 'x-a': String(n) } }).subscribe()
    expect(store.size).toBe(64)
  })

  it('is shared by clients that are given the same, but not by one for a user and one for many', () => {
    const store = memoryCache()
    const engine = mock(() => ({ headers: fresh, body: 'x' }))
    const open = (options: Partial<CacheOptions>) => createClient({ engine, plugins: [cache({ store, ...options })] })
    for (const options of [{}, {}, { shared: true }, { shared: true }]) open(options).get('https://a.test/').subscribe()
    expect(engine.history).toHaveLength(2)
  })

  it('is as large as the client says, whatever the first call does', () => {
    const engine = mock(() => ({ headers: fresh, body: 'x' }))
    const client = createClient({ engine, plugins: [cache()] })
    for (const options of [{ cache: { maxBytes: 1 } }, {}]) client.get('https://a.test/', options).subscribe()
    expect(engine.history).toHaveLength(1)
  })

  it('does not hold what calls have brought along', async () => {
    const engine = mock(() => ({ headers: fresh, body: 'x' }))
    const client = createClient({ engine, plugins: [cache()] })
    const stores = Array.from({ length: 50 }, () => {
      const store = memoryCache()
      client.get('https://a.test/', { cache: { store } }).subscribe()
      expect(store.size).toBe(1)
      return new WeakRef(store)
    })
    engine.reset()
    for (let n = 0; n < 20 && stores.some(store => store.deref() !== undefined); n++) {
      await new Promise(resolve => setTimeout(resolve, 5))
      globalThis.gc?.()
    }
    // The options of the last call are remembered.
    expect(stores.filter(store => store.deref() !== undefined).length).toBeLessThanOrEqual(2)
    await client.close()
  })

  it('is told of the end of the client, also when a call brought it along', async () => {
    const closed: string[] = []
    const closing = (name: string): CacheStore => Object.assign(memoryCache(), { close: () => void closed.push(name) })
    const [own, brought] = [closing('own'), closing('brought')]
    const engine = mock(() => ({ headers: fresh, body: 'x' }))
    const client = createClient({ engine, plugins: [cache({ store: own })] })
    for (const options of [{}, { cache: { store: brought } }]) client.get('https://a.test/', options).subscribe()
    await client.close()
    expect(closed).toEqual(['own', 'brought'])
  })

  it('is not shared by one who says whose answers are whose and one who leaves that to the cache', () => {
    const store = memoryCache()
    const engine = mock(({ request }) => ({ headers: fresh, body: request.headers.get('authorization') ?? 'nobody' }))
    const open = (options: Partial<CacheOptions>) => createClient({ engine, plugins: [cache({ store, ...options })] })
    const texts: string[] = []
    for (const [options, who] of [
      [{ partition: () => '' }, 'ada'],
      [{}, ''],
      [{ partition: () => 'x' }, 'ada'],
    ] as const) {
      const headers: Record<string, string> = who === '' ? {} : { authorization: who }
      open(options)
        .get('https://a.test/', { headers })
        .subscribe(response => texts.push(response.text()))
    }
    expect(texts).toEqual(['ada', 'nobody', 'ada'])
  })

  it.each([-1, 1.5, NaN, '1'])('refuses maxBytes %s', maxBytes => {
    expect(() => memoryCache({ maxBytes: maxBytes as number })).toThrow(
      /memoryCache\(\{ maxBytes \}\) must be a whole number/,
    )
  })
})

it('where the platform hides its cookies, what varies by them is not kept', () => {
  const engine = mock(() => ({ headers: { ...fresh, vary: 'Accept, Cookie' }, body: 'x' }), {
    capabilities: { reserves: ['cookies'] },
  })
  const client = createClient({ engine, plugins: [cache()] })
  const reasons: unknown[] = []
  client.monitor.subscribe(event => {
    if (event.type === 'notice' && event.name === 'not kept') reasons.push(event.detail)
  })
  for (let n = 0; n < 2; n++) client.get('https://a.test/').subscribe()
  expect(engine.history).toHaveLength(2)
  expect(reasons[0]).toEqual({ reason: 'vary names cookies, which the platform hides' })
})

describe('what is put on further in, where nobody can compare it beforehand,', () => {
  /** The requests that reach the server of three; `add` puts something on behind the back of the cache. */
  function sent(add: (request: HttpRequest) => HttpRequest, options: Partial<CacheOptions> = {}, vary = 'x-a'): number {
    const adding = definePlugin({
      name: 'adding',
      scope: 'wire',
      defaults: {},
      install: () => (request, next) => next(add(request)),
    })
    const engine = mock(() => ({ headers: { ...fresh, vary }, body: 'x' }))
    const client = createClient({ engine, plugins: [cache(options), adding()] })
    for (let n = 0; n < 3; n++) client.get('https://a.test/').subscribe()
    return engine.history.length
  }
  const header = (name: string) => (request: HttpRequest) => request.with({ headers: request.headers.set(name, '1') })

  it.each<[string, (request: HttpRequest) => HttpRequest, number]>([
    ['as credentials', header('authorization'), 3],
    ['as a cookie', header('cookie'), 3],
    ['as a name in which it goes', request => identified(request, 'ada'), 3],
    ['as what the answer varies by', header('x-a'), 3],
    ['as another url', request => request.with({ url: 'https://a.test/other' }), 3],
    ['as a header nobody varies by', header('x-b'), 1],
  ])('%s, decides', (_, add, count) => {
    expect(sent(add)).toBe(count)
  })

  it('as credentials, is all one to who says himself whose answers are whose', () => {
    expect(sent(header('authorization'), { partition: () => 'ada' })).toBe(1)
    expect(sent(header('x-a'), { partition: () => 'ada' })).toBe(3)
  })

  it('as a coding, is taken off again', () => {
    expect(sent(header('accept-encoding'), {}, 'accept-encoding')).toBe(1)
  })
})
