import { createClient, isHttpError } from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { webSocket, type WebSocketEnd, type WebSocketState } from 'sluice/streams/web-socket'
import { marbles } from 'sluice/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { at, over, talk } from './talk.ts'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const reconnect = { first: 100, most: 500 }

describe('a connection that breaks', () => {
  it('is the end unless it is to be made again', () => {
    marbles(() => {
      expect(talk({}, 'CONNECT').heard).toEqual(['0 CONNECT connect'])
    })
  })

  it('is made again with growing waits, the first one too', () => {
    marbles(({ expectObservable, expectExchanges, api }) => {
      api.enqueue('CONNECT', 'CONNECT', 'CONNECT', 'CONNECT', 'CONNECT', { webSocket: ['"a"', 10, { close: 1000 }] })
      const client = createClient({ engine: api, baseUrl: 'https://api.test/', plugins: [] })
      const socket = webSocket<string>(client, 'x', { reconnect, heartbeat: false })
      expectObservable(socket).toBe('1700ms a 9ms |')
      expectExchanges().toBe('(^#)', '100ms (^#)', '300ms (^#)', '700ms (^#)', '1200ms (^#)', '1700ms ^ 9ms |')
    })
  })

  it('begins with the first wait again once the peer was heard, and not when it only agreed', () => {
    marbles(({ api, expectObservable, expectExchanges }) => {
      const mute = { webSocket: [{ close: 1012 }] } as const
      const heard = { webSocket: ['"a"', { close: 1012 }] } as const
      api.enqueue(mute, mute, heard, mute, { webSocket: [{ close: 1000 }] })
      expectObservable(webSocket(over(api), 'x', { reconnect, heartbeat: false })).toBe('300ms a 299ms |')
      expectExchanges().toBe('(^|)', '100ms (^|)', '300ms (^|)', '400ms (^|)', '600ms (^|)')
    })
  })

  it('is left in the wait, and nothing is left of it', () => {
    marbles(({ api, expectObservable, expectExchanges }) => {
      api.enqueue('CONNECT')
      expectObservable(webSocket(over(api), 'x', { reconnect, heartbeat: false }), '^ 49ms !').toBe('')
      expectExchanges().toBe('(^#)')
    })
  })

  it('tells of the wait, and of what it is for', () => {
    marbles(() => {
      const api = mock()
      api.enqueue({ webSocket: [1, { close: 1013, reason: 'full' }] }, 'CONNECT', { webSocket: [1, { close: 4000 }] })
      const socket = webSocket(over(api), 'x', { reconnect, heartbeat: false })
      const states: WebSocketState[] = []
      socket.state.subscribe(state => states.push(state))
      socket.subscribe({ error() {} })
      at(500, () => {
        expect(states).toEqual([
          { name: 'closed', error: undefined },
          { name: 'connecting', attempt: 1 },
          { name: 'open' },
          {
            name: 'waiting',
            delay: 100,
            error: expect.objectContaining({ close: { code: 1013, reason: 'full' } }) as unknown,
          },
          { name: 'connecting', attempt: 2 },
          { name: 'waiting', delay: 200, error: expect.objectContaining({ code: 'CONNECT' }) as unknown },
          { name: 'connecting', attempt: 3 },
          { name: 'open' },
          { name: 'closed', error: expect.objectContaining({ close: { code: 4000, reason: '' } }) as unknown },
        ])
      })
    })
  })

  it.each<[string, number | 'CONNECT' | 'RESET' | 'PROTOCOL' | 'TLS', boolean]>([
    ['was closed with 1000', 1000, false],
    ['was closed with 1001', 1001, true],
    ['was closed without a code', 1005, false],
    ['was closed with 1002', 1002, false],
    ['was closed with 1008', 1008, false],
    ['was closed with 1011', 1011, true],
    ['was closed with 1012', 1012, true],
    ['was closed with 1013', 1013, true],
    ['was closed with 1014', 1014, true],
    ['was closed with 3000', 3000, false],
    ['was closed with 4000', 4000, false],
    ['was never made', 'CONNECT', true],
    ['was reset in the handshake', 'RESET', true],
    ['broke the protocol', 'PROTOCOL', false],
    ['is not to be trusted', 'TLS', false],
  ])('that %s (%s) is worth another one: %o', (_, how, worth) => {
    marbles(() => {
      const reply: MockReply | 'CONNECT' | 'RESET' | 'PROTOCOL' | 'TLS' =
        typeof how === 'string' ? how : { webSocket: peer => peer.close(how) }
      const { api } = talk({ reconnect }, reply as MockReply, [{ close: 1000 }])
      at(1000, () => {
        expect(api.history).toHaveLength(worth ? 2 : 1)
      })
    })
  })

  it('is given up after so many attempts in a row', () => {
    marbles(() => {
      const { heard, api } = talk({ reconnect: { ...reconnect, times: 2 } }, 'CONNECT', 'CONNECT', 'CONNECT')
      at(1000, () => {
        expect(heard).toEqual(['300 CONNECT connect'])
        expect(api.history).toHaveLength(3)
      })
    })
  })

  it('counts the attempts anew once the peer was heard', () => {
    marbles(() => {
      const brief = ['a', { close: 1001 }] as const
      const { heard, api } = talk(
        { reconnect: { ...reconnect, times: 1 } },
        [...brief],
        [...brief],
        [...brief],
        'CONNECT',
      )
      at(1000, () => {
        expect(heard).toEqual(['0 a', '100 a', '200 a', '300 CONNECT connect'])
        expect(api.history).toHaveLength(4)
      })
    })
  })

  it('that was closed as it should be is no error when it is given up', () => {
    marbles(() => {
      const { heard } = talk({ reconnect: { ...reconnect, times: 1 } }, [{ close: 1001 }], [{ close: 1001 }])
      at(1000, () => {
        expect(heard).toEqual(['100 |'])
      })
    })
  })

  it('may be judged by the user', () => {
    marbles(() => {
      const ends: WebSocketEnd[] = []
      const when = (end: WebSocketEnd): boolean | undefined => {
        ends.push(end)
        return end.close?.code === 4000 ? true : end.close?.code === 1001 ? false : undefined
      }
      const { heard } = talk({ reconnect: { ...reconnect, when } }, [{ close: 4000 }], 'CONNECT', [{ close: 1001 }])
      at(1000, () => {
        expect(heard).toEqual(['300 |'])
        expect(ends).toEqual([
          { close: { code: 4000, reason: '' }, error: expect.objectContaining({ code: 'RESET' }) as unknown },
          { close: undefined, error: expect.objectContaining({ code: 'CONNECT' }) as unknown },
          { close: { code: 1001, reason: '' } },
        ])
      })
    })
  })

  it('is judged in vain by what throws', () => {
    marbles(() => {
      const when = (): never => {
        throw new RangeError('no')
      }
      const { heard, api } = talk({ reconnect: { ...reconnect, when } }, [{ close: 1001 }])
      at(1000, () => {
        expect(heard).toEqual(['0 RangeError: no'])
        expect(api.inFlight).toBe(0)
      })
    })
  })
})

describe('what is sent while there is no connection', () => {
  const wait = [{ close: 1001 }] as const

  it('waits for the next one, behind what has to be said first', () => {
    marbles(() => {
      const { socket, said, leave } = talk({ reconnect, greet: ({ nth }) => [`hello ${nth}`] }, [...wait], [])
      at(50, () => {
        socket.next('a')
        expect(socket.bufferedAmount).toBe(1)
      })
      at(200, () => {
        expect(said()[1]).toEqual(['hello 2', 'a', 'no goodbye'])
        leave()
      })
    })
  })

  it('is dropped if so wished, but for what waits for the first one', () => {
    marbles(() => {
      const { socket, said, leave } = talk({ reconnect: { ...reconnect, queue: false } }, 'CONNECT', [1, ...wait], [])
      at(50, () => {
        socket.next('a')
      })
      at(150, () => {
        socket.next('b')
      })
      at(500, () => {
        socket.next('c')
        expect(said()).toEqual([undefined, ['a', 1001], ['no goodbye']])
      })
      at(501, () => {
        expect(said()[2]).toEqual(['c', 'no goodbye'])
        leave()
      })
    })
  })

  it('is said before a goodbye that came after it', () => {
    marbles(() => {
      const { socket, said, heard } = talk({ reconnect }, [...wait], [])
      at(50, () => {
        socket.next('a')
        socket.complete()
      })
      at(500, () => {
        expect(said()[1]).toEqual(['a', 1000])
        expect(heard).toEqual(['100 |'])
      })
    })
  })

  it('and is nothing needs no other connection to say goodbye over', () => {
    marbles(() => {
      const { socket, api, heard } = talk({ reconnect }, [...wait])
      at(50, () => {
        socket.complete()
      })
      at(500, () => {
        expect(heard).toEqual(['50 |'])
        expect(api.history).toHaveLength(1)
      })
    })
  })

  it('nor does a goodbye that was said to a handshake which fails', () => {
    marbles(() => {
      const { socket, api, heard } = talk({ reconnect }, { delay: 10, status: 200, reset: 'headers' })
      socket.complete()
      at(500, () => {
        expect(heard).toEqual(['10 |'])
        expect(api.history).toHaveLength(1)
      })
    })
  })
})

describe('a server that refuses the handshake', () => {
  it('for now is asked again, after as long as it says', async () => {
    vi.useFakeTimers()
    const api = mock()
    api.enqueue({ status: 503, headers: { 'retry-after': '7' } }, 429, { webSocket: ['"a"', { close: 1000 }] })
    const heard: unknown[] = []
    webSocket(over(api), 'x', { reconnect }).subscribe(message => heard.push(message))
    await vi.advanceTimersByTimeAsync(7099)
    expect(api.history).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(api.history).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(250)
    expect(heard).toEqual(['a'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([400, 401, 403, 404, 200, 501])('for good (%i) is not', async status => {
    vi.useFakeTimers()
    const api = mock({ '*': status })
    const codes: unknown[] = []
    webSocket(over(api), 'x', { reconnect }).subscribe({
      error: (error: unknown) => codes.push(isHttpError(error) && error.code),
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(codes).toEqual(['STATUS'])
    expect(api.history).toHaveLength(1)
  })
})

it('a connection that breaks off later is made again', async () => {
  vi.useFakeTimers()
  const api = mock()
  api.enqueue({ webSocket: ['"a"', 10, { reset: true }] }, { webSocket: ['"b"', { close: 1000 }] })
  const heard: unknown[] = []
  webSocket(over(api), 'x', { reconnect }).subscribe({
    next: message => heard.push(message),
    complete: () => heard.push('|'),
  })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(heard).toEqual(['a', 'b', '|'])
  expect(vi.getTimerCount()).toBe(0)
})
