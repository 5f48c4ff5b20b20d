/** What breaks an event source, on every engine: nothing is lost, nothing comes twice, and it comes back. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { lastValueFrom, NEVER, Subject, take, tap, toArray, type Observable } from 'rxjs'
import { createClient, isHttpError, type Client } from 'sluice'
import { decode } from 'sluice/plugins/decode'
import {
  eventSource,
  sse,
  type ConnectionState,
  type EventSourceOptions,
  type ServerSentEvent,
} from 'sluice/streams/sse'
import { reply, serve, type Reply, type Route, type TestServer } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { certificates } from '../../support/certificates.ts'
import { CONTENDERS, type Contender } from '../../support/fault-contenders.ts'

const { ca, good } = certificates()
const STREAM = { 'content-type': 'text/event-stream' }
const ONE = 'id: 1\ndata: a\n\n'

/** Behind the first event there is more, so that a fault strikes in its middle. */
const broken = (fault: NonNullable<Reply['fault']>): Reply => ({
  headers: STREAM,
  body: `${ONE}data: lost\n\n`,
  fault,
})
const bytes = ONE.length + 3

interface Case {
  readonly what: string
  readonly first: Reply
  /** What the wait says that came of it: code and phase, or that it ended well. */
  readonly why: string
  readonly options?: EventSourceOptions
}

/** What cannot be made shorter, so that the decoder has to give away what came before. */
const noise = Array.from({ length: 5_000 }, () => `: ${Math.random().toString(36)}\n`).join('')
const zipped = gzipSync(`${ONE}${noise}data: lost\n\n`)

const CASES: readonly Case[] = [
  { what: 'a reset', first: broken({ kind: 'reset', at: 'mid-body', bytes }), why: 'BODY body' },
  {
    what: 'an end before its time',
    first: broken({ kind: 'fin', at: 'mid-body', bytes, scope: 'connection' }),
    why: 'BODY body',
  },
  {
    what: 'silence',
    first: broken({ kind: 'stall', at: 'mid-body', bytes }),
    why: 'TIMEOUT idle',
    options: { idle: 60 },
  },
  {
    what: 'a length that is not kept',
    first: { headers: { ...STREAM, 'content-length': '500' }, body: ONE, close: true },
    why: 'BODY body',
  },
  {
    what: 'gzip that is cut off',
    first: { headers: { ...STREAM, 'content-encoding': 'gzip' }, body: zipped.subarray(0, zipped.length - 12) },
    why: 'BODY decode',
  },
  { what: 'an end', first: { headers: STREAM, body: ONE }, why: 'well' },
]

const SECOND: Reply = { headers: STREAM, body: 'data: b\n\n' }

/** Runs `test` with a server that answers the nth request with the nth reply, and a client of it on this engine. */
async function between(
  contender: Contender,
  replies: readonly Reply[],
  test: (client: Client, server: TestServer) => Promise<unknown>,
  port?: (server: TestServer) => number,
): Promise<void> {
  const { protocol, make } = contender
  let n = 0
  const route: Route = () => replies[n++] ?? reply.status(204)
  await using server = await serve({ '/': route }, { protocol, ...(protocol === 'h2' && { tls: good }) })
  const url = new globalThis.URL(server.url)
  if (port) url.port = String(port(server))
  const client = createClient({
    engine: make(protocol === 'h2' ? { ca } : undefined),
    baseUrl: url.href,
    plugins: [decode()],
  })
  try {
    await test(client, server)
  } finally {
    client.cancel()
    await client.join()
  }
}

/** What came, and why it waited. */
async function listen(client: Client, options: EventSourceOptions = {}): Promise<{ seen: string[]; why: string[] }> {
  const state = new Subject<ConnectionState>()
  const why: string[] = []
  state.subscribe(now => {
    if (now.name !== 'waiting') return
    const { error } = now
    why.push(isHttpError(error) ? `${error.code} ${String(error.phase)}` : error === undefined ? 'well' : 'what?')
  })
  const source: Observable<ServerSentEvent> = eventSource(client, '', { reconnect: { first: 5 }, state, ...options })
  const seen = await lastValueFrom(source.pipe(take(2), toArray()))
  return { seen: seen.map(({ data, id }) => data + id), why }
}

describe.each(CONTENDERS)('an event source on $name', contender => {
  it.each(CASES)('comes back after $what', ({ first, why, options }) =>
    between(contender, [first, SECOND], async (client, server) => {
      // The platform of fetch decodes by itself, and takes gzip that is cut off for whole.
      const known = contender.name === 'fetch' && why === 'BODY decode' ? 'well' : why
      expect(await listen(client, options)).toEqual({ seen: ['a1', 'b1'], why: [known] })
      expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1'])
    }),
  )

  it('reads what comes byte by byte', () =>
    between(
      contender,
      [
        { headers: STREAM, body: 'id: 1\r\ndata: ä\r\n\r\n', fault: { kind: 'drip', at: 'after-head', every: 1 } },
        SECOND,
      ],
      async client => {
        expect((await listen(client, { idle: 1_000 })).seen).toEqual(['ä1', 'b1'])
      },
    ))

  it('comes back when its server does', async () => {
    const relay = new Relay()
    await relay.up()
    const held = (async function* () {
      yield ONE
      await new Promise(() => {})
    })()
    try {
      await between(
        contender,
        [{ headers: STREAM, body: held }, SECOND],
        async (client, server) => {
          relay.to(server.port)
          const state = new Subject<ConnectionState>()
          const refused = new Set<string>()
          let attempts = 0
          state.subscribe(now => {
            if (now.name === 'connecting') attempts = now.attempt
            if (now.name === 'waiting' && isHttpError(now.error)) refused.add(now.error.code)
            // It was turned away twice; now the server is back.
            if (now.name === 'waiting' && attempts === 3) void relay.up()
          })
          const source = eventSource(client, '', { reconnect: { first: 5, most: 20 }, state })
          const down = tap(({ data }: ServerSentEvent) => {
            if (data === 'a') void relay.down()
          })
          expect((await lastValueFrom(source.pipe(down, take(2), toArray()))).map(({ data }) => data)).toEqual([
            'a',
            'b',
          ])
          expect(refused).toContain('CONNECT')
          expect(server.requests.at(-1)?.headers['last-event-id']).toBe('1')
        },
        () => relay.port,
      )
    } finally {
      await relay.down()
    }
  })

  it('is left at the server within 50 ms', () =>
    between(contender, [{ headers: STREAM, body: endless() }], async (client, server) => {
      let left = 0
      const source = eventSource(client, '').pipe(take(1))
      await lastValueFrom(source.pipe(tap({ finalize: () => (left = performance.now()) })))
      const brokenAt = await server.until(({ requests }) => requests[0]?.brokenAt)
      expect(brokenAt - left).toBeLessThan(50)
    }))

  it.each(['sse', 'eventSource'])('holds the server back while its projector is busy (%s)', which =>
    between(contender, [{ headers: STREAM, body: endless() }], async (client, server) => {
      const options = { project: () => NEVER }
      const source = which === 'sse' ? client.stream('', sse(options)) : eventSource(client, '', options)
      const subscription = source.subscribe()
      try {
        const most = contender.protocol === 'http/1.1' ? 8 * 1024 * 1024 : 1024 * 1024
        expect(await settled(() => server.requests[0]?.bytesOut ?? 0)).toBeLessThanOrEqual(most)
      } finally {
        subscription.unsubscribe()
      }
    }),
  )
})

/** Events without end. */
async function* endless(): AsyncGenerator<string> {
  const some = `data: ${'x'.repeat(90)}\n\n`.repeat(160)
  for (;;) {
    yield some
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** The value of `read` when it has not changed for 200 ms. */
async function settled(read: () => number): Promise<number> {
  let last = -1
  let since = performance.now()
  while (last === 0 || performance.now() - since < 200) {
    const now = read()
    if (now !== last) since = performance.now()
    last = now
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return last
}

/** A port in front of a server that can be shut and opened again. */
class Relay {
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #target = 0
  port = 0

  /** Says where it leads to. */
  to(target: number): void {
    this.#target = target
  }

  async up(): Promise<void> {
    const server = createServer(socket => {
      const onward = connect(this.#target, '127.0.0.1')
      for (const [one, other] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        this.#sockets.add(one)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    })
    this.#server = server
    await new Promise<void>(resolve => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.address() as AddressInfo).port
  }

  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = new Promise(resolve => server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
