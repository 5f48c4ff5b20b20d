import {
  concatMap,
  endWith,
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  map,
  NEVER,
  of,
  take,
  takeUntil,
  toArray,
  type Observable,
  type Subscription,
} from 'rxjs'
import {
  createClient,
  definePlugin,
  HttpHeaders,
  isHttpError,
  type Client,
  type HttpRequest,
  type Reader,
  type StreamingResponse,
  type WebSocketConnection,
} from 'sluice'
import { describe, expect, it } from 'vitest'
import { aHead, all, aResponse } from './samples.ts'
import { answering, ScriptedEngine } from './scripted-engine.ts'
import { failure, reason } from './thrown.ts'

const over = (engine: ScriptedEngine): Client => createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })
const live = (): ScriptedEngine => new ScriptedEngine(sent => sent.head())
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Reads every chunk as text. */
async function* texts(response: StreamingResponse): AsyncGenerator<string> {
  for await (const bytes of response) yield new TextDecoder().decode(bytes)
}

describe('a reader', () => {
  it.each<
    [string, (response: StreamingResponse) => Observable<number> | Promise<number> | number[] | AsyncIterable<number>]
  >([
    ['an Observable', () => of(7)],
    ['a promise', () => Promise.resolve(7)],
    ['a list', () => [7]],
    [
      'a generator',
      async function* () {
        yield 7
      },
    ],
  ])('may answer with %s', async (_, reader) => {
    expect(await lastValueFrom(over(answering()).stream('a', reader))).toBe(7)
  })

  it('sees the head of the answer', async () => {
    const engine = new ScriptedEngine(sent => {
      sent.connection({ id: 3 }).answer('x', 206, { etag: '1' })
    })
    const seen = await firstValueFrom(
      over(engine).stream('a', response => [
        {
          status: response.status,
          ok: response.ok,
          etag: response.headers.get('etag'),
          url: response.url,
          version: response.httpVersion,
          method: response.request.method,
          connection: response.connection?.id,
          timed: response.timings?.firstByte !== undefined,
          text: response.statusText,
        },
      ]),
    )
    expect(seen).toEqual({
      status: 206,
      ok: true,
      etag: '1',
      url: 'https://api.test/a',
      version: '1.1',
      method: 'GET',
      connection: 3,
      timed: true,
      text: '',
    })
  })

  it('reads what comes while it comes', async () => {
    const engine = live()
    const got: string[] = []
    over(engine)
      .stream('a', texts)
      .subscribe(text => got.push(text))
    engine.last.chunk('a')
    await settle()
    expect(got).toEqual(['a'])
    engine.last.chunk('b').complete()
    await settle()
    expect(got).toEqual(['a', 'b'])
  })

  it('reads everything an engine said at once', async () => {
    expect(await firstValueFrom(over(answering('abc')).stream('a', texts).pipe(toArray()))).toEqual(['abc'])
  })

  it('reads trailers at the end', async () => {
    const engine = new ScriptedEngine(sent => {
      sent.head().chunk('a').trailers({ sum: '1' }).complete()
    })
    const trailers = over(engine).stream('a', async response => {
      while ((await response.read()) !== undefined);
      return response.trailers.get('sum')
    })
    expect(await lastValueFrom(trailers)).toBe('1')
  })

  it('is given the WebSocket it asked for, and reads until that ends', async () => {
    const socket = { protocol: 'chat' } as WebSocketConnection
    const engine = new ScriptedEngine(sent => {
      const { request } = sent
      const head = { ...aHead({ status: 101 }), request }
      sent.next({ type: 'head', head, flow: sent, socket })
      setImmediate(() => {
        sent.complete()
      })
    })
    const read = (response: StreamingResponse): Promise<unknown[]> =>
      response.read().then(bytes => [response.socket, response.status, bytes])
    expect(await lastValueFrom(over(engine).stream('a', read))).toEqual([socket, 101, undefined])
  })

  it('may read the body as a web stream', async () => {
    const text = over(answering('abc')).stream('a', response => new Response(response.body).text())
    expect(await lastValueFrom(text)).toBe('abc')
  })

  it('is given one web stream, made when it is asked for', async () => {
    const same = over(answering('abc')).stream('a', response => [response.body === response.body])
    expect(await lastValueFrom(same)).toBe(true)
  })
})

describe('a reader that prepares the request', () => {
  const wanting = (prepare: (request: HttpRequest) => HttpRequest): Reader<number> =>
    Object.assign(() => [7], { prepare })
  const accepts = wanting(request => request.with({ headers: request.headers.fill(HttpHeaders.of({ accept: 'a/b' })) }))

  it('is asked before the plugins are, and once for each subscription', async () => {
    const seen: (string | undefined)[] = []
    const looking = definePlugin({
      name: 'looking',
      scope: 'call',
      defaults: {},
      install: () => (request, next) => {
        seen.push(request.headers.get('accept'))
        return next(request)
      },
    })
    const client = createClient({ engine: answering(), baseUrl: 'https://api.test/', plugins: [looking()] })
    const calls = client.stream('a', accepts)
    await lastValueFrom(calls)
    await lastValueFrom(calls)
    await lastValueFrom(client.stream('a', accepts, { headers: { accept: 'c/d' } }))
    expect(seen).toEqual(['a/b', 'a/b', 'c/d'])
  })

  it('fails the call with what it throws', async () => {
    const prepare = (): never => {
      throw new Error('unprepared')
    }
    expect(await reason(lastValueFrom(over(answering()).stream('a', wanting(prepare))))).toEqual(
      new Error('unprepared'),
    )
  })

  it('is not a function that others put on the prototype of all functions', async () => {
    const prepare = (): never => {
      throw new Error('polluted')
    }
    Object.assign(Function.prototype, { prepare })
    try {
      expect(await lastValueFrom(over(answering()).stream('a', () => [7]))).toBe(7)
    } finally {
      Reflect.deleteProperty(Function.prototype, 'prepare')
    }
  })
})

describe('the end of the reader is the end of the exchange', () => {
  it('when it completes before the body', async () => {
    const engine = live()
    await lastValueFrom(over(engine).stream('a', () => [1]))
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('when it has taken all it wanted', async () => {
    const engine = live()
    const call = firstValueFrom(over(engine).stream('a', response => from(texts(response)).pipe(take(1))))
    engine.last.chunk('a').chunk('b')
    expect(await call).toBe('a')
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('when it fails', async () => {
    const engine = live()
    const call = over(engine).stream('a', () => Promise.reject(new Error('in the reader')))
    expect(await reason(lastValueFrom(call))).toEqual(new Error('in the reader'))
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('when its subscriber leaves', () => {
    const engine = live()
    over(engine)
      .stream('a', () => NEVER)
      .subscribe()
      .unsubscribe()
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('and not of an exchange that had ended by itself', async () => {
    const engine = answering('a')
    await lastValueFrom(over(engine).stream('a', texts))
    expect(engine.last.asked).toEqual([])
  })

  it('and not the other way round: what it still has to say is said', async () => {
    const engine = answering('a')
    const slow = over(engine).stream('a', response =>
      from(texts(response)).pipe(
        concatMap(text =>
          interval(1).pipe(
            take(2),
            map(n => `${text}${n}`),
          ),
        ),
      ),
    )
    expect(await firstValueFrom(slow.pipe(toArray()))).toEqual(['a0', 'a1'])
  })
})

describe('an answer that breaks off', () => {
  it('before its head is the error of the call', async () => {
    const engine = new ScriptedEngine(sent => {
      sent.fail()
    })
    expect(await failure(over(engine).stream('a', texts))).toMatchObject({ code: 'RESET' })
  })

  it('in its body is told to the reader after everything that came before', async () => {
    const engine = new ScriptedEngine(sent => {
      sent.head().chunk('a').chunk('b').fail()
    })
    const got: string[] = []
    const error = await reason(
      lastValueFrom(
        over(engine)
          .stream('a', texts)
          .pipe(map(text => got.push(text))),
      ),
    )
    expect(got).toEqual(['a', 'b'])
    expect(error).toMatchObject({ code: 'RESET', phase: 'body' })
    expect(engine.last.asked).toEqual([])
  })

  it('errors its web stream', async () => {
    const engine = new ScriptedEngine(sent => {
      sent.head().chunk('a').fail()
    })
    const call = over(engine).stream('a', response => new Response(response.body).text())
    expect(await failure(call)).toMatchObject({ code: 'RESET' })
  })

  it('without an answer is an error', async () => {
    const engine = new ScriptedEngine(sent => {
      sent.complete()
    })
    const error = await failure(over(engine).stream('a', texts))
    expect(error).toMatchObject({ code: 'PROTOCOL', phase: 'headers' })
    expect(error.message).toBe('GET https://api.test/a ended without an answer.')
  })
})

describe('a reader that is left while it waits', () => {
  it('hears of it, so that its finally runs', async () => {
    const engine = live()
    const log: unknown[] = []
    const subscription = over(engine)
      .stream('a', async function* (response) {
        try {
          yield await response.read()
        } catch (error) {
          log.push(isHttpError(error) && error.code)
          throw error
        } finally {
          log.push('finally')
        }
      })
      .subscribe()
    await settle()
    subscription.unsubscribe()
    await settle()
    expect(log).toEqual(['CANCELLED', 'finally'])
  })

  it('cannot take what is left for a whole body', async () => {
    const engine = live()
    let outcome: unknown = 'nothing'
    const subscription: Subscription = over(engine)
      .stream('a', async response => {
        const parts: number[] = []
        try {
          for await (const bytes of response) {
            parts.push(bytes.length)
            await settle()
          }
          outcome = `whole, ${parts.length} parts`
        } catch (error) {
          outcome = error
        }
      })
      .subscribe()
    engine.last.chunk('a').chunk('b').chunk('c')
    subscription.unsubscribe()
    for (let turn = 0; turn < 5; turn++) await settle()
    expect(outcome).toMatchObject({
      code: 'CANCELLED',
      phase: 'body',
      message: 'The answer to GET https://api.test/a lived as long as its reader, which has ended.',
    })
  })

  it('cannot read on afterwards, nor can its web stream', async () => {
    const engine = live()
    let kept: StreamingResponse | undefined
    await lastValueFrom(
      over(engine).stream('a', response => {
        kept = response
        return [1]
      }),
    )
    expect(await reason(kept?.read() ?? Promise.resolve())).toMatchObject({ code: 'CANCELLED' })
    expect(await reason(kept?.body.getReader().read() ?? Promise.resolve())).toMatchObject({ code: 'CANCELLED' })
  })

  it('fails with the reason when its client is cancelled', async () => {
    const engine = live()
    const client = over(engine)
    const call = reason(lastValueFrom(client.stream('a', texts)))
    client.cancel('enough')
    expect(await call).toMatchObject({ code: 'CANCELLED', cause: 'enough' })
  })
})

describe('back-pressure', () => {
  it('reaches the engine when a reader is busy, and lets go when it reads on', async () => {
    const engine = live()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const sizes: number[] = []
    over(engine)
      .stream('a', async function* (response) {
        await promise
        for await (const bytes of response) yield bytes.length
      })
      .subscribe(size => sizes.push(size))
    const chunk = new Uint8Array(64 * 1024)
    for (let sent = 0; sent < 3; sent++) engine.last.chunk(chunk)
    expect(engine.last.asked).toEqual([])
    engine.last.chunk(chunk)
    expect(engine.last.asked).toEqual(['pause'])
    resolve(undefined)
    await settle()
    expect(engine.last.asked).toEqual(['pause', 'resume'])
    engine.last.complete()
    await settle()
    expect(sizes).toEqual([65536, 65536, 65536, 65536])
  })

  it('of a web stream nobody pulls holds the peer back too', () => {
    const engine = live()
    over(engine)
      .stream('a', response => {
        response.body.getReader()
        return NEVER
      })
      .subscribe()
    engine.last.chunk(new Uint8Array(300 * 1024))
    expect(engine.last.asked).toEqual(['pause'])
    engine.last.complete()
  })
})

describe('giving up the rest of a body', () => {
  it('by leaving its iteration holds the peer back until the reader ends', async () => {
    const engine = live()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const call = lastValueFrom(
      over(engine).stream('a', async response => {
        for await (const bytes of response) {
          await promise
          return bytes.length
        }
        return 0
      }),
    )
    engine.last.chunk('a')
    await settle()
    engine.last.chunk('b')
    resolve(undefined)
    expect(await call).toBe(1)
    expect(engine.last.asked).toEqual(['pause', 'abort'])
  })

  it('by cancelling its web stream does so too, while it is being read', async () => {
    const engine = live()
    const call = lastValueFrom(
      over(engine).stream('a', async ({ body }) => {
        const reader = body.getReader()
        const pending = reader.read()
        await settle()
        await reader.cancel()
        return (await pending).done
      }),
    )
    expect(await call).toBe(true)
    expect(engine.last.asked).toEqual(['pause', 'abort'])
  })
})

describe('a whole answer where a live one was asked for', () => {
  const whole = (body: string): Client => {
    const engine = new ScriptedEngine(sent => {
      const response = aResponse(body, { etag: '1' }).with({ trailers: aResponse('', { sum: '2' }).headers })
      sent.next({ type: 'response', response }).complete()
    })
    return over(engine)
  }

  it('is read like a live one, trailers too', async () => {
    const read = whole('abc').stream('a', async response => {
      const parts = await all(texts(response))
      return [response.headers.get('etag'), ...parts, response.trailers.get('sum')]
    })
    expect(await lastValueFrom(read)).toEqual(['1', 'abc', '2'])
  })

  it('may be empty', async () => {
    expect(await firstValueFrom(whole('').stream('a', texts).pipe(toArray()))).toEqual([])
  })
})

describe('a reader of what has no end', () => {
  const forEver = (client: Client, log: string[]): Promise<unknown> =>
    lastValueFrom(
      client.stream('a', ({ closing }) => {
        closing.subscribe({ next: () => log.push('closing'), complete: () => log.push('told') })
        return NEVER.pipe(takeUntil(closing), endWith('over'))
      }),
    )

  it('hears that its client is closed, and may come to its end', async () => {
    const engine = live()
    const client = over(engine)
    const log: string[] = []
    const call = forEver(client, log)
    expect(log).toEqual([])
    expect(await client.close()).toEqual({ cut: [] })
    expect(await call).toBe('over')
    expect(log).toEqual(['closing', 'told'])
    expect(engine.last.aborted).toBe(true)
  })

  it('hears of it when that was before the answer came', async () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const log: string[] = []
    const call = forEver(client, log)
    const closed = client.close()
    void client.close()
    engine.last.head()
    expect(await call).toBe('over')
    expect(await closed).toEqual({ cut: [] })
    expect(log).toEqual(['closing', 'told'])
  })

  it('need not listen: it is waited for', async () => {
    const engine = live()
    const client = over(engine)
    const call = lastValueFrom(client.stream('a', texts))
    const closed = client.close()
    engine.last.chunk('x').complete()
    expect(await call).toBe('x')
    expect(await closed).toEqual({ cut: [] })
  })
})
