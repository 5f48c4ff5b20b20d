/** What every store of answers has to keep to. */
import { setImmediate } from 'node:timers/promises'
import type { CacheEntry, CacheMeta, CacheStore } from 'sluice/plugins/cache'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

export const KEY = 'GET https://api.test/a'
export const FOREVER = 8.64e15
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export interface Given {
  readonly key?: string
  readonly variant?: string
  readonly meta?: Partial<CacheMeta>
}

/** Keeps a body, in the pieces given. */
export async function keep(store: CacheStore, body: string | readonly Uint8Array[], given: Given = {}): Promise<void> {
  const { key = KEY, variant = '', meta = {} } = given
  const writer = await store.begin(key, variant, { until: FOREVER, ...meta })
  if (writer === undefined) throw new Error('there is no room')
  for (const piece of typeof body === 'string' ? [bytes(body)] : body) await writer.write(piece)
  await writer.commit()
}

/** The bodies of a key as text, the newest first. */
export async function kept(store: CacheStore, key: string = KEY): Promise<readonly (string | undefined)[]> {
  return Promise.all((await store.list(key)).map(entry => textOf(entry)))
}

export async function textOf(entry: CacheEntry | undefined): Promise<string | undefined> {
  const body = await entry?.body()
  return body && new TextDecoder().decode(body)
}

/** The only entry of a key. */
export async function only(store: CacheStore, key: string = KEY): Promise<CacheEntry> {
  const [entry, ...others] = await store.list(key)
  if (entry === undefined || others.length > 0)
    throw new Error(`there are ${others.length + Number(entry !== undefined)} entries`)
  return entry
}

/** Runs the contract; `open` makes a store whose entries may have 100,000 bytes. */
export function cacheStoreContract(open: () => CacheStore | Promise<CacheStore>): void {
  let store: CacheStore
  beforeEach(async () => {
    store = await open()
  })
  afterEach(async () => {
    await store.close?.()
  })

  describe('an entry', () => {
    it('is there with all that was given when it was committed', async () => {
      const meta = { until: FOREVER, status: 200, fields: [['etag', '"1"']], nested: { a: null, b: ['ü', '\u0000'] } }
      await keep(store, 'hello', { variant: 'en', meta })
      const entry = await only(store)
      expect({ ...entry, id: undefined, body: undefined }).toEqual({
        id: undefined,
        variant: 'en',
        meta,
        size: 5,
        body: undefined,
      })
      expect(entry.id).not.toBe('')
      expect(await textOf(entry)).toBe('hello')
    })

    it('is not there before it is committed, and never when it is given up', async () => {
      const writer = await store.begin(KEY, '', { until: FOREVER })
      await writer?.write(bytes('hello'))
      expect(await kept(store)).toEqual([])
      writer?.abort()
      writer?.abort()
      await store.close?.()
      expect(await kept(store)).toEqual([])
    })

    it.each([
      ['nothing', []],
      ['an empty piece', [new Uint8Array(0)]],
      ['every byte there is', [Uint8Array.from({ length: 256 }, (_, at) => at)]],
      ['many pieces', Array.from({ length: 500 }, (_, at) => Uint8Array.of(at))],
      ['as much as is allowed', [new Uint8Array(60_000).fill(7), new Uint8Array(40_000).fill(8)]],
    ])('can be %s', async (_, pieces) => {
      await keep(store, pieces)
      const entry = await only(store)
      const whole = Buffer.concat(pieces)
      expect(entry.size).toBe(whole.length)
      expect(Buffer.from((await entry.body()) ?? []).equals(whole)).toBe(true)
    })

    it('is given up when it is larger than allowed', async () => {
      const writer = await store.begin(KEY, '', { until: FOREVER })
      await writer?.write(new Uint8Array(100_000))
      await expect((async () => writer?.write(new Uint8Array(1)))()).rejects.toThrow('larger than 100000 bytes')
      await expect((async () => writer?.commit())()).rejects.toThrow()
      writer?.abort()
      expect(await kept(store)).toEqual([])
    })

    it('is not there any more when it is of no use to anybody', async () => {
      await keep(store, 'old', { meta: { until: 1 } })
      expect(await kept(store)).toEqual([])
    })

    it('hands out bytes that belong to who asked', async () => {
      await keep(store, 'hello')
      const entry = await only(store)
      const body = await entry.body()
      body?.fill(0)
      expect(Object.getPrototypeOf(body)).toBe(Uint8Array.prototype)
      expect(await textOf(entry)).toBe('hello')
      expect(await kept(store)).toEqual(['hello'])
    })
  })

  describe('a commit', () => {
    it('replaces the entry of the same variant', async () => {
      await keep(store, 'one', { variant: 'a' })
      const old = await only(store)
      await keep(store, 'two', { variant: 'a' })
      expect(await kept(store)).toEqual(['two'])
      expect((await only(store)).id).not.toBe(old.id)
      expect([undefined, 'one']).toContain(await textOf(old))
    })

    it('leaves other variants, and comes first', async () => {
      await keep(store, 'one', { variant: 'a' })
      await keep(store, 'two', { variant: 'b' })
      await keep(store, 'three', { variant: 'c' })
      expect(await kept(store)).toEqual(['three', 'two', 'one'])
      await keep(store, 'four', { variant: 'a' })
      expect(await kept(store)).toEqual(['four', 'three', 'two'])
    })

    it('of more variants than anybody needs leaves the newest', async () => {
      for (let n = 0; n < 40; n++) await keep(store, `${n}`, { variant: `${n}` })
      expect(await kept(store)).toEqual(Array.from({ length: 32 }, (_, at) => `${39 - at}`))
    })

    it('that is the last one wins', async () => {
      const [first, second] = await Promise.all([
        store.begin(KEY, '', { until: FOREVER }),
        store.begin(KEY, '', { until: FOREVER }),
      ])
      await Promise.all([first?.write(bytes('first')), second?.write(bytes('second'))])
      await second?.commit()
      await first?.commit()
      expect(await kept(store)).toEqual(['first'])
    })

    it('is done once', async () => {
      const writer = await store.begin(KEY, '', { until: FOREVER })
      await writer?.write(bytes('x'))
      await writer?.commit()
      writer?.abort()
      await expect((async () => writer?.write(bytes('y')))()).rejects.toThrow()
      await expect((async () => writer?.commit())()).rejects.toThrow()
      expect(await kept(store)).toEqual(['x'])
    })

    it('can be given up while it writes', async () => {
      const writer = await store.begin(KEY, '', { until: FOREVER })
      const writing = (async () => writer?.write(bytes('x')))()
      writer?.abort()
      await Promise.allSettled([writing])
      await expect((async () => writer?.commit())()).rejects.toThrow()
      await store.close?.()
      expect(await kept(store)).toEqual([])
    })

    it('of many at the same time is one each', async () => {
      const names = Array.from({ length: 40 }, (_, at) => `${at}`)
      await Promise.all(names.map(name => keep(store, name, { variant: name, key: `k${Number(name) % 4}` })))
      const all = await Promise.all([0, 1, 2, 3].map(n => kept(store, `k${n}`)))
      expect(all.map(texts => texts.length)).toEqual([10, 10, 10, 10])
      expect(all.flat().toSorted()).toEqual(names.toSorted())
    })
  })

  describe('a change', () => {
    it('of what is known leaves the body', async () => {
      await keep(store, 'hello', { meta: { age: 1 } })
      const { id } = await only(store)
      await store.update(KEY, id, { until: FOREVER - 1, age: 2 })
      const entry = await only(store)
      expect([entry.id, entry.meta, entry.size, await textOf(entry)]).toEqual([
        id,
        { until: FOREVER - 1, age: 2 },
        5,
        'hello',
      ])
    })

    it('of an entry that is gone does nothing', async () => {
      await store.update(KEY, 'nobody', { until: FOREVER })
      expect(await kept(store)).toEqual([])
      await keep(store, 'one')
      const { id } = await only(store)
      await keep(store, 'two', { meta: { n: 2 } })
      await store.update(KEY, id, { until: FOREVER, n: 3 })
      expect((await only(store)).meta).toEqual({ until: FOREVER, n: 2 })
    })
  })

  describe('removing', () => {
    it('takes one entry, or all of a key, and no others', async () => {
      for (const variant of ['a', 'b', 'c']) await keep(store, variant, { variant })
      await keep(store, 'other', { key: 'other' })
      const b = (await store.list(KEY)).find(({ variant }) => variant === 'b')
      await store.remove(KEY, b?.id)
      expect(await kept(store)).toEqual(['c', 'a'])
      expect(await textOf(b)).toBeUndefined()
      await store.remove(KEY, 'nobody')
      await store.remove('nothing')
      expect(await kept(store)).toHaveLength(2)
      await store.remove(KEY)
      expect(await kept(store)).toEqual([])
      expect(await kept(store, 'other')).toEqual(['other'])
    })

    it('everything includes what is on its way', async () => {
      await keep(store, 'a')
      const writer = await store.begin(KEY, '', { until: FOREVER })
      await writer?.write(bytes('x'))
      await store.clear()
      await expect((async () => writer?.commit())()).rejects.toThrow()
      writer?.abort()
      expect(await kept(store)).toEqual([])
      await keep(store, 'b')
      expect(await kept(store)).toEqual(['b'])
    })
  })

  it.each([
    ['changed', (id: string) => store.update(KEY, id, { until: FOREVER, n: 2 })],
    ['removed beside it', () => store.remove(KEY, 'nobody')],
    ['committed', async () => keep(store, 'late')],
  ])('everything includes what is being %s, and what comes after it is kept', async (_, change) => {
    for (let n = 0; n < 25; n++) {
      await keep(store, 'a', { variant: 'a' })
      await keep(store, 'b', { variant: 'b' })
      const [, b] = await store.list(KEY)
      const changing = (async () => change(b?.id ?? ''))()
      // At every moment of it.
      for (let turn = 0; turn < n; turn++) await (turn % 2 === 0 ? undefined : setImmediate())
      const clearing = store.clear()
      const next = keep(store, 'next', { key: 'next' })
      await Promise.allSettled([changing, clearing])
      await next
      expect((await store.list(KEY)).map(({ variant }) => variant)).toEqual([])
      expect(await kept(store, 'next')).toEqual(['next'])
    }
  })

  it('takes any text for a key and a variant', async () => {
    const texts = [
      '',
      '.',
      '../../a',
      '/etc/passwd',
      'a\u0000b',
      '__proto__',
      'constructor',
      'ü\ud800',
      'x'.repeat(50_000),
      'a:b',
      'A',
    ]
    for (const text of texts) await keep(store, `as key ${text}`, { key: text })
    for (const text of texts) await keep(store, `as variant ${text}`, { key: 'all', variant: text })
    for (const text of texts)
      expect(await kept(store, text)).toEqual([new TextDecoder().decode(bytes(`as key ${text}`))])
    expect(new Set((await store.list('all')).map(({ variant }) => variant))).toEqual(new Set(texts))
    expect(await kept(store, 'a')).toEqual([])
  })

  it('gives a description back as it was, whatever its names are', async () => {
    const meta = JSON.parse('{"until":8640000000000000,"__proto__":{"polluted":1},"constructor":2}') as CacheMeta
    await keep(store, 'x', { meta })
    const entry = await only(store)
    expect(JSON.stringify(entry.meta)).toContain('"constructor":2')
    expect((entry.meta as { readonly polluted?: number }).polluted).toBeUndefined()
  })

  it('can be used after a client that used it has ended', async () => {
    await keep(store, 'a')
    await store.close?.()
    await keep(store, 'b', { variant: 'b' })
    expect(await kept(store)).toEqual(['b', 'a'])
  })
}
