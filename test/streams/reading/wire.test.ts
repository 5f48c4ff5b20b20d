import { gzipSync } from 'node:zlib'
import { finalize, NEVER, Observable, of, take, type Subscription } from 'rxjs'
import { createClient, isHttpError, type AnyPlugin, type Client, type Reader } from 'sluice'
import { decode } from 'sluice/plugins/decode'
import { timeout } from 'sluice/plugins/timeout'
import { chunks } from 'sluice/streams/chunks'
import { jsonSeq } from 'sluice/streams/json-seq'
import { lines } from 'sluice/streams/lines'
import { multipart } from 'sluice/streams/multipart'
import { ndjson } from 'sluice/streams/ndjson'
import { sse } from 'sluice/streams/sse'
import { text } from 'sluice/streams/text'
import { serve, type Reply, type TestServer } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { median } from '../../../bench/median.ts'
import { settled } from '../../../testing/contract/watch.ts'
import { certificates } from '../../support/certificates.ts'
import { CONTENDERS, type Contender } from '../../support/fault-contenders.ts'

const MIB = 1024 * 1024
const { ca, good } = certificates()

/** A server that answers so, and a client of the engine whose turn it is. */
async function between(
  { make, protocol }: Contender,
  reply: Reply,
  plugins: readonly AnyPlugin[] = [],
): Promise<{ server: TestServer; client: Client } & AsyncDisposable> {
  const secure = protocol === 'h2'
  const server = await serve({ '/': reply }, { protocol, ...(secure && { tls: good }) })
  const client = createClient({ engine: make(secure ? { ca } : undefined), plugins })
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      client.cancel()
      await client.join()
      await server.close()
    },
  }
}

/** A block again and again, for ever. */
const endless = (block: string, before = ''): Iterable<string> => ({
  *[Symbol.iterator]() {
    yield before
    for (;;) yield block
  },
})

/** Every reader, with a projector whose result is given, and a body for it that has no end. */
const READERS: readonly {
  readonly name: string
  readonly reader: (project: () => Observable<unknown>) => Reader<unknown>
  readonly body: Iterable<string>
  readonly headers?: Reply['headers']
}[] = [
  { name: 'chunks', reader: chunks, body: endless('x'.repeat(64 * 1024)) },
  { name: 'text', reader: text, body: endless('ä'.repeat(32 * 1024)) },
  { name: 'lines', reader: lines, body: endless(`${'x'.repeat(99)}\n`.repeat(655)) },
  { name: 'ndjson', reader: ndjson, body: endless(`{"x":"${'x'.repeat(91)}"}\n`.repeat(655)) },
  {
    name: 'sse',
    reader: project => sse(project),
    body: endless(`data: ${'x'.repeat(92)}\n\n`.repeat(655)),
    headers: { 'content-type': 'text/event-stream' },
  },
  { name: 'jsonSeq', reader: jsonSeq, body: endless(`\u001e{"x":"${'x'.repeat(90)}"}\n`.repeat(655)) },
  {
    name: 'multipart, parts',
    reader: project => multipart(project),
    body: endless(`--b\r\n\r\n${'x'.repeat(89)}\r\n`.repeat(655)),
    headers: { 'content-type': 'multipart/mixed; boundary=b' },
  },
  {
    name: 'multipart, the bytes of one',
    reader: project =>
      multipart(async part => {
        await part.read()
        await new Promise<void>(resolve => project().subscribe({ complete: resolve }))
      }),
    body: endless('x'.repeat(64 * 1024), '--b\r\n\r\n'),
    headers: { 'content-type': 'multipart/mixed; boundary=b' },
  },
]

describe.each(CONTENDERS)('with $name', contender => {
  const most = contender.protocol === 'http/1.1' ? 8 * MIB : MIB

  it.each(READERS)('a consumer of $name that stands still stops the server', async ({ reader, body, headers = {} }) => {
    await using world = await between(contender, { body, headers })
    const { server, client } = world
    const subscription = client
      .stream(
        server.url,
        reader(() => NEVER),
      )
      .subscribe()
    await server.received()
    const sent = await settled(() => server.requests[0]?.bytesOut ?? 0)
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThanOrEqual(most)
    subscription.unsubscribe()
    await server.until(({ requests }) => requests[0]?.brokenAt)
  })

  it.each(READERS)(
    '$name is left inside its projector, and the server sees it within 50 ms',
    async ({ reader, body, headers = {} }) => {
      await using world = await between(contender, { body, headers })
      const { server, client } = world
      const took: number[] = []
      for (let run = 0; run < 5; run++) {
        let torn = 0
        const left = await new Promise<number>((resolve, reject) => {
          const leaving = (): Observable<unknown> =>
            new Observable<unknown>(() => {
              queueMicrotask(() => {
                resolve(performance.now())
                subscription.unsubscribe()
              })
            }).pipe(finalize(() => torn++))
          const subscription: Subscription = client.stream(server.url, reader(leaving)).subscribe({ error: reject })
        })
        took.push((await server.until(({ requests }) => requests[run]?.brokenAt)) - left)
        // What a promise does cannot be undone.
        if (reader !== READERS.at(-1)?.reader) expect(torn).toBe(1)
      }
      expect(median(took)).toBeLessThan(50)
      expect(client.inFlight).toBe(0)
    },
  )

  const rows = Array.from({ length: 40 }, (_, id) => `${JSON.stringify({ id, text: 'ä😀' })}\n`).join('')
  const half = Math.floor(Buffer.byteLength(rows) / 2)
  const before = rows.slice(0, Buffer.from(rows).subarray(0, half).toString().lastIndexOf('\n')).split('\n').length
  const zipped = gzipSync(rows.repeat(2000))
  const gzip = { 'content-encoding': 'gzip' }

  /** How many items came, and how it ended. */
  async function outcome(reply: Reply, plugins: readonly AnyPlugin[] = []): Promise<readonly [number, string]> {
    await using world = await between(contender, reply, plugins)
    const ids: number[] = []
    const end = await new Promise<string>((resolve, reject) => {
      world.client.stream(world.server.url, ndjson<{ id: number; text: string }>()).subscribe({
        next({ id, text: its }) {
          if (its !== 'ä😀') reject(new Error(`item ${id} is broken`))
          ids.push(id)
        },
        error(error: unknown) {
          if (isHttpError(error) && /^(?:GET \S+|.* answer to GET \S+) .+\.$/.test(error.message))
            resolve(`${error.code} ${String(error.phase)}`)
          else reject(error instanceof Error ? error : new Error(String(error)))
        },
        complete: () => {
          resolve('complete')
        },
      })
    })
    expect(ids).toEqual(ids.map((_, at) => at % 40))
    return [ids.length, end]
  }

  it('ndjson that is reset has all items before, then fails', async () => {
    // A reset may overtake what was sent before it.
    const [count, end] = await outcome({ body: rows, fault: { kind: 'reset', at: 'mid-body', bytes: half } })
    expect(end).toBe('BODY body')
    expect(count).toBeLessThanOrEqual(before)
  })

  it('ndjson that ends too early has all items before, then fails', async () => {
    const fault = { kind: 'fin', at: 'mid-body', bytes: half, scope: 'connection' } as const
    expect(await outcome({ body: rows, fault })).toEqual([before, 'BODY body'])
    expect(await outcome({ body: rows, framing: 'chunked', fault })).toEqual([before, 'BODY body'])
  })

  it('ndjson that stands still has all items before, and is given up when a limit says so', async () => {
    const fault = { kind: 'stall', at: 'mid-body', bytes: half } as const
    expect(await outcome({ body: rows, fault }, [timeout({ idle: 100 })])).toEqual([before, 'TIMEOUT idle'])
  })

  it('ndjson that comes byte by byte is whole', async () => {
    const few = rows.split('\n').slice(0, 3).join('\n')
    expect(await outcome({ body: few, fault: { kind: 'drip', at: 'after-head', every: 1 } })).toEqual([3, 'complete'])
  })

  it('ndjson in gzip that is cut off has the items that came, then fails', async () => {
    const plugins = [decode()]
    expect(await outcome({ headers: gzip, body: zipped }, plugins)).toEqual([80_000, 'complete'])
    const [count, end] = await outcome({ headers: gzip, body: zipped.subarray(0, zipped.length >> 1) }, plugins)
    expect(end).toMatch(/^BODY (?:body|decode)$/)
    expect(count).toBeGreaterThan(100)
  })

  it('ndjson that is shorter than its length says has all items, then fails', async () => {
    const length = Buffer.byteLength(rows) + 10
    expect(await outcome({ headers: { 'content-length': length }, body: rows, close: true })).toEqual([40, 'BODY body'])
  })

  it('ndjson that is longer than its length says is not taken for whole', async () => {
    const length = half
    const [count, end] = await outcome({ headers: { 'content-length': length }, body: rows, close: true })
    // What is cut by the length ends in half an item.
    expect(count).toBeLessThanOrEqual(before)
    expect(end).toMatch(/^(?:BODY|PROTOCOL) (?:decode|body)$/)
  })

  it('a stream that was left is not counted and leaves its session to others', async () => {
    await using world = await between(contender, { body: endless('{"id":1}\n'.repeat(5000)) })
    for (let run = 0; run < 3; run++) {
      await new Promise<void>((resolve, reject) => {
        world.client
          .stream(
            world.server.url,
            ndjson(item => of(item)),
          )
          .pipe(take(7))
          .subscribe({ error: reject, complete: resolve })
      })
    }
    expect(world.client.inFlight).toBe(0)
    await world.server.until(({ requests }) => requests.every(({ brokenAt }) => brokenAt !== undefined))
  })
})
