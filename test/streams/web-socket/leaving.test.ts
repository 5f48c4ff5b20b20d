/** Whoever is called back may leave, come back, or say something: at any point, in virtual time. */
import { Subject, Subscription, takeUntil } from 'rxjs'
import { mock } from 'sluice/engines/mock'
import { webSocket, type WebSocketOptions, type WebSocketState } from 'sluice/streams/web-socket'
import { marbles } from 'sluice/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { at, over } from './talk.ts'

type Options = WebSocketOptions<string, string>

afterEach(() => {
  vi.restoreAllMocks()
})

/** A WebSocket that breaks once, then is told goodbye. */
function story(change: Partial<Options> = {}) {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const api = mock()
  api.enqueue({ webSocket: ['a', 10, { close: 1001 }] }, { webSocket: ['b'] })
  const socket = webSocket<string>(over(api), 'x', {
    codec: 'text',
    heartbeat: { every: 1000 },
    reconnect: { first: 100 },
    ...change,
  })
  return { api, socket }
}

describe('leaving a WebSocket', () => {
  it.each<WebSocketState['name']>(['connecting', 'open', 'waiting', 'closing'])('as it is told %s', name => {
    marbles(() => {
      const { api, socket } = story()
      const subscription = new Subscription()
      const heard: unknown[] = []
      socket.state.subscribe(state => {
        if (state.name === name) subscription.unsubscribe()
      })
      subscription.add(socket.subscribe({ next: text => heard.push(text), complete: () => heard.push('|') }))
      at(100, () => {
        socket.complete()
      })
      at(10_000, () => {
        expect(api.inFlight).toBe(0)
        expect(heard).toEqual({ connecting: [], open: [], waiting: ['a'], closing: ['a', 'b'] }[name as 'open'])
        let now: unknown
        socket.state.subscribe(state => (now = state)).unsubscribe()
        expect(now).toEqual({ name: 'closed', error: undefined })
      })
    })
  })

  it('asks nobody whether to come back', () => {
    marbles(() => {
      const asked: unknown[] = []
      const { socket } = story({ reconnect: { when: end => asked.push(end) > 0 } })
      const enough = new Subject<void>()
      socket.state.subscribe(({ name }) => {
        if (name === 'connecting') enough.next()
      })
      socket.pipe(takeUntil(enough)).subscribe()
      at(100, () => {
        expect(asked).toEqual([])
      })
    })
  })

  it('as it is asked what to say first, or whether to come back', () => {
    marbles(() => {
      const inGreeting = new Subscription()
      const inJudgement = new Subscription()
      const greeting = story({
        greet: () => {
          inGreeting.unsubscribe()
          return ['never']
        },
      })
      const judgement = story({
        reconnect: {
          when: () => {
            inJudgement.unsubscribe()
            return true
          },
        },
      })
      inGreeting.add(greeting.socket.subscribe())
      inJudgement.add(judgement.socket.subscribe())
      at(10_000, () => {
        expect(greeting.api.history.map(({ outcome, webSocket: talk }) => [outcome, talk?.messages])).toEqual([
          ['aborted', []],
        ])
        expect(judgement.api.history).toHaveLength(1)
        expect([greeting.api.inFlight, judgement.api.inFlight]).toEqual([0, 0])
      })
    })
  })

  it('and coming back as it is told closed begins anew', () => {
    marbles(() => {
      const { api, socket } = story({ reconnect: false })
      const heard: string[] = []
      let back: Subscription | undefined
      const comeBack = (): Subscription => socket.subscribe(text => heard.push(`second ${text}`))
      const first = socket.subscribe({
        next: text => heard.push(`first ${text}`),
        complete: () => heard.push('first |'),
      })
      socket.state.subscribe(({ name }) => {
        if (name === 'closed') back ??= comeBack()
      })
      at(100, () => {
        expect(heard).toEqual(['first a', 'first |', 'second b'])
        expect(api.history).toHaveLength(2)
        expect(first.closed).toBe(true)
        back?.unsubscribe()
        expect(api.inFlight).toBe(0)
      })
    })
  })

  it('and coming back as it completes begins anew, too', () => {
    marbles(() => {
      const { socket } = story({ reconnect: false })
      const heard: string[] = []
      let back: Subscription | undefined
      const comeBack = (): Subscription => socket.subscribe(text => heard.push(text))
      socket.subscribe({
        complete() {
          back = comeBack()
        },
      })
      at(100, () => {
        expect(heard).toEqual(['b'])
        back?.unsubscribe()
      })
    })
  })

  it('as it is told of a message leaves the others out', () => {
    marbles(() => {
      const api = mock()
      api.enqueue({ webSocket: ['a', 'b', 'c', { close: 4000 }] })
      const socket = webSocket<string>(over(api), 'x', { codec: 'text' })
      const heard: string[] = []
      const subscription = socket.subscribe(text => {
        heard.push(text)
        subscription.unsubscribe()
      })
      at(10, () => {
        expect(heard).toEqual(['a'])
        expect(socket.lastClose).toBeUndefined()
      })
    })
  })
})

describe('speaking as one is called back', () => {
  it('is heard in the order in which it was said', () => {
    marbles(() => {
      const api = mock({ '*': { webSocket: ['?'] } })
      const socket = webSocket<string>(over(api), 'x', {
        codec: 'text',
        heartbeat: false,
        greet: () => {
          socket.next('said in the greeting: waits')
          return ['greeting']
        },
      })
      socket.state.subscribe(({ name }) => {
        if (name === 'connecting') socket.next('connecting')
        if (name === 'open') socket.next('open')
      })
      socket.next('before')
      const subscription = socket.subscribe(() => {
        socket.next('answer')
      })
      at(10, () => {
        expect(api.history[0]?.webSocket?.messages).toEqual([
          'greeting',
          'before',
          'connecting',
          'said in the greeting: waits',
          'open',
          'answer',
        ])
        subscription.unsubscribe()
      })
    })
  })

  it('of the end in the greeting is the end, once all is said', () => {
    marbles(() => {
      const api = mock({ '*': { webSocket: [] } })
      const socket = webSocket<string>(over(api), 'x', {
        codec: 'text',
        greet: () => {
          socket.complete()
          return ['greeting']
        },
      })
      const heard: string[] = []
      socket.subscribe({ complete: () => heard.push('|') })
      at(10, () => {
        expect(api.history[0]?.webSocket).toMatchObject({ messages: ['greeting'], close: { code: 1000 } })
        expect(heard).toEqual(['|'])
      })
    })
  })

  it('of the end as it waits waits no more', () => {
    marbles(() => {
      const { api, socket } = story()
      const heard: string[] = []
      socket.state.subscribe(({ name }) => {
        if (name === 'waiting') socket.complete()
      })
      socket.subscribe({ next: text => heard.push(text), complete: () => heard.push('|') })
      at(11, () => {
        expect(heard).toEqual(['a', '|'])
      })
      at(10_000, () => {
        expect(api.history).toHaveLength(1)
      })
    })
  })

  it('of the end each time it is told of it changes nothing', () => {
    marbles(() => {
      const { api, socket } = story()
      const states: string[] = []
      socket.state.subscribe(({ name }) => {
        states.push(name)
        if (name === 'closing') socket.complete()
      })
      const subscription = socket.subscribe()
      at(5, () => {
        socket.error({ code: 4001 })
      })
      at(1000, () => {
        expect(states).toEqual(['closed', 'connecting', 'open', 'closing', 'closed'])
        expect(api.history[0]?.webSocket?.close?.code).toBe(4001)
        expect(subscription.closed).toBe(true)
      })
    })
  })
})
