import { asyncScheduler, firstValueFrom, map, NEVER, Observable, tap, timer } from 'rxjs'
import {
  clock,
  createClient,
  definePlugin,
  isHttpError,
  LIMITS,
  UPLOAD_PROGRESS,
  type AnyPlugin,
  type Flow,
  type HttpError,
  type HttpEvent,
} from 'sluice'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { timeout } from 'sluice/plugins/timeout'
import { webSocket } from 'sluice/streams/web-socket'
import { reply, serve } from 'sluice/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aHead } from '../src/samples.ts'
import { virtually } from '../support/virtual-time.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const BASE = 'https://api.test/'

function open(engine: MockEngine, ...plugins: AnyPlugin[]) {
  return createClient({ engine, baseUrl: BASE, plugins: plugins as [ReturnType<typeof timeout>] })
}

/** Subscribes in virtual time and tells how it ended, and when. */
function endOf(call: Observable<unknown>): string {
  let end = 'still running'
  virtually(({ flush }) => {
    call.subscribe({
      error(error: unknown) {
        end = `${clock.now()} ${isHttpError(error) ? `${error.code} ${error.phase ?? ''}` : String(error)}`
      },
      complete() {
        end = `${clock.now()} complete`
      },
    })
    flush()
  })
  return end
}

const get = (answer: MockReply, ...plugins: AnyPlugin[]): string =>
  endOf(open(mock().enqueue(answer), ...plugins).get('x'))

describe('a server that does not answer', () => {
  it.each([
    ['queue', 30_000],
    ['dns', 5_000],
    ['connect', 10_000],
    ['headers', 30_000],
  ] as const)('in the phase %s is given up after %i ms', (phase, ms) => {
    expect(get({ stall: phase }, timeout())).toBe(`${ms} TIMEOUT ${phase}`)
  })

  it('in the handshake is given up after 10 s', () => {
    expect(get({ stall: 'tls' }, timeout({ connect: false }))).toBe('10000 TIMEOUT tls')
  })

  it('while it should take a body is given up after 30 s', () => {
    const api = mock().enqueue({ stall: 'send' })
    expect(endOf(open(api, timeout()).post('x', { a: 1 }))).toBe('30000 TIMEOUT send')
  })

  it.each(['queue', 'dns', 'connect', 'tls', 'headers'] as const)(
    'is waited for as long as timeout({ %s }) says',
    phase => {
      expect(get({ stall: phase }, timeout({ [phase]: 70 }))).toBe(`70 TIMEOUT ${phase}`)
      expect(endOf(open(mock().enqueue({ stall: phase }), timeout()).get('x', { timeout: { [phase]: 80 } }))).toBe(
        `80 TIMEOUT ${phase}`,
      )
    },
  )

  it('is waited for without end when all limits are off', () => {
    const off = {
      queue: false,
      dns: false,
      connect: false,
      tls: false,
      send: false,
      headers: false,
      idle: false,
    } as const
    expect(get({ stall: 'headers' }, timeout(off))).toBe('still running')
    expect(get({ stall: 'headers' })).toBe('still running')
  })

  it('gains no time by saying that it will', () => {
    const early = [{ status: 103 }, { status: 103 }]
    expect(get({ informational: early, delay: 101 }, timeout({ headers: 100 }))).toBe('100 TIMEOUT headers')
  })

  it('has the connecting before not counted against it', () => {
    const connection = { took: { dns: 40, tcp: 40, tls: 40 } }
    expect(get({ connection, delay: 90 }, timeout({ headers: 100 }))).toBe('210 complete')
  })
})

describe('an upload', () => {
  const big = new Uint8Array(100_000)

  it('that takes long is not counted against the answer', () => {
    const api = mock().enqueue({ readDelay: 500, delay: 90 })
    expect(endOf(open(api, timeout({ headers: 100 })).put('x', big))).toBe('590 complete')
  })

  it('that is done and not answered is', () => {
    const api = mock().enqueue({ readDelay: 500, delay: 110 })
    expect(endOf(open(api, timeout({ headers: 100 })).put('x', big))).toBe('600 TIMEOUT headers')
  })

  it('of a source is watched to its end, however slow the source is', async () => {
    async function* slowly() {
      yield 'a'
      await new Promise(resolve => asyncScheduler.schedule(() => resolve(undefined), 150))
      yield 'b'
    }
    const api = mock(({ body }) => ({ body: body.text() }))
    const text = await new Promise<string>((resolve, reject) => {
      open(api, timeout({ headers: 80 }))
        .post('x', slowly())
        .subscribe({ next: response => resolve(response.text()), error: reject })
    })
    expect(text).toBe('ab')
  })

  it('that is small is not asked to tell of its progress', () => {
    const api = mock().enqueue(200)
    endOf(open(api, timeout()).post('x', { a: 1 }))
    expect(api.history[0]?.request.read(UPLOAD_PROGRESS)).toBe(false)
  })

  const kinds = (engine: MockEngine, ...plugins: AnyPlugin[]): string[] => {
    const seen: string[] = []
    open(engine, ...plugins)
      .events('x', { method: 'PUT', body: big })
      .subscribe((event: HttpEvent) => seen.push(event.type))
    return seen
  }
  const asking = definePlugin({
    name: 'asking',
    scope: 'attempt',
    defaults: {},
    install: () => (request, next) => next(request.note(UPLOAD_PROGRESS, true)),
  })

  it('tells of its progress only to those who asked', () => {
    expect(kinds(mock().enqueue(200), timeout())).not.toContain('progress')
    expect(kinds(mock().enqueue(200), asking(), timeout())).toContain('progress')
  })

  it('is counted from the head on by an engine that cannot tell when it is done', () => {
    const api = mock({}, { capabilities: { uploadProgress: false } }).enqueue({ readDelay: 500 })
    expect(endOf(open(api, timeout({ headers: 100, send: false })).put('x', big))).toBe('100 TIMEOUT headers')
  })
})

describe('an answer that goes silent', () => {
  it('is given up after 30 s without a byte, to the millisecond', () => {
    expect(get({ chunks: ['a', 29_999, 'b', 30_001, 'c'] }, timeout())).toBe('59999 TIMEOUT idle')
    expect(get({ chunks: [29_999, 'a', 29_999, 'b', 29_999] }, timeout())).toBe('89997 complete')
  })

  it('is given up also when it never sent a byte of its body', () => {
    expect(get({ body: 'hello', bodyDelay: 200 }, timeout({ idle: 100 }))).toBe('100 TIMEOUT idle')
  })

  it('is given up early when idle is shorter than headers, and late when it is longer', () => {
    expect(get({ delay: 900, chunks: ['a', 200, 'b'] }, timeout({ headers: 1_000, idle: 100 }))).toBe(
      '1000 TIMEOUT idle',
    )
    expect(get({ delay: 50, chunks: ['a', 900, 'b'] }, timeout({ headers: 100, idle: 1_000 }))).toBe('950 complete')
  })

  it('is waited for when idle is off', () => {
    expect(get({ chunks: ['a', 900_000, 'b'] }, timeout({ idle: false }))).toBe('900000 complete')
  })

  /** Holds the answer back from 50 ms to 5 s. */
  const holding = definePlugin({
    name: 'holding',
    scope: 'wire',
    defaults: {},
    install: () => (request, next) => {
      let flow: Flow | undefined
      timer(50).subscribe(() => flow?.pause())
      timer(5_000).subscribe(() => flow?.resume())
      return next(request).pipe(
        tap(event => {
          if (event.type === 'head') flow = event.flow
        }),
      )
    },
  })

  it('may be held back by whoever reads for as long as they like', () => {
    const api = mock().enqueue({ chunks: ['a', 100, 'b'] })
    expect(endOf(open(api, holding(), timeout({ idle: 120 })).get('x'))).toMatch(/^50\d\d complete$/)
    expect(api.history[0]?.pauses).toBe(1)
  })

  it('is given up when it stays silent after it was let go', () => {
    expect(get({ chunks: ['a', 6_000, 'b'] }, holding(), timeout({ idle: 120 }))).toBe('5120 TIMEOUT idle')
  })

  /** An exchange that goes as it is written, and does not care whether it is held back. */
  const scripted = (events: readonly (readonly [ms: number, event: HttpEvent])[], end: number) =>
    definePlugin({
      name: 'scripted',
      scope: 'wire',
      defaults: {},
      install: () => () =>
        new Observable<HttpEvent>(subscriber => {
          for (const [ms, event] of events) subscriber.add(timer(ms).subscribe(() => subscriber.next(event)))
          subscriber.add(timer(end).subscribe(() => subscriber.complete()))
        }),
    })()
  const noFlow = { pause: () => undefined, resume: () => undefined }
  const head: HttpEvent = { type: 'head', head: aHead(), flow: noFlow }

  it('may still send what was on its way when it was held back', () => {
    const late = scripted(
      [
        [0, head],
        [60, { type: 'chunk', bytes: new Uint8Array(1) }],
      ],
      1_000,
    )
    expect(endOf(open(mock(), holding(), timeout({ idle: 100 }), late).get('x'))).toBe('1000 complete')
  })

  it('lives as long as an upload that goes on beside it', () => {
    const up = (loaded: number): HttpEvent => ({ type: 'progress', way: 'up', loaded })
    const duplex = scripted(
      [
        [0, head],
        [80, up(1)],
        [160, up(2)],
      ],
      240,
    )
    expect(endOf(open(mock(), timeout({ idle: 100 }), duplex).get('x'))).toBe('240 complete')
  })

  it('is an event stream in which nothing happens: that is no failure, unless idle says so', () => {
    const events = {
      headers: { 'content-type': 'text/event-stream; charset=utf-8' },
      chunks: ['data: 1\n\n', 90_000, 'data: 2\n\n'],
    }
    const live = (options: Parameters<typeof timeout>[0], headers: Record<string, string>): MockEngine => {
      const api = mock().enqueue({ ...events, headers })
      endOf(open(api, timeout(options)).stream('x', () => NEVER))
      return api
    }
    expect(live({}, events.headers).history[0]?.outcome).toBe('completed')
    expect(live({ idle: 60_000 }, events.headers).history[0]?.outcome).toBe('aborted')
    expect(live({}, { 'content-type': 'text/plain' }).history[0]?.outcome).toBe('aborted')
    expect(get(events, timeout())).toBe('30000 TIMEOUT idle')
  })
})

describe('the whole attempt', () => {
  it('has no limit by default, and one with attempt, body and connecting included', () => {
    const slow = { connection: { took: { dns: 40 } }, chunks: ['a', 40, 'b', 40, 'c'] }
    expect(get(slow, timeout())).toBe('120 complete')
    expect(get(slow, timeout({ attempt: 100 }))).toBe('100 TIMEOUT attempt')
    expect(get({ stall: 'queue' }, timeout({ attempt: 100 }))).toBe('100 TIMEOUT attempt')
  })

  it('also ends while an answer is held back', () => {
    expect(get({ stall: 'body', body: 'hello' }, timeout({ attempt: 100, idle: false }))).toBe('100 TIMEOUT attempt')
  })
})

describe('the error', () => {
  const errorOf = (answer: MockReply, options: Parameters<typeof timeout>[0]): HttpError => {
    let caught: unknown
    virtually(({ flush }) => {
      open(mock().enqueue(answer), timeout(options))
        .get('users?key=secret')
        .subscribe({ error: (error: unknown) => (caught = error) })
      flush()
    })
    return caught as HttpError
  }

  it.each([
    [{ stall: 'headers' }, { headers: 50 }, 'got no answer within 50 ms.', 'yes'],
    [{ body: 'hello', stall: 'body' }, { idle: 50 }, 'got no further byte for 50 ms.', 'yes'],
    [{ stall: 'headers' }, { attempt: 50 }, 'took longer than 50 ms.', 'yes'],
    [{ stall: 'connect' }, { attempt: 50 }, 'took longer than 50 ms.', 'maybe'],
  ] as const)('says in a sentence what took too long: %j', (answer, options, sentence, requestWritten) => {
    const error = errorOf(answer, options)
    expect(error.message).toBe(`GET ${BASE}users?key=<redacted:6> ${sentence}`)
    expect(error).toMatchObject({ code: 'TIMEOUT', attempt: 1, requestWritten, request: { method: 'GET' } })
  })

  it('ends the exchange', () => {
    const api = mock().enqueue({ stall: 'headers' })
    endOf(open(api, timeout({ headers: 50 })).get('x'))
    expect(api.history[0]).toMatchObject({ outcome: 'aborted', endedAt: 50 })
  })
})

describe('the engine', () => {
  it('is told its limits; of two for one phase the smaller wins', () => {
    const outer = definePlugin({
      name: 'outer',
      scope: 'attempt',
      defaults: {},
      install: () => (request, next) => next(request.note(LIMITS, { queue: 5, dns: false, tls: 99_999 })),
    })
    const api = mock().enqueue(200)
    endOf(open(api, outer(), timeout({ send: false })).get('x'))
    expect(api.history[0]?.request.read(LIMITS)).toEqual({
      queue: 5,
      dns: 5_000,
      connect: 10_000,
      tls: 10_000,
      send: false,
    })
  })

  it('that cannot see a phase keeps the others, and refuses a limit it is asked for', () => {
    const blind = () => mock({}, { name: 'blind', capabilities: { limits: ['queue'] } }).enqueue(200)
    const errors: unknown[] = []
    open(blind(), timeout({ queue: 9, headers: 9, connect: false }))
      .get('x')
      .subscribe({ error: (error: unknown) => errors.push(error) })
    expect(errors).toEqual([])
    open(blind(), timeout({ dns: 100 }))
      .get('x')
      .subscribe({ error: (error: unknown) => errors.push(error) })
    expect(errors).toMatchObject([
      {
        code: 'UNSUPPORTED',
        message:
          'The engine blind cannot keep timeout({ dns: 100 }), it does not see that phase; limit the whole with timeout({ attempt }), or use an engine that can: undici, http2, http.',
      },
    ])
  })
})

describe('what it costs', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

  it('is one timer, however many chunks come', () => {
    const schedule = vi.spyOn(asyncScheduler, 'schedule')
    const api = mock().enqueue({ chunks: Array<string>(1_000).fill('x') })
    let bytes = 0
    open(api, timeout())
      .get('x')
      .subscribe(response => (bytes = response.bytes.length))
    expect(bytes).toBe(1_000)
    expect(schedule).toHaveBeenCalledTimes(1)
  })

  it('is no timer after the end, however it comes', () => {
    const before = timers()
    open(mock().enqueue(200), timeout({ attempt: 1_000 }))
      .get('x')
      .subscribe()
    open(mock().enqueue('RESET'), timeout({ attempt: 1_000 }))
      .get('x')
      .subscribe({ error: () => undefined })
    const left = open(mock().enqueue({ stall: 'headers' }), timeout({ attempt: 1_000 }))
      .get('x')
      .subscribe()
    expect(timers()).toBeGreaterThan(before)
    left.unsubscribe()
    expect(timers()).toBe(before)
  })
})

describe('on the wire', () => {
  it('fails within a few ms of its time, and the server sees the connection close', async () => {
    await using server = await serve({ 'GET /stall': { fault: { kind: 'stall', at: 'before-head' } } })
    const client = createClient({ engine: undici(), baseUrl: server.url, plugins: [timeout({ headers: 100 })] })
    const start = performance.now()
    const error = await new Promise<HttpError>(resolve => client.get('stall').subscribe({ error: resolve }))
    expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'headers' })
    expect(performance.now() - start).toBeGreaterThanOrEqual(99)
    await server.closed(1, 1_000)
    await client.close()
  })

  it('finds a body that drips too slowly, or not at all', async () => {
    await using server = await serve({
      'GET /stall': { body: 'hello', fault: { kind: 'stall', at: 'mid-body' } },
      'GET /drip': { body: 'hello', fault: { kind: 'drip', at: 'mid-body', every: 10 } },
    })
    const client = createClient({ engine: undici(), baseUrl: server.url, plugins: [timeout({ idle: 100 })] })
    const error = await new Promise<HttpError>(resolve => client.get('stall').subscribe({ error: resolve }))
    expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'idle' })
    expect((await firstValueFrom(client.get('drip'))).text()).toBe('hello')
    await client.close()
  })

  it('takes an answer that came while the event loop was blocked', async () => {
    await using server = await serve({
      'GET /x': () => {
        // When the answer is with the kernel, nothing runs for longer than the limit.
        setImmediate(() => {
          for (const end = performance.now() + 300; performance.now() < end;);
        })
        return reply.text('in time')
      },
    })
    const client = createClient({ engine: undici(), baseUrl: server.url, plugins: [timeout({ headers: 100 })] })
    expect((await firstValueFrom(client.get('x'))).text()).toBe('in time')
    await client.close()
  })
})

describe('timeout()', () => {
  it.each(['queue', 'dns', 'connect', 'tls', 'send', 'headers', 'idle', 'attempt'])(
    'refuses for %s what is no time',
    name => {
      for (const value of [0, -1, Number.NaN, Infinity, 2 ** 31, '5', true, null]) {
        expect(() => timeout({ [name]: value })).toThrow(
          `timeout({ ${name} }) must be a number of milliseconds above 0 and up to 2147483647, or false for no limit`,
        )
      }
    },
  )

  it('stands inside of decode', () => {
    const decode = definePlugin({
      name: 'decode',
      scope: 'wire',
      defaults: {},
      install: () => (request, next) => next(request),
    })
    expect(() => createClient({ engine: mock(), plugins: [timeout(), decode()] })).toThrow(
      'timeout cannot stand before decode: idle counts what the server sends, not what decoding makes of it',
    )
  })
})

describe('a WebSocket', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 })
  })
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  interface Change {
    /** How long `project` takes for a message. */
    readonly takes?: number
    /** When we say goodbye. */
    readonly bids?: number
    /** The heartbeat. */
    readonly every?: number
  }

  /** How it ends, and when. */
  async function talk(reply: MockReply, plugin: AnyPlugin, { takes, bids, every }: Change = {}): Promise<string> {
    const socket = webSocket(open(mock().enqueue(reply), plugin), 'x', {
      codec: 'text',
      heartbeat: every !== undefined && { every },
      ...(takes === undefined ? {} : { project: () => timer(takes).pipe(map(() => 'done')) }),
    })
    let end = 'still running'
    socket.subscribe({
      error(error: unknown) {
        end = `${clock.now()} ${isHttpError(error) ? `${error.code} ${error.phase ?? ''}` : String(error)}`
      },
      complete() {
        end = `${clock.now()} complete`
      },
    })
    if (bids !== undefined) clock.schedule(() => socket.complete(), bids)
    await vi.advanceTimersByTimeAsync(1_000_000)
    return end
  }

  it('may be silent for as long as it likes, as long as nobody minds', async () => {
    expect(await talk({ webSocket: [900_000, { close: 1000 }] }, timeout())).toBe('900000 complete')
  })

  it('is bounded in its handshake', async () => {
    expect(await talk({ stall: 'headers' }, timeout())).toMatch(/^3\d{4} TIMEOUT headers$/)
    expect(await talk({ delay: 70, webSocket: [] }, timeout({ headers: 60 }))).toMatch(/TIMEOUT headers$/)
  })

  it('whose peer says nothing for as long as timeout({ idle }) is given up', async () => {
    const reply = { webSocket: ['a', 90, 'b', 90, 'c', 200, 'd'] } as const
    // One millisecond is what a timer that is late gets on top.
    expect(await talk(reply, timeout({ idle: 100 }))).toMatch(/^28[0-5] TIMEOUT idle$/)
  })

  it('is as alive as its peer, which answers pings', async () => {
    const reply = { webSocket: [950, { close: 1000 }] } as const
    expect(await talk(reply, timeout({ idle: 100 }), { every: 60 })).toMatch(/^95\d complete$/)
  })

  it('is not alive because it has a heartbeat that is too slow', async () => {
    expect(await talk({ webSocket: [950] }, timeout({ idle: 100 }), { every: 160 })).toMatch(/^10[0-5] TIMEOUT idle$/)
  })

  it('that is held back does not count as silent', async () => {
    const reply = { webSocket: ['a', 'b', { close: 1000 }] } as const
    expect(await talk(reply, timeout({ idle: 100 }), { takes: 5000 })).toMatch(/^1000\d complete$/)
  })

  it('has the time its engine gives to a peer that is told goodbye', async () => {
    const reply: MockReply = { webSocket: peer => peer.stall() }
    expect(await talk(reply, timeout({ idle: 100 }), { bids: 50 })).toMatch(/^305\d complete$/)
  })
})
