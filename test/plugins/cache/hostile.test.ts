import { asyncScheduler } from 'rxjs'
import { createClient, type HttpResponse } from 'sluice'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { cache, memoryCache, type CacheEntry, type CacheStore } from 'sluice/plugins/cache'
import { describe, expect, it } from 'vitest'
import { Careful } from '../../../plugins/cache/careful.ts'
import { virtually } from '../../support/virtual-time.ts'
import { soon } from './stores.ts'

const fresh = { 'cache-control': 'max-age=3600', etag: '"1"' }
const URL_ = 'https://a.test/thing'
const never = { then: () => never } as unknown as PromiseLike<never>
const fail = (): never => {
  throw new Error('the store is broken')
}
const refuse = (): PromiseLike<never> => soon<never>(fail)

/** Two requests through a store, 100 s apart; what each was answered, and when. */
function twice(store: CacheStore, headers: Readonly<Record<string, string>> = {}) {
  let count = 0
  const engine = mock(() => ({ headers: fresh, body: `answer ${++count}` }))
  const client = createClient({ engine, plugins: [cache({ store })] })
  const got: HttpResponse[] = []
  const times: number[] = []
  virtually(({ flush }) => {
    for (const at of [0, 100_000]) {
      asyncScheduler.schedule(() => {
        client.get(URL_, { headers }).subscribe(response => {
          got.push(response)
          times.push(asyncScheduler.now() - at)
        })
      }, at)
    }
    flush()
  })
  return { texts: got.map(response => response.text()), times, engine }
}

/** A store of which one thing is different. */
function but(change: Partial<CacheStore>): CacheStore {
  const store = memoryCache()
  const whole: CacheStore = {
    list: key => store.list(key),
    begin: (key, variant, meta) => store.begin(key, variant, meta),
    update: (key, id, meta) => store.update(key, id, meta),
    remove: (key, id) => store.remove(key, id),
    clear: () => store.clear(),
  }
  return { ...whole, ...change }
}

/** A store that gives its entries changed. */
function lying(change: (entry: CacheEntry) => unknown): CacheStore {
  const store = memoryCache()
  return but({
    list: async_ => (store.list(async_) as readonly CacheEntry[]).map(entry => change(entry) as CacheEntry),
    begin: (key, variant, meta) => store.begin(key, variant, meta),
  })
}

const meta = (change: Readonly<Record<string, unknown>>) => (entry: CacheEntry) => ({
  ...entry,
  meta: { ...entry.meta, ...change },
})

describe('a store that', () => {
  it.each<[string, CacheStore]>([
    ['throws when it is asked', but({ list: fail })],
    ['fails when it is asked', but({ list: refuse })],
    ['gives what is no list', but({ list: () => 'all' as unknown as readonly CacheEntry[] })],
    ['gives nothing at all', but({ list: () => undefined as unknown as readonly CacheEntry[] })],
    [
      'gives a list of nothing',
      but({ list: () => [undefined, null, 7, {}, { meta: null }] as unknown as CacheEntry[] }),
    ],
    ['throws when it shall write', but({ begin: fail })],
    ['fails when it shall write', but({ begin: refuse })],
    ['has no room', but({ begin: () => undefined })],
    ['gives a writer that is none', but({ begin: () => ({}) as never })],
    ['throws in the middle of writing', but({ begin: () => ({ write: fail, commit() {}, abort() {} }) })],
    ['fails in the middle of writing', but({ begin: () => ({ write: refuse, commit() {}, abort: fail }) })],
    ['throws at the end of writing', but({ begin: () => ({ write() {}, commit: fail, abort: fail }) })],
    ['throws when a body is read', lying(entry => ({ ...entry, body: fail }))],
    ['fails when a body is read', lying(entry => ({ ...entry, body: refuse }))],
    ['has lost a body', lying(entry => ({ ...entry, body: () => undefined }))],
    ['has cut a body', lying(entry => ({ ...entry, body: () => new Uint8Array(3) }))],
    ['gives a body that is none', lying(entry => ({ ...entry, body: () => 'answer 1' }))],
    ['lies about a size', lying(entry => ({ ...entry, size: 3 }))],
    ['gives what belongs to another key', lying(meta({ key: 'private 0: https://a.test/other' }))],
    ['gives what another version wrote', lying(meta({ v: 2 }))],
    ['has lost the fields', lying(meta({ fields: undefined }))],
    ['has half a field', lying(meta({ fields: ['etag'] }))],
    ['has fields that are none', lying(meta({ fields: ['etag', 7] }))],
    ['has lines in a field', lying(meta({ fields: ['etag', '"1"\r\nx-evil: 1'], life: 0 }))],
    ['has a field that cannot be sent', lying(meta({ fields: ['etag', '"€"'], life: 0 }))],
    ['has a status that is none', lying(meta({ status: '200' }))],
    ['has a lifetime that is none', lying(meta({ life: null }))],
    ['has times that are none', lying(meta({ at: NaN }))],
    ['has a vary that is none', lying(meta({ vary: {} }))],
  ])('%s costs no request anything but an answer from it', (_, store) => {
    const { texts, times } = twice(store)
    expect(texts).toEqual(['answer 1', 'answer 2'])
    for (const time of times) expect(time).toBeLessThanOrEqual(2)
  })

  it('keeps its word is used', () => {
    expect(twice(but({})).texts).toEqual(['answer 1', 'answer 1'])
  })

  it.each<[string, CacheStore]>([
    ['to be asked', but({ list: () => never })],
    ['for a body', lying(entry => ({ ...entry, body: () => never }))],
  ])('hangs is waited for a second %s', (_, store) => {
    const { texts, times } = twice(store)
    expect(texts).toEqual(['answer 1', 'answer 2'])
    expect(Math.max(...times)).toBe(1_000)
  })

  it.each<[string, CacheStore]>([
    ['to begin', but({ begin: () => never })],
    ['to write', but({ begin: () => ({ write: () => never, commit() {}, abort() {} }) })],
    ['to end', but({ begin: () => ({ write() {}, commit: () => never, abort() {} }) })],
  ])('hangs %s is waited for by nobody who reads', (_, store) => {
    const { texts, times } = twice(store)
    expect(texts).toEqual(['answer 1', 'answer 2'])
    expect(times).toEqual([0, 0])
  })

  it('hangs is left alone for ten seconds, and then asked again', () => {
    let [asked, hangs] = [0, true]
    const store = memoryCache()
    const hanging = but({
      list: key => {
        asked += 1
        return hangs ? never : store.list(key)
      },
      begin: (key, variant, given) => store.begin(key, variant, given),
      remove: (key, id) => store.remove(key, id),
    })
    const engine = mock(() => ({ headers: fresh, body: 'x' }))
    const client = createClient({ engine, plugins: [cache({ store: hanging })] })
    const waited: number[] = []
    virtually(({ flush }) => {
      for (const at of [0, 2_000, 3_000, 10_900, 12_000, 13_000]) {
        asyncScheduler.schedule(() => {
          hangs = at < 12_000
          client.get(URL_).subscribe(() => waited.push(asyncScheduler.now() - at))
        }, at)
      }
      flush()
    })
    expect(waited).toEqual([1_000, 0, 0, 0, 0, 0])
    expect(asked).toBe(3)
    expect(engine.history).toHaveLength(5)
  })

  it('hangs when it shall write makes the next one for the same wait a second at most, and is told to give up', () => {
    let aborted = 0
    const store = but({ begin: () => ({ write: () => never, commit() {}, abort: () => (aborted += 1) }) })
    const engine = mock(() => ({ headers: fresh, body: 'x' }))
    const client = createClient({ engine, plugins: [cache({ store })] })
    const times: number[] = []
    virtually(({ flush }) => {
      for (const at of [0, 10]) {
        asyncScheduler.schedule(() => client.get(URL_).subscribe(() => times.push(asyncScheduler.now())), at)
      }
      flush()
    })
    expect(times).toEqual([0, 1_010])
    expect(aborted).toBe(2)
  })

  it('hangs when it is told that its user has ended is not waited for for ever', async () => {
    let closing: Promise<void> | undefined
    virtually(() => {
      closing = new Careful(but({ close: () => never })).close()
    })
    await expect(closing).resolves.toBeUndefined()
  })

  it('cannot remove what was changed does not bring it back', () => {
    const store = but({ remove: fail })
    const engine = mock({ 'GET /*': { headers: fresh, body: 'x' }, 'POST /*': 204 })
    const client = createClient({ engine, plugins: [cache({ store })] })
    virtually(({ flush }) => {
      client.get(URL_).subscribe()
      asyncScheduler.schedule(() => client.post(URL_).subscribe(), 10)
      asyncScheduler.schedule(() => client.get(URL_).subscribe(), 20)
      asyncScheduler.schedule(() => client.get(URL_).subscribe(), 30)
      flush()
    })
    expect(engine.history.map(({ request }) => request.method)).toEqual(['GET', 'POST', 'GET'])
  })

  it('is read by others holds no secret of a header', () => {
    const written: string[] = []
    const store = memoryCache()
    const spy = but({
      begin: (key, variant, given) => {
        written.push(JSON.stringify([key, variant, given]))
        return store.begin(key, variant, given)
      },
    })
    const engine = mock(() => ({
      headers: { ...fresh, vary: 'authorization, cookie, x-api-key', 'set-cookie': 'sid=S5' },
    }))
    const client = createClient({ engine, plugins: [cache({ store: spy })] })
    const headers = { authorization: 'Bearer S1', cookie: 'a=S2', 'x-api-key': 'S3', 'x-session': 'S4' }
    client.get(URL_, { headers }).subscribe()
    expect(written).toHaveLength(1)
    expect(written.join()).not.toMatch(/S[1-5]/)
  })
})

describe('a server that', () => {
  const ask = (engine: MockEngine, headers: Readonly<Record<string, string>> = {}): string[] => {
    const client = createClient({ engine, plugins: [cache()] })
    const texts: string[] = []
    for (let n = 0; n < 2; n++) client.get(URL_, { headers }).subscribe(response => texts.push(response.text()))
    return texts
  }

  it.each([
    ['sends ten thousand directives', { 'cache-control': 'x,'.repeat(10_000) }],
    ['opens ten thousand quotes', { 'cache-control': `private="${'\\"'.repeat(10_000)}` }],
    ['varies by ten thousand fields', { ...fresh, vary: 'a,'.repeat(10_000) }],
  ])('%s is not kept, and costs nothing', (_, headers) => {
    let count = 0
    const start = performance.now()
    const engine = mock(() => ({ headers, body: `answer ${++count}` }))
    expect(ask(engine)).toEqual(['answer 1', 'answer 2'])
    expect(performance.now() - start).toBeLessThan(500)
  })

  it('says 304 to a question it was not asked passes, and nothing is kept', () => {
    const engine = mock(() => ({ status: 304, headers: fresh }))
    expect(ask(engine)).toEqual(['', ''])
    expect(engine.history).toHaveLength(2)
  })

  it('ends a body too early has nothing kept of it', () => {
    const engine = mock(() => ({ headers: fresh, body: 'answer', cut: true }))
    const client = createClient({ engine, plugins: [cache()] })
    for (let n = 0; n < 2; n++) client.get(URL_).subscribe({ error: () => {} })
    expect(engine.history).toHaveLength(2)
  })

  it('poisons Object.prototype of the page changes no answer', () => {
    const polluted = Object.prototype as Record<string, unknown>
    Object.assign(polluted, { maxAge: 1e9, noCache: false, store: null, 'if-none-match': 'x' })
    try {
      expect(ask(mock(() => ({ headers: { 'cache-control': 'no-store' }, body: 'x' })))).toEqual(['x', 'x'])
    } finally {
      for (const name of ['maxAge', 'noCache', 'store', 'if-none-match']) Reflect.deleteProperty(polluted, name)
    }
  })
})

describe.each(['GET', 'POST'])('to a %s', method => {
  const failing = (partition: () => string): unknown => {
    const engine = mock(() => 200)
    const client = createClient({ engine, plugins: [cache({ partition })] })
    let ended: unknown = 'never'
    client
      .request(method, URL_)
      .subscribe({ next: () => (ended = 'answered'), error: (reason: unknown) => (ended = reason) })
    expect(engine.history).toHaveLength(0)
    return ended
  }

  it('a user who returns what is no text from partition hears of it', () => {
    expect(failing(() => 7 as unknown as string)).toMatchObject({
      code: 'CONFIG',
      message: 'cache({ partition }) must return a text, not 7.',
    })
  })

  it('what partition throws is the error', () => {
    const error = new Error('who is it?')
    expect(
      failing(() => {
        throw error
      }),
    ).toBe(error)
  })
})

it.each([
  [{ store: {} as CacheStore }, 'a store such as memoryCache()'],
  [{ heuristic: 2 }, 'a number from 0 to 1'],
  [{ maxEntry: -1 }, 'a whole number of at least 0'],
  [{ staleIfError: -1 }, 'a number of milliseconds'],
])('options that cannot be are refused: %o', (options, wanted) => {
  expect(() => cache(options)).toThrow(wanted)
})
