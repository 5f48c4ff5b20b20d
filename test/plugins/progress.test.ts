import { gzipSync } from 'node:zlib'
import { filter, lastValueFrom, map, tap, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  clock,
  createClient,
  isHttpError,
  UPLOAD_PROGRESS,
  type AnyPlugin,
  type Capabilities,
  type HttpError,
} from 'sluice'
import { mock, type MockAnswer, type MockEngine } from 'sluice/engines/mock'
import { decode } from 'sluice/plugins/decode'
import { progress, type ProgressOptions } from 'sluice/plugins/progress'
import { undici } from 'sluice/engines/undici'
import { reply, serve } from 'sluice/testing'
import { retry } from 'sluice/plugins/retry'
import { virtually } from '../support/virtual-time.ts'

function clientOf(engine: MockEngine, options: Partial<ProgressOptions> = {}) {
  return createClient({ engine, baseUrl: 'https://api.test/', plugins: [progress(options)] })
}

type Seen = readonly [at: number, way: 'up' | 'down', loaded: number, total: number | undefined, done?: boolean]

/** The progress of one call in virtual time. */
function watch(
  answer: MockAnswer,
  options: Partial<ProgressOptions> = {},
  call: { method?: string; body?: Uint8Array } = {},
  capabilities: Partial<Capabilities> = {},
): Seen[] {
  return virtually(({ flush }) => {
    const seen: Seen[] = []
    clientOf(mock({ '*': answer }, { capabilities }), options)
      .events('a', call)
      .subscribe({
        next(event) {
          if (event.type !== 'progress') return
          const { way, loaded, total, done } = event
          seen.push(done === true ? [clock.now(), way, loaded, total, done] : [clock.now(), way, loaded, total])
        },
        error: () => undefined,
      })
    flush()
    return seen
  })
}

describe('of an answer', () => {
  it('is told at its first bytes, then at most once an interval, and at its end', () => {
    const chunks = ['1234', 30, '5', 30, '6', 50, '7', 10, '8', 200, '9']
    expect(watch({ chunks, headers: { 'content-length': '9' } })).toEqual([
      [0, 'down', 4, 9],
      [110, 'down', 7, 9],
      [320, 'down', 9, 9, true],
    ])
  })

  it('is told of every chunk with an interval of 0', () => {
    expect(watch({ chunks: ['12', '34', '5'] }, { interval: 0 })).toEqual([
      [0, 'down', 2, undefined],
      [0, 'down', 4, undefined],
      [0, 'down', 5, undefined],
      [0, 'down', 5, undefined, true],
    ])
  })

  it('knows no total of a body that the engine decodes', () => {
    const answer = { chunks: ['12'], headers: { 'content-length': '2', 'content-encoding': 'gzip' } }
    expect(watch(answer, {}, {}, { decodes: true })).toEqual([
      [0, 'down', 2, undefined],
      [0, 'down', 2, undefined, true],
    ])
  })

  it('counts received bytes behind decode, and decoded ones before it', async () => {
    const body = gzipSync('x'.repeat(1000))
    const engine = mock({ '*': { body, headers: { 'content-encoding': 'gzip' } } })
    const seen = async (...plugins: readonly AnyPlugin[]): Promise<unknown[]> =>
      lastValueFrom(
        createClient({ engine, plugins })
          .events('https://api.test/')
          .pipe(
            filter(event => event.type === 'progress'),
            map(({ loaded, total }) => [loaded, total]),
            toArray(),
          ),
      )
    expect((await seen(decode(), progress())).at(-1)).toEqual([body.length, body.length])
    expect((await seen(progress(), decode())).at(-1)).toEqual([1000, undefined])
  })

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('has nothing to come with %s %i, whatever its header says', (method, status) => {
    const answer = { status, headers: { 'content-length': '1000' } }
    expect(watch(answer, {}, { method })).toEqual([[0, 'down', 0, 0, true]])
  })

  it('is not done when it breaks off', () => {
    expect(watch({ chunks: ['1234', 500, '5'], cut: true })).toEqual([
      [0, 'down', 4, undefined],
      [500, 'down', 5, undefined],
    ])
  })
})

describe('of a request', () => {
  const body = new Uint8Array(10)

  it('is what the engine reports, done when all is sent, before the answer', () => {
    expect(watch({ delay: 1000 }, { down: false }, { method: 'POST', body })).toEqual([[0, 'up', 10, 10, true]])
  })

  it('is told not more than once an interval', async () => {
    const engine = mock({ '*': { readDelay: 2 } })
    const source = async function* () {
      for (let at = 0; at < 10; at++) yield new Uint8Array(1)
    }
    const events = clientOf(engine, { down: false, interval: 10 })
      .events('a', { method: 'POST', body: source() })
      .pipe(
        filter(event => event.type === 'progress'),
        toArray(),
      )
    const seen = await lastValueFrom(events)
    expect(seen.length).toBeLessThan(8)
    expect(seen.at(-1)).toMatchObject({ way: 'up', loaded: 10, done: true })
    expect(seen.filter(({ done }) => done)).toHaveLength(1)
  })

  it('is not asked for when there is no body, or when it is not wanted', async () => {
    const engine = mock({ '*': 200 })
    await lastValueFrom(clientOf(engine).get('a'))
    await lastValueFrom(clientOf(engine).post('a', 'text', { progress: { up: false } }))
    expect(engine.history.map(({ request }) => request.read(UPLOAD_PROGRESS))).toEqual([false, false])
  })

  it('ends with the answer when that comes before all is sent', () => {
    const seen = watch({ early: 4 }, { down: false }, { method: 'POST', body })
    expect(seen.at(-1)?.[4]).toBe(true)
  })

  it('is UNSUPPORTED where the engine cannot tell, which is said before anything is sent', async () => {
    const engine = mock({ '*': 200 }, { capabilities: { uploadProgress: false } })
    const client = clientOf(engine)
    await expect(lastValueFrom(client.post('a', 'text', { progress: { up: true } }))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('uploadProgress') as string,
    })
    expect(engine.history).toEqual([])
    expect((await lastValueFrom(client.get('a', { progress: { up: true } }))).status).toBe(200)
    expect((await lastValueFrom(client.post('a', 'text'))).status).toBe(200)
  })
})

it('tells nothing of an answer that nobody reads', async () => {
  const engine = mock()
  engine.enqueue({ status: 503, body: '1234' }, { body: '12' })
  const client = createClient({ engine, plugins: [retry({ delay: () => 0 }), progress()] })
  const seen: unknown[] = []
  await lastValueFrom(
    client.events('https://api.test/').pipe(tap(event => event.type === 'progress' && seen.push(event.loaded))),
  )
  expect(seen).toEqual([2])
})

it('tells of both ways of one call', () => {
  expect(watch({ body: '12345' }, {}, { method: 'POST', body: new Uint8Array(3) })).toEqual([
    [0, 'up', 3, 3, true],
    [0, 'down', 5, 5, true],
  ])
})

it('lets all other events and failures pass', async () => {
  const client = clientOf(mock({ '*': 'CONNECT' }))
  const error: unknown = await lastValueFrom(client.events('a')).catch((reason: unknown) => reason)
  expect(isHttpError(error) && error.code).toBe('CONNECT')
})

it.each([[{ interval: -1 }], [{ interval: '100' }], [{ up: 1 }], [{ down: 'yes' }], [{ intervall: 5 }]])(
  'refuses %o',
  options => {
    expect(() => progress(options as never)).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }))
  },
)

it('tells of a large upload and a large answer over a socket, each to its last byte', async () => {
  const size = 3_000_000
  await using server = await serve({ 'POST /': reply.bytes(size) })
  await using client = createClient({ engine: undici(), baseUrl: server.url, plugins: [progress({ interval: 0 })] })
  const source = async function* () {
    for (let sent = 0; sent < size; sent += 100_000) yield new Uint8Array(100_000)
  }
  const events = client.events('', { method: 'POST', body: source(), headers: { 'content-length': size } })
  const seen = await lastValueFrom(
    events.pipe(
      filter(event => event.type === 'progress'),
      toArray(),
    ),
  )
  for (const way of ['up', 'down'] as const) {
    const told = seen.filter(event => event.way === way)
    expect(told.length).toBeGreaterThan(3)
    expect(told.map(({ loaded }) => loaded)).toEqual(told.map(({ loaded }) => loaded).toSorted((a, b) => a - b))
    expect(told.filter(({ done }) => done)).toEqual([told.at(-1)])
    expect(told.at(-1)).toMatchObject({ loaded: size, total: size })
  }
})
