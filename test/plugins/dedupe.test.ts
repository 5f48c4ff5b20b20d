import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { firstValueFrom, mergeMap, Subject, take, timer, type Observable, type Subscription } from 'rxjs'
import type { HttpError } from 'sluice'
import {
  createClient,
  DEADLINE,
  definePlugin,
  discard,
  IDENTITY,
  isHttpError,
  reissue,
  Stage,
  staged,
  Token,
  type AnyPlugin,
  type EngineFactory,
  type HttpEvent,
  type HttpRequest,
  type HttpResponse,
  type MonitorEvent,
  type RequestOptions,
  type Sink,
} from 'sluice'
import { fetch as platformFetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { deadline } from 'sluice/plugins/deadline'
import { decode, ENCODED } from 'sluice/plugins/decode'
import { dedupe, type DedupeOptions } from 'sluice/plugins/dedupe'
import { redirect } from 'sluice/plugins/redirect'
import { requestId } from 'sluice/plugins/request-id'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { userAgent } from 'sluice/plugins/user-agent'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { Flights } from '../../plugins/dedupe/flights.ts'
import { Joined } from '../../plugins/dedupe/joined.ts'
import { aConnection, answering, ScriptedEngine } from '../src/scripted-engine.ts'
import { virtually } from '../support/virtual-time.ts'

const BASE = 'https://api.test/'

interface Options extends RequestOptions {
  readonly [plugin: string]: unknown
}

interface Asker {
  get(url: string, options?: Options): Observable<HttpResponse>
  request(method: string, url: string, options?: Options): Observable<HttpResponse>
  events(url: string, options?: Options): Observable<HttpEvent>
  stream(url: string, reader: (response: AsyncIterable<Uint8Array>) => AsyncIterable<unknown>): Observable<unknown>
}

/** A client with dedupe and what stands around it; plugins are put where they belong. */
function open(engine: ScriptedEngine, options: Partial<DedupeOptions> = {}, ...plugins: readonly AnyPlugin[]) {
  const client = createClient({ engine, baseUrl: BASE, plugins: [] }).with(dedupe(options), ...plugins)
  return client as unknown as Asker &
    Pick<typeof client, 'cancel' | 'close' | 'monitor' | 'inFlight'> & {
      with(...plugins: readonly AnyPlugin[]): Asker
    }
}

/** Everything a call says, in its order. */
class Heard {
  readonly all: string[] = []
  response: HttpResponse | undefined
  error: unknown
  readonly #subscription: { unsubscribe(): void }

  constructor(call: Observable<HttpEvent | HttpResponse>) {
    this.#subscription = call.subscribe({
      next: event => {
        if ('type' in event && event.type !== 'response') {
          this.all.push(event.type === 'notice' ? `${event.plugin} ${event.name}` : event.type)
          return
        }
        this.response = 'type' in event ? event.response : event
        this.all.push(`answer ${this.response.text()}`)
      },
      error: (error: unknown) => {
        this.error = error
        this.all.push(isHttpError(error) ? error.code : String(error))
      },
      complete: () => this.all.push('end'),
    })
  }

  leave(): void {
    this.#subscription.unsubscribe()
  }
}

const hear = (call: Observable<HttpEvent | HttpResponse>): Heard => new Heard(call)

const TENANT = new Token<unknown>('tenant')
const NOTHING: { readonly value: unknown } = { value: undefined }
/** Notes what a call says, and hides that it said so: only the note is left to tell by. */
const noting = (token: Token<never>): AnyPlugin =>
  definePlugin({
    name: 'noting',
    scope: 'call',
    defaults: NOTHING,
    install:
      () =>
      (request, next, { value }) =>
        next(value === undefined ? request : request.with({ options: {} }).note(token, value)),
  })()

/** Notes something on its way in, behind dedupe. */
const inside = definePlugin({
  name: 'inside',
  scope: 'wire',
  defaults: {},
  install: () => (request, next) => next(request.note(TENANT, 'inside')),
})
const ZIPPED = { body: gzipSync('hello'), headers: { 'content-encoding': 'gzip' }, delay: 20 }

describe('requests in flight that are the same', () => {
  it('share one exchange, and each gets the whole answer as one to itself', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const all = [hear(client.get('a')), hear(client.get('a')), hear(client.get('a'))]
    engine.nth(1).answer('hello', 200, { etag: '"1"' })
    expect(engine.lines).toEqual([`GET ${BASE}a`])
    for (const [at, heard] of all.entries()) {
      expect(heard.all).toEqual(['answer hello', 'end'])
      expect(heard.response?.headers.get('etag')).toBe('"1"')
      expect(heard.response?.request.id).toBe(at + 1)
    }
  })

  it('are sent anew once the answer is there', () => {
    const engine = answering()
    const client = open(engine)
    expect(hear(client.get('a')).all).toEqual(['answer ok', 'end'])
    expect(hear(client.get('a')).all).toEqual(['answer ok', 'end'])
    expect(engine.sent).toHaveLength(2)
  })

  it('are joined after the answer began, and the whole of it is heard', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const first = hear(client.get('a'))
    engine.nth(1).connection().next({ type: 'sent' }).head().chunk('he')
    const late = hear(client.get('a'))
    engine.nth(1).chunk('llo').complete()
    expect([first.all, late.all]).toEqual([
      ['answer hello', 'end'],
      ['answer hello', 'end'],
    ])
  })

  it('tell who joins that it did, and how far the exchange has come', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const first = hear(client.events('a'))
    engine.nth(1).connection().next({ type: 'sent' }).next({ type: 'progress', way: 'down', loaded: 1 })
    engine.nth(1).next({ type: 'progress', way: 'down', loaded: 2 })
    const late = hear(client.events('a'))
    engine.nth(1).next({ type: 'progress', way: 'down', loaded: 3, done: true }).answer('xyz')
    expect(first.all).toEqual(['connection', 'sent', 'progress', 'progress', 'progress', 'answer xyz', 'end'])
    expect(late.all).toEqual(['dedupe joined', 'connection', 'sent', 'progress', 'progress', 'answer xyz', 'end'])
  })

  it('tell of the connection they are on now, and nothing of one that was given up', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    hear(client.get('a'))
    engine.nth(1).connection({ id: 1 }).next({ type: 'sent' }).next({ type: 'progress', way: 'up', loaded: 1 })
    engine.nth(1).connection({ id: 2 })
    expect(hear(client.events('a')).all).toEqual(['dedupe joined', 'connection'])
  })

  it('keep what was noted further in of how the answer came', async () => {
    await using server = await serve({ 'GET /a': ZIPPED })
    await using client = createClient({ baseUrl: server.url, plugins: [requestId(), dedupe(), inside(), decode()] })
    const all = await Promise.all([1, 2, 3].map(async () => firstValueFrom(client.get('a'))))
    expect(server.requests).toHaveLength(1)
    for (const [at, { request }] of all.entries()) {
      expect(request.id).toBe(at + 1)
      expect(request.read(ENCODED)?.get('content-encoding')).toBe('gzip')
      expect(request.read(TENANT)).toBe('inside')
    }
  })

  it('are shared also when somebody begins to watch the client meanwhile', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    hear(client.get('a'))
    client.monitor.subscribe()
    hear(client.get('a'))
    expect(engine.sent).toHaveLength(1)
  })

  it('are seen by those who watch the client', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const seen: string[] = []
    client.monitor.subscribe((event: MonitorEvent) => {
      seen.push('request' in event ? `${event.type} ${event.request.id}` : event.type)
    })
    hear(client.get('a'))
    hear(client.get('a'))
    engine.nth(1).connection(aConnection()).answer('x')
    expect(seen).toEqual([
      'created 1',
      'attempt 1',
      'created 2',
      'notice 2',
      'connection 1',
      'response 1',
      'response 2',
      'completed 1',
      'completed 2',
    ])
  })

  it('have bytes of their own', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const texts: string[] = []
    for (let n = 0; n < 3; n++) {
      client.get('a').subscribe(({ bytes }) => {
        texts.push(new TextDecoder().decode(bytes))
        bytes.fill(0)
      })
    }
    engine.nth(1).answer('secret')
    expect(texts).toEqual(['secret', 'secret', 'secret'])
  })
})

describe('what is the same', () => {
  const same: readonly (readonly [string, Options, Options])[] = [
    ['nothing but the url', {}, {}],
    ['headers in another case', { headers: { Accept: 'a/b' } }, { headers: { accept: 'a/b' } }],
    ['headers in another order', { headers: { a: '1', b: '2' } }, { headers: { b: '2', a: '1' } }],
    ['other request ids', { headers: { 'x-request-id': '1' } }, { headers: { 'X-Request-ID': '2' } }],
    ['a trace in one of them', {}, { headers: { traceparent: '00-1-2-01' } }],
    ['the same authorization', { headers: { authorization: 'x' } }, { headers: { authorization: 'x' } }],
    ['options with the same in them', { timeout: { headers: 1_000 } }, { timeout: { headers: 1_000 } }],
    ['options of dedupe', { dedupe: { ignore: ['x-request-id'] } }, {}],
    ['another deadline', { deadline: { ms: 1_000 } }, { deadline: { ms: 1_000 } }],
    ['a note of the same value', { noting: { value: { a: [1] } } }, { noting: { value: { a: [1] } } }],
  ]
  const differ: readonly (readonly [string, Options, Options])[] = [
    ['the query', { query: { a: 1 } }, { query: { a: 2 } }],
    ['the order of the query', { query: { a: 1, b: 2 } }, { query: { b: 2, a: 1 } }],
    ['a header', { headers: { accept: 'a/b' } }, { headers: { accept: 'a/c' } }],
    ['a header only one has', {}, { headers: { accept: 'a/c' } }],
    ['the lines of a header', { headers: { a: ['1', '2'] } }, { headers: { a: ['2', '1'] } }],
    ['authorization', { headers: { authorization: 'x' } }, { headers: { authorization: 'y' } }],
    ['a cookie', { headers: { cookie: 'a=1' } }, {}],
    ['a range', { headers: { range: 'bytes=0-1' } }, { headers: { range: 'bytes=0-2' } }],
    ['an option of another plugin', { timeout: { headers: 1_000 } }, { timeout: { headers: 2_000 } }],
    ['a plugin that is left out', { timeout: false }, {}],
    ['a note', { noting: { value: 'a' } }, { noting: { value: 'b' } }],
    ['a note only one has', {}, { noting: { value: 'b' } }],
    ['an object of a class in a note', { noting: { value: new Map() } }, { noting: { value: new Map() } }],
    ['a list and an object in a note', { noting: { value: [] } }, { noting: { value: {} } }],
    ['a body', { body: 'x' }, { body: 'x' }],
  ]
  const sent = (
    one: Options,
    other: Options,
    options: Partial<DedupeOptions> = {},
    note: Token<never> = TENANT as never,
  ): number => {
    const engine = new ScriptedEngine()
    const client = open(engine, options, timeout(), deadline(), noting(note))
    const calls = [one, other].map(given => hear(client.get('a', given)))
    for (const exchange of engine.sent) exchange.answer('x')
    for (const { all } of calls) expect(all).toEqual(['answer x', 'end'])
    return engine.sent.length
  }

  it.each(same)('is so with %s', (_, one, other) => {
    expect(sent(one, other)).toBe(1)
    expect(sent(other, one)).toBe(1)
  })
  it.each(differ)('is not what differs in %s', (_, one, other) => {
    expect(sent(one, other)).toBe(2)
    expect(sent(other, one)).toBe(2)
  })

  it('is not what goes in another name', () => {
    const as = (name: string): Options => ({ noting: { value: name } })
    expect(sent(as('ada'), as('eve'), {}, IDENTITY as never)).toBe(2)
    expect(sent(as('ada'), {}, {}, IDENTITY as never)).toBe(2)
    expect(sent(as('ada'), as('ada'), {}, IDENTITY as never)).toBe(1)
  })

  it('is not changed by what tells of one call only', () => {
    expect(sent({ noting: { value: 1 } }, { noting: { value: 2 } }, {}, DEADLINE as never)).toBe(1)
  })

  it('is not what the partition tells apart', () => {
    const partition = ({ headers }: HttpRequest): string => headers.get('x-request-id') ?? ''
    expect(sent({ headers: { 'x-request-id': '1' } }, { headers: { 'x-request-id': '2' } }, { partition })).toBe(2)
    expect(sent({ headers: { 'x-request-id': '1' } }, { headers: { 'x-request-id': '1' } }, { partition })).toBe(1)
  })

  it('cannot be faked by a url that looks like a partition', () => {
    const partition = ({ headers }: HttpRequest): string => headers.get('x-request-id') ?? ''
    const engine = new ScriptedEngine()
    const client = open(engine, { partition })
    hear(client.get('a', { headers: { 'x-request-id': 'b c' } }))
    hear(client.get('a%20b', { headers: { 'x-request-id': 'c' } }))
    hear(client.get('a b', { headers: { 'x-request-id': 'c' } }))
    expect(engine.sent).toHaveLength(2)
  })

  it('ignores the headers it is told to', () => {
    const one = { headers: { 'X-Nonce': '1' } }
    const other = { headers: { 'x-nonce': '2' } }
    expect(sent(one, other, { ignore: ['x-nonce'] })).toBe(1)
    expect(sent({ headers: { 'x-request-id': '1' } }, { headers: { 'x-request-id': '2' } }, { ignore: [] })).toBe(2)
  })

  it.each([
    ['GET', 1],
    ['HEAD', 1],
    ['OPTIONS', 2],
    ['POST', 2],
    ['PUT', 2],
    ['DELETE', 2],
    ['PROPFIND', 2],
  ])('has the method %s: %i sent for two', (method, expected) => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    hear(client.request(method, 'a'))
    hear(client.request(method, 'a'))
    expect(engine.sent).toHaveLength(expected)
  })

  it('has methods that are not mistaken for each other', () => {
    const engine = new ScriptedEngine()
    const client = open(engine, { methods: ['GET', 'OPTIONS'] })
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'GET', 'OPTIONS', 'HEAD']) hear(client.request(method, 'a'))
    expect(engine.lines.map(line => line.split(' ')[0])).toEqual(['GET', 'HEAD', 'OPTIONS', 'HEAD'])
  })

  it('does not include live bodies', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const read = client.stream('a', response => response)
    read.subscribe()
    read.subscribe()
    hear(client.get('a'))
    expect(engine.sent).toHaveLength(3)
  })

  it('does not include a child that has other plugins further in', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const child = client.with(userAgent({ value: 'child' }), timeout())
    hear(client.get('a', { headers: { 'user-agent': 'child' } }))
    hear(child.get('a'))
    hear(child.get('a'))
    expect(engine.sent).toHaveLength(2)
  })

  it('knows the headers plugins further out have set', () => {
    const engine = new ScriptedEngine()
    const client = open(engine, {}, requestId(), userAgent())
    hear(client.get('a'))
    hear(client.get('a', { headers: { 'user-agent': 'other' } }))
    hear(client.get('a'))
    expect(engine.sent).toHaveLength(2)
  })

  it('does not see what somebody put on a prototype', () => {
    const polluted = Object.prototype as unknown as Record<string, unknown>
    polluted['timeout'] = { headers: 1 }
    try {
      expect(sent({}, {})).toBe(1)
      expect(sent({ timeout: { headers: 5 } }, {})).toBe(2)
    } finally {
      delete polluted['timeout']
    }
  })
})

describe('leaving', () => {
  it('disturbs nobody, be it the first', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const [first, second, third] = [hear(client.get('a')), hear(client.get('a')), hear(client.get('a'))]
    first.leave()
    engine.nth(1).head().chunk('he')
    third.leave()
    engine.nth(1).chunk('llo').complete()
    expect(engine.nth(1).aborted).toBe(false)
    expect([first.all, second.all, third.all]).toEqual([[], ['answer hello', 'end'], []])
  })

  it('ends the exchange when it was the last', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const [first, second] = [hear(client.get('a')), hear(client.get('a'))]
    second.leave()
    second.leave()
    expect(engine.nth(1).open).toBe(true)
    first.leave()
    expect(engine.nth(1).aborted).toBe(true)
    hear(client.get('a'))
    expect(engine.sent).toHaveLength(2)
  })

  it('lets the first come back to what it began', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const [first, second] = [hear(client.get('a')), hear(client.get('a'))]
    first.leave()
    const again = hear(client.get('a'))
    engine.nth(1).answer('x')
    expect(engine.sent).toHaveLength(1)
    expect([second.all, again.all]).toEqual([
      ['answer x', 'end'],
      ['answer x', 'end'],
    ])
  })

  it('is what cancelling the client does for all', async () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const all = [hear(client.get('a')), hear(client.get('a'))]
    client.cancel()
    expect(all.map(heard => heard.all)).toEqual([['CANCELLED'], ['CANCELLED']])
    expect(engine.nth(1).asked).toEqual(['abort'])
    await client.close()
  })

  it('while an event is told keeps it from those who have left', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    let second: Heard | undefined = undefined
    client.events('a').subscribe(event => {
      if (event.type === 'sent') second?.leave()
    })
    second = hear(client.events('a'))
    engine.nth(1).next({ type: 'sent' }).answer('x')
    expect(second.all).toEqual(['dedupe joined'])
  })

  it.each(['connection', 'response'])('of all at the %s of a synchronous engine ends it', type => {
    const engine = new ScriptedEngine(sent => {
      sent.connection().answer('x')
    })
    const client = open(engine)
    const seen: string[] = []
    client
      .events('a')
      .pipe(take(type === 'connection' ? 1 : 2))
      .subscribe(event => seen.push(event.type))
    expect(seen.at(-1)).toBe(type)
    expect(hear(client.get('a')).all).toEqual(['answer x', 'end'])
    expect(engine.sent).toHaveLength(2)
  })
})

describe('asking again while an event is told', () => {
  it('joins as long as there is no answer', () => {
    const engine = new ScriptedEngine(sent => {
      sent.connection().next({ type: 'sent' }).answer('x')
    })
    const client = open(engine)
    let late: Heard | undefined
    client.events('a').subscribe(event => {
      if (event.type === 'sent') late ??= hear(client.events('a'))
    })
    expect(late?.all).toEqual(['dedupe joined', 'connection', 'sent', 'answer x', 'end'])
    expect(engine.sent).toHaveLength(1)
  })

  it('on hearing the answer sends anew', () => {
    const engine = answering()
    const client = open(engine)
    const seen: number[] = []
    client
      .get('a')
      .pipe(mergeMap(() => client.get('a').pipe(mergeMap(() => client.get('a')))))
      .subscribe(({ request }) => seen.push(request.id))
    expect(seen).toEqual([3])
    expect(engine.sent).toHaveLength(3)
  })

  it('on hearing the error sends anew', () => {
    const engine = new ScriptedEngine((sent, n) => {
      if (n === 1) sent.fail()
      else sent.answer('x')
    })
    const client = open(engine)
    let again: Heard | undefined
    client.get('a').subscribe({ error: () => (again = hear(client.get('a'))) })
    expect(again?.all).toEqual(['answer x', 'end'])
  })
})

describe('an error', () => {
  it('reaches everybody once, each as that of its own request', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const all = [hear(client.get('a')), hear(client.get('a'))]
    engine.nth(1).fail()
    expect(all.map(heard => heard.all)).toEqual([['RESET'], ['RESET']])
    expect(all.map(({ error }) => (error as HttpError).request?.id)).toEqual([1, 2])
  })

  it('that is none of ours passes as it is', () => {
    const failing = definePlugin({
      name: 'failing',
      scope: 'wire',
      defaults: {},
      install: () => () =>
        timer(10).pipe(
          mergeMap((): Observable<HttpEvent> => {
            throw new Error('odd')
          }),
        ),
    })()
    virtually(({ flush }) => {
      const client = open(new ScriptedEngine(), {}, failing)
      const all = [hear(client.get('a')), hear(client.get('a'))]
      flush()
      expect(all.map(heard => heard.all)).toEqual([['Error: odd'], ['Error: odd']])
      expect(all[0]?.error).toBe(all[1]?.error)
    })
  })

  it('thrown by a plugin further in leaves nothing behind', () => {
    const broken = definePlugin({
      name: 'broken',
      scope: 'wire',
      defaults: {},
      install: () => () => {
        throw new Error('odd')
      },
    })()
    const client = open(new ScriptedEngine(), {}, broken)
    expect(hear(client.get('a')).all).toEqual(['Error: odd'])
    expect(hear(client.get('a')).all).toEqual(['Error: odd'])
  })

  it('is tried again by each who wants to', () => {
    virtually(({ flush }) => {
      const engine = new ScriptedEngine((sent, n) => {
        if (n > 1) sent.answer('x')
      })
      const client = open(engine, {}, retry({ delay: () => 50, when: once }))
      const all = [hear(client.get('a')), hear(client.get('a')), hear(client.get('a'))]
      engine.nth(1).fail()
      flush()
      expect(all.map(heard => heard.all)).toEqual([['RESET'], ['answer x', 'end'], ['answer x', 'end']])
      expect(engine.lines).toHaveLength(3)
    })
  })

  it('that is tried again by several at the same time is shared again', () => {
    virtually(({ flush }) => {
      const engine = new ScriptedEngine()
      const client = open(engine, {}, retry({ delay: () => 50 }))
      const all = [hear(client.get('a')), hear(client.get('a'))]
      engine.nth(1).fail()
      flush()
      engine.nth(2).answer('x')
      expect(all.map(heard => heard.all)).toEqual([
        ['answer x', 'end'],
        ['answer x', 'end'],
      ])
      expect(engine.sent).toHaveLength(2)
    })
  })
})

/** Wants the calls after the first to be tried again. */
const once = (_: unknown, { id }: HttpRequest): boolean | undefined => (id === 1 ? false : undefined)

/** Leaves a 503 without reading it, and asks again; calls whose id is named do not. */
const leaving = (...readers: readonly number[]) =>
  definePlugin({
    name: 'leaving',
    scope: 'steer',
    defaults: {},
    install: () => (request, next) =>
      readers.includes(request.id)
        ? next(request)
        : next(discard(request, isBusy)).pipe(
            reissue(({ head }) => (head && isBusy(head) ? timer(50).pipe(mergeMap(() => next(request))) : undefined)),
          ),
  })()
const isBusy = ({ status }: { readonly status: number }): boolean => status === 503

describe('a stage further out that throws', () => {
  class Odd extends Stage {
    readonly #at: string
    constructor(out: Sink, at: string) {
      super(out)
      this.#at = at
    }
    override next(event: HttpEvent): void {
      if (event.type === this.#at) throw new Error('odd')
      super.next(event)
    }
    override error(error: unknown): void {
      if (this.#at === 'error') throw new Error('odd')
      super.error(error)
    }
    override complete(): void {
      if (this.#at === 'complete') throw new Error('odd')
      super.complete()
    }
  }
  const odd = definePlugin({
    name: 'odd',
    scope: 'steer',
    defaults: { at: '' },
    install:
      () =>
      (request, next, { at }) =>
        staged(out => new Odd(out, request.id === 2 ? at : ''))(next(request)),
  })

  it.each(['sent', 'response'])('at %s fails its own call and no other', at => {
    const engine = new ScriptedEngine()
    const client = open(engine, {}, odd({ at }))
    const all = [1, 2, 3].map(() => hear(client.get('a')))
    engine.nth(1).next({ type: 'sent' }).answer('x')
    expect(all.map(heard => heard.all)).toEqual([['answer x', 'end'], ['Error: odd'], ['answer x', 'end']])
    expect(client.inFlight).toBe(0)
  })

  it.each(['error', 'complete'])('at %s throws as it would alone, and everybody hears of it', at => {
    const engine = new ScriptedEngine()
    const client = open(engine, {}, odd({ at }))
    const [first, , last] = [1, 2, 3].map(() => hear(client.get('a')))
    expect(() => (at === 'error' ? engine.nth(1).fail() : engine.nth(1).answer('x'))).toThrow('odd')
    const heard = at === 'error' ? ['RESET'] : ['answer x', 'end']
    expect([first?.all, last?.all]).toEqual([heard, heard])
  })
})

describe('an answer some leave unread', () => {
  it('is thrown away when all do', () => {
    virtually(({ flush }) => {
      const engine = new ScriptedEngine()
      const client = open(engine, {}, leaving())
      const all = [hear(client.get('a')), hear(client.get('a'))]
      engine.last.head(503).chunk(new Uint8Array(200_000))
      expect(engine.nth(1).aborted).toBe(true)
      flush()
      engine.nth(2).answer('x')
      expect(all.map(heard => heard.all)).toEqual([
        ['answer x', 'end'],
        ['answer x', 'end'],
      ])
    })
  })

  it.each([
    ['first', 1],
    ['second', 2],
    ['last', 3],
  ])('is whole for the %s, who reads it', (_, reader) => {
    virtually(({ flush }) => {
      const engine = new ScriptedEngine()
      const client = open(engine, {}, leaving(reader))
      const all = [hear(client.get('a')), hear(client.get('a')), hear(client.get('a'))]
      engine.last.answer('busy', 503)
      flush()
      engine.last.answer('x')
      expect(all.map(heard => heard.all)).toEqual(
        [1, 2, 3].map(id => (id === reader ? ['answer busy', 'end'] : ['answer x', 'end'])),
      )
    })
  })

  it('and is being thrown away is joined only by who leaves it too', () => {
    virtually(({ flush }) => {
      const engine = new ScriptedEngine()
      const client = open(engine, {}, leaving(3))
      const all = [hear(client.get('a'))]
      engine.nth(1).head(503)
      all.push(hear(client.get('a')), hear(client.get('a')))
      expect(engine.sent).toHaveLength(2)
      engine.nth(2).answer('busy', 503)
      engine.nth(1).complete()
      flush()
      engine.nth(3).answer('x')
      expect(all.map(heard => heard.all)).toEqual([
        ['answer x', 'end'],
        ['answer x', 'end'],
        ['answer busy', 'end'],
      ])
    })
  })

  it('fails only him whose plugin throws at being asked', () => {
    const engine = new ScriptedEngine()
    const client = open(
      engine,
      {},
      definePlugin({
        name: 'odd',
        scope: 'steer',
        defaults: {},
        install: () => (request, next) =>
          next(
            discard(request, () => {
              if (request.id !== 2) throw new Error('odd')
              return false
            }),
          ),
      })(),
    )
    const all = [hear(client.get('a')), hear(client.get('a')), hear(client.get('a'))]
    engine.nth(1).answer('x')
    expect(all.map(heard => heard.all)).toEqual([['Error: odd'], ['answer x', 'end'], ['Error: odd']])
    const alone = hear(client.get('b'))
    engine.nth(2).head()
    expect(alone.all).toEqual(['Error: odd'])
    expect(engine.nth(2).aborted).toBe(true)
  })

  it('is followed by each where it leads', () => {
    const engine = new ScriptedEngine((sent, n) => {
      if (n === 2) sent.answer('there')
    })
    const client = open(engine, {}, redirect())
    const all = [hear(client.get('a')), hear(client.get('a'))]
    engine.nth(1).answer('', 302, { location: '/b' })
    engine.last.answer('there')
    expect(all.map(({ response }) => response?.text())).toEqual(['there', 'there'])
  })
})

describe('a request that may change something', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'LOCK'])('closes what is in flight when a %s is answered', method => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    const before = hear(client.get('a'))
    client.request(method, 'b').subscribe(() => {
      after.push(hear(client.get('a')))
    })
    const meanwhile = hear(client.get('a'))
    const after: Heard[] = []
    engine.nth(2).answer()
    expect(engine.sent).toHaveLength(3)
    engine.nth(1).answer('old')
    engine.nth(3).answer('new')
    expect([before, meanwhile, ...after].map(({ all }) => all[0])).toEqual(['answer old', 'answer old', 'answer new'])
  })

  it.each([
    [
      'fails',
      (engine: ScriptedEngine) => {
        engine.nth(2).fail()
      },
    ],
    [
      'is left',
      (_: ScriptedEngine, post: Heard) => {
        post.leave()
      },
    ],
  ])('closes it too when it %s', (_, end) => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    hear(client.get('a'))
    const post = hear(client.request('POST', 'a'))
    end(engine, post)
    hear(client.get('a'))
    expect(engine.sent).toHaveLength(3)
  })

  it('closes nothing of other origins', () => {
    const engine = new ScriptedEngine((sent, n) => {
      if (n > 1) sent.answer()
    })
    const client = createClient({ engine, plugins: [dedupe()] })
    hear(client.get(`${BASE}a`))
    hear(client.post('https://api.test.evil/a'))
    hear(client.post('https://api.test:8443/a'))
    hear(client.get(`${BASE}a`))
    expect(engine.sent).toHaveLength(3)
  })

  it.each(['OPTIONS', 'TRACE', 'QUERY', 'HEAD'])('is not a %s', method => {
    const engine = new ScriptedEngine((sent, n) => {
      if (n === 2) sent.answer()
    })
    const client = open(engine)
    hear(client.get('a'))
    hear(client.request(method, 'a'))
    hear(client.get('a'))
    expect(engine.sent).toHaveLength(2)
  })
})

describe('options', () => {
  it.each([
    [{ methods: ['POST'] }, 'dedupe({ methods }) must be a list, each item a method in capitals that changes nothing'],
    [{ methods: ['get'] }, 'dedupe({ methods }) must be a list'],
    [{ methods: 'GET' }, 'dedupe({ methods }) must be a list'],
    [{ ignore: ['a b'] }, 'dedupe({ ignore }) must be a list, each item the name of a header'],
    [{ partition: 'a' }, 'dedupe({ partition }) must be a function'],
    [{ header: [] }, 'dedupe has no option "header"'],
  ])('%j are refused', (given, message) => {
    expect(() => dedupe(given as Partial<DedupeOptions>)).toThrow(message)
  })

  it('whose partition is no string fail the call', () => {
    const client = open(answering(), { partition: () => 7 as unknown as string })
    const { error } = hear(client.get('a'))
    expect(error).toMatchObject({ code: 'CONFIG', message: 'dedupe({ partition }) must return a string, not 7.' })
  })

  it('can leave it out of one call', () => {
    const engine = new ScriptedEngine()
    const client = open(engine)
    hear(client.get('a'))
    hear(client.get('a', { dedupe: false }))
    expect(engine.sent).toHaveLength(2)
  })
})

it('stands inside of what tells in whose name a request goes', () => {
  expect(() => createClient({ plugins: [dedupe(), userAgent()] })).toThrow(
    'dedupe cannot stand before userAgent: what is the same can only be told once all headers are there',
  )
  expect(Object.keys(dedupe().inside)).toEqual(['cookies', 'xsrf', 'userAgent'])
})

describe('whatever happens in whatever order', () => {
  type Step =
    | { readonly do: 'ask'; readonly url: number }
    | { readonly do: 'leave'; readonly which: number }
    | { readonly do: 'connect' | 'answer' | 'fail' | 'post'; readonly which: number }
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('ask' as const), url: fc.nat(1) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(9) }) },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constantFrom('connect', 'answer', 'fail', 'post'), which: fc.nat(5) }),
    },
  )

  /** What is true of one call, by the steps alone. */
  interface Caller {
    readonly heard: Heard
    readonly flight: number
    left: boolean
    over: boolean
  }

  it('each hears its one answer or error, and an exchange lives as long as somebody waits for it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const engine = new ScriptedEngine()
        const client = open(engine)
        const callers: Caller[] = []
        /** Url and index of what may be joined, kept as a model beside the real thing. */
        const joinable = new Map<number, number>()
        const waiting = (flight: number): Caller[] =>
          callers.filter(one => one.flight === flight && !one.left && !one.over)
        const closeFlight = (flight: number): void => {
          for (const [url, open] of joinable) if (open === flight) joinable.delete(url)
        }
        for (const todo of steps) {
          if (todo.do === 'ask') {
            const before = engine.sent.length
            const heard = hear(client.get(`${todo.url}`))
            const flight = joinable.get(todo.url) ?? before
            expect(engine.sent.length).toBe(flight === before ? before + 1 : before)
            joinable.set(todo.url, flight)
            callers.push({ heard, flight, left: false, over: false })
          } else if (todo.do === 'leave') {
            const caller = callers[todo.which]
            if (caller === undefined || caller.left) continue
            caller.left = true
            caller.heard.leave()
            if (waiting(caller.flight).length === 0) closeFlight(caller.flight)
          } else if (todo.do === 'post') {
            // Answered at once: what is in flight takes nobody any more.
            const post = hear(client.request('POST', 'x'))
            engine.last.answer()
            post.leave()
            joinable.clear()
          } else {
            const flight = engine.sent.findIndex(({ open, request }) => open && request.method === 'GET')
            const sent = engine.sent[flight]
            if (sent === undefined) continue
            if (todo.do === 'connect') {
              sent.connection()
              continue
            }
            const those = waiting(flight)
            if (todo.do === 'answer') sent.answer(`${flight}`)
            else sent.fail()
            closeFlight(flight)
            for (const caller of those) {
              caller.over = true
              expect(caller.heard.all).toEqual(todo.do === 'answer' ? [`answer ${flight}`, 'end'] : ['RESET'])
            }
          }
          for (const [at, sent] of engine.sent.entries()) {
            if (sent.request.method === 'GET') expect(sent.open).toBe(waiting(at).length > 0)
          }
        }
        for (const { heard } of callers) heard.leave()
        for (const { left, over, heard } of callers) if (left && !over) expect(heard.all).toEqual([])
        expect(engine.sent.filter(({ open }) => open)).toEqual([])
        expect(client.inFlight).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('in the order of turns of the event loop too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.nat(3), { minLength: 2, maxLength: 6 }), async (s, kinds) => {
        const engine = new ScriptedEngine()
        const client = open(engine)
        const calls = kinds.map(() => hear(client.get('a')))
        const left = new Set<Heard>()
        for (const [at, kind] of kinds.entries()) {
          void s.schedule(Promise.resolve(), `step ${at}`).then(() => {
            const call = calls[at]
            if (call === undefined) return
            if (kind === 0) {
              if (call.all.length === 0) left.add(call)
              call.leave()
            } else if (kind === 1) engine.last.answer('x')
            else if (kind === 2) engine.last.fail()
            else calls.push(hear(client.get('a')))
          })
        }
        await s.waitIdle()
        for (const sent of engine.sent) sent.answer('late')
        for (const call of calls) {
          const ended = left.has(call) ? [] : call.all
          expect([[], ['answer x', 'end'], ['answer late', 'end'], ['RESET']]).toContainEqual(ended)
          expect(left.has(call) || call.all.length > 0).toBe(true)
        }
        expect(client.inFlight).toBe(0)
      }),
      { numRuns: 200 },
    )
  })
})

it('keeps nothing of what is over', () => {
  const flights = new Flights()
  const ends: Subscription[] = []
  const asked = (url: string, next: (n: Subject<HttpEvent>) => void): Joined => {
    const request = requestTo(url)
    const send = (): Observable<HttpEvent> => {
      const events = new Subject<HttpEvent>()
      next(events)
      return events
    }
    return new Joined(flights, { request, next: send, ignore: [], group: '' })
  }
  const running: Subject<HttpEvent>[] = []
  const answered = asked('https://api.test/a', events => running.push(events))
  ends.push(answered.subscribe({ error: () => undefined }), answered.subscribe({ error: () => undefined }))
  ends.push(asked('https://api.test/b', events => running.push(events)).subscribe({ error: () => undefined }))
  ends.push(asked('https://api.test/a', events => running.push(events)).subscribe({ error: () => undefined }))
  expect(flights.size).toBe(3)
  running[0]?.complete()
  expect(flights.size).toBe(2)
  running[2]?.error(new Error('odd'))
  expect(flights.size).toBe(1)
  for (const end of ends) end.unsubscribe()
  expect(flights.size).toBe(0)
  expect(running.some(({ observed }) => observed)).toBe(false)
})

function requestTo(url: string): HttpRequest {
  let made: HttpRequest | undefined
  const client = createClient({ engine: answering(), plugins: [] })
  client.get(url).subscribe(({ request }) => (made = request))
  if (made === undefined) throw new Error('no request')
  return made
}

const ENGINES: readonly (readonly [string, () => EngineFactory, 'http/1.1' | 'h2c'])[] = [
  ['undici', undici, 'http/1.1'],
  ['http', http, 'http/1.1'],
  ['http2', () => http2({ mode: 'h2c' }), 'h2c'],
  ['fetch', platformFetch, 'http/1.1'],
]

describe.each(ENGINES)('on the wire of %s', (_, make, protocol) => {
  it('fifty calls at the same time are one request', async () => {
    await using server = await serve({ 'GET /a': reply.text('hello', { delay: 30 }) }, { protocol })
    await using client = createClient({ engine: make(), baseUrl: server.url, plugins: [retry(), dedupe()] })
    const texts = await Promise.all(
      Array.from({ length: 50 }, async () => (await firstValueFrom(client.get('a'))).text()),
    )
    expect(new Set(texts)).toEqual(new Set(['hello']))
    expect(server.requests).toHaveLength(1)
  })

  it('a body that breaks off is nobody’s answer', async () => {
    let n = 0
    await using server = await serve(
      {
        'GET /a': () =>
          ++n === 1
            ? { body: 'x'.repeat(1000), delay: 30, fault: { kind: 'reset', at: 'mid-body', bytes: 500 } }
            : reply.text('whole'),
      },
      { protocol },
    )
    await using client = createClient({
      engine: make(),
      baseUrl: server.url,
      plugins: [retry({ delay: () => 20 }), dedupe()],
    })
    const texts = await Promise.all(
      Array.from({ length: 10 }, async () => (await firstValueFrom(client.get('a'))).text()),
    )
    expect(new Set(texts)).toEqual(new Set(['whole']))
    expect(server.requests.length).toBeLessThan(11)
  })

  it('the last one to leave ends it, and not one before', async () => {
    await using server = await serve(
      { 'GET /a': { body: 'x', fault: { kind: 'stall', at: 'before-head' } }, 'GET /b': reply.text('b') },
      { protocol },
    )
    await using client = createClient({ engine: make(), baseUrl: server.url, plugins: [dedupe()] })
    const calls = Array.from({ length: 3 }, () => client.get('a').subscribe({ error: () => undefined }))
    await server.until(() => server.requests.length === 1)
    calls[0]?.unsubscribe()
    calls[2]?.unsubscribe()
    await firstValueFrom(client.get('b'))
    expect(server.requests.find(({ target }) => target === '/a')?.brokenAt).toBeUndefined()
    calls[1]?.unsubscribe()
    await server.until(() => server.requests.find(({ target }) => target === '/a')?.brokenAt !== undefined)
    expect(client.inFlight).toBe(0)
  })
})
