import {
  catchError,
  config,
  defer,
  firstValueFrom,
  forkJoin,
  from,
  lastValueFrom,
  merge,
  mergeMap,
  NEVER,
  of,
  repeat,
  retry,
  share,
  shareReplay,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  timeout,
  toArray,
  type Observable,
  type Subscription,
} from 'rxjs'
import {
  createClient,
  definePlugin,
  LIVE,
  type Client,
  type HttpError,
  type HttpEvent,
  type HttpResponse,
} from 'sluice'
import { afterEach, describe, expect, it } from 'vitest'
import { answering, ScriptedEngine } from './scripted-engine.ts'
import { failure, reason } from './thrown.ts'
import { virtually } from '../support/virtual-time.ts'

const over = (engine: ScriptedEngine): Client => createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })
const ignore = { error: () => undefined }

describe('a call is cold', () => {
  it('sends nothing until somebody subscribes', () => {
    const engine = answering()
    const client = over(engine)
    void client.get('a')
    void client.post('b', { x: 1 })
    void client.events('c')
    void client.stream('d', () => of(1))
    expect(engine.sent).toEqual([])
  })

  it('sends once for every subscriber, each with an id of its own', () => {
    const engine = answering()
    const call = over(engine).get('a')
    call.subscribe()
    call.subscribe()
    expect(engine.lines).toEqual(['GET https://api.test/a', 'GET https://api.test/a'])
    expect(engine.sent.map(({ request }) => request.id)).toEqual([1, 2])
  })

  it('reads what it was told anew for every subscriber', () => {
    const engine = answering()
    let reads = 0
    const options = {
      get headers() {
        return { 'x-reads': ++reads }
      },
    }
    const call = over(engine).get('a', options)
    expect(reads).toBe(0)
    call.subscribe()
    call.subscribe()
    expect(engine.sent.map(({ request }) => request.headers.get('x-reads'))).toEqual(['1', '2'])
  })
})

describe('operators of RxJS on the engine', () => {
  it('shareReplay: one request for all, also for those who come late', () => {
    const engine = new ScriptedEngine()
    const shared = over(engine)
      .get('a')
      .pipe(shareReplay({ bufferSize: 1, refCount: true }))
    const got: string[] = []
    const listen = (): Subscription => shared.subscribe(response => got.push(response.text()))
    const [first, second] = [listen(), listen()]
    expect(engine.sent).toHaveLength(1)
    first.unsubscribe()
    expect(engine.last.asked).toEqual([])
    engine.last.answer('x')
    second.unsubscribe()
    listen()
    expect(engine.sent).toHaveLength(1)
    expect(got).toEqual(['x', 'x'])
  })

  it('shareReplay with refCount: the last one who leaves aborts', () => {
    const engine = new ScriptedEngine()
    const shared = over(engine)
      .get('a')
      .pipe(shareReplay({ bufferSize: 1, refCount: true }))
    const listeners = [shared.subscribe(), shared.subscribe()]
    for (const listener of listeners) listener.unsubscribe()
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('share: a second request after the first one has ended', () => {
    const engine = answering()
    const shared = over(engine).get('a').pipe(share())
    shared.subscribe()
    shared.subscribe()
    expect(engine.sent).toHaveLength(2)
  })

  it('switchMap: the next one aborts the one before', () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const typed = new Subject<string>()
    const got: string[] = []
    typed
      .pipe(switchMap(term => client.get('search', { query: { term } })))
      .subscribe(response => got.push(response.text()))
    for (const term of ['a', 'ab', 'abc']) typed.next(term)
    engine.last.answer('found')
    expect(engine.sent.map(({ asked }) => asked)).toEqual([['abort'], ['abort'], []])
    expect(engine.last.request.url).toBe('https://api.test/search?term=abc')
    expect(got).toEqual(['found'])
  })

  it('take(1): has the whole answer, so that nothing is aborted', () => {
    const engine = answering()
    over(engine).get('a').pipe(take(1)).subscribe()
    expect(engine.last.asked).toEqual([])
  })

  it('take(1) of events: leaves at the first of them', () => {
    const engine = new ScriptedEngine(sent => sent.connection())
    over(engine).events('a').pipe(take(1)).subscribe()
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('takeUntil: aborts with the notifier', () => {
    const engine = new ScriptedEngine()
    const stop = new Subject<void>()
    const log: string[] = []
    over(engine)
      .get('a')
      .pipe(takeUntil(stop))
      .subscribe({ next: () => log.push('next'), complete: () => log.push('complete') })
    stop.next()
    expect(engine.last.asked).toEqual(['abort'])
    expect(log).toEqual(['complete'])
  })

  it('firstValueFrom and lastValueFrom: one request each', async () => {
    const engine = answering('x')
    const call = over(engine).get('a')
    expect([(await firstValueFrom(call)).text(), (await lastValueFrom(call)).text()]).toEqual(['x', 'x'])
    expect(engine.sent).toHaveLength(2)
  })

  it('repeat: sends again after each answer', async () => {
    const engine = answering('x')
    const all = over(engine).get('a').pipe(repeat(3), toArray())
    expect((await firstValueFrom(all)).map(response => response.text())).toEqual(['x', 'x', 'x'])
    expect(engine.sent).toHaveLength(3)
  })

  it('retry: sends again after each error', async () => {
    const engine = new ScriptedEngine((sent, n) => {
      if (n < 3) sent.fail()
      else sent.answer('x')
    })
    expect((await firstValueFrom(over(engine).get('a').pipe(retry(2)))).text()).toBe('x')
    expect(engine.sent).toHaveLength(3)
  })

  it('timeout: aborts what is too slow', () => {
    const engine = new ScriptedEngine()
    virtually(({ expectObservable }) => {
      expectObservable(
        over(engine)
          .get('a')
          .pipe(
            timeout(100),
            catchError(() => of('slow')),
          ),
      ).toBe('100ms (s|)', { s: 'slow' })
    })
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('forkJoin: sends all at once, and aborts the others when one fails', () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    forkJoin([client.get('a'), client.get('b'), client.get('c')]).subscribe(ignore)
    engine.nth(2).fail()
    expect(engine.sent.map(({ asked }) => asked)).toEqual([['abort'], [], ['abort']])
  })

  it('mergeMap with a limit: no more than that at once', () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    from(['a', 'b', 'c'])
      .pipe(mergeMap(path => client.get(path), 2))
      .subscribe()
    expect(engine.sent).toHaveLength(2)
    engine.nth(1).answer()
    expect(engine.sent).toHaveLength(3)
  })
})

describe('an engine that answers at once', () => {
  it('is heard in full, in order', () => {
    const engine = new ScriptedEngine(sent => {
      sent.connection().next({ type: 'sent' })
      sent.answer('x')
    })
    const log: string[] = []
    over(engine)
      .events('a')
      .subscribe({ next: event => log.push(event.type), complete: () => log.push('complete') })
    expect(log).toEqual(['connection', 'sent', 'response', 'complete'])
  })

  it('may be asked again from within its answer', () => {
    const engine = answering('x')
    const client = over(engine)
    const log: string[] = []
    client
      .get('a')
      .pipe(
        switchMap(() => client.get('b')),
        tap(response => log.push(response.url)),
        mergeMap(() => client.get('c')),
      )
      .subscribe(response => log.push(response.url))
    expect(log).toEqual(['https://api.test/b', 'https://api.test/c'])
    expect(client.inFlight).toBe(0)
  })

  it('is left when the subscriber leaves while it speaks', () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const log: string[] = []
    const subscription = client.events('a').subscribe(event => {
      log.push(event.type)
      subscription.unsubscribe()
    })
    engine.last.connection().next({ type: 'sent' }).answer()
    expect(log).toEqual(['connection'])
    expect(engine.last.asked).toEqual(['abort'])
  })
})

describe('a call that is ended while it begins', () => {
  it('by whoever watches sends nothing', () => {
    const engine = answering()
    const client = over(engine)
    const log: string[] = []
    client.monitor.subscribe(event => {
      if (event.type === 'created') client.cancel()
    })
    client.get('a').subscribe({ error: (error: unknown) => log.push((error as HttpError).code) })
    expect([log, engine.sent, client.inFlight]).toEqual([['CANCELLED'], [], 0])
  })

  it.each(['close', 'cancel'] as const)('by its own body, which calls %s(), sends nothing', async end => {
    const engine = answering()
    const client = over(engine)
    let cancelled = 0
    const error = await failure(
      client.post('a', () => {
        void client[end]()
        return new ReadableStream<Uint8Array>({ cancel: () => void (cancelled += 1) })
      }),
    )
    expect([error.code, engine.sent, client.inFlight, cancelled]).toEqual(['CLOSED', [], 0, 1])
    await client.join()
  })
})

describe('the verbs', () => {
  const verbs: readonly (readonly [string, (client: Client) => Observable<HttpResponse>, string])[] = [
    ['get', client => client.get('a'), 'GET '],
    ['head', client => client.head('a'), 'HEAD '],
    ['delete', client => client.delete('a'), 'DELETE '],
    ['options', client => client.options('a'), 'OPTIONS '],
    ['post', client => client.post('a', { x: 1 }), 'POST {"x":1}'],
    ['put', client => client.put('a', { x: 1 }), 'PUT {"x":1}'],
    ['patch', client => client.patch('a', { x: 1 }), 'PATCH {"x":1}'],
    ['query', client => client.query('a', { x: 1 }), 'QUERY {"x":1}'],
    ['request', client => client.request('propfind', 'a', { body: 'x' }), 'propfind x'],
    ['get with a body', client => client.get('a', { body: 'x' }), 'GET x'],
    ['post with the body as option', client => client.post('a', undefined, { body: 'x' }), 'POST x'],
    ['post without a body', client => client.post('a'), 'POST '],
  ]

  it.each(verbs)('%s', async (_, send, line) => {
    const engine = answering()
    await firstValueFrom(send(over(engine)))
    expect(`${engine.last.request.method} ${await engine.last.uploaded()}`).toBe(line)
    expect(engine.last.request.url).toBe('https://api.test/a')
  })

  it('events and stream take the method as option', async () => {
    const engine = answering()
    const client = over(engine)
    await lastValueFrom(client.events('a', { method: 'post', body: 'x' }))
    await lastValueFrom(client.stream('a', () => of(1), { method: 'PUT', body: 'x' }))
    await lastValueFrom(client.events('a'))
    expect(engine.sent.map(({ request }) => request.method)).toEqual(['POST', 'PUT', 'GET'])
  })

  it('events fail as their request fails', async () => {
    const engine = new ScriptedEngine(sent => {
      sent.connection().fail()
    })
    const seen: string[] = []
    const events = over(engine)
      .events('a')
      .pipe(tap(event => seen.push(event.type)))
    expect(await failure(events.pipe(toArray()))).toMatchObject({ code: 'RESET' })
    expect(seen).toEqual(['connection'])
  })

  it('tell those further in whether somebody will read the body live', async () => {
    const engine = answering()
    const client = over(engine)
    await lastValueFrom(client.get('a'))
    await lastValueFrom(client.events('a'))
    await lastValueFrom(client.stream('a', () => [1]))
    expect(engine.sent.map(({ request }) => request.read(LIVE))).toEqual([false, false, true])
  })

  it('are named in the refusal of a closed client', async () => {
    const client = over(answering())
    await client.close()
    expect((await failure(client.events('a'))).message).toMatch(/^GET a was not sent/)
    expect((await failure(client.request('put', 'a'))).message).toMatch(/^put a was not sent/)
  })

  it('send headers, params and query', async () => {
    const engine = answering()
    await firstValueFrom(
      over(engine).get('users/{id}', { params: { id: 7 }, query: { full: true }, headers: { accept: 'a' } }),
    )
    expect(engine.lines).toEqual(['GET https://api.test/users/7?full=true'])
    expect(engine.last.request.headers.flat).toEqual(['accept', 'a'])
  })
})

describe('a wrong call', () => {
  const anyUrl: string = '{id}'
  const wrong: readonly (readonly [string, (client: Client) => Observable<unknown>, RegExp])[] = [
    ['an unknown option', client => client.get('a', { retyr: {} } as object), /no plugin .+ "retyr"/i],
    [
      'a method where there is one',
      client => client.get('a', { method: 'POST' } as object),
      /has the method GET already/,
    ],
    [
      'a method for request()',
      client => client.request('PUT', 'a', { method: 'POST' } as object),
      /the method PUT already/,
    ],
    ['two bodies', client => client.post('a', 'x', { body: 'y' }), /two bodies/],
    ['options that are none', client => client.get('a', 'b' as unknown as object), /must be an object, not "b"/],
    ['options that are null', client => client.get('a', null as unknown as object), /must be an object, not null/],
    ['a method that is none', client => client.request('G T', 'a'), /is not a method/],
    ['a header that cannot be sent', client => client.get('a', { headers: { x: 'a\nb' } }), /header "x"/],
    ['a body that is none', client => client.post('a', new Map()), /A Map cannot be a body/],
    ['a param without a value', client => client.get(anyUrl), /needs a value for "id"/],
    ['a header of ours', client => client.get('a', { headers: { connection: 'close' } }), /may not carry/],
  ]

  it.each(wrong)('%s fails with CONFIG when it is subscribed to, before anything is sent', async (_, send, message) => {
    const engine = answering()
    const client = over(engine)
    const error = await failure(send(client))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toMatch(message)
    expect(engine.sent).toEqual([])
    expect(client.inFlight).toBe(0)
  })

  it('names its request as soon as there is one', async () => {
    const error = await failure(over(answering()).get('a', { retyr: {} } as object))
    expect(error.request).toEqual({ id: 1, method: 'GET', url: 'https://api.test/a' })
  })
})

describe('what users throw', () => {
  const broken = new Error('broken')
  const throwing = (): never => {
    throw broken
  }
  const plugin = (intercept: 'install' | 'request' | 'response' | 'not an Observable') =>
    definePlugin({
      name: 'odd',
      scope: 'steer',
      defaults: {},
      install: () => (request, next) => {
        if (intercept === 'request') throw broken
        if (intercept === 'not an Observable') return undefined as unknown as Observable<HttpEvent>
        return next(request).pipe(
          mergeMap(event => {
            if (intercept === 'response') throw broken
            return of(event)
          }),
        )
      },
    })()
  const client = (engine: ScriptedEngine): Client => over(engine)

  const cases: readonly (readonly [string, (engine: ScriptedEngine) => Observable<unknown>])[] = [
    ['an interceptor, on the way in', engine => client(engine).with(plugin('request')).get('a')],
    ['an interceptor, on the way out', engine => client(engine).with(plugin('response')).get('a')],
    ['a reader', engine => client(engine).stream('a', throwing)],
    ['a reader, later', engine => client(engine).stream('a', () => defer(throwing))],
    [
      'a reader in a generator',
      engine =>
        client(engine).stream('a', async function* (response) {
          await response.read()
          yield throwing()
        }),
    ],
    ['a reader that promises', engine => client(engine).stream('a', () => Promise.reject(broken))],
    ['a projector', engine => client(engine).get('a').pipe(mergeMap(throwing))],
    ['a body factory', engine => client(engine).post('a', throwing)],
    [
      'a getter of the query',
      engine =>
        client(engine).get('a', {
          query: {
            get a() {
              return throwing()
            },
          },
        }),
    ],
    [
      'a getter of the headers',
      engine =>
        client(engine).get('a', {
          headers: {
            get a() {
              return throwing()
            },
          },
        }),
    ],
    [
      'a getter of the options',
      engine =>
        client(engine).get('a', {
          get headers() {
            return throwing()
          },
        }),
    ],
    [
      'a schema',
      engine =>
        client(engine)
          .get('a')
          .pipe(
            mergeMap(response =>
              of(response.json({ '~standard': { version: 1, vendor: 'tests', validate: throwing } })),
            ),
          ),
    ],
  ]

  it.each(cases)('%s: it is the error of that call, and of no other', async (_, send) => {
    const engine = new ScriptedEngine(sent => {
      if (sent.request.url.endsWith('/a')) sent.answer('{}')
    })
    const other = client(engine).get('other')
    const others: string[] = []
    other.subscribe(response => others.push(response.text()))
    expect(await reason(firstValueFrom(send(engine)))).toBe(broken)
    engine.nth(1).answer('untouched')
    expect(others).toEqual(['untouched'])
  })

  it('an interceptor that answers with no Observable: it is the error of that call', async () => {
    const engine = answering()
    expect(await reason(firstValueFrom(over(engine).with(plugin('not an Observable')).get('a')))).toBeInstanceOf(
      TypeError,
    )
    expect(engine.sent).toEqual([])
  })

  it.each<[string, AsyncIterable<Uint8Array>]>([
    [
      'an iterable that cannot be iterated',
      {
        [Symbol.asyncIterator]: throwing,
      },
    ],
    [
      'a generator',
      (async function* (): AsyncGenerator<Uint8Array> {
        yield await Promise.reject<Uint8Array>(broken)
      })(),
    ],
  ])('a body source, %s: it fails with BODY and the cause', async (_, source) => {
    const engine = new ScriptedEngine(sent => {
      try {
        sent
          .upload()
          .next()
          .catch((error: unknown) => {
            sent.fail(error as HttpError)
          })
      } catch (error) {
        sent.fail(error as HttpError)
      }
    })
    const error = await failure(over(engine).post('a', source))
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', request: { method: 'POST' } })
    expect(error.cause).toBe(broken)
  })
})

describe('what the last observer throws', () => {
  const reported: unknown[] = []
  afterEach(() => {
    config.onUnhandledError = null
    reported.length = 0
  })
  const listen = (): void => {
    config.onUnhandledError = error => {
      reported.push(error)
    }
  }
  const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

  it.each(['next', 'complete', 'error'] as const)(
    'in %s is reported by RxJS later; the call ends as it should and others do not notice',
    async where => {
      listen()
      const engine = new ScriptedEngine()
      const client = over(engine)
      const others: string[] = []
      const thrower = (): never => {
        throw new Error(`in ${where}`)
      }
      client.get('a').subscribe({ next: () => undefined, error: () => undefined, [where]: thrower })
      client.get('b').subscribe(response => others.push(response.text()))
      if (where === 'error') engine.nth(1).fail()
      else engine.nth(1).answer('x')
      expect(reported).toEqual([])
      expect(client.inFlight).toBe(1)
      engine.nth(2).answer('untouched')
      expect([client.inFlight, others]).toEqual([0, ['untouched']])
      await turn()
      expect(reported).toEqual([new Error(`in ${where}`)])
      await client.close()
    },
  )

  it('in next of a stream is reported, and leaving still aborts', async () => {
    listen()
    const engine = new ScriptedEngine(sent => sent.head())
    const client = over(engine)
    const subscription = client
      .stream('a', () => merge(of(1), NEVER))
      .subscribe(() => {
        throw new Error('in next')
      })
    await turn()
    expect(reported).toEqual([new Error('in next')])
    subscription.unsubscribe()
    expect(engine.last.asked).toEqual(['abort'])
    expect(client.inFlight).toBe(0)
  })
})

describe('next is cold', () => {
  const tokens = (): { sent: string[]; plugins: ReturnType<typeof make> } => {
    const sent: string[] = []
    return { sent, plugins: make() }
  }
  const make = () => {
    let n = 0
    return [
      definePlugin({
        name: 'again',
        scope: 'steer',
        defaults: { times: 2 },
        install:
          () =>
          (request, next, { times }) =>
            next(request).pipe(retry(times)),
      })(),
      definePlugin({
        name: 'token',
        scope: 'steer',
        defaults: {},
        install: () => (request, next) => next(request.header('x-token', `t${++n}`)),
      })(),
    ] as const
  }

  it('a plugin that subscribes again runs every plugin further in again: t1, t2, t3', async () => {
    const { plugins } = tokens()
    const engine = new ScriptedEngine((sent, n) => {
      if (n < 3) sent.fail()
      else sent.answer('x')
    })
    await firstValueFrom(createClient({ engine, plugins }).get('https://api.test/'))
    expect(engine.sent.map(({ request }) => request.headers.get('x-token'))).toEqual(['t1', 't2', 't3'])
  })

  it('each call has its own', async () => {
    const { plugins } = tokens()
    const engine = answering()
    const client = createClient({ engine, plugins })
    await firstValueFrom(client.get('https://api.test/'))
    await firstValueFrom(client.get('https://api.test/'))
    expect(engine.sent.map(({ request }) => request.headers.get('x-token'))).toEqual(['t1', 't2'])
  })
})

describe('a body that can be sent once', () => {
  it('is refused to the second subscriber before a byte of it is sent', async () => {
    const engine = new ScriptedEngine(sent => {
      void sent.uploaded().then(text => {
        sent.answer(text)
      })
    })
    async function* body(): AsyncGenerator<string> {
      yield 'a'
    }
    const call = over(engine).post('a', body())
    expect((await firstValueFrom(call)).text()).toBe('a')
    expect(await failure(call)).toMatchObject({ code: 'BODY', phase: 'send', requestWritten: 'no', request: { id: 2 } })
    expect(engine.sent).toHaveLength(1)
    const again = over(engine).post('a', body)
    expect((await firstValueFrom(again.pipe(repeat(2), toArray()))).map(response => response.text())).toEqual([
      'a',
      'a',
    ])
  })

  it('is given up when the call ends before it was opened, and a replayable one is not', () => {
    let cancelled = 0
    const stream = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        cancel: () => {
          cancelled++
        },
      })
    const engine = new ScriptedEngine()
    over(engine).post('a', stream()).subscribe().unsubscribe()
    expect(cancelled).toBe(1)
    over(engine).post('a', stream).subscribe().unsubscribe()
    expect(cancelled).toBe(2)
  })

  it('is left exactly once when the call is left while it is sent', async () => {
    let ended = 0
    const engine = new ScriptedEngine(sent => void sent.upload().next())
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<Uint8Array>>(() => undefined),
        return: () => {
          ended++
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }),
    }
    over(engine).post('a', body).subscribe().unsubscribe()
    await Promise.resolve()
    expect(ended).toBe(1)
  })
})
