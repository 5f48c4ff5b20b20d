import { BehaviorSubject, NEVER, Observable, of, Subject, tap } from 'rxjs'
import type { RunHelpers } from 'rxjs/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BACKOFF } from '../../../streams/again/backoff.ts'
import { reconnect, type Ending, type Line, type Reconnecting, type Verdict } from '../../../streams/again/reconnect.ts'
import type { ConnectionState } from '../../../streams/again/state.ts'
import { virtually } from '../../support/virtual-time.ts'

beforeEach(() => {
  // Waits of 10, 20, 40, 50, 50 … ms.
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.restoreAllMocks()
})

const QUICK = { ...BACKOFF, first: 10, most: 50 }

/** `x` is worth another try, any other error is not; with a number the other side asks for so many milliseconds. */
function judge(ending: Ending): Verdict {
  if (ending.well) return { again: 0 }
  if (typeof ending.error === 'number') return { again: ending.error }
  return ending.error === 'x' ? { again: 0 } : { fail: ending.error }
}

/** Whoever fails may do so with anything. */
const failing = (error: unknown): Observable<string> =>
  new Observable(subscriber => {
    subscriber.error(error)
  })

/** Plays one connection of the list after the other. */
function again(
  connections: readonly Observable<string>[],
  options: Partial<Reconnecting<string>> = {},
): Observable<string> {
  return reconnect<string>({
    connect: ({ attempt }) => connections[attempt - 1] ?? NEVER,
    judge,
    backoff: QUICK,
    ended: NEVER,
    ...options,
  })
}

/** Calls `alive()` with the first value. */
const lively = (connections: readonly Observable<string>[]) => ({
  connect: (line: Line) =>
    (connections[line.attempt - 1] ?? NEVER).pipe(
      tap(() => {
        line.alive()
      }),
    ),
})

function marbles(test: (time: RunHelpers) => void): () => void {
  return () => {
    virtually(test)
  }
}

describe('a connection that breaks', () => {
  it(
    'is made again after waits that grow',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('   --a--#', undefined, 'x')
      const two = cold('   #', undefined, 'x')
      const three = cold(' -b-')
      expectObservable(again([one, two, three]), '60ms !').toBe('--a 33ms b')
      expectSubscriptions(one.subscriptions).toBe('  ^----!')
      expectSubscriptions(two.subscriptions).toBe('  15ms (^!)')
      expectSubscriptions(three.subscriptions).toBe('35ms ^ 24ms !')
    }),
  )

  it(
    'is made again after a first wait once it worked',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const connections = ['#', '#', '-a#', '#', '-b'].map(diagram => cold(diagram, undefined, 'x'))
      expectObservable(again([], lively(connections)), '100ms !').toBe('31ms a 31ms b')
      const made = ['(^!)', '10ms (^!)', '30ms ^-!', '42ms (^!)', '62ms ^ 37ms !']
      for (const [at, diagram] of made.entries())
        expectSubscriptions(connections[at]?.subscriptions ?? []).toBe(diagram)
    }),
  )

  it(
    'waits no longer than `most`',
    marbles(({ cold, expectObservable }) => {
      expectObservable(again(['#', '#', '#', '#', '#', 'a'].map(diagram => cold(diagram, undefined, 'x')))).toBe(
        '170ms a',
      )
    }),
  )

  it(
    'waits for what the other side asks before that, up to `mostAsked`',
    marbles(({ cold, expectObservable }) => {
      const backoff = { ...QUICK, factor: 1, mostAsked: 100 }
      const connections = [cold('#', undefined, 70), cold('#', undefined, 5_000), cold('a')]
      expectObservable(again(connections, { backoff })).toBe('190ms a')
    }),
  )

  it(
    'is not made again for what will not go away',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('-a-#', undefined, 'no')
      expectObservable(again([one])).toBe('-a-#', undefined, 'no')
      expectSubscriptions(one.subscriptions).toBe('^--!')
    }),
  )

  it('is not taken for one that ended well, whatever was thrown', () => {
    const seen: unknown[] = []
    again([failing(undefined)]).subscribe({
      error(error: unknown) {
        seen.push(error)
      },
    })
    expect(seen).toEqual([undefined])
  })
})

describe('a connection that ends well', () => {
  it(
    'is made again too',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('-a-|')
      const two = cold('-b-')
      expectObservable(again([one, two]), '30ms !').toBe('-a 12ms b')
      expectSubscriptions(one.subscriptions).toBe('^--!')
      expectSubscriptions(two.subscriptions).toBe('13ms ^ 16ms !')
    }),
  )

  it(
    'completes the whole when it is said to be the last',
    marbles(({ cold, expectObservable }) => {
      expectObservable(again([cold('-a-|')], { judge: () => 'complete' })).toBe('-a-|')
    }),
  )

  it('may do so at once, many times, without a stack that grows', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    let made = 0
    virtually(({ flush, expectObservable }) => {
      const connect = (): Observable<string> => (++made < 20_000 ? of('x') : NEVER)
      expectObservable(again([], { connect }), '10ms !')
      flush()
    })
    expect(made).toBe(20_000)
  })
})

describe('leaving', () => {
  it(
    'leaves the connection',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('-a-')
      expectObservable(again([one]), '--!').toBe('-a')
      expectSubscriptions(one.subscriptions).toBe('^-!')
    }),
  )

  it(
    'leaves the wait, so that nothing is made any more',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const one = cold('#', undefined, 'x')
      const two = cold('a')
      expectObservable(again([one, two]), '5ms !').toBe('')
      expectSubscriptions(two.subscriptions).toBe([])
    }),
  )

  it(
    'is what the end of the client does to a wait, and not to a connection',
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const ended = hot('--e----e')
      const two = cold('b')
      expectObservable(again([cold('---a-#', undefined, 'x'), two], { ended })).toBe('---a---|')
      expectSubscriptions(ended.subscriptions).toBe('-----^-!')
      expectSubscriptions(two.subscriptions).toBe([])
    }),
  )
})

describe('the state', () => {
  const watch = (source: (state: Subject<ConnectionState>) => Observable<string>, until?: string): string[] => {
    const state = new Subject<ConnectionState>()
    const seen: string[] = []
    virtually(({ expectObservable, flush }) => {
      state.subscribe(({ name, ...more }) => seen.push(`${name} ${JSON.stringify(more)}`))
      expectObservable(source(state), until)
      flush()
    })
    return seen
  }

  it('says what happens, in the order in which it does', () => {
    const open = (line: Line): Observable<string> => {
      if (line.attempt < 3) return failing('x')
      line.open()
      return line.attempt === 3 ? of('a') : failing('no')
    }
    expect(watch(state => again([], { connect: open, state }))).toEqual([
      'connecting {"attempt":1}',
      'waiting {"delay":10,"error":"x"}',
      'connecting {"attempt":2}',
      'waiting {"delay":20,"error":"x"}',
      'connecting {"attempt":3}',
      'open {}',
      'waiting {"delay":40}',
      'connecting {"attempt":4}',
      'open {}',
      'closed {"error":"no"}',
    ])
  })

  it('is closed when it is left, in a connection and in a wait', () => {
    expect(watch(state => again([], { state }), '5ms !')).toEqual(['connecting {"attempt":1}', 'closed {}'])
    expect(watch(state => again([failing('x')], { state }), '5ms !')).toEqual([
      'connecting {"attempt":1}',
      'waiting {"delay":10,"error":"x"}',
      'closed {}',
    ])
  })

  it('may be left from', () => {
    const state = new BehaviorSubject<ConnectionState | undefined>(undefined)
    virtually(({ flush }) => {
      const subscription = again([failing('x')], { state }).subscribe()
      state.subscribe(now => {
        if (now?.name === 'waiting') subscription.unsubscribe()
      })
      flush()
    })
    expect(state.value).toEqual({ name: 'closed', error: undefined })
  })
})

it('is cold: each subscription has its own connections and waits', () => {
  virtually(({ cold, expectObservable, expectSubscriptions }) => {
    const one = cold('#', undefined, 'x')
    const two = cold('a')
    const source = again([one, two])
    expectObservable(source, '^ 30ms !').toBe('10ms a')
    expectObservable(source, '5ms ^ 30ms !').toBe('15ms a')
    expectSubscriptions(one.subscriptions).toBe(['(^!)', '5ms (^!)'])
    expectSubscriptions(two.subscriptions).toBe(['10ms ^ 20ms !', '15ms ^ 20ms !'])
  })
})
