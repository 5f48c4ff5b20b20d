import { delay as later, firstValueFrom, lastValueFrom, Observable, of, Subject, take, tap, toArray } from 'rxjs'
import { createClient, definePlugin, isHttpError, type AnyPlugin, type Client, type HttpError } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { eventSource, json, sse, type ConnectionState, type EventSourceOptions } from 'sluice/streams/sse'
import { reply, serve, type Reply, type Route, type TestServer } from 'sluice/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { watchLeaks } from '../support/leaks.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

/** An answer of events; with `open` it does not end. */
function events(text: string, open = false): Reply {
  return { headers: { 'content-type': 'text/event-stream' }, body: open ? openBody(text) : text }
}

/** Can be sent many times. */
function openBody(text: string): AsyncIterable<string> {
  return {
    async *[Symbol.asyncIterator]() {
      yield text
      await new Promise(() => {})
    },
  }
}

/** Runs `test` with a server at `/` and a client of it, and ends both. */
async function between(
  route: Route,
  test: (client: Client, server: TestServer) => Promise<unknown>,
  plugins: readonly AnyPlugin[] = [],
): Promise<void> {
  await using server = await serve({ '/': route })
  const client = createClient({ engine: undici(), baseUrl: server.url, plugins })
  try {
    await test(client, server)
  } finally {
    client.cancel()
    await client.join()
  }
}

/** Answers the nth request with the nth reply, and all further ones with the last. */
function inTurn(...replies: readonly Reply[]): Route {
  let n = 0
  return () => replies[Math.min(n++, replies.length - 1)] ?? {}
}

function all<T>(source: Observable<T>): Promise<T[]> {
  return lastValueFrom(source.pipe(toArray()))
}

async function failure(source: Observable<unknown>): Promise<HttpError> {
  const error = await lastValueFrom(source, { defaultValue: undefined }).then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  )
  if (!isHttpError(error)) throw error
  return error
}

/** Comes back at once. */
const soon = { reconnect: { first: 1 } } satisfies EventSourceOptions

describe('sse()', () => {
  it('reads the events of an answer', () =>
    between(events(': hi\n\nid: 1\nevent: a\ndata: x\n\ndata: y\n\ndata: cut'), async client => {
      expect(await all(client.stream('', sse()))).toEqual([
        { type: 'a', data: 'x', id: '1', retry: undefined },
        { type: 'message', data: 'y', id: '1', retry: undefined },
      ])
    }))

  it('asks for events, and that no cache answers; what the call says counts', () =>
    between(events(''), async (client, server) => {
      await all(client.stream('', sse()))
      await all(client.stream('', sse(), { headers: { accept: '*/*', 'cache-control': 'max-age=1' } }))
      vi.stubGlobal('document', {})
      await all(client.stream('', sse()))
      expect(server.requests.map(({ headers }) => [headers['accept'], headers['cache-control']])).toEqual([
        ['text/event-stream', 'no-cache'],
        ['*/*', 'max-age=1'],
        // In a browser this field would make it ask the server of another origin first, whether it may be sent.
        ['text/event-stream', undefined],
      ])
    }))

  it.each(['text/event-stream', 'text/event-stream;charset=utf-8', 'Text/Event-Stream ; charset=latin1'])(
    'reads %s, which is UTF-8 whatever it says',
    type =>
      between({ headers: { 'content-type': type }, body: 'data: ä\n\n' }, async client => {
        expect((await firstValueFrom(client.stream('', sse()))).data).toBe('ä')
      }),
  )

  it.each([undefined, 'text/plain', 'text/event-streams', 'application/json; x=text/event-stream'])(
    'does not read %s',
    type =>
      between({ headers: { 'content-type': type }, body: 'data: a\n\n' }, async client => {
        const error = await failure(client.stream('', sse()))
        expect([error.code, error.phase]).toEqual(['BODY', 'headers'])
        expect(error.message).toMatch(/^GET http\S+ was answered with .*, not with text\/event-stream\.$/)
      }),
  )

  it('has no events in a 204', () =>
    between(reply.status(204), async client => {
      expect(await all(client.stream('', sse()))).toEqual([])
    }))

  it.each([201, 206, 404, 503])('takes a %i for an error, with what its body says', status =>
    between({ ...events('data: why\n\n'), status }, async client => {
      const error = await failure(client.stream('', sse()))
      expect([error.code, error.response?.status]).toEqual(['STATUS', status])
      // One that would be tried again does not wait for its body.
      if (status < 500) expect(error.response?.text()).toBe('data: why\n\n')
    }),
  )

  it('takes the next event when the projector is done with the last one', () =>
    between(events('data: a\n\ndata: b\n\ndata: c\n\n'), async client => {
      const seen: string[] = []
      const project = ({ data }: { data: string }, index: number): Observable<string> => {
        seen.push(`${index} ${data}`)
        return of(data.toUpperCase()).pipe(later(1))
      }
      await all(client.stream('', sse(project)).pipe(tap(data => seen.push(data))))
      await all(client.stream('', sse({ project, concurrency: 3 })))
      expect(seen.slice(0, 6)).toEqual(['0 a', 'A', '1 b', 'B', '2 c', 'C'])
      expect(seen.slice(6)).toEqual(['0 a', '1 b', '2 c'])
    }))

  it('reads data as events of a name have it', () =>
    between(events('event: n\ndata: {"a":1}\n\nevent: other\ndata: x\n\ndata: [DONE]\n\n'), async client => {
      const typed = sse({ events: { n: json<{ a: number }>(), message: 'text' } })
      expect((await all(client.stream('', typed))).map(({ data }) => data)).toEqual([{ a: 1 }, '[DONE]'])
    }))

  it('fails where an event is longer than it may be', () =>
    between(events(`data: a\n\ndata: ${'b'.repeat(100)}\n\n`), async client => {
      const seen: string[] = []
      const error = await new Promise<HttpError>(resolve => {
        client.stream('', sse({ maxEvent: 50 })).subscribe({ next: ({ data }) => seen.push(data), error: resolve })
      })
      expect(seen).toEqual(['a'])
      expect([error.code, error.phase]).toEqual(['TOO_LARGE', 'body'])
    }))

  it.each([
    [
      { maxEvent: -1 },
      'sse({ maxEvent }) must be a whole number of bytes of at least 0, or false for no limit, not -1.',
    ],
    [{ concurrency: 0 }, 'sse({ concurrency }) must be a whole number of at least 1, not 0.'],
    [{ maxevent: 1 }, 'sse() has no option "maxevent". It has project, concurrency, events, maxEvent.'],
    [
      { events: { a: 'json' } },
      "sse({ events }) must be an object of event types, each 'text' or a Standard Schema (zod, valibot, arktype, json()), not an object.",
    ],
  ])('refuses %j', (options, message) => {
    expect(() => sse(options as object)).toThrow(message)
  })
})

describe('eventSource()', () => {
  it('says where it has got to when it comes back', () =>
    between(
      inTurn(
        events('data: a\n\n'),
        events('id: 7\ndata: b\n\n'),
        events('data: c\n\nid: ä🙂\n\n'),
        events('id:\ndata: d\n\n'),
        events('data: e\n\n'),
      ),
      async (client, server) => {
        const source = eventSource(client, '', { ...soon, headers: { 'last-event-id': 'mine' } })
        expect((await all(source.pipe(take(5)))).map(({ data, id }) => data + id)).toEqual(['a', 'b7', 'c7', 'd', 'e'])
        expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([
          'mine',
          'mine',
          '7',
          // UTF-8, as the standard says; the server reads a letter for a byte.
          Buffer.from('ä🙂').toString('latin1'),
          undefined,
        ])
      },
    ))

  it('is cold: each subscription has its own place', () =>
    between(
      inTurn(events('id: 1\ndata: a\n\n'), events('id: 2\ndata: b\n\n'), events('data: c\n\n', true)),
      async (client, server) => {
        const source = eventSource(client, '', soon)
        expect(server.requests).toEqual([])
        await all(source.pipe(take(2)))
        await all(source.pipe(take(1)))
        expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', undefined])
      },
    ))

  it('sends its method, body and headers each time', () =>
    between(events('data: a\n\n'), async (client, server) => {
      const body = { prompt: 'x' }
      await all(eventSource(client, '?q={q}', { ...soon, method: 'POST', body, params: { q: 'ä' } }).pipe(take(3)))
      expect(
        server.requests.map(({ method, target, body: sent }) => `${method} ${target} ${String(sent?.length)}`),
      ).toEqual(Array(3).fill('POST /?q=%C3%A4 14'))
    }))

  it('sends a body that a function makes each time, and one that is used up not again', () =>
    between(inTurn({ ...events(''), status: 503 }, events('data: a\n\n')), async (client, server) => {
      const bytes = (): AsyncIterable<Uint8Array> => ({
        async *[Symbol.asyncIterator]() {
          yield new TextEncoder().encode('again')
        },
      })
      expect(await firstValueFrom(eventSource(client, '', { ...soon, method: 'POST', body: bytes }))).toMatchObject({
        data: 'a',
      })
      const error = await failure(eventSource(client, '', { ...soon, method: 'POST', body: bytes() }))
      expect([error.code, error.phase]).toEqual(['BODY', 'send'])
      expect(error.message).toMatch(
        /^POST http\S+ has a body that can be sent only once, .*; give a function that makes the body\.$/,
      )
      expect(server.requests.map(({ bodyBytes }) => bodyBytes)).toEqual([5, 5, 5])
    }))

  it('fails when its place cannot be said in a header field', () =>
    between(events('id: \u0001\ndata: a\n\n'), async (client, server) => {
      const error = await failure(eventSource(client, '', soon))
      expect([error.code, error.message]).toEqual(['PROTOCOL', expect.stringContaining('control character')])
      expect(server.requests).toHaveLength(1)
    }))

  it('reads nothing that somebody put on Object.prototype', async () => {
    const names = [
      'project',
      'idle',
      'events',
      'state',
      'reconnect',
      'first',
      'maxEvent',
      'concurrency',
      'onComment',
      'onError',
      'fail',
    ]
    const value = { next: 1, message: 'text' }
    await between(inTurn(events(': hi\nfoo: 1\ndata: a\n\n'), events('data: b\n\n')), async client => {
      for (const name of names)
        Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
      try {
        const source = eventSource(client, '', { ...soon })
        expect((await all(source.pipe(take(2)))).map(({ data }) => data)).toEqual(['a', 'b'])
      } finally {
        for (const name of names) Reflect.deleteProperty(Object.prototype, name)
      }
    })
  })

  it('completes with a 204', () =>
    between(inTurn(events('data: a\n\n'), reply.status(204)), async (client, server) => {
      expect(await all(eventSource(client, '', soon))).toHaveLength(1)
      expect(server.requests).toHaveLength(2)
    }))

  it.each([
    [reply.text('data: a\n\n'), 'BODY', 'headers'],
    [reply.json({ error: 'who?' }, { status: 401 }), 'STATUS', 'headers'],
    [reply.status(501), 'STATUS', 'headers'],
    [reply.redirect('/'), 'STATUS', 'headers'],
    [events(`id: ${'x'.repeat(2_000)}\n\n`), 'TOO_LARGE', 'body'],
  ])('ends with what will be the same the next time (%#)', (second, code, phase) =>
    between(inTurn(events('data: a\n\n'), second), async (client, server) => {
      const seen: unknown[] = []
      const error = await new Promise<HttpError>(resolve => {
        eventSource(client, '', soon).subscribe({ next: event => seen.push(event), error: resolve })
      })
      expect([error.code, error.phase]).toEqual([code, phase])
      expect(seen).toHaveLength(1)
      expect(server.requests).toHaveLength(2)
    }),
  )

  it('ends with data that cannot be read, and with what the projector throws', () =>
    between(events('data: {\n\n'), async (client, server) => {
      const typed = await failure(eventSource(client, '', { ...soon, events: { message: json() } }))
      expect([typed.code, typed.phase]).toEqual(['BODY', 'decode'])
      const oops = new TypeError('oops')
      const project = (): never => {
        throw oops
      }
      await expect(all(eventSource(client, '', { ...soon, project }))).rejects.toBe(oops)
      expect(server.requests).toHaveLength(2)
    }))

  it('hands on an event when the projector is done with the last one', () =>
    between(inTurn(events('data: a\n\ndata: b\n\n'), events('data: c\n\n', true)), async client => {
      const seen: string[] = []
      const project = ({ data }: { data: string }): Observable<string> => {
        seen.push(`<${data}`)
        return of(`${data}>`).pipe(later(2))
      }
      await all(
        eventSource(client, '', { ...soon, project }).pipe(
          take(3),
          tap(data => seen.push(data)),
        ),
      )
      expect(seen).toEqual(['<a', 'a>', '<b', 'b>', '<c', 'c>'])
    }))

  it('loses nothing that came before it broke, however slow the projector is', () =>
    between(
      inTurn(
        {
          ...events('id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\nid: 4\ndata: lost\n\n'),
          fault: { kind: 'reset', at: 'mid-body', bytes: 50 },
        },
        events('data: d\n\n', true),
      ),
      async (client, server) => {
        const project = ({ data }: { data: string }): Observable<string> => of(data).pipe(later(20))
        const source = eventSource(client, '', { ...soon, project, concurrency: 2 })
        expect(await all(source.pipe(take(4)))).toEqual(['a', 'b', 'c', 'd'])
        expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '3'])
      },
    ))

  it('knows the errors that expectSuccess makes of a status', () =>
    between(
      inTurn(reply.status(503), events('data: a\n\n'), reply.status(403)),
      async (client, server) => {
        const seen: string[] = []
        const source = eventSource(client, '', soon).pipe(tap(({ data }) => seen.push(data)))
        expect((await failure(source)).response?.status).toBe(403)
        expect(seen).toEqual(['a'])
        expect(server.requests).toHaveLength(3)
      },
      [expectSuccess()],
    ))

  it('goes through all plugins anew, each time', () => {
    let tokens = 0
    const token = definePlugin({
      name: 'token',
      scope: 'attempt',
      defaults: {},
      install: () => (request, next) => next(request.header('authorization', `t${++tokens}`)),
    })
    const answers = inTurn(
      reply.status(503),
      reply.redirect('/'),
      events('data: a\n\n'),
      reply.status(503),
      events('data: b\n\n', true),
    )
    const plugins = [redirect(), retry({ delay: () => 1 }), token()]
    return between(
      answers,
      async (client, server) => {
        const state = new Subject<ConnectionState>()
        const names: string[] = []
        state.subscribe(({ name }) => names.push(name))
        expect(await all(eventSource(client, '', { ...soon, state }).pipe(take(2)))).toHaveLength(2)
        expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual(['t1', 't2', 't3', 't4', 't5'])
        // What retry and redirect do is none of its business.
        expect(names).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open', 'closed'])
      },
      plugins,
    )
  })

  it('takes the options of the plugins of its client, and its own', () => {
    const client = createClient({ plugins: [retry()] })
    const source: Observable<unknown> = eventSource(client, 'http://127.0.0.1:9/', { retry: false, idle: 5 })
    expect(source).toBeInstanceOf(Observable)
  })

  it('is told of options that are none by the client', async () => {
    const client = createClient({ plugins: [] })
    // @ts-expect-error -- there is no such option
    const error = await failure(eventSource(client, 'http://127.0.0.1:9/', { reconect: {} }))
    expect([error.code, error.message]).toEqual(['CONFIG', expect.stringContaining('reconect')])
  })

  it.each([
    [{ idle: 0 }, 'eventSource({ idle }) must be a number of milliseconds above 0'],
    [{ state: () => undefined }, 'eventSource({ state }) must be an observer, as a Subject is, not a function.'],
    [{ reconnect: false }, 'The options of eventSource({ reconnect }) must be an object, not false.'],
    [
      { reconnect: { first: 0 } },
      'eventSource({ reconnect }): first must be a number of milliseconds of at least 1, not 0.',
    ],
    [
      { reconnect: { fist: 1 } },
      'eventSource({ reconnect }) has no option "fist". It has first, factor, most, mostAsked.',
    ],
    [{ maxEvent: '1' }, 'eventSource({ maxEvent }) must be a whole number of bytes'],
    [null, 'eventSource() is given an object of options, not null.'],
  ])('refuses %j', (options, message) => {
    const client = createClient({ plugins: [] })
    expect(() => eventSource(client, 'http://127.0.0.1:9/', options as object)).toThrow(message)
  })
})

describe('the pace of an event source', () => {
  const delays = async (answer: Reply): Promise<number[]> => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const waits: number[] = []
    await between(answer, async client => {
      const state = new Subject<ConnectionState>()
      const first = new Promise<void>(resolve => {
        state.subscribe(now => {
          if (now.name !== 'waiting') return
          waits.push(now.delay)
          resolve()
        })
      })
      const subscription = eventSource(client, '', { state, reconnect: { first: 20, mostAsked: 5_000 } }).subscribe()
      await first
      subscription.unsubscribe()
    })
    return waits
  }

  it.each([
    ['', 0],
    ['retry: 300\n', 300],
    ['retry: 0\n', 20],
    ['retry: 99999999999\n', 5_000],
    ['retry: soon\n', 0],
  ])('after %j is %i ms and some jitter', async (field, ms) => {
    expect(await delays(events(`${field}data: a\n\n`))).toEqual([ms])
  })

  it.each([
    ['2', 2_000],
    ['3600', 5_000],
  ])('after a 503 with Retry-After %s is %i ms and some jitter', async (value, ms) => {
    expect(await delays({ status: 503, headers: { 'retry-after': value } })).toEqual([ms])
  })
})

describe('silence', () => {
  it('for too long ends the connection, and the next one says where it was', () =>
    between(inTurn(events('id: 1\ndata: a\n\n', true), events('data: b\n\n', true)), async (client, server) => {
      const state = new Subject<ConnectionState>()
      const errors: string[] = []
      state.subscribe(now => {
        if (now.name === 'waiting' && isHttpError(now.error))
          errors.push(`${now.error.code} ${String(now.error.phase)}`)
      })
      expect(await all(eventSource(client, '', { ...soon, state, idle: 40 }).pipe(take(2)))).toMatchObject([
        { data: 'a' },
        { data: 'b', id: '1' },
      ])
      expect(errors).toEqual(['TIMEOUT idle'])
      expect(server.requests[1]?.headers['last-event-id']).toBe('1')
      expect((await server.closed(1)).closedBy).not.toBe('server')
    }))

  it('is not where comments come', async () => {
    async function* heartbeat(): AsyncGenerator<string> {
      for (let n = 0; n < 12; n++) {
        yield ':\n'
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      yield 'data: a\n\n'
    }
    await between(
      () => ({ ...events(''), body: heartbeat() }),
      async (client, server) => {
        await firstValueFrom(eventSource(client, '', { ...soon, idle: 100 }))
        expect(server.requests).toHaveLength(1)
      },
    )
  })

  it('does not count while the projector holds the server back', () =>
    between(inTurn(events('data: a\n\ndata: b\n\n', true)), async (client, server) => {
      const project = ({ data }: { data: string }): Observable<string> => of(data).pipe(later(120))
      expect(await all(eventSource(client, '', { ...soon, idle: 60, project }).pipe(take(2)))).toEqual(['a', 'b'])
      expect(server.requests).toHaveLength(1)
    }))
})

describe('the end of the client', () => {
  it('completes an event source, when what is here was handed on', () =>
    between(events('data: a\n\ndata: b\n\n', true), async client => {
      const seen: string[] = []
      const project = ({ data }: { data: string }): Observable<string> => of(data).pipe(later(30))
      const done = lastValueFrom(eventSource(client, '', { ...soon, project }).pipe(toArray()))
      eventSource(client, '', soon).subscribe(({ data }) => seen.push(data))
      await vi.waitFor(() => {
        expect(seen).toHaveLength(2)
      })
      await client.close()
      expect(await done).toEqual(['a', 'b'])
    }))

  it('completes one that waits, at once', () =>
    between(reply.status(503), async client => {
      const state = new Subject<ConnectionState>()
      const waiting = firstValueFrom(state.pipe(take(2), toArray()))
      const done = all(eventSource(client, '', { state, reconnect: { first: 60_000, most: 60_000 } }))
      expect((await waiting).map(({ name }) => name)).toEqual(['connecting', 'waiting'])
      await client.close()
      expect(await done).toEqual([])
    }))

  it('by force is its error', () =>
    between(events('data: a\n\n', true), async client => {
      const failed = failure(eventSource(client, '', soon))
      await vi.waitFor(() => {
        expect(client.inFlight).toBe(1)
      })
      client.cancel()
      expect((await failed).code).toBe('CANCELLED')
    }))

  it('before it began is its error', () =>
    between(events(''), async client => {
      await client.close()
      expect((await failure(eventSource(client, '', soon))).code).toBe('CLOSED')
    }))
})

describe('leaving an event source', () => {
  /** Leaves as soon as `when` has come, and expects nothing to be left 50 ms later. */
  const leave = (route: Route, options: EventSourceOptions, when: ConnectionState['name'] | 'event'): Promise<void> =>
    between(route, async (client, server) => {
      using leaks = watchLeaks()
      let left = 0
      await new Promise<void>((resolve, reject) => {
        const go = (): void => {
          queueMicrotask(() => {
            subscription.unsubscribe()
            left = performance.now()
            resolve()
          })
        }
        const state = new Subject<ConnectionState>()
        state.subscribe(({ name }) => {
          if (name === when) go()
        })
        const source = eventSource(client, '', { ...options, state })
        const subscription = source.subscribe({ ...(when === 'event' && { next: go }), error: reject })
      })
      for (const { id } of server.connections) {
        const { closedAt = Infinity } = await server.closed(id)
        expect(closedAt - left).toBeLessThan(50)
      }
      await leaks.settled(50)
      expect(client.inFlight).toBe(0)
    })

  it('in back-off leaves no timer', () =>
    leave({ ...reply.status(503), close: true }, { reconnect: { first: 60_000 } }, 'waiting'))

  it('while it is connected closes the socket', () => leave(events(':\n', true), { idle: 60_000 }, 'open'))

  it('in the middle of an event closes the socket', () =>
    leave(events('data: a\n\ndata: b', true), { idle: 60_000 }, 'event'))

  it('in the projector closes the socket, and leaves what it works on', async () => {
    let torn = 0
    const project = (): Observable<string> =>
      new Observable(subscriber => {
        subscriber.next('begun')
        return () => {
          torn++
        }
      })
    await leave(events('data: a\n\n', true), { idle: 60_000, project: project as never }, 'event')
    expect(torn).toBe(1)
  })
})
