import { ignoreElements, map, type Observable } from 'rxjs'
import { clock, type Limits } from 'sluice'
import { mock, type MockReply, type StallPhase } from 'sluice/engines/mock'
import { marbles } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { exchangeOf, requestTo } from './drive.ts'

const all = { show: 'cshdtri' }
const upload = { method: 'PUT', body: Uint8Array.of(1, 2, 3, 4) }

describe('the time of a reply', () => {
  it('passes before its head, before its body and between its chunks', () => {
    marbles(({ api, expectEvents }) => {
      api.enqueue({ delay: 10, bodyDelay: 5, chunks: ['a', 3, 'b', 'c', 4] })
      expectEvents(exchangeOf(api), all).toBe('(cs) 6ms h----d--(dd)|')
    })
  })

  it('passes while connecting, as the connection says it took', () => {
    marbles(({ api, expectEvents }) => {
      api.enqueue({ connection: { took: { dns: 10, tcp: 20, proxy: 5, tls: 30 } } })
      expectEvents(exchangeOf(api), all).toBe('65ms (csh|)')
    })
  })

  it('is the time of the history', () => {
    marbles(({ api, expectObservable, expectExchanges }) => {
      api.enqueue({ delay: 4 })
      const times = exchangeOf(api).pipe(map(() => 'x'))
      expectObservable(times, '--^').toBe('--(xx)(x|)')
      expectExchanges().toBe('--^---|')
      clock.schedule(() => {
        expect(api.history[0]).toMatchObject({ outcome: 'running', phase: 'headers', startedAt: 2, endedAt: undefined })
      }, 5)
    })
  })

  it('needs none: what is there at once is there at once, in the order of a real engine', () => {
    marbles(({ api, expectEvents }) => {
      api.enqueue({ body: 'a', informational: [{ status: 103 }], trailers: { a: '1' } })
      expectEvents(exchangeOf(api), all).toBe('(csihdt|)')
    })
  })
})

describe('a stall', () => {
  const limited: readonly (readonly [StallPhase, Limits, phase: string])[] = [
    ['queue', { queue: 7, dns: 1, connect: 1, tls: 1, send: 1 }, 'queue'],
    ['dns', { queue: 1, dns: 7, connect: 8 }, 'dns'],
    ['dns', { connect: 7 }, 'connect'],
    ['dns', { dns: false, connect: 7 }, 'connect'],
    ['connect', { dns: 1, connect: 7, tls: 1 }, 'connect'],
    ['tls', { tls: 7 }, 'tls'],
    ['tls', { connect: 7, tls: 8 }, 'connect'],
    ['send', { send: 7, connect: 1, queue: 1 }, 'send'],
  ]
  it.each(limited)('in %s with the limits %j is a TIMEOUT of %s', (stall, limits, phase) => {
    const api = mock({ '*': { stall } })
    const failed: unknown[] = []
    marbles(() => {
      exchangeOf(api, requestTo('https://api.test/a?b=c', { ...upload, limits })).subscribe({
        error: (error: unknown) => failed.push(error, clock.now()),
      })
    })
    expect(failed).toMatchObject([{ code: 'TIMEOUT', phase, attempt: 1, request: { method: 'PUT' } }, 7])
    expect(failed[0]).toMatchObject({
      message: / took longer than 7 ms\.$/,
      requestWritten: phase === 'send' ? 'maybe' : 'no',
    })
  })

  const phases: readonly StallPhase[] = ['queue', 'dns', 'connect', 'tls', 'send', 'headers', 'body']
  it.each(phases)('in %s lasts until it is aborted, which the history knows', phase => {
    const api = mock({ '*': { stall: phase, body: 'abcd' } })
    marbles(({ expectObservable, expectExchanges }) => {
      expectObservable(only(exchangeOf(api, requestTo('https://api.test/', upload))), '^ 59s !').toBe('')
      expectExchanges(api).toBe('^ 59s !')
    })
    expect(api.history[0]).toMatchObject({ outcome: 'aborted', phase, reason: 'unsubscribed' })
    expect(api.inFlight).toBe(0)
  })

  it('in the body lets half of it through, or so many bytes', () => {
    const api = mock()
    const delivered = (reply: MockReply): number | undefined => {
      api.enqueue({ ...reply, stall: 'body' })
      exchangeOf(api).subscribe().unsubscribe()
      return api.history.at(-1)?.delivered
    }
    expect(delivered({ body: 'abcdef' })).toBe(3)
    expect(delivered({ body: 'abcdef', after: 5 })).toBe(5)
    expect(delivered({ body: 'abcdef', after: 0 })).toBe(0)
    expect(delivered({ chunks: ['ab', 'cd'] })).toBe(4)
    expect(delivered({ chunks: ['ab', 'cd'], after: 3 })).toBe(3)
    expect(delivered({})).toBe(0)
  })
})

describe('the limits of a request', () => {
  it('bound the steps of connecting one by one, and all of them together', () => {
    marbles(({ api, expectEvents }) => {
      const took = { dns: 10, tcp: 10, tls: 10 }
      api.on('*', { connection: { took } })
      const within = (limits: Limits): Observable<never> =>
        only(exchangeOf(api, requestTo('https://api.test/', { limits })))
      expectEvents(within({ dns: 10, connect: 30, tls: 10 })).toBe('30ms |')
      expectEvents(within({ dns: 9 })).toBe('9ms #', 'TIMEOUT dns')
      expectEvents(within({ connect: 25 })).toBe('25ms #', 'TIMEOUT connect')
      expectEvents(within({ tls: 4 })).toBe('24ms #', 'TIMEOUT tls')
    })
  })

  it('bound how long the peer takes for a chunk', () => {
    marbles(({ api, expectEvents }) => {
      api.on('*', { readDelay: 10 })
      const sent = (send: number): Observable<never> =>
        only(exchangeOf(api, requestTo('https://api.test/', { ...upload, limits: { send } })))
      expectEvents(sent(10)).toBe('10ms |')
      expectEvents(sent(9)).toBe('9ms #', 'TIMEOUT send')
    })
  })
})

describe('an end', () => {
  it('leaves no timer behind, in whatever phase it comes', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const hour = 3_600_000
    const replies: readonly MockReply[] = [
      { delay: hour },
      { bodyDelay: hour },
      { chunks: ['a', hour, 'b'] },
      { connection: { took: { tls: hour } } },
      { readDelay: hour },
      { stall: 'queue' },
    ]
    for (const reply of replies) {
      const request = requestTo('https://api.test/', {
        ...upload,
        limits: { queue: hour, connect: 2 * hour, send: 2 * hour },
      })
      const running = exchangeOf(mock({ '*': reply }), request).subscribe()
      expect(timers()).toBeGreaterThan(before)
      running.unsubscribe()
      expect(timers()).toBe(before)
    }
  })
})

/** Only the end of an exchange. */
function only(source: Observable<unknown>): Observable<never> {
  return source.pipe(ignoreElements())
}
