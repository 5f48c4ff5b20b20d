import { finalize, map, NEVER, take, throwError, timer, type Observable } from 'rxjs'
import { clock, createClient, definePlugin, WEB_SOCKET, type HttpError } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { webSocket, type WebSocketDuplex } from 'sluice/streams/web-socket'
import { marbles } from 'sluice/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { failure, thrown } from '../src/thrown.ts'
import { at, echo, over, talk, type Options } from './web-socket/talk.ts'
import { wordless } from './web-socket/wordless.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a WebSocket', () => {
  it('connects when it is subscribed to, sends what waits, hands on what comes, and says goodbye', () => {
    marbles(() => {
      const api = mock({ '/chat': { webSocket: echo } })
      const socket = webSocket(over(api), 'chat', { codec: 'text', heartbeat: false })
      const heard: string[] = []
      socket.next('a')
      expect([socket.bufferedAmount, api.history.length]).toEqual([1, 0])
      socket.subscribe({ next: text => heard.push(text), complete: () => heard.push('|') })
      at(10, () => {
        expect(socket.bufferedAmount).toBe(0)
        socket.next('b')
      })
      at(20, () => {
        socket.complete()
        socket.next('too late')
      })
      at(30, () => {
        expect(heard).toEqual(['a', 'b', '|'])
        expect(api.history).toMatchObject([
          { outcome: 'completed', webSocket: { messages: ['a', 'b'], close: { code: 1000, reason: '' } } },
        ])
        expect(socket.lastClose).toEqual({ code: 1000, reason: '' })
      })
    })
  })

  it('tells where it is in its life', () => {
    marbles(() => {
      const { socket, states } = talk({}, { delay: 10, webSocket: peer => peer.after(20, () => peer.close(1000)) })
      at(100, () => {
        expect(states).toEqual(['0 closed', '0 connecting', '10 open', '30 closed'])
        const again: string[] = []
        socket.state.subscribe(state => again.push(state.name))
        expect(again).toEqual(['closed'])
      })
    })
  })

  it('is one connection, whoever listens: the first opens it, the last ends it', () => {
    marbles(() => {
      const { socket, api, heard, leave, said, states } = talk({}, ['a', 10, 'b', 10, 'c', 1000, 'd'])
      const second: unknown[] = []
      at(5, () => {
        const subscription = socket.subscribe(text => second.push(text))
        at(10, leave)
        at(20, () => {
          expect(api.inFlight).toBe(1)
          subscription.unsubscribe()
          expect(api.inFlight).toBe(0)
        })
      })
      at(2000, () => {
        expect(heard).toEqual(['0 a', '10 b'])
        expect(second).toEqual(['b', 'c'])
        expect(said()).toEqual([['no goodbye']])
        expect(api.history[0]?.outcome).toBe('aborted')
        expect(states.at(-1)).toBe('25 closed')
      })
    })
  })

  it('says goodbye when it is left, and does not wait for an answer', () => {
    const { engine, asked } = wordless()
    const socket = webSocket(createClient({ engine, plugins: [] }), 'wss://api.test/x', { codec: 'text' })
    const subscription = socket.subscribe()
    socket.next('a')
    subscription.unsubscribe()
    expect(asked).toEqual(['listen', 'send a', 'close 1000'])
    expect(engine.last.asked).toEqual(['abort'])
    expect(engine.lines).toEqual(['GET https://api.test/x'])
  })

  it('begins anew when it is subscribed to again, with an empty queue', () => {
    marbles(() => {
      const { socket, said } = talk({}, [{ close: 1000 }], [1, { close: 1000 }])
      at(10, () => {
        socket.subscribe()
        socket.next('b')
      })
      at(20, () => {
        expect(said()).toEqual([[1000], ['b', 1000]])
      })
    })
  })

  it('may be told before it is subscribed to what to say and that this is all', () => {
    marbles(() => {
      const api = mock({ '*': { webSocket: echo } })
      const socket = webSocket<string>(over(api), 'x', { heartbeat: false })
      const heard: string[] = []
      socket.next('all')
      socket.complete()
      socket.subscribe({ next: text => heard.push(text), complete: () => heard.push('|') })
      at(1, () => {
        expect(api.history[0]?.webSocket).toMatchObject({ messages: ['"all"'], close: { code: 1000 } })
        expect(heard).toEqual(['all', '|'])
      })
    })
  })

  it('is over for whoever takes what they want in the middle of a message', () => {
    marbles(() => {
      const { socket, leave, api } = talk({}, ['a', 'b', 'c'])
      const some: unknown[] = []
      socket.pipe(take(1)).subscribe(text => some.push(text))
      at(0, leave)
      at(1, () => {
        expect(some).toEqual(['a'])
        expect(api.inFlight).toBe(0)
      })
    })
  })
})

describe('the goodbye of a peer', () => {
  it.each([[1000], [1001], [undefined]])('with %s is the end', code => {
    marbles(() => {
      const { heard, socket } = talk({}, peer => peer.close(code, code === undefined ? undefined : 'enough'))
      at(1, () => {
        expect(heard).toEqual(['0 |'])
        expect(socket.lastClose).toEqual({ code: code ?? 1005, reason: code === undefined ? '' : 'enough' })
      })
    })
  })

  it.each([[1002], [1008], [1011], [1013], [3000], [4001]])('with %i is an error', code => {
    marbles(() => {
      const talking = talk({}, [{ close: code, reason: 'enough' }])
      at(1, () => {
        expect(talking.heard).toEqual(['0 RESET body'])
        expect(talking.error).toMatchObject({
          close: { code, reason: 'enough' },
          message: `The WebSocket of GET https://api.test/talk was closed by the peer with ${code} (enough).`,
          request: { method: 'GET' },
        })
      })
    })
  })

  it('whose reason is no plain text is not quoted', () => {
    marbles(() => {
      const talking = talk({}, [{ close: 4000, reason: 'a\nb' }])
      at(1, () => {
        expect(talking.error.message).toMatch(/with 4000\.$/)
        expect(talking.error.close?.reason).toBe('a\nb')
      })
    })
  })

  it('after ours may be anything, and may be missing, if all was sent', () => {
    marbles(() => {
      const talking = talk({}, peer => peer.stall())
      at(10, () => {
        talking.socket.complete()
      })
      at(5000, () => {
        expect(talking.heard).toEqual(['3010 |'])
        expect(talking.states.slice(3)).toEqual(['10 closing', '3010 closed'])
        expect(talking.socket.lastClose).toEqual({ code: 1006, reason: '' })
      })
    })
  })

  it('that is missing is an error where something was not taken', () => {
    marbles(() => {
      const talking = talk({}, peer => peer.stall())
      at(10, () => {
        talking.socket.next('important')
        talking.socket.complete()
      })
      at(5000, () => {
        expect(talking.heard).toEqual(['3010 RESET body'])
        expect(talking.error.message).toBe(
          'The WebSocket of GET https://api.test/talk ended without a goodbye of the peer.',
        )
      })
    })
  })
})

describe('our goodbye', () => {
  it('may have a code and a reason', () => {
    marbles(() => {
      const { socket, api, heard } = talk({}, [])
      at(1, () => {
        socket.error({ code: 4001, reason: 'bored' })
        socket.error({ code: 4002 })
        socket.complete()
      })
      at(9, () => {
        expect(api.history[0]?.webSocket?.close).toEqual({ code: 4001, reason: 'bored' })
        expect(heard).toEqual(['1 |'])
      })
    })
  })

  it('is not read from a prototype', () => {
    marbles(() => {
      const { socket, heard, leave } = talk({}, [])
      Object.defineProperty(Object.prototype, 'code', { value: 1000, configurable: true })
      try {
        socket.error(new Error('disk'))
      } finally {
        Reflect.deleteProperty(Object.prototype, 'code')
      }
      expect(heard).toEqual(['0 CONFIG config'])
      leave()
    })
  })

  it.each([
    [new Error('disk')],
    [{ code: 1001 }],
    [{ code: 5000 }],
    [{ code: 4000, reason: 'ü'.repeat(62) }],
    [undefined],
  ])('of what is none (%o) is the failure of what was sending', given => {
    marbles(() => {
      const talking = talk({}, [])
      at(1, () => {
        talking.socket.error(given)
      })
      at(9, () => {
        expect(talking.heard).toEqual(['1 CONFIG config'])
        expect(talking.error.cause).toBe(given)
        expect(talking.error.message).toMatch(/is closed with an object such as \{ code: 4001/)
      })
    })
  })
})

describe('what is sent', () => {
  it('waits in a bounded queue while there is no connection', () => {
    marbles(() => {
      const { socket, heard, said } = talk({ maxQueue: 4 }, { delay: 10, webSocket: [] })
      socket.next('ab')
      socket.next('ü')
      expect(socket.bufferedAmount).toBe(4)
      at(20, () => {
        socket.next('cdef')
        socket.complete()
      })
      at(30, () => {
        expect(said()).toEqual([['ab', 'ü', 'cdef', 1000]])
        expect(heard).toEqual(['20 |'])
      })
    })
  })

  it('and is too much ends it', () => {
    marbles(() => {
      const talking = talk({ maxQueue: 4 }, { delay: 10, webSocket: [] })
      talking.socket.next('abc')
      talking.socket.next('ü')
      talking.socket.next('after the end: it waits for the next subscriber'.slice(0, 4))
      expect(talking.heard).toEqual(['0 TOO_LARGE send'])
      expect(talking.error.message).toBe(
        'A message of 2 bytes over the WebSocket of GET talk finds 3 bytes waiting to be sent, and no more than 4 may wait; send as fast as the peer takes it, with send(), or raise webSocket({ maxQueue }).',
      )
      expect(talking.api.history[0]?.outcome).toBe('aborted')
    })
  })

  it('and is too much for a peer that does not take it ends it too', () => {
    marbles(() => {
      const { socket, heard } = talk({ maxQueue: 4 }, { readDelay: 50, webSocket: [] })
      at(1, () => {
        socket.next('abc')
      })
      at(2, () => {
        expect(socket.bufferedAmount).toBe(3)
        socket.next('de')
      })
      at(9, () => {
        expect(heard).toEqual(['2 TOO_LARGE send'])
      })
    })
  })

  it('and has no bytes at all takes room, too', () => {
    const socket = webSocket<string>(over(mock()), 'x', { codec: 'text' })
    for (let n = 0; n < 65_536; n++) socket.next('')
    expect(thrown(() => socket.next(''))).toMatchObject({
      code: 'TOO_LARGE',
      message: '65536 messages wait for the WebSocket of GET x to be open, and no more may.',
    })
  })

  it('is thrown where nobody would hear of it', () => {
    const socket = webSocket(over(mock()), 'x', { maxQueue: 3 })
    socket.next('a')
    expect(thrown(() => socket.next('b'))).toMatchObject({ code: 'TOO_LARGE', phase: 'send' })
    expect(thrown(() => socket.next(undefined))).toMatchObject({ code: 'CONFIG' })
    expect(thrown(() => socket.error('x'))).toMatchObject({ code: 'CONFIG' })
  })

  it.each<[Options, unknown, RegExp]>([
    [{ codec: 'json' }, undefined, /cannot be sent: undefined has no form in JSON\.$/],
    [{ codec: 'json' }, 1n, /BigInt/],
    [{ codec: 'text' }, 7, /it is 7 where codec: 'text' sends strings/],
    [{ codec: 'binary' }, 'a', /where codec: 'binary' sends a Uint8Array or an ArrayBuffer/],
    [{ codec: { encode: () => 7 as never, decode: data => data } }, 'a', /its codec made 7 of it/],
  ])('by %o and cannot be (%o) ends it', (options, message, why) => {
    marbles(() => {
      const talking = talk(options, [])
      at(1, () => {
        talking.socket.next(message)
      })
      at(9, () => {
        expect(talking.heard).toEqual(['1 CONFIG config'])
        expect(talking.error.message).toMatch(why)
      })
    })
  })
})

describe('messages', () => {
  const bytes = (...values: number[]): Uint8Array => new Uint8Array(values)
  it.each<[NonNullable<Options['codec']>, unknown, string | Uint8Array, string | Uint8Array, unknown]>([
    ['json', { a: 1 }, '{"a":1}', '{"b":2}', { b: 2 }],
    ['json', [], '[]', new TextEncoder().encode('7'), 7],
    ['text', 'ü', 'ü', 'ö', 'ö'],
    ['text', 'ü', 'ü', new TextEncoder().encode('ö'), 'ö'],
    ['binary', bytes(1), bytes(1), bytes(2), bytes(2)],
    ['binary', bytes(1).buffer, bytes(1), 'A', bytes(65)],
    [{ encode: (n: unknown) => `#${String(n)}`, decode: text => Number(String(text).slice(1)) }, 7, '#7', '#8', 8],
  ])('of the codec %o', (codec, message, sent, received, made) => {
    marbles(() => {
      const api = mock({ '*': { webSocket: [received] } })
      const socket = webSocket(over(api), 'x', { codec, heartbeat: false })
      const heard: unknown[] = []
      const subscription = socket.subscribe(value => heard.push(value))
      socket.next(message)
      at(1, () => {
        expect(api.history[0]?.webSocket?.messages).toEqual([sent])
        expect(heard).toEqual([made])
        subscription.unsubscribe()
      })
    })
  })

  it('that cannot be decoded end it, with their number and nothing of what they say', () => {
    marbles(() => {
      const talking = talk({ codec: 'json' }, ['1', 's3cret', '2'])
      at(1, () => {
        expect(talking.heard).toEqual(['0 1', '0 BODY decode'])
        expect(talking.error.message).toBe(
          'Message 2 over the WebSocket of GET https://api.test/talk cannot be decoded.',
        )
        expect(String(talking.error.cause)).not.toContain('s3cret')
      })
    })
  })

  it('that are no UTF-8 where text is wanted end it', () => {
    marbles(() => {
      const { heard } = talk({}, [bytes(0xff)])
      at(1, () => {
        expect(heard).toEqual(['0 BODY decode'])
      })
    })
  })

  const positive = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) =>
        Number(value) > 0
          ? { value: Number(value) * 10 }
          : { issues: [{ message: `no ${String(value)}`, path: ['n'] }] },
    },
  } as const

  it('are what a schema makes of them, or end it', () => {
    marbles(() => {
      const talking = talk({ codec: 'json', schema: positive }, ['1', '2', '-3'])
      at(1, () => {
        expect(talking.heard).toEqual(['0 10', '0 20', '0 BODY decode'])
        expect(talking.error.message).toBe(
          'Message 3 over the WebSocket of GET https://api.test/talk does not match its schema at n.',
        )
        expect(talking.error.issues).toEqual([{ message: 'no -3', path: ['n'] }])
      })
    })
  })

  it('wait for a schema that takes its time, in their order', async () => {
    const api = mock({ '*': { webSocket: ['1', '2', '3', { close: 1000 }] } })
    const pending: (() => void)[] = []
    const late = {
      '~standard': {
        ...positive['~standard'],
        validate: (value: unknown) =>
          new Promise<{ value: unknown }>(resolve => {
            pending.push(() => {
              resolve({ value })
            })
          }),
      },
    } as const
    const heard: unknown[] = []
    const done = new Promise<void>((resolve, reject) => {
      webSocket(over(api), 'x', { schema: late }).subscribe({
        next: value => heard.push(value),
        complete: resolve,
        error: reject,
      })
    })
    for (const expected of [[], [1], [1, 2]]) {
      await vi.waitFor(() => {
        expect(pending).toHaveLength(1)
      })
      expect(heard).toEqual(expected)
      expect(api.paused).toBe(1)
      pending.shift()?.()
    }
    await done
    expect(heard).toEqual([1, 2, 3])
  })

  it('that a schema throws at, now or later, end it', async () => {
    const failing = (validate: () => never): Promise<HttpError> =>
      failure(
        webSocket(over(mock({ '*': { webSocket: ['1'] } })), 'x', {
          schema: { '~standard': { version: 1, vendor: 'test', validate } },
        }),
      )
    const mishap = new Error('db')
    const now = failing(() => {
      throw mishap
    })
    const later = failing(() => Promise.reject(mishap) as never)
    for (const error of [await now, await later]) {
      expect(error).toMatchObject({ code: 'BODY', phase: 'decode', cause: mishap })
      expect(error.message).toMatch(/could not be checked by its schema/)
    }
  })
})

describe('a projector', () => {
  const slowly = (message: unknown): Observable<string> => timer(10).pipe(map(() => `${String(message)}!`))

  it('holds the peer back until what it returned has completed', () => {
    marbles(() => {
      const { heard, api } = talk({ project: slowly }, ['a', 'b', 'c', { close: 1000 }])
      at(5, () => {
        expect(api.paused).toBe(1)
      })
      at(100, () => {
        expect(heard).toEqual(['10 a!', '20 b!', '30 c!', '30 |'])
      })
    })
  })

  it('may work on several at a time, and the end waits for all of them', () => {
    marbles(() => {
      const { heard } = talk({ project: slowly, concurrency: 3 }, ['a', 1, 'b', { close: 4000 }])
      at(100, () => {
        expect(heard).toEqual(['10 a!', '11 b!', '11 RESET body'])
      })
    })
  })

  it('that is done at once holds nobody back', () => {
    marbles(() => {
      const { heard, api, leave } = talk({ project: (message, index) => [message, index] }, ['a', 'b'])
      at(1, () => {
        expect(heard).toEqual(['0 a', '0 0', '0 b', '0 1'])
        expect(api.history[0]?.pauses).toBe(0)
        leave()
      })
    })
  })

  it.each<[string, Options['project']]>([
    [
      'throws',
      () => {
        throw new RangeError('full')
      },
    ],
    ['fails', () => throwError(() => new RangeError('full'))],
  ])('that %s ends it', (_, project) => {
    marbles(() => {
      const { heard, api } = talk({ project, reconnect: true }, ['a', 'b'])
      at(1, () => {
        expect(heard).toEqual(['0 RangeError: full'])
        expect(api.inFlight).toBe(0)
      })
    })
  })

  it('is left with the rest', () => {
    marbles(() => {
      const log: string[] = []
      const { leave, api } = talk({ project: () => NEVER.pipe(finalize(() => log.push(`left ${clock.now()}`))) }, ['a'])
      at(7, () => {
        leave()
        expect(log).toEqual(['left 7'])
        expect(api.inFlight).toBe(0)
      })
    })
  })

  it('is left too when all that is missing is its own end', () => {
    marbles(() => {
      const log: string[] = []
      const options = { concurrency: 2, project: () => NEVER.pipe(finalize(() => log.push(`left ${clock.now()}`))) }
      const { leave, heard, api } = talk(options, ['a', { close: 1000 }])
      at(7, () => {
        expect([heard, api.inFlight]).toEqual([[], 0])
        leave()
        expect(log).toEqual(['left 7'])
      })
    })
  })

  it('goes on with its message when the connection breaks, and holds the next one back', () => {
    marbles(() => {
      vi.spyOn(Math, 'random').mockReturnValue(0.005)
      const { heard, api, leave } = talk(
        { project: slowly, concurrency: 2, reconnect: true },
        ['a', 'b', 'c', { close: 1001 }],
        ['d'],
      )
      at(100, () => {
        expect(heard).toEqual(['10 a!', '10 b!', '20 c!', '25 d!'])
        expect(api.history).toHaveLength(2)
        leave()
      })
    })
  })
})

describe('subscriptions over one connection', () => {
  const topic = (name: string, socket: WebSocketDuplex<unknown>): Observable<unknown> =>
    socket.multiplex(
      () => `+${name}`,
      () => `-${name}`,
      message => String(message).startsWith(name),
    )

  it('are asked for and given up with those who want them', () => {
    marbles(() => {
      const { socket, said, leave } = talk({}, ['a0', 10, 'a1', 'b1', 10, 'a2', 'b2', 10, 'b3'])
      const heard: unknown[] = []
      const a = topic('a', socket).subscribe(message => heard.push(message))
      at(5, () => {
        const b = topic('b', socket).subscribe(message => heard.push(message))
        at(10, () => {
          a.unsubscribe()
        })
        at(20, () => {
          b.unsubscribe()
          leave()
        })
      })
      at(100, () => {
        expect(heard).toEqual(['a0', 'a1', 'b1', 'b2'])
        expect(said()).toEqual([['+a', '+b', '-a', 'no goodbye']])
      })
    })
  })

  it('connect by themselves', () => {
    marbles(() => {
      const api = mock({ '*': { webSocket: ['a', 10, { close: 1000 }] } })
      const socket = webSocket(over(api), 'x', { codec: 'text', heartbeat: false })
      const heard: unknown[] = []
      topic('a', socket).subscribe({ next: message => heard.push(message), complete: () => heard.push('|') })
      at(20, () => {
        expect(heard).toEqual(['a', '|'])
        expect(api.history[0]?.webSocket?.messages).toEqual(['+a'])
      })
    })
  })

  it('are asked for again over a new connection', () => {
    marbles(() => {
      vi.spyOn(Math, 'random').mockReturnValue(0.1)
      const { socket, said, leave } = talk(
        { reconnect: true, greet: ({ nth }) => [`hello ${nth}`] },
        [1, { close: 1001 }],
        [],
      )
      const subscription = topic('a', socket).subscribe()
      topic('b', socket).subscribe().unsubscribe()
      at(50, () => {
        socket.next('waits')
      })
      at(200, () => {
        expect(said()).toEqual([
          ['hello 1', '+a', '+b', '-b', 1001],
          ['hello 2', '+a', 'waits', 'no goodbye'],
        ])
        subscription.unsubscribe()
        leave()
      })
    })
  })

  it.each<[string, (socket: WebSocketDuplex<unknown>) => Observable<unknown>]>([
    [
      'whose first word throws',
      socket =>
        socket.multiplex(
          () => {
            throw new RangeError('no')
          },
          () => '',
          () => true,
        ),
    ],
    [
      'whose filter throws',
      socket =>
        socket.multiplex(
          () => '',
          () => '',
          () => {
            throw new RangeError('no')
          },
        ),
    ],
  ])('%s fail alone', (_, make) => {
    marbles(() => {
      const { socket, heard, leave } = talk({}, [5, 'a', 10, 'b'])
      const errors: unknown[] = []
      const fail = { error: (error: unknown) => errors.push(String(error)) }
      make(socket).subscribe(fail)
      at(1, () => {
        make(socket).subscribe(fail)
      })
      at(50, () => {
        expect(errors).toEqual(['RangeError: no', 'RangeError: no'])
        expect(heard).toEqual(['5 a', '15 b'])
        leave()
      })
    })
  })

  it('that were never asked for are not given up', () => {
    marbles(() => {
      const { socket, said, leave } = talk({}, [])
      const failing = socket.multiplex(
        () => {
          throw new RangeError('no')
        },
        () => '-',
        () => true,
      )
      at(1, () => {
        failing.subscribe({ error() {} })
      })
      at(5, () => {
        expect(said()).toEqual([['no goodbye']])
        leave()
      })
    })
  })

  it.each<[string, boolean | RangeError]>([
    ['left', true],
    ['broken by their filter', new RangeError('filter')],
  ])('that cannot be given up when they are %s end the WebSocket', (_, belongs) => {
    marbles(() => {
      const { socket, heard, states } = talk({}, [5, 'a'])
      const ends: string[] = []
      const topic = socket.multiplex(
        () => '+',
        () => {
          throw new RangeError('no')
        },
        () => {
          if (belongs instanceof Error) throw belongs
          return belongs
        },
      )
      at(1, () => {
        topic
          .pipe(take(1))
          .subscribe({ error: (error: unknown) => ends.push(String(error)), complete: () => ends.push('|') })
      })
      at(10, () => {
        expect(ends).toEqual([belongs instanceof Error ? 'RangeError: filter' : '|'])
        expect(heard).toEqual(['5 a', '5 RangeError: no'])
        expect(states.at(-1)).toBe('5 closed')
      })
    })
  })
})

describe('the handshake', () => {
  it('goes through the plugins of the client, each time it is made', () => {
    marbles(() => {
      vi.spyOn(Math, 'random').mockReturnValue(0.1)
      const api = mock()
      api.enqueue({ webSocket: [{ close: 1001 }] }, { webSocket: [{ close: 1000 }] })
      let nth = 0
      const token = definePlugin({
        name: 'token',
        scope: 'attempt',
        defaults: { scheme: 'Bearer' },
        install:
          () =>
          (request, next, { scheme }) =>
            next(request.header('authorization', `${scheme} ${++nth}`)),
      })
      const client = createClient({ engine: api, plugins: [token()] })
      webSocket(client, 'wss://api.test/{room}', {
        params: { room: 'a b' },
        query: { since: 7 },
        headers: { 'x-who': 'me' },
        token: { scheme: 'Token' },
        protocols: ['chat.v2', 'chat'],
        compress: true,
        maxMessage: 77,
        reconnect: true,
      }).subscribe()
      at(500, () => {
        expect(api.history.map(({ request }) => [request.url, request.headers.get('authorization')])).toEqual([
          ['https://api.test/a%20b?since=7', 'Token 1'],
          ['https://api.test/a%20b?since=7', 'Token 2'],
        ])
        expect(api.history[0]?.request.headers.get('x-who')).toBe('me')
        expect(api.history[0]?.request.read(WEB_SOCKET)).toEqual({
          protocols: ['chat.v2', 'chat'],
          compress: true,
          maxMessage: 77,
        })
      })
    })
  })

  it('chooses a sub-protocol', () => {
    marbles(() => {
      const reply = { headers: { 'sec-websocket-protocol': 'chat' }, webSocket: [] }
      const greeted: unknown[] = []
      const greet: Options['greet'] = opened => {
        greeted.push(opened)
        return []
      }
      const { socket, leave } = talk({ protocols: 'chat', greet }, reply)
      expect(socket.protocol).toBe('chat')
      expect(greeted).toEqual([{ nth: 1, protocol: 'chat' }])
      leave()
      expect(socket.protocol).toBe('')
    })
  })

  it.each([[401], [200], [404]])('that is answered %i is the error STATUS, with the answer', async status => {
    const error = await failure(webSocket(over(mock({ '*': { status, body: { why: 'not you' } } })), 'x'))
    expect(error).toMatchObject({ code: 'STATUS', response: { status } })
    expect(error.response?.json()).toEqual({ why: 'not you' })
  })

  it('with an engine that has no WebSockets is the error UNSUPPORTED', async () => {
    const engine = mock({}, { capabilities: { webSocket: false } })
    expect(await failure(webSocket(over(engine), 'x'))).toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('that breaks off is the error it is', () => {
    marbles(() => {
      expect(talk({}, 'CONNECT').heard).toEqual(['0 CONNECT connect'])
    })
  })

  it('whose greeting cannot be made is in vain', () => {
    marbles(() => {
      const greet = (): never => {
        throw new RangeError('no')
      }
      const { heard, api, states } = talk({ greet, reconnect: true }, [])
      expect(heard).toEqual(['0 RangeError: no'])
      expect(api.inFlight).toBe(0)
      expect(states).not.toContain('0 open')
    })
  })

  it('that is left before it is answered is not made', () => {
    marbles(() => {
      const { leave, api, states } = talk({}, { delay: 10, webSocket: [] })
      at(5, leave)
      at(50, () => {
        expect(api.history[0]?.outcome).toBe('aborted')
        expect(states).toEqual(['0 closed', '0 connecting', '5 closed'])
      })
    })
  })
})

describe('wrong options', () => {
  it.each<[object, string]>([
    [{ protocols: ['a b'] }, 'webSocket: protocols must be the name of a sub-protocol, or a list of them, not a list.'],
    [{ protocols: ['a', 'a'] }, 'webSocket: protocols must be a list that has no name twice, not a list.'],
    [{ compress: 1 }, 'webSocket: compress must be true or false, not 1.'],
    [{ maxMessage: -1 }, 'webSocket: maxMessage must be a whole number of bytes of at least 0, not -1.'],
    [{ maxQueue: false }, 'webSocket: maxQueue must be a whole number of bytes of at least 0, not false.'],
    [
      { codec: 'xml' },
      "webSocket: codec must be 'json', 'text', 'binary' or an object with encode() and decode(), not \"xml\".",
    ],
    [
      { schema: {} },
      'webSocket: schema must be a schema that follows Standard Schema (zod, valibot, arktype, …), not an object.',
    ],
    [
      { heartbeat: true },
      'webSocket: heartbeat must be false or an object such as { every: 30_000, within: 10_000 }, not true.',
    ],
    [{ heartbeat: { every: 0 } }, 'webSocket.heartbeat: every must be a number of milliseconds above 0, not 0.'],
    [{ reconnect: 3 }, 'webSocket: reconnect must be true, false or an object such as { most: 10_000 }, not 3.'],
    [
      { reconnect: { delay: 3 } },
      'webSocket.reconnect has no option "delay". It has first, factor, most, mostAsked, times, when, queue.',
    ],
    [{ reconnect: { times: -1 } }, 'webSocket.reconnect: times must be a whole number of at least 0, not -1.'],
    [{ greet: [] }, 'webSocket: greet must be a function, not a list.'],
    [{ project: 1 }, 'webSocket: project must be a function, not 1.'],
    [{ concurrency: 0 }, 'webSocket: concurrency must be a whole number of at least 1, not 0.'],
    [
      { method: 'POST' },
      'webSocket() has no option "method": its handshake is a GET without a body; say the rest in a first message, with greet.',
    ],
    [
      { body: 's3cret' },
      'webSocket() has no option "body": its handshake is a GET without a body; say the rest in a first message, with greet.',
    ],
  ])('are refused: %o', (options, message) => {
    expect(thrown(() => webSocket(over(mock()), 'x', options))).toMatchObject({ code: 'CONFIG', message })
  })

  it('of the call fail it', async () => {
    expect(await failure(webSocket(over(mock()), 'x', { timeout: 7 } as object))).toMatchObject({ code: 'CONFIG' })
    expect(await failure(webSocket(over(mock()), 'ftp://api.test/'))).toMatchObject({ code: 'CONFIG' })
  })

  it.each([undefined, null, 7])('of the url are the error of the call: %s', async url => {
    const socket = webSocket(over(mock()), url as unknown as string)
    expect(await failure(socket)).toMatchObject({
      code: 'CONFIG',
      message: `A url must be a string or a URL, not ${String(url)}.`,
    })
  })

  it('are not read from a prototype', () => {
    const options = Object.create({ protocols: ['evil'], codec: 'nothing' }) as object
    expect(() => webSocket(over(mock()), 'x', options)).not.toThrow()
  })
})

describe('urls', () => {
  it.each([
    ['ws://api.test/a', 'http://api.test/a'],
    ['WSS://api.test/a?b', 'https://api.test/a?b'],
    ['https://api.test/a', 'https://api.test/a'],
    [new URL('wss://api.test/ws'), 'https://api.test/ws'],
    ['wsx/y', 'https://base.test/wsx/y'],
  ])('%s is asked for at %s', (url, sent) => {
    const api = mock({ '*': { webSocket: [] } })
    const base = typeof url === 'string' && url.startsWith('wsx') ? 'https://base.test/' : undefined
    webSocket(createClient({ engine: api, baseUrl: base, plugins: [] }), url)
      .subscribe()
      .unsubscribe()
    expect(api.history[0]?.request.url).toBe(sent)
  })
})
