import { AssertionError } from 'node:assert'
import { delay, of, switchMap } from 'rxjs'
import { createClient, notice, type Client, type HttpEvent } from 'sluice'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { retry } from 'sluice/plugins/retry'
import { marbles, scripted } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

const clientOf = (engine: MockEngine): Client => createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })

describe('marbles', () => {
  it('lets no real time pass', () => {
    const before = performance.now()
    marbles(({ api, expectEvents }) => {
      api.on('GET /', { delay: 86_400_000 })
      expectEvents(clientOf(api).events('')).toBe('1440m (r|)')
    })
    expect(performance.now() - before).toBeLessThan(1000)
  })

  it('gives every test a mock of its own', () => {
    const seen: MockEngine[] = []
    for (let run = 0; run < 2; run++) marbles(({ api }) => seen.push(api))
    expect(seen[0]).not.toBe(seen[1])
  })

  it('works on any test runner: what is wrong is an AssertionError', () => {
    const test = (): void => {
      marbles(({ api, expectObservable }) => {
        api.on('GET /', 204)
        expectObservable(clientOf(api).get('').pipe(delay(1))).toBe('a|')
      })
    }
    expect(test).toThrow(AssertionError)
  })

  it('refuses a test that is asynchronous, of which nothing would be checked', () => {
    expect(() => {
      marbles(() => Promise.resolve())
    }).toThrow(TypeError)
  })

  it('is as strict as TestScheduler: what is expected of other Observables is checked too', () => {
    marbles(({ cold, time, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-|')
      expectObservable(source.pipe(delay(time('--|')))).toBe('---(a|)')
      expectSubscriptions(source.subscriptions).toBe('^--!')
    })
  })

  it('shows a retry as it is: notice, pause, answer', () => {
    marbles(({ api, expectEvents, expectExchanges }) => {
      const client = createClient({ engine: api, plugins: [retry({ times: 1, delay: () => 300 })] })
      api.enqueue(503, { delay: 20 })
      expectEvents(client.events('https://api.test/')).toBe('n 319ms (r|)')
      expectExchanges().toBe('(^|)', '300ms ^ 19ms |')
    })
  })
})

describe('expectEvents', () => {
  const every: readonly HttpEvent['type'][] = [
    'connection',
    'sent',
    'progress',
    'informational',
    'head',
    'chunk',
    'trailers',
  ]

  it('writes each event as a letter, and leaves out what every exchange has', () => {
    const events = [...every.map(type => ({ type }) as HttpEvent), notice('test', 'said')]
    marbles(({ expectEvents }) => {
      expectEvents(of(...events)).toBe('(ihdtn|)')
    })
  })

  it('shows the letters that are asked for', () => {
    marbles(({ api, expectEvents }) => {
      api.on('GET /', { delay: 4 })
      expectEvents(clientOf(api).events(''), { show: 'csr' }).toBe('(cs)(r|)')
    })
  })

  it('writes an error by its code, or by code and phase', () => {
    marbles(({ api, expectEvents }) => {
      api.on('GET /', { delay: 5, reset: 'headers' })
      expectEvents(clientOf(api).events('')).toBe('5ms #', 'RESET')
      expectEvents(clientOf(api).events('')).toBe('5ms #', 'RESET headers')
    })
  })

  it('does not take one error for another', () => {
    const test = (): void => {
      marbles(({ api, expectEvents }) => {
        api.on('GET /', 'RESET')
        expectEvents(clientOf(api).events('')).toBe('#', 'TIMEOUT')
      })
    }
    expect(test).toThrow(AssertionError)
  })

  it('subscribes and unsubscribes as drawn', () => {
    marbles(({ api, expectEvents, expectExchanges }) => {
      api.on('GET /', { delay: 10 })
      expectEvents(clientOf(api).events(''), { subscription: '--^--!' }).toBe('')
      expectExchanges().toBe('--^--!')
    })
  })
})

describe('expectExchanges', () => {
  it('tells aborted, completed, failed and running exchanges apart', () => {
    marbles(({ api, expectEvents, expectObservable, expectExchanges }) => {
      const client = clientOf(api)
      api.enqueue({ stall: 'headers' }, { delay: 3 }, { delay: 2, reset: 'headers' }, { stall: 'body' })
      expectObservable(client.get('a'), '^---!').toBe('')
      expectEvents(client.events('b')).toBe('---(r|)')
      expectEvents(client.events('c')).toBe('--#', 'RESET')
      expectObservable(client.get('d')).toBe('')
      expectExchanges().toBe('^---!', '^--|', '^-#', '^')
    })
  })

  it('draws what switchMap leaves as aborted', () => {
    marbles(({ api, hot, expectObservable, expectExchanges }) => {
      api.on('GET /:term', ({ params }) => ({ body: params.term, delay: 4 }))
      const found = hot('a-b----|').pipe(
        switchMap(term => clientOf(api).get(term)),
        switchMap(r => of(r.text())),
      )
      expectObservable(found).toBe('------b|')
      expectExchanges().toBe('^-!', '--^---|')
    })
  })

  it('looks at another mock when it is given one', () => {
    marbles(({ expectObservable, expectExchanges }) => {
      const other = mock({ '*': 200 })
      expectObservable(
        clientOf(other)
          .get('')
          .pipe(switchMap(() => of('x'))),
      ).toBe('(x|)')
      expectExchanges(other).toBe('(^|)')
      expectExchanges().toBe()
    })
  })

  it('says in words what was expected and what happened', () => {
    const test = (): void => {
      marbles(({ api, expectObservable, expectExchanges }) => {
        api.on('GET /', { stall: 'headers' })
        expectObservable(clientOf(api).get(''), '^--!').toBe('')
        expectExchanges().toBe('^--|')
      })
    }
    expect(test).toThrow(/began at 0 and aborted at 3[\s\S]*began at 0 and completed at 3/)
  })
})

describe('scripted', () => {
  const drawn = (diagram: string, expected: string, error?: 'RESET headers' | 'BODY body'): void => {
    marbles(({ api, expectEvents }) => {
      api.on('GET /', scripted(diagram))
      expectEvents(clientOf(api).events('')).toBe(expected, error)
    })
  }

  it('draws head, pieces and end of an answer', () => {
    drawn('--h--a-b-|', '---------(r|)')
    drawn('(ha)-|', '-----(r|)')
    drawn('(h|)', '(r|)')
  })

  it('draws a connection that breaks off, before and after the head', () => {
    drawn('--#', '--#', 'RESET headers')
    drawn('--h-a-#', '------#', 'BODY body')
  })

  it('stalls where the diagram ends', () => {
    drawn('--', '')
    drawn('--h-a-', '')
  })

  it('sends the pieces, or the letters themselves, and is as long outside of virtual time', () => {
    expect(scripted('--h--a-b-|', { a: 'one' })).toEqual({ delay: 2, chunks: [3, 'one', 2, 'b', 2] })
  })

  it('adds to a reply', () => {
    expect(scripted('h|', {}, { status: 206 })).toMatchObject({ status: 206, delay: 0, chunks: [1] })
  })

  it('refuses a body before its head', () => {
    expect(() => scripted('-a-|')).toThrow(/body before its head/)
    expect(() => scripted('-|')).toThrow(TypeError)
  })
})
