import { firstValueFrom } from 'rxjs'
import { createClient, route, type RouteOptions } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { engineContract, reply, serve } from 'sluice/testing'
import { describe, expect, it, vi } from 'vitest'
import { edge } from '../../src/edge.ts'
import {
  HttpError,
  HttpHeaders,
  NEEDS,
  prepareBody,
  type ConnectionEvent,
  type Engine,
  type EngineFactory,
  type HttpEvent,
  type HttpRequest,
} from '../../src/index.ts'
import { aRequest } from './samples.ts'
import { aConnection, answering, ScriptedEngine } from './scripted-engine.ts'
import { thrown } from './thrown.ts'

const to = (origin: string): HttpRequest => aRequest({ url: `${origin}/` })

/** What comes of a request that goes through the edge to an engine. */
function send(engine: Engine, request: HttpRequest) {
  const events: HttpEvent[] = []
  const state: { error: HttpError | undefined; done: boolean } = { error: undefined, done: false }
  const subscription = edge(engine)(request).subscribe({
    next: event => events.push(event),
    error: (error: unknown) => (state.error = error as HttpError),
    complete: () => (state.done = true),
  })
  return { events, state, subscription, kinds: () => events.map(({ type }) => type) }
}

const unreachable = (code: HttpError['code'] = 'CONNECT', details: object = {}): ScriptedEngine =>
  new ScriptedEngine(sent => {
    sent.fail(new HttpError(code, 'No.', { phase: 'connect', requestWritten: 'no', request: sent.request, ...details }))
  })

async function* pieces(): AsyncGenerator<string> {
  yield 'a'
}

describe('a rule of route', () => {
  /** Which of the rules takes a request to each origin. */
  function taken(rules: readonly string[], origins: readonly string[]): (string | undefined)[] {
    const engines = Object.fromEntries(rules.map(rule => [rule, answering(rule)]))
    const engine = route({ engines, otherwise: answering('otherwise') }).create()
    return origins.map(origin => {
      const chunk = send(engine, to(origin)).events.find(event => event.type === 'chunk')
      return chunk && new TextDecoder().decode(chunk.bytes)
    })
  }

  it('is an origin', () => {
    const origins = ['https://a.test', 'http://a.test', 'https://a.test:8443', 'https://b.a.test']
    expect(taken(['https://a.test'], origins)).toEqual(['https://a.test', 'otherwise', 'otherwise', 'otherwise'])
    expect(taken(['https://A.test:8443/'], origins)[2]).toBe('https://A.test:8443/')
    expect(taken(['https://a.test:443'], origins)[0]).toBe('https://a.test:443')
  })

  it('is a host, on any port or one', () => {
    const origins = ['https://a.test', 'http://a.test', 'https://a.test:8443', 'https://b.a.test']
    expect(taken(['a.test'], origins)).toEqual(['a.test', 'a.test', 'a.test', 'otherwise'])
    expect(taken(['a.test:8443'], origins)).toEqual(['otherwise', 'otherwise', 'a.test:8443', 'otherwise'])
    expect(taken(['a.test:443'], origins)).toEqual(['a.test:443', 'otherwise', 'otherwise', 'otherwise'])
    expect(taken(['[::1]', '127.0.0.1'], ['http://[::1]:80', 'http://127.0.0.1:9'])).toEqual(['[::1]', '127.0.0.1'])
    expect(taken(['b\u00fccher.test'], ['https://xn--bcher-kva.test'])).toEqual(['b\u00fccher.test'])
  })

  it('is all hosts below one', () => {
    const origins = ['http://a.internal', 'https://b.a.internal:81', 'http://internal', 'http://notinternal']
    expect(taken(['*.internal'], origins)).toEqual(['*.internal', '*.internal', 'otherwise', 'otherwise'])
    expect(taken(['https://*.internal'], origins)[0]).toBe('otherwise')
  })

  it('counts when it is the first that fits', () => {
    expect(taken(['a.internal', '*.internal'], ['http://a.internal', 'http://b.internal'])).toEqual([
      'a.internal',
      '*.internal',
    ])
  })

  it.each([
    ['*', '"*" is no rule of route; write an origin'],
    ['a.*.test', '"a.*.test" is no rule of route'],
    ['ftp://a.test', 'is no rule of route'],
    ['https://a.test/path', 'is no rule of route'],
    ['user@a.test', 'is no rule of route'],
    ['a b', 'is no rule of route'],
    ['', '"" is no rule of route'],
  ])('%j is refused', (rule, message) => {
    const error = thrown(() => route({ engines: { [rule]: answering() } }))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toContain(message)
  })

  it.each([
    ['*.internal', 'a.internal'],
    ['*.internal', '*.a.internal'],
    ['a.test', 'https://a.test'],
    ['a.test', 'a.test:81'],
    ['a.test:80', 'http://a.test'],
    ['https://a.test', 'https://a.test:443'],
  ])('behind one that always comes first is refused (%s, %s)', (first, second) => {
    const error = thrown(() => route({ engines: { [first]: answering(), [second]: answering() } }))
    expect(error.message).toBe(
      `The rule "${second}" of route would never be asked, because "${first}" stands before it and fits as well; write it first.`,
    )
  })
})

describe('the options of route', () => {
  it.each([
    [undefined, 'The options of route must be an object, not undefined.'],
    [{}, 'The option engines of route must be an object of engines by rule, not undefined.'],
    [{ engines: {} }, 'route() has no engine; give it engines'],
    [{ engines: {}, otherwize: undici() }, 'route() has no option "otherwize". Did you mean "otherwise"?'],
    [{ engines: { 'a.test': undici } }, 'Under "a.test" route needs an engine, what a factory such as undici() makes'],
    [{ engines: { 'a.test': [] } }, 'not an empty list.'],
    [{ engines: { 'a.test': [undefined] } }, 'not undefined.'],
    [{ engines: {}, otherwise: null }, 'Under "otherwise" route needs an engine'],
    [
      { engines: {}, otherwise: undici(), fallback: true },
      'The option fallback of route must be a function, not true.',
    ],
  ])('%o are refused in a sentence', (options, message) => {
    const error = thrown(() => route(options as unknown as RouteOptions))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toContain(message)
  })
})

describe('a request on a route', () => {
  it('that no rule fits is refused', () => {
    const engine = answering()
    const { state } = send(route({ engines: { 'a.test': engine, 'b.test': engine } }).create(), to('https://c.test'))
    expect(state.error).toMatchObject({ code: 'CONFIG', requestWritten: 'no' })
    expect(state.error?.message).toBe(
      'GET https://c.test/ was not sent: no rule of the route fits it (a.test, b.test); add one, or otherwise.',
    )
    expect(engine.sent).toEqual([])
  })

  it('goes to the next engine of a list when one gets no connection, and says so', () => {
    const [first, second, third] = [unreachable(), unreachable('DNS'), answering('third')]
    const engine = route({ engines: {}, otherwise: [first, second, third] }).create()
    const { kinds, events, state } = send(engine, to('https://a.test'))
    expect(kinds()).toEqual(['notice', 'notice', 'head', 'chunk'])
    expect(events[0]).toEqual({
      type: 'notice',
      plugin: 'route',
      name: 'fell back',
      detail: { from: 'scripted', to: 'scripted', code: 'CONNECT' },
    })
    expect(state.done).toBe(true)
  })

  it('fails with the error of the last engine', () => {
    const engine = route({ engines: {}, otherwise: [unreachable(), unreachable('DNS')] }).create()
    expect(send(engine, to('https://a.test')).state.error?.code).toBe('DNS')
  })

  it.each<[string, () => ScriptedEngine]>([
    ['TLS failed', () => unreachable('TLS')],
    ['the queue was full', () => unreachable('TIMEOUT', { phase: 'queue' })],
    ['something was written', () => unreachable('CONNECT', { requestWritten: 'maybe' })],
    [
      'there was a connection',
      () =>
        new ScriptedEngine(sent => {
          sent.connection().fail(new HttpError('CONNECT', 'No.', { requestWritten: 'no' }))
        }),
    ],
  ])('stays with its engine when %s', (_, make) => {
    const first = make()
    const second = answering()
    const { state } = send(route({ engines: {}, otherwise: [first, second] }).create(), to('https://a.test'))
    expect(state.error).toBeInstanceOf(HttpError)
    expect(second.sent).toEqual([])
  })

  it('goes on after what fallback says', () => {
    const fallback = vi.fn((error: HttpError) => error.code === 'TLS')
    const engine = route({ engines: {}, otherwise: [unreachable('TLS'), answering()], fallback }).create()
    expect(send(engine, to('https://a.test')).state.done).toBe(true)
    const strict = route({ engines: {}, otherwise: [unreachable('DNS'), answering()], fallback }).create()
    expect(send(strict, to('https://a.test')).state.error?.code).toBe('DNS')
    expect(fallback).toHaveBeenCalledTimes(2)
  })

  it('takes its body along, unless the body was opened', () => {
    const noConnection = new HttpError('CONNECT', 'No.', { requestWritten: 'no' })
    const opening = new ScriptedEngine(sent => {
      sent.upload()
      sent.fail(noConnection)
    })
    const second = answering()
    const post = (first: ScriptedEngine): HttpError | undefined =>
      send(
        route({ engines: {}, otherwise: [first, second] }).create(),
        aRequest({ method: 'POST', body: prepareBody(pieces()).body }),
      ).state.error
    expect(post(unreachable())).toBeUndefined()
    expect(post(opening)?.code).toBe('CONNECT')
    expect(second.sent).toHaveLength(1)
  })

  it('is aborted, paused and resumed where it is', () => {
    const [first, second] = [new ScriptedEngine(), new ScriptedEngine()]
    const engine = route({ engines: {}, otherwise: [first, second] }).create()
    const exchange = engine.exchange(aRequest(), { next: () => {}, error: () => {}, complete: () => {} })
    exchange.pause()
    first.last.fail(new HttpError('CONNECT', 'No.', { requestWritten: 'no' }))
    expect(second.last.asked).toEqual(['pause'])
    exchange.resume()
    exchange.abort()
    exchange.abort()
    expect(second.last.asked).toEqual(['pause', 'resume', 'abort'])
    expect(first.last.asked).toEqual(['pause'])
  })

  it('that is left when it falls back goes to no other engine', () => {
    const [first, second] = [new ScriptedEngine(), answering()]
    const engine = route({ engines: {}, otherwise: [first, second] }).create()
    const exchange = engine.exchange(aRequest(), {
      // The notice that it falls back.
      next: () => exchange.abort(),
      error: () => {},
      complete: () => {},
    })
    first.last.fail(new HttpError('CONNECT', 'No.', { requestWritten: 'no' }))
    expect(second.sent).toEqual([])
    expect(first.last.asked).toEqual([])
  })

  it('that is left before its engine has begun is aborted there', () => {
    const engine = new ScriptedEngine(sent => {
      sent.connection()
    })
    const { events, subscription } = send(route({ engines: {}, otherwise: engine }).create(), aRequest())
    expect(events).toHaveLength(1)
    subscription.unsubscribe()
    expect(engine.last.asked).toEqual(['abort'])
  })
})

describe('what a route can', () => {
  const plain = (): ScriptedEngine => new ScriptedEngine(undefined, { trailers: false, decodes: true, limits: ['dns'] })
  const able = (): ScriptedEngine => answering('able')

  it('is what all of its engines can', () => {
    const engine = route({ engines: { 'a.test': plain() }, otherwise: able() }).create()
    expect(engine.capabilities).toMatchObject({ trailers: false, decodes: false, backPressure: true, limits: [] })
  })

  it('is asked of the engine of the request', () => {
    const engine = route({ engines: { 'a.test': plain() }, otherwise: able() }).create()
    const refused = send(engine, to('https://a.test').note(NEEDS, ['trailers'])).state.error
    expect(refused).toMatchObject({ code: 'UNSUPPORTED', requestWritten: 'no' })
    expect(refused?.message).toMatch(
      /^GET https:\/\/a\.test\/ needs trailers, which the engine scripted cannot do; engines that can: undici, http2, http/,
    )
    expect(send(engine, to('https://b.test').note(NEEDS, ['trailers'])).state.done).toBe(true)
  })

  it('is looked for in a list', () => {
    const [first, second] = [plain(), able()]
    const engine = route({ engines: {}, otherwise: [first, second] }).create()
    expect(send(engine, to('https://a.test').note(NEEDS, ['trailers'])).state.done).toBe(true)
    expect(first.sent).toEqual([])
  })
})

describe('the engines of a route', () => {
  it('end with it when they were made by it, and only then', async () => {
    const [own, foreign] = [answering(), answering()]
    const made = vi.fn(() => own)
    const factory: EngineFactory = { name: 'own', create: made }
    const make = (): Engine => route({ engines: { 'a.test': factory, 'b.test': [foreign, factory] } }).create()
    await make().close()
    expect(own.ended).toEqual(['close'])
    expect(made).toHaveBeenCalledTimes(1)
    await make().destroy(new HttpError('CANCELLED', 'Enough.'))
    expect(own.ended).toEqual(['close', 'destroy CANCELLED'])
    expect(foreign.ended).toEqual([])
  })

  it('of others finish what runs when the route is closed, and nothing more comes to them', async () => {
    const foreign = new ScriptedEngine()
    const engine = route({ engines: {}, otherwise: foreign }).create()
    const running = send(engine, aRequest())
    let closed = false
    const closing = engine.close().then(() => (closed = true))
    expect(send(engine, aRequest()).state.error).toMatchObject({ code: 'CLOSED', requestWritten: 'no' })
    await Promise.resolve()
    expect(closed).toBe(false)
    foreign.last.answer('late')
    await closing
    expect(running.state.done).toBe(true)
    expect(foreign.sent).toHaveLength(1)
    await engine.close()
  })

  it('of others lose what runs when the route is destroyed', async () => {
    const foreign = new ScriptedEngine()
    const engine = route({ engines: {}, otherwise: foreign }).create()
    const running = send(engine, aRequest())
    const closing = engine.close()
    await engine.destroy()
    await closing
    expect(running.state.error?.code).toBe('CANCELLED')
    expect(foreign.last.asked).toEqual(['abort'])
  })

  it('count their connections together', async () => {
    const [one, two] = [new ScriptedEngine(), new ScriptedEngine()]
    const numbers = { open: 2, idle: 1, busy: 1, queued: 0 }
    Object.assign(one, { stats: () => ({ ...numbers, origins: { 'http://a.test': numbers } }) })
    Object.assign(two, {
      stats: () => ({ ...numbers, origins: { 'http://a.test': numbers, 'http://b.test': numbers } }),
    })
    const engine = route({ engines: { 'a.test': one }, otherwise: two }).create()
    const sum = { open: 4, idle: 2, busy: 2, queued: 0 }
    expect(engine.stats?.()).toEqual({ ...sum, origins: { 'http://a.test': sum, 'http://b.test': numbers } })

    const seen: ConnectionEvent[] = []
    const stop = engine.watch?.(event => seen.push(event))
    for (const source of [one, two])
      for (const listener of source.listeners) {
        listener({ type: 'opened', connection: aConnection({ id: 2 }) })
      }
    expect(seen.map(event => event.connection.id)).toEqual([3, 4])
    stop?.()
    expect(one.listeners.size + two.listeners.size).toBe(0)

    const { events } = send(engine, to('https://c.test'))
    two.last.connection({ id: 2 })
    expect(events).toMatchObject([{ type: 'connection', connection: { id: 4, reused: false } }])
  })
})

describe('a route of real engines', () => {
  const single = route({ engines: {}, otherwise: undici({ connectionsPerOrigin: 1 }) })
  for (const one of engineContract('a route', route({ engines: {}, otherwise: undici() }), { single })) {
    if (one.excluded === undefined) it(one.title, () => one.run())
  }

  it('sends by origin, and falls back when nobody listens', async () => {
    await using server = await serve({ '/': reply.text('from the network') })
    const test = mock({ '/': { body: 'from the mock', headers: HttpHeaders.of({}) } })
    const dead = undici({ lookup: (_host, _options, done) => done(new Error('no look-up'), '', 4) })
    await using client = createClient({
      engine: route({
        engines: { '*.test': test, localhost: [dead, undici({ family: 4 })] },
        otherwise: undici(),
      }),
      plugins: [],
    })
    const text = async (url: string): Promise<string> => (await firstValueFrom(client.get(url))).text()
    expect(await text('https://a.test/')).toBe('from the mock')
    expect(await text(server.url)).toBe('from the network')
    expect(await text(server.url.replace('127.0.0.1', 'localhost'))).toBe('from the network')
  })
})
