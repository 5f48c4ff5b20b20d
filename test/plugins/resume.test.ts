import { lastValueFrom, NEVER, reduce } from 'rxjs'
import {
  clock,
  createClient,
  definePlugin,
  isHttpError,
  mapAnswer,
  RetryBudget,
  type AnyPlugin,
  type HttpError,
  type StreamingResponse,
} from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { deadline } from 'sluice/plugins/deadline'
import { decode } from 'sluice/plugins/decode'
import { progress } from 'sluice/plugins/progress'
import { redirect } from 'sluice/plugins/redirect'
import { resume, type ResumeOptions } from 'sluice/plugins/resume'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { reply, serve, type Fault, type Reply, type ServedRequest } from 'sluice/testing'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { certificates } from '../support/certificates.ts'
import { CONTENDERS } from '../support/fault-contenders.ts'
import { spy } from './resume/spy.ts'
import { virtually } from '../support/virtual-time.ts'

const BODY = 'abcdefghij'

/** Waits 10 ms before the first continuation in a row, 20 before the second, … */
const steady = (options: Partial<ResumeOptions> = {}) => resume({ delay: n => n * 10, ...options })

type Change = Omit<MockReply, 'headers'> & { readonly headers?: Readonly<Record<string, string | undefined>> }

/** The first answer: breaks off behind 4 bytes. */
const broken = ({ headers, ...change }: Change = {}): MockReply => ({
  body: BODY,
  reset: 'body',
  after: 4,
  ...change,
  headers: { etag: '"v1"', ...headers },
})

/** What is missing from byte `from` on. */
const rest = (from: number, { headers, ...change }: Change = {}): MockReply => ({
  status: 206,
  body: BODY.slice(from),
  ...change,
  headers: { etag: '"v1"', 'content-range': `bytes ${from}-9/10`, ...headers },
})

interface Watched {
  /** Heads, bytes as text, notices, the end, in their order; chunks that follow each other are one. */
  readonly seen: readonly string[]
  readonly error: unknown
  /** `Range`, `If-Range` and number of each send. */
  readonly asked: readonly string[]
}

/** Streams in virtual time and writes down what comes out of the plugins. */
function watch(answers: readonly (MockReply | 'CONNECT' | 'PROTOCOL')[], given: Given = {}): Watched {
  const { plugins = [steady()], call = {} } = given
  const seen: string[] = []
  let error: unknown
  const watching = spy({
    next(event) {
      if (event.type === 'head') seen.push(`${event.head.status} ${event.head.headers.get('etag') ?? ''}`)
      else if (event.type === 'chunk') seen.push(new TextDecoder().decode(event.bytes))
      else if (event.type === 'progress') seen.push(`${event.loaded}/${event.total ?? '?'}${event.done ? '.' : ''}`)
      else if (event.type === 'notice') seen.push(`${clock.now()} ${event.name} ${JSON.stringify(event.detail)}`)
    },
    error(thrown: unknown) {
      error = thrown
      seen.push(isHttpError(thrown) ? `${thrown.code} ${thrown.phase ?? ''}` : String(thrown))
    },
    complete() {
      seen.push('whole')
    },
  })
  const api = mock().enqueue(...answers)
  virtually(({ flush }) => {
    createClient({ engine: api, plugins: [watching, ...plugins] })
      .stream('https://api.test/x', () => NEVER, call)
      .subscribe({ error: () => undefined })
    flush()
  })
  const asked = api.history.map(({ request }) => {
    const { headers, attempt } = request
    return `${headers.get('range') ?? 'all'} ${headers.get('if-range') ?? '-'} ${attempt}`
  })
  return { seen, error, asked }
}

interface Given {
  readonly plugins?: readonly AnyPlugin[]
  readonly call?: object
}

describe('a body that breaks off', () => {
  it('goes on where it did, behind the first head', () => {
    const { seen, asked } = watch([broken(), rest(4)])
    expect(seen).toEqual([
      '200 "v1"',
      'abcd',
      '0 resuming {"attempt":2,"delay":10,"reason":"BODY (body)","offset":4,"total":10}',
      '10 resumed {"attempt":2,"offset":4,"total":10}',
      'efghij',
      'whole',
    ])
    expect(asked).toEqual(['all - 1', 'bytes=4- "v1" 2'])
  })

  it('goes on as often as it takes, and the waits grow while little comes', () => {
    const { seen, asked } = watch([broken(), rest(4, { reset: 'body', after: 3 }), 'CONNECT', rest(7)])
    expect(seen.filter(line => !/resum/.test(line))).toEqual(['200 "v1"', 'abcd', 'efg', 'hij', 'whole'])
    expect(
      seen.filter(line => /resuming/.test(line)).map(line => JSON.parse(line.replace(/^\d+ resuming /, '')) as unknown),
    ).toEqual([
      { attempt: 2, delay: 10, reason: 'BODY (body)', offset: 4, total: 10 },
      { attempt: 3, delay: 20, reason: 'BODY (body)', offset: 7, total: 10 },
      { attempt: 4, delay: 30, reason: 'CONNECT (connect)', offset: 7, total: 10 },
    ])
    expect(asked).toEqual(['all - 1', 'bytes=4- "v1" 2', 'bytes=7- "v1" 3', 'bytes=7- "v1" 4'])
  })

  it('starts counting anew when a continuation brought 64 KiB', () => {
    const size = 64 * 1024
    const body = 'x'.repeat(3 * size + 10)
    const part = (n: number, change: Change = {}): MockReply => ({
      status: 206,
      body: body.slice(n * size),
      reset: 'body',
      after: size,
      ...change,
      headers: { etag: '"v1"', 'content-range': `bytes ${n * size}-${body.length - 1}/${body.length}` },
    })
    const last = part(3, { reset: undefined, after: undefined })
    const { seen } = watch([broken({ body, after: size }), part(1), part(2), last], {
      plugins: [steady({ times: 1 })],
    })
    expect(seen.at(-1)).toBe('whole')
    expect(seen.filter(line => /^x+$/.test(line)).join('')).toHaveLength(body.length)
  })

  it('is asked for again when a server sends less of the rest than it was asked for', () => {
    const some = rest(4, { body: 'ef', headers: { 'content-range': 'bytes 4-5/10' } })
    const { seen, asked } = watch([broken(), some, rest(6)])
    expect(seen.filter(line => !/resum/.test(line))).toEqual(['200 "v1"', 'abcd', 'ef', 'ghij', 'whole'])
    expect(asked.at(-1)).toBe('bytes=6- "v1" 3')
  })

  it('goes on after silence, too', () => {
    const silent = broken({ reset: undefined, stall: 'body' })
    const { seen } = watch([silent, rest(4)], { plugins: [steady(), timeout({ idle: 1_000 })] })
    expect(seen.filter(line => !/resumed/.test(line))).toEqual([
      '200 "v1"',
      'abcd',
      expect.stringMatching(/^10\d\d resuming .*"TIMEOUT \(idle\)"/),
      'efghij',
      'whole',
    ])
  })

  it('is known by a date that is a minute old', () => {
    const headers = (date: string) => ({
      etag: undefined,
      'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT',
      date,
    })
    const dated = headers('Sun, 06 Nov 1994 08:50:37 GMT')
    expect(watch([broken({ headers: dated }), rest(4, { headers: dated })]).asked).toEqual([
      'all - 1',
      'bytes=4- Sun, 06 Nov 1994 08:49:37 GMT 2',
    ])
    expect(watch([broken({ headers: headers('Sun, 06 Nov 1994 08:50:36 GMT') })]).asked).toHaveLength(1)
  })

  it('is asked for without conditions that were met before', () => {
    const api = mock().enqueue(broken(), rest(4))
    virtually(({ flush }) => {
      createClient({ engine: api, plugins: [steady()] })
        .stream('https://api.test/x', () => NEVER, { headers: { 'if-none-match': '"v0"', 'x-mine': '1' } })
        .subscribe()
      flush()
    })
    const again = api.history[1]?.request.headers
    expect([again?.get('if-none-match'), again?.get('x-mine')]).toEqual([undefined, '1'])
  })
})

describe('a body that cannot be continued', () => {
  it.each<[string, Change]>([
    ['has no validator', { headers: { etag: undefined } }],
    ['has a weak one', { headers: { etag: 'W/"v1"' } }],
    ['has one that is none', { headers: { etag: 'v1' } }],
    [
      'has a weak one beside an old date',
      {
        headers: {
          etag: 'W/"v1"',
          'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT',
          date: 'Mon, 07 Nov 1994 08:49:37 GMT',
        },
      },
    ],
    ['is encoded', { headers: { 'content-encoding': 'gzip' } }],
    ['comes from a server without ranges', { headers: { 'accept-ranges': 'none' } }],
    ['is no 200', { status: 203 }],
    ['has no length', { body: undefined, chunks: ['abcd', 'efgh'] }],
  ])("%s: its error is the call's", (_, change) => {
    const { seen, asked } = watch([broken(change)])
    expect(asked).toHaveLength(1)
    expect(seen.at(-1)).toBe('BODY body')
  })

  it.each<[string, MockReply, string]>([
    ['has changed', { body: 'something else', headers: { etag: '"v2"' } }, 'it has changed'],
    ['is served whole only', { body: BODY, headers: { etag: '"v1"' } }, 'ranges are not served'],
    ['is shorter now', { status: 416, headers: { 'content-range': 'bytes */3' } }, 'it has changed'],
    ['has another validator', rest(4, { headers: { etag: '"v2"' } }), 'it has changed'],
    ['has lost its validator', rest(4, { headers: { etag: undefined } }), 'it has changed'],
    ['begins elsewhere', rest(3), 'another range was sent'],
    ['ends elsewhere', rest(4, { headers: { 'content-range': 'bytes 4-9/11' } }), 'another range was sent'],
    ['ends behind its end', rest(4, { headers: { 'content-range': 'bytes 4-10/10' } }), 'another range was sent'],
    ['has an unknown length', rest(4, { headers: { 'content-range': 'bytes 4-9/*' } }), 'another range was sent'],
    ['comes in several parts', rest(4, { headers: { 'content-range': undefined } }), 'another range was sent'],
    ['is encoded now', rest(4, { headers: { 'content-encoding': 'gzip' } }), 'it is encoded'],
    ['is forbidden now', { status: 403 }, 'status 403'],
    ['is elsewhere now', { status: 302, headers: { location: '/y' } }, 'status 302'],
  ])('%s: the break is the error, and nothing of the answer gets through', (_, answer, because) => {
    const { seen, asked, error } = watch([broken(), answer])
    expect(asked).toHaveLength(2)
    expect(seen.slice(1)).toEqual([
      'abcd',
      expect.stringMatching(/resuming/),
      `10 gave up ${JSON.stringify({ attempt: 2, because, reason: because, offset: 4 })}`,
      'BODY body',
    ])
    expect(error).toMatchObject({ code: 'BODY', attempt: 1 })
  })

  it('is not taken from another place', () => {
    const elsewhere = definePlugin({
      name: 'elsewhere',
      scope: 'wire',
      defaults: {},
      install: () => (request, next) =>
        next(request).pipe(
          mapAnswer({ head: head => (head.status === 206 ? { ...head, url: 'https://mirror.test/x' } : head) }),
        ),
    })
    const { seen } = watch([broken(), rest(4)], { plugins: [steady(), elsewhere()] })
    expect(seen.slice(-2)).toEqual([expect.stringMatching(/gave up .*"another place answered"/), 'BODY body'])
  })

  it('is asked for where it was redirected to', () => {
    const { seen, asked } = watch([{ status: 302, headers: { location: '/y' } }, broken(), rest(4)], {
      plugins: [redirect(), steady()],
    })
    expect(seen.at(-1)).toBe('whole')
    expect(asked.at(-1)).toBe('bytes=4- "v1" 2')
  })

  it('is given up after so many in a row, with what broke it', () => {
    const { seen, error } = watch([broken(), 'CONNECT', 'CONNECT', 'CONNECT'], { plugins: [steady({ times: 2 })] })
    expect(seen.slice(-2)).toEqual([
      '30 gave up {"attempt":3,"because":"times","reason":"CONNECT (connect)","offset":4}',
      'BODY body',
    ])
    expect(error).toMatchObject({ code: 'BODY' })
  })

  it('is given up when what comes next will not go away', () => {
    const { seen } = watch([broken(), 'PROTOCOL'])
    expect(seen.slice(-2)).toEqual([expect.stringMatching(/gave up .*"the continuation failed"/), 'BODY body'])
  })

  it('is none of those it is for: a POST, a Range of its own, a call that leaves it out, a whole answer', () => {
    expect(watch([broken()], { call: { method: 'POST' } }).asked).toHaveLength(1)
    expect(watch([broken()], { call: { headers: { range: 'bytes=0-' } } }).asked).toHaveLength(1)
    expect(watch([broken()], { call: { resume: false } }).asked).toHaveLength(1)
    expect(watch([broken()], { plugins: [steady({ times: 0 })] }).asked).toHaveLength(1)
    const api = mock().enqueue(broken())
    virtually(({ flush }) => {
      createClient({ engine: api, plugins: [steady()] })
        .get('https://api.test/x')
        .subscribe({ error: () => undefined })
      flush()
    })
    expect(api.history).toHaveLength(1)
  })

  it('passes when nothing breaks, and so does an error before the head', () => {
    expect(watch([{ body: BODY }]).seen).toEqual(['200 ', BODY, 'whole'])
    expect(watch(['CONNECT']).seen).toEqual(['CONNECT connect'])
  })
})

describe('how long it waits', () => {
  const later = (after: string): MockReply => ({ status: 503, headers: { 'retry-after': after } })

  it('is what the server asks for, when that is longer', () => {
    const { seen } = watch([broken(), later('2'), rest(4)])
    expect(seen.find(line => line.includes('"delay":2000'))).toMatch(/^10 resuming .*"reason":"status 503"/)
    expect(seen.at(-1)).toBe('whole')
  })

  it('has a cap', () => {
    const { seen } = watch([broken(), later('61')])
    expect(seen.at(-2)).toMatch(/"because":"retry-after"/)
    expect(watch([broken(), later('61'), rest(4)], { plugins: [steady({ retryAfterCap: false })] }).seen.at(-1)).toBe(
      'whole',
    )
  })

  it('is not begun when it would end after the deadline', () => {
    const { seen } = watch([broken(), rest(4)], { plugins: [deadline({ ms: 10 }), steady()] })
    expect(seen.slice(-2)).toEqual([expect.stringMatching(/gave up .*"deadline"/), 'BODY body'])
  })

  it('is bounded with the retries of a budget', () => {
    const budget = new RetryBudget({ share: 0, floor: 0 })
    const { error } = watch([broken()], { plugins: [steady({ budget })] })
    expect(error).toMatchObject({ code: 'BODY', budgetExhausted: true })
    expect(watch([broken(), rest(4)], { plugins: [steady({ budget: false })] }).seen.at(-1)).toBe('whole')
  })

  it('must be a time', () => {
    const { error } = watch([broken()], { plugins: [resume({ delay: () => Number.NaN })] })
    expect(error).toMatchObject({ code: 'CONFIG', cause: { code: 'BODY' } })
    expect((error as HttpError).message).toMatch(
      /^resume\(\{ delay \}\) must return a number of milliseconds .* not NaN;/,
    )
  })

  it('grows with full jitter unless it is told otherwise', () => {
    const delays = watch([broken(), 'CONNECT', 'CONNECT', rest(4)], { plugins: [resume()] })
      .seen.filter(line => /resuming/.test(line))
      .map(line => (JSON.parse(line.replace(/^\S+ resuming /, '')) as { delay: number }).delay)
    expect(delays).toHaveLength(3)
    delays.forEach((delay, at) => {
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThan(100 * 2 ** at)
    })
  })

  it('ends with the subscription, and leaves no timer', () => {
    virtually(({ flush }) => {
      const api = mock().enqueue(broken(), rest(4))
      const call = createClient({ engine: api, plugins: [steady()] })
        .stream('https://api.test/x', () => NEVER)
        .subscribe()
      clock.schedule(() => {
        call.unsubscribe()
      }, 5)
      flush()
      expect(api.history).toHaveLength(1)
    })
  })
})

describe('beside other plugins', () => {
  it('stands inside of redirect and retry', () => {
    const at =
      (...plugins: AnyPlugin[]) =>
      () =>
        createClient({ engine: mock(), plugins })
    expect(at(redirect(), retry(), resume())).not.toThrow()
    expect(at(resume(), redirect())).toThrow(
      /redirect.*cannot stand|resume cannot stand before redirect|around redirect/,
    )
    expect(at(resume(), retry())).toThrow(/around retry/)
  })

  it('leaves a continuation to itself: retry does not count it', () => {
    const { seen, asked } = watch([broken(), { status: 503 }, rest(4)], {
      plugins: [retry({ times: 0, budget: new RetryBudget({ share: 0, floor: 0 }) }), steady()],
    })
    expect(seen.at(-1)).toBe('whole')
    expect(asked).toHaveLength(3)
  })

  it('takes from a budget they share what it needs, and no more', () => {
    const budget = new RetryBudget({ share: 0, floor: 0.2 })
    const { seen } = watch([broken(), { status: 503 }, rest(4)], { plugins: [retry({ budget }), steady({ budget })] })
    expect(seen.at(-1)).toBe('whole')
  })

  it('makes one progress of all parts', () => {
    const { seen } = watch([broken(), rest(4)], { plugins: [steady(), progress({ interval: 0 })] })
    expect(seen.filter(line => line.includes('/'))).toEqual(['4/10', '10/10.'])
  })

  it('continues no body that decode made of another one', () => {
    const packed = gzipSync(BODY)
    const { asked } = watch([broken({ body: packed, headers: { 'content-encoding': 'gzip' } })], {
      plugins: [steady(), decode()],
    })
    expect(asked).toHaveLength(1)
    expect(watch([broken(), rest(4)], { plugins: [steady(), decode()] }).seen.at(-1)).toBe('whole')
  })
})

it('refuses options that mean nothing', () => {
  expect(() => resume({ times: -1 })).toThrow('resume({ times }) must be a whole number of at least 0, not -1.')
  expect(() => resume({ budget: true as never })).toThrow(/a RetryBudget, or false/)
})

/** What is served: each byte tells where it stands. */
const SIZE = 3 * 1024 * 1024
const bytes = Uint8Array.from({ length: SIZE }, (_, at) => (at * 7 + (at >> 8) * 13) % 251)

/** Serves `bytes` by range; every answer but those at the end of the file gets a fault. */
function file(fault: (index: number, left: number) => Fault | undefined) {
  return (request: ServedRequest): Reply => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.header('range'))?.[1] ?? 0)
    const body = bytes.subarray(from)
    const struck = fault(request.index, body.length)
    return {
      status: from === 0 ? 200 : 206,
      headers: { etag: '"v1"', ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${SIZE - 1}/${SIZE}` }) },
      body,
      ...(struck === undefined ? {} : { fault: struck }),
    }
  }
}

async function* all(response: StreamingResponse): AsyncGenerator<Uint8Array> {
  for await (const chunk of response) yield chunk
}

describe.each(CONTENDERS)('$name', ({ protocol, make }) => {
  const { ca, good } = certificates()
  const secure = protocol === 'h2'
  const up = (route: (request: ServedRequest) => Reply) =>
    serve({ 'GET /file': route, '/slow': reply.status(200) }, { protocol, ...(secure ? { tls: good } : {}) })
  const engine = () => make(secure ? { ca } : undefined)

  it.each<[string, (index: number, left: number) => Fault | undefined]>([
    ['resets', (_, left) => (left > 400_000 ? { kind: 'reset', at: 'mid-body', bytes: 300_000 } : undefined)],
    ['ends too early', (_, left) => (left > 900_000 ? { kind: 'fin', at: 'mid-body', bytes: 700_000 } : undefined)],
    ['falls silent', index => (index === 0 ? { kind: 'stall', at: 'mid-body', bytes: 100_000 } : undefined)],
    [
      'breaks before it goes on',
      index => (index < 3 ? { kind: 'reset', at: index === 0 ? 'mid-body' : 'before-head' } : undefined),
    ],
  ])('brings every byte once from a server that %s', async (_, fault) => {
    await using server = await up(file(fault))
    await using client = createClient({
      engine: engine(),
      plugins: [resume({ delay: () => 1, budget: false }), timeout({ idle: 150 })],
    })
    const whole = await lastValueFrom(
      client.stream(`${server.url}file`, all).pipe(reduce((parts: Uint8Array[], part) => [...parts, part], [])),
    )
    expect(Buffer.compare(Buffer.concat(whole), bytes)).toBe(0)
    expect(server.requests.length).toBeGreaterThan(1)
  })
})

it('holds back the exchange that continues for a reader that is held back', async () => {
  await using server = await serve({
    '/file': request => {
      const ranged = request.header('range') !== ''
      return reply.bytes(ranged ? 64 * 1024 * 1024 - 65_536 : 64 * 1024 * 1024, {
        status: ranged ? 206 : 200,
        headers: {
          etag: '"v1"',
          ...(ranged ? { 'content-range': `bytes 65536-${64 * 1024 * 1024 - 1}/${64 * 1024 * 1024}` } : {}),
        },
        ...(ranged ? {} : { fault: { kind: 'reset', at: 'mid-body', bytes: 65_536 } }),
      })
    },
  })
  await using client = createClient({ engine: undici(), plugins: [resume({ delay: () => 1 })] })
  const call = client.stream(`${server.url}file`, () => NEVER).subscribe()
  const second = await server.received(2)
  const settled = async (): Promise<number> => {
    for (let before = -1; ;) {
      if (second.bytesOut === before && before > 0) return before
      before = second.bytesOut
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
  expect(await settled()).toBeLessThan(8 * 1024 * 1024)
  call.unsubscribe()
  await server.closed(2)
})

it('holds back the next exchange at once when the last one was held back as it ended', async () => {
  const total = 256 * 1024 * 1024
  await using server = await serve({
    '/file': request => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.header('range'))?.[1] ?? 0)
      const range = { 'content-range': `bytes ${from}-${total - 1}/${total}` }
      return reply.bytes(total - from, {
        status: from === 0 ? 200 : 206,
        headers: { etag: '"v1"', ...(from === 0 ? {} : range) },
      })
    },
  })
  await using client = createClient({
    engine: undici(),
    plugins: [resume({ delay: () => 1, times: 2 }), timeout({ attempt: 1_000 })],
  })
  const call = client.stream(`${server.url}file`, () => NEVER).subscribe()
  await server.received(3)
  const second = await server.received(2)
  expect(second.bytesOut).toBeLessThan(8 * 1024 * 1024)
  call.unsubscribe()
})
