import fc from 'fast-check'
import type { Observable } from 'rxjs'
import {
  asapScheduler,
  defer,
  finalize,
  lastValueFrom,
  map,
  of,
  range,
  scheduled,
  Subject,
  take,
  throwError,
  timer,
  toArray,
  type ObservableInput,
  type Subscription,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { items, type Parser } from '../../../streams/reading/items.ts'

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** A body that is read chunk by chunk; counts how often it was asked. */
class Body {
  asked = 0
  readonly #chunks: (Uint8Array | Error)[]

  constructor(...chunks: (string | Error)[]) {
    this.#chunks = chunks.map(chunk => (chunk instanceof Error ? chunk : new TextEncoder().encode(chunk)))
  }

  read(): Promise<Uint8Array | undefined> {
    this.asked++
    const next = this.#chunks.shift()
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next)
  }
}

/** Every byte is an item; `!` cannot be parsed, `?` at the end is cut off. */
class Letters implements Parser<string> {
  parsed = 0
  #last = ''

  push(bytes: Uint8Array, emit: (item: string) => boolean): void {
    for (const byte of bytes) {
      this.parsed++
      this.#last = String.fromCharCode(byte)
      if (this.#last === '!') throw new Error('no letter')
      if (!emit(this.#last)) return
    }
  }
  end(emit: (item: string) => boolean): void {
    if (this.#last === '?') throw new Error('cut off')
    emit('.')
  }
}

const collect = (items$: Observable<unknown>): unknown[] => {
  const log: unknown[] = []
  items$.subscribe({
    next: item => log.push(item),
    error: (error: unknown) => log.push(error instanceof Error ? error.message : error),
    complete: () => log.push('end'),
  })
  return log
}

describe('items without a projector', () => {
  it('are read from nothing before somebody subscribes', async () => {
    const body = new Body('ab')
    const letters = items(body, new Letters())
    expect(body.asked).toBe(0)
    expect(await lastValueFrom(letters.pipe(toArray()))).toEqual(['a', 'b', '.'])
  })

  it('of a chunk are emitted in one go', async () => {
    const turns: number[] = []
    let turn = 0
    items(new Body('abc'), new Letters()).subscribe(() => {
      queueMicrotask(() => turn++)
      turns.push(turn)
    })
    await settle()
    expect(turns).toEqual([0, 0, 0, 3])
  })

  it('end in the middle of a chunk when nobody listens any more, and nothing is read then', async () => {
    const body = new Body('abcdef', 'ghi')
    const parser = new Letters()
    expect(await lastValueFrom(items(body, parser).pipe(take(2), toArray()))).toEqual(['a', 'b'])
    await settle()
    expect([parser.parsed, body.asked]).toEqual([2, 1])
  })

  it('are not asked for when the subscriber left while a chunk was on its way', async () => {
    const body = new Body('ab', 'cd')
    const parser = new Letters()
    items(body, parser).subscribe().unsubscribe()
    await settle()
    expect([parser.parsed, body.asked]).toEqual([0, 1])
  })

  it.each([
    ['the body breaks off', new Body('ab', new Error('reset')), ['a', 'b', 'reset']],
    ['one cannot be parsed', new Body('ab!c', 'd'), ['a', 'b', 'no letter']],
    ['the last is cut off', new Body('a?'), ['a', '?', 'cut off']],
  ])('before it are emitted when %s', async (_, body, expected) => {
    const log = collect(items(body, new Letters()))
    await settle()
    expect(log).toEqual(expected)
  })
})

describe('items with a projector', () => {
  const gates = (): {
    project: (item: string) => Observable<string>
    log: string[]
    open: Map<string, Subject<string>>
  } => {
    const log: string[] = []
    const open = new Map<string, Subject<string>>()
    return {
      log,
      open,
      project: item =>
        defer(() => {
          log.push(`+${item}`)
          const gate = new Subject<string>()
          open.set(item, gate)
          return gate
        }).pipe(finalize(() => log.push(`-${item}`))),
    }
  }

  it('are taken one after the other, each when the one before is torn down', async () => {
    const body = new Body('ab', 'c')
    const { project, log, open } = gates()
    const emitted = collect(items(body, new Letters(), { project }))
    await settle()
    expect([log, body.asked]).toEqual([['+a'], 1])
    open.get('a')?.next('A')
    open.get('a')?.complete()
    expect([emitted, log, body.asked]).toEqual([['A'], ['+a', '-a', '+b'], 1])
    await settle()
    expect(body.asked).toBe(1)
    open.get('b')?.complete()
    await settle()
    expect([log, body.asked]).toEqual([['+a', '-a', '+b', '-b', '+c'], 2])
    open.get('c')?.complete()
    await settle()
    open.get('.')?.complete()
    await settle()
    expect([emitted, log.slice(-2)]).toEqual([
      ['A', 'end'],
      ['+.', '-.'],
    ])
  })

  it('run as many at a time as allowed, and emit in the order in which results come', async () => {
    const body = new Body('abc', 'd')
    const { project, log, open } = gates()
    const emitted = collect(items(body, new Letters(), { project, concurrency: 2 }))
    await settle()
    expect([log, body.asked]).toEqual([['+a', '+b'], 1])
    open.get('b')?.next('B')
    open.get('a')?.next('A')
    open.get('b')?.complete()
    await settle()
    expect([emitted, log, body.asked]).toEqual([['B', 'A'], ['+a', '+b', '-b', '+c'], 1])
    open.get('c')?.complete()
    await settle()
    expect([log.slice(-2), body.asked]).toEqual([['-c', '+d'], 2])
  })

  it('are numbered from 0', async () => {
    const numbered = items(new Body('ab', 'c'), new Letters(), { project: (item, index) => [`${item}${index}`] })
    expect(await lastValueFrom(numbered.pipe(toArray()))).toEqual(['a0', 'b1', 'c2', '.3'])
  })

  it.each<[string, (item: string) => ObservableInput<string>]>([
    ['an Observable', item => of(item)],
    ['a list', item => [item]],
    ['a promise', item => Promise.resolve(item)],
    [
      'a generator',
      async function* (item) {
        yield item
      },
    ],
  ])('may become %s', async (_, project) => {
    expect(await lastValueFrom(items(new Body('ab'), new Letters(), { project }).pipe(toArray()))).toEqual([
      'a',
      'b',
      '.',
    ])
  })

  it.each([
    ['Observables', (): Observable<number> => of(1)],
    ['lists', (): number[] => [1]],
    [
      'empty Observables and others',
      (() => {
        let count = 0
        return (): Observable<number> => (++count % 2 === 0 ? of(1, 2) : of())
      })(),
    ],
  ])('may be a million that are done at once (%s)', async (_, project) => {
    const body = new Body('x'.repeat(1_000_001))
    const parser = new Letters()
    let count = 0
    await new Promise<void>((resolve, reject) => {
      items(body, parser, { project }).subscribe({ next: () => count++, error: reject, complete: resolve })
    })
    expect(count).toBe(1_000_002)
  })

  it('leave results that never stop talking as soon as nobody listens', async () => {
    let torn = 0
    const project = (): Observable<number> => range(0, Infinity).pipe(finalize(() => torn++))
    expect(await lastValueFrom(items(new Body('ab'), new Letters(), { project }).pipe(take(3), toArray()))).toEqual([
      0, 1, 2,
    ])
    expect(torn).toBe(1)
  })

  it('stop in the middle of a list that is not wanted any more', async () => {
    const project = (item: string): string[] => [item, item, item]
    const seen: string[] = []
    await lastValueFrom(
      items(new Body('ab'), new Letters(), { project: item => project(item) }).pipe(take(2), toArray()),
    ).then(all => seen.push(...all))
    expect(seen).toEqual(['a', 'a'])
  })

  it('end all that runs when the subscriber leaves', async () => {
    const body = new Body('abc', 'd')
    const { project, log } = gates()
    const subscription: Subscription = items(body, new Letters(), { project, concurrency: 2 }).subscribe()
    await settle()
    subscription.unsubscribe()
    expect(log).toEqual(['+a', '+b', '-a', '-b'])
    await settle()
    expect(body.asked).toBe(1)
  })

  it('are left when one of the results fails, together with the others', async () => {
    const { project, log, open } = gates()
    const emitted = collect(items(new Body('abc'), new Letters(), { project, concurrency: 2 }))
    await settle()
    open.get('b')?.error(new Error('no'))
    expect([emitted, log]).toEqual([['no'], ['+a', '+b', '-a', '-b']])
  })

  it.each<[string, (item: string) => Observable<string>]>([
    [
      'throws',
      () => {
        throw new Error('in the projector')
      },
    ],
    ['fails at once', () => throwError(() => new Error('in the projector'))],
    ['returns what cannot be subscribed', () => 7 as unknown as Observable<string>],
  ])('fail when the projector %s', async (_, project) => {
    const body = new Body('ab', 'c')
    const log = collect(items(body, new Letters(), { project }))
    await settle()
    expect(log).toHaveLength(1)
    expect(log[0]).toMatch(/in the projector|You provided '7'/)
    expect(body.asked).toBe(1)
  })

  it.each([
    ['the body breaks off', new Body('ab', new Error('reset')), 'reset'],
    ['one cannot be parsed', new Body('ab!c', 'd'), 'no letter'],
  ])('before it are done before it is heard that %s', async (_, body, error) => {
    const { project, log, open } = gates()
    const emitted = collect(items(body, new Letters(), { project, concurrency: 3 }))
    await settle()
    expect([log, emitted]).toEqual([['+a', '+b'], []])
    open.get('a')?.complete()
    open.get('b')?.next('B')
    expect(emitted).toEqual(['B'])
    open.get('b')?.complete()
    expect(emitted).toEqual(['B', error])
  })

  it('are done before the end is', async () => {
    const log = collect(
      items(new Body(), new Letters(), { project: item => scheduled([item], asapScheduler), concurrency: 9 }),
    )
    await settle()
    expect(log).toEqual(['.', 'end'])
  })
})

describe('leaving anywhere', () => {
  const bodies = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', '!'), minLength: 1, maxLength: 6 }), {
    maxLength: 6,
  })

  /** What a projector makes of an item: at once, in a moment, in a while, or never. */
  const results = (item: string): Observable<string> | Promise<string> | string[] =>
    item === 'a' ? [item, item] : item === 'b' ? Promise.resolve(item) : timer(0).pipe(map(() => item))

  it('ends what runs, reads nothing more, and says nothing more', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.nat(20), fc.nat(12), fc.nat(3), async (chunks, turns, most, concurrency) => {
        let running = 0
        let left = false
        const body = new Body(...chunks)
        const project = (item: string): Observable<string> =>
          defer(() => {
            running++
            return results(item)
          }).pipe(finalize(() => running--))
        const emitted: string[] = []
        let late = 0
        const letters = items(body, new Letters(), concurrency === 0 ? {} : { project, concurrency }).pipe(
          take(most + 1),
        )
        const subscription = letters.subscribe({
          next: item => {
            if (left) late++
            emitted.push(item)
            expect(running).toBeLessThanOrEqual(concurrency)
          },
          error: () => undefined,
        })
        for (let turn = 0; turn < turns; turn++) await (turn % 3 === 0 ? settle() : Promise.resolve())
        subscription.unsubscribe()
        left = true
        const { asked } = body
        expect(running).toBe(0)
        for (let turn = 0; turn < 5; turn++) await settle()
        expect([late, body.asked, running]).toEqual([0, asked, 0])
        expect(emitted.length).toBeLessThanOrEqual(most + 1)
      }),
      { numRuns: 200 },
    )
  })

  it('or staying to the end gives the items that are there, however the body is cut', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.integer({ min: 1, max: 4 }), async (chunks, concurrency) => {
        const log = collect(items(new Body(...chunks), new Letters(), { project: item => results(item), concurrency }))
        for (let turn = 0; !['end', 'no letter'].includes(String(log.at(-1))); turn++) {
          if (turn > 200) throw new Error(`it does not end: ${log.join()}`)
          await new Promise(resolve => setTimeout(resolve, 1))
        }
        const text = chunks.join('')
        const whole = text.includes('!') ? text.slice(0, text.indexOf('!')) : `${text}.`
        const expected = [...whole].flatMap(letter => (letter === 'a' ? ['a', 'a'] : [letter]))
        expect(log.slice(0, -1).toSorted()).toEqual(expected.toSorted())
        if (concurrency === 1) expect(log.slice(0, -1)).toEqual(expected)
        expect(log.at(-1)).toBe(text.includes('!') ? 'no letter' : 'end')
      }),
    )
  })
})
