import { firstValueFrom, map, take, toArray } from 'rxjs'
import { clock, createClient, definePlugin, HttpError, type HttpEvent } from 'sluice'
import { mock, type MockChunk } from 'sluice/engines/mock'
import { marbles } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { hear, requestTo } from './drive.ts'

const get = requestTo('https://api.test/')
const at = (ms: number, work: () => void): unknown => clock.schedule(work, ms)

describe('a body that is held back', () => {
  it('waits until it is let go, while time goes on for the peer', () => {
    marbles(({ api }) => {
      api.enqueue({ chunks: ['a', 10, 'b', 10, 'c'] })
      const times: number[] = []
      const heard = hear(api, get, ({ type }) => {
        if (type === 'chunk') times.push(clock.now())
      })
      at(5, () => {
        heard.exchange.pause()
        heard.exchange.pause()
      })
      at(15, () => {
        expect(api.paused).toBe(1)
        expect(api.history[0]).toMatchObject({ paused: true, pauses: 1, delivered: 1, phase: 'body' })
        heard.exchange.resume()
      })
      at(100, () => {
        expect(times).toEqual([0, 15, 25])
        expect(api.paused).toBe(0)
        expect(api.history[0]).toMatchObject({ paused: false, outcome: 'completed', endedAt: 25 })
      })
    })
  })

  it('stops at once when it is held back from within a chunk, by the flow of its head', () => {
    const api = mock({ '*': { chunks: ['a', 'b', 'c'] } })
    const pausing = (event: HttpEvent): void => {
      if (event.type === 'head') flow = event.flow
      else if (event.type === 'chunk') flow?.pause()
    }
    let flow: (HttpEvent & { type: 'head' })['flow'] | undefined
    const heard = hear(api, get, pausing)
    expect(heard.chunks).toEqual(['a'])
    heard.exchange.resume()
    expect(heard.chunks).toEqual(['a', 'b'])
    expect(heard.completed).toBe(false)
    heard.exchange.resume()
    heard.exchange.resume()
    expect(heard.chunks).toEqual(['a', 'b', 'c'])
    expect(heard.completed).toBe(true)
    expect(api.history[0]?.pauses).toBe(3)
  })

  it('keeps its order when it is let go from within a chunk', () => {
    let flow: (HttpEvent & { type: 'head' })['flow'] | undefined
    const heard = hear(mock({ '*': { chunks: ['a', 'b', 'c'] } }), get, event => {
      if (event.type === 'head') flow = event.flow
      flow?.pause()
      flow?.resume()
    })
    expect(heard.chunks).toEqual(['a', 'b', 'c'])
    expect(heard.completed).toBe(true)
  })

  it('does not begin when it was held back before its head', () => {
    const api = mock({ '*': { chunks: ['a'] } })
    marbles(() => {
      api.once('*', { delay: 1, body: 'a' })
      const heard = hear(api, get)
      heard.exchange.pause()
      at(10, () => {
        expect(heard.events.map(({ type }) => type)).toEqual(['connection', 'sent', 'head'])
        heard.exchange.resume()
        expect(heard.completed).toBe(true)
      })
    })
  })

  it('is produced no further: the consumer decides how much of an endless body is made', async () => {
    let made = 0
    function* endless(): Generator<MockChunk> {
      for (;;) {
        made++
        yield new Uint8Array(64 * 1024)
      }
    }
    const api = mock({ '*': () => ({ chunks: endless() }) })
    const client = createClient({ engine: api, plugins: [] })
    const seen: number[] = []
    const sizes = client.stream('https://api.test/', async function* (response) {
      for await (const bytes of response) {
        yield bytes.length
        await new Promise<void>(resolve => clock.schedule(resolve, 1))
        seen.push(made)
      }
    })
    await firstValueFrom(sizes.pipe(take(4), toArray()))
    expect(Math.max(...seen)).toBeLessThan(12)
    expect(api.history[0]).toMatchObject({ outcome: 'aborted', phase: 'body' })
  })
})

describe('leaving', () => {
  it('ends a generator of chunks', () => {
    let ended = false
    function* chunks(): Generator<MockChunk> {
      try {
        yield 'a'
        yield 60_000
        yield 'b'
      } finally {
        ended = true
      }
    }
    const heard = hear(mock({ '*': () => ({ chunks: chunks() }) }), get)
    heard.exchange.abort()
    expect(ended).toBe(true)
    expect(heard.chunks).toEqual(['a'])
  })

  it('at the head of a live answer is seen as that, though the whole answer was ready', () => {
    marbles(({ api, expectObservable, expectExchanges }) => {
      api.on('*', { body: 'never read' })
      const client = createClient({ engine: api, plugins: [] })
      const statuses = client.stream('https://api.test/', ({ status }) => [status])
      expectObservable(statuses).toBe('(a|)', { a: 200 })
      expectExchanges().toBe('(^!)')
    })
  })

  it('of a plugin that sees the bytes is seen as that, though the answer came at once', () => {
    const picky = definePlugin({
      name: 'picky',
      scope: 'wire',
      defaults: {},
      install: () => (request, next) =>
        next(request).pipe(
          map(event => {
            if (event.type === 'head') throw new HttpError('TOO_LARGE', 'too large')
            return event
          }),
        ),
    })
    const api = mock({ '*': { body: 'long' } })
    createClient({ engine: api, plugins: [picky()] })
      .get('https://api.test/')
      .subscribe({ error: () => undefined })
    expect(api.history[0]).toMatchObject({ outcome: 'aborted', delivered: 0 })
  })

  it('is possible in an endless body that never pauses', async () => {
    function* endless(): Generator<MockChunk> {
      for (;;) yield new Uint8Array(1024)
    }
    const api = mock({ '*': () => ({ chunks: endless() }) })
    const heard = hear(api, get)
    await new Promise<void>(resolve => clock.schedule(resolve, 0))
    heard.exchange.abort()
    const { delivered, outcome } = api.history[0] ?? {}
    expect(outcome).toBe('aborted')
    expect(delivered).toBeLessThan(1024 * 1024)
  })

  it('does nothing after the end', () => {
    const api = mock({ '*': 200 })
    const { exchange } = hear(api, get)
    exchange.abort()
    exchange.pause()
    exchange.resume()
    expect(api.history[0]).toMatchObject({ outcome: 'completed', paused: false, reason: undefined })
  })
})
