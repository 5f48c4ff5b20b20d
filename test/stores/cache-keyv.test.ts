import { setImmediate } from 'node:timers/promises'
import Keyv from 'keyv'
import { firstValueFrom } from 'rxjs'
import { createClient, recommended } from 'sluice'
import { cache, type CacheStore } from 'sluice/plugins/cache'
import { cacheKeyv, type KeyvLike } from 'sluice/stores/cache-keyv'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { bytes, cacheStoreContract, FOREVER, keep, KEY, kept, only, textOf } from './cache-contract.ts'

/** A Keyv that is nothing but a Map, so that tests can look into it. */
class Plain implements KeyvLike {
  readonly values = new Map<string, string>()
  readonly ttls = new Map<string, number | undefined>()

  get(key: string): unknown {
    return this.values.get(key)
  }
  set(key: string, value: string, ttl?: number): unknown {
    this.ttls.set(key, ttl)
    return this.values.set(key, value)
  }
  delete(key: string): boolean {
    return this.values.delete(key)
  }
  clear(): void {
    this.values.clear()
  }

  keys(kind: 'list' | 'body'): readonly string[] {
    return [...this.values.keys()].filter(key => key.startsWith(`sluice-cache:1:${kind}:`))
  }
  key(kind: 'list' | 'body'): string {
    const [key, ...others] = this.keys(kind)
    if (key === undefined || others.length > 0) throw new Error(`not one ${kind}: ${this.keys(kind).join(', ')}`)
    return key
  }
}

describe('as a store', () => {
  cacheStoreContract(() => cacheKeyv(new Keyv(), { maxEntry: 100_000 }))
})

describe('as a store on what answers at once', () => {
  cacheStoreContract(() => cacheKeyv(new Plain(), { maxEntry: 100_000 }))
})

describe('the values', () => {
  it('are strings under hashes, one list for a url and one body for an answer', async () => {
    const keyv = new Plain()
    const store = cacheKeyv(keyv)
    await keep(store, 'a', { key: 'GET https://api.test/secret', variant: 'a' })
    await keep(store, 'b', { key: 'GET https://api.test/secret', variant: 'b' })
    expect(keyv.keys('list')).toHaveLength(1)
    expect(keyv.keys('body')).toHaveLength(2)
    expect([...keyv.values.keys()].join(' ')).not.toContain('secret')
    expect([...keyv.values.values()].every(value => typeof value === 'string')).toBe(true)
  })

  it('are gone with what they belong to', async () => {
    const keyv = new Plain()
    const store = cacheKeyv(keyv)
    for (let n = 0; n < 5; n++) await keep(store, `${n}`)
    expect(keyv.values.size).toBe(2)
    await keep(store, 'b', { variant: 'b' })
    await store.remove(KEY, (await store.list(KEY))[1]?.id)
    expect(keyv.values.size).toBe(2)
    await store.remove(KEY)
    expect(keyv.values.size).toBe(0)
  })

  it('live as long as they are useful, a year at most', async () => {
    const keyv = new Plain()
    const store = cacheKeyv(keyv)
    await keep(store, 'a', { variant: 'a', meta: { until: Date.now() + 60_000 } })
    for (const ttl of keyv.ttls.values()) expect(Math.abs((ttl ?? 0) - 60_000)).toBeLessThan(5_000)
    await keep(store, 'b', { variant: 'b', meta: { until: Date.now() + 120_000 } })
    expect(Math.abs((keyv.ttls.get(keyv.key('list')) ?? 0) - 120_000)).toBeLessThan(5_000)
    await keep(store, 'c', { key: 'c' })
    expect(Math.max(...[...keyv.ttls.values()].map(Number))).toBe(366 * 24 * 3_600_000)
  })

  it('live longer when the answer is found to hold', async () => {
    const keyv = new Plain()
    const store = cacheKeyv(keyv)
    await keep(store, 'a', { meta: { until: Date.now() + 60_000 } })
    await store.update(KEY, (await only(store)).id, { until: Date.now() + 600_000 })
    for (const ttl of keyv.ttls.values()) expect(Math.abs((ttl ?? 0) - 600_000)).toBeLessThan(5_000)
    expect(await kept(store)).toEqual(['a'])
    keyv.values.delete(keyv.key('body'))
    await store.update(KEY, (await only(store)).id, { until: Date.now() + 900_000 })
    expect(await kept(store)).toEqual([])
  })

  it('are those of one namespace', async () => {
    const shared = new Map()
    const [one, other] = ['one', 'other'].map(namespace => cacheKeyv(new Keyv({ store: shared, namespace }))) as [
      CacheStore,
      CacheStore,
    ]
    await keep(one, 'one')
    await keep(other, 'other')
    expect([await kept(one), await kept(other)]).toEqual([['one'], ['other']])
    await one.clear()
    expect([await kept(one), await kept(other)]).toEqual([[], ['other']])
  })

  it('have no body that is in no list', async () => {
    const keyv = new Plain()
    const store = cacheKeyv(keyv)
    for (let n = 0; n < 40; n++) await keep(store, `${n}`, { variant: `${n}` })
    expect(keyv.keys('body')).toHaveLength(32)
  })

  it('are understood once while they stay the same', async () => {
    const store = cacheKeyv(new Plain())
    await keep(store, 'a')
    const { meta, id } = await only(store)
    expect((await only(store)).meta).toBe(meta)
    await store.update(KEY, id, { until: FOREVER, n: 1 })
    expect((await only(store)).meta).not.toBe(meta)
  })
})

describe('a value that is not as it was written', () => {
  const damaged: readonly (readonly [string, (text: string) => unknown])[] = [
    ['cut', text => text.slice(0, -1)],
    ['empty', () => ''],
    ['gone', () => undefined],
    ['no text', text => ({ text })],
    ['longer', text => `${text}AAAA`],
    ['changed at its beginning', text => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)],
    ['changed in its middle', text => `${text.slice(0, text.length >> 1)}_${text.slice((text.length >> 1) + 1)}`],
    ['JSON of something else', () => '{"__proto__":1}'],
    ['another list', () => '[]'],
  ]

  it.each(damaged)('because it is %s is no list', async (_, damage) => {
    const keyv = new Plain()
    const store = cacheKeyv(keyv)
    await keep(store, 'the body')
    const key = keyv.key('list')
    keyv.values.set(key, damage(keyv.values.get(key) ?? '') as string)
    expect(await kept(cacheKeyv(keyv))).toEqual([])
    expect(await kept(store)).toEqual([])
    await keep(store, 'new')
    expect(await kept(store)).toEqual(['new'])
  })

  it.each(damaged)('because it is %s is no body, and is forgotten', async (_, damage) => {
    const keyv = new Plain()
    const store = cacheKeyv(keyv)
    await keep(store, 'the body')
    const key = keyv.key('body')
    keyv.values.set(key, damage(keyv.values.get(key) ?? '') as string)
    expect(await kept(store)).toEqual([undefined])
    expect(await kept(store)).toEqual([])
    expect(keyv.values.size).toBe(0)
  })

  it('but has a right checksum is still looked at', async () => {
    const keyv = new Plain()
    const { write } = await import('../../stores/cache-keyv/listed.ts')
    const store = cacheKeyv(keyv)
    await keep(store, 'a')
    for (const list of [
      [null],
      [{}],
      [{ id: 1 }],
      [{ id: 'a', variant: 'b', sum: '', size: 1, kept: 1, meta: null }],
      7,
    ]) {
      keyv.values.set(keyv.key('list'), write(list as never))
      expect(await kept(store)).toEqual([])
    }
  })
})

describe('a Keyv that refuses', () => {
  const failing = (methods: readonly (keyof KeyvLike)[], how: () => unknown): Plain => {
    const keyv = new Plain()
    for (const method of methods) Object.defineProperty(keyv, method, { value: how, configurable: true })
    return keyv
  }
  const fail = (): never => {
    throw new Error('down')
  }
  const reject = (): Promise<never> => Promise.reject(new Error('down'))

  it.each([
    ['throws', fail],
    ['rejects', reject],
  ])('to read and %s has nothing', async (_, how) => {
    const keyv = failing(['get'], how)
    const store = cacheKeyv(keyv)
    expect(await store.list(KEY)).toEqual([])
    await expect(keep(store, 'a')).rejects.toThrow('down')
    expect(keyv.values.size).toBe(0)
  })

  it.each([
    ['throws', fail, 'down'],
    ['rejects', reject, 'down'],
    ['says so', () => false, 'Keyv did not keep it'],
  ])('to write and %s gives the entry up', async (_, how, message) => {
    const keyv = failing(['set'], how)
    const store = cacheKeyv(keyv)
    await expect(keep(store, 'a')).rejects.toThrow(message)
    expect(await kept(store)).toEqual([])
  })

  it('the list leaves no body behind', async () => {
    const keyv = new Plain()
    const set = keyv.set.bind(keyv)
    keyv.set = (key, value, ttl) => (key.includes(':list:') ? false : set(key, value, ttl))
    await expect(keep(cacheKeyv(keyv), 'a')).rejects.toThrow('Keyv did not keep it')
    expect(keyv.values.size).toBe(0)
  })

  it('to delete leaves what ends by itself', async () => {
    const keyv = failing(['delete'], reject)
    const store = cacheKeyv(keyv)
    await keep(store, 'one')
    await keep(store, 'two')
    expect(await kept(store)).toEqual(['two'])
    await expect((async () => store.remove(KEY))()).rejects.toThrow('down')
  })

  it('after an answer was listed has no body', async () => {
    const keyv = new Plain()
    const store = cacheKeyv(keyv)
    await keep(store, 'a')
    const entry = await only(store)
    keyv.get = reject
    expect(await textOf(entry)).toBeUndefined()
  })

  it('to be cleared says so', async () => {
    const store = cacheKeyv(bound(new Plain()))
    await expect((async () => store.clear())()).rejects.toMatchObject({
      code: 'CONFIG',
      message: 'The Keyv of cacheKeyv() cannot be cleared: it has no clear(). Remove what has been kept where it is.',
    })
  })

  it('and tells of it by its event is silent here', async () => {
    const down = { get: fail, set: fail, delete: fail, clear: fail }
    const keyv = new Keyv({ store: down as never })
    const told: unknown[] = []
    keyv.on('error', (error: unknown) => told.push(error))
    const store = cacheKeyv(keyv)
    expect(await store.list(KEY)).toEqual([])
    await expect(keep(store, 'a')).rejects.toThrow()
    expect(told.length).toBeGreaterThan(0)
  })
})

it('lets two stores on one Keyv see what the other keeps', async () => {
  const keyv = new Keyv()
  const [one, other] = [cacheKeyv(keyv), cacheKeyv(keyv)]
  await keep(one, 'a', { variant: 'a' })
  await keep(other, 'b', { variant: 'b' })
  expect(await kept(one)).toEqual(['b', 'a'])
  const old = (await store(one))[1]
  await keep(other, 'new', { variant: 'a' })
  expect(await textOf(old)).toBeUndefined()
  expect(await kept(one)).toEqual(['new', 'b'])
})

const store = async (one: CacheStore) => one.list(KEY)

it('gives a commit up that was aborted while it ran', async () => {
  const keyv = new Plain()
  const gate = Promise.withResolvers<undefined>()
  const store = cacheKeyv({ ...bound(keyv), get: () => gate.promise })
  const writer = await store.begin(KEY, '', { until: FOREVER })
  await writer?.write(bytes('a'))
  const commit = (async () => writer?.commit())()
  writer?.abort()
  gate.resolve(undefined)
  await expect(commit).rejects.toThrow('not wanted any more')
  expect(keyv.values.size).toBe(0)
})

it('holds nothing of what was given up while Keyv hangs', async () => {
  const store = cacheKeyv({ ...bound(new Plain()), set: () => new Promise(() => undefined) })
  const given = async (): Promise<WeakRef<Uint8Array>> => {
    const body = bytes('x'.repeat(1000))
    const writer = await store.begin(KEY, '', { until: FOREVER })
    await writer?.write(body)
    const commit = (async () => writer?.commit())()
    commit.catch(() => undefined)
    await setImmediate()
    writer?.abort()
    return new WeakRef(body)
  }
  await given() // Hangs; the next one waits for it.
  const second = await given()
  await setImmediate()
  globalThis.gc?.()
  expect(second.deref()).toBeUndefined()
})

function bound(keyv: Plain): KeyvLike {
  return { get: keyv.get.bind(keyv), set: keyv.set.bind(keyv), delete: keyv.delete.bind(keyv) }
}

it.each([
  [[undefined], 'cacheKeyv() must be given a Keyv, or what has its get, set and delete, not undefined.'],
  [[new Map()], undefined],
  [[{ get: () => 1 }], 'cacheKeyv() must be given a Keyv'],
  [[new Plain(), { maxEntry: -1 }], 'cacheKeyv({ maxEntry }) must be a whole number of bytes above 0, not -1.'],
  [[new Plain(), { maxSize: 1 }], 'cacheKeyv has no option "maxSize". It has maxEntry.'],
])('takes %j as it should', (given, message) => {
  const make = (): unknown => cacheKeyv(...(given as unknown as Parameters<typeof cacheKeyv>))
  if (message === undefined) expect(make).not.toThrow()
  else expect(make).toThrow(message)
})

it('keeps the answers of one client for another', async () => {
  await using server = await serve({ 'GET /a': reply.text('hello', { headers: { 'cache-control': 'max-age=60' } }) })
  const keyv = new Keyv()
  for (let n = 0; n < 3; n++) {
    await using client = createClient({ baseUrl: server.url, plugins: recommended(cache({ store: cacheKeyv(keyv) })) })
    expect((await firstValueFrom(client.get('a'))).text()).toBe('hello')
  }
  expect(server.requests).toHaveLength(1)
})
