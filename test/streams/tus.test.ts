import { FileStore } from '@tus/file-store'
import { Server as TusServer, type ServerOptions } from '@tus/server'
import { once } from 'node:events'
import { openAsBlob } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createH2c, createSecureServer } from 'node:http2'
import { connect, createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lastValueFrom, toArray, type Subscription } from 'rxjs'
import { createClient, type AnyPlugin, type Client } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { decode } from 'sluice/plugins/decode'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { tusUpload, type TusEvent, type TusOptions } from 'sluice/streams/tus'
import { reply, serve, type Reply, type ServedRequest } from 'sluice/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { certificates } from '../support/certificates.ts'
import { CONTENDERS } from '../support/fault-contenders.ts'
import { watchLeaks } from '../support/leaks.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-tus-'))
})

afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

const SIZE = 3 * 1024 * 1024
const bytes = Uint8Array.from({ length: SIZE }, (_, at) => (at * 7 + (at >> 8) * 13) % 251)
const blob = new Blob([bytes])
const quick: TusOptions = { backoff: { first: 1, most: 5 }, interval: 0 }

interface Running extends AsyncDisposable {
  readonly url: string
  /** Method and target of each request. */
  readonly requests: string[]
  /** The headers of each. */
  readonly headers: IncomingMessage['headers'][]
  readonly open: () => number
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/**
 * A real tus server behind a wire that breaks: the nth connection is cut behind `cuts[n]` bytes that go up. `answer` may
 * answer a request in place of the server.
 */
async function tus(
  options: Partial<ServerOptions & { datastore: FileStore }> = {},
  cuts: readonly number[] = [],
  protocol: 'http/1.1' | 'h2' | 'h2c' = 'http/1.1',
  answer: (request: IncomingMessage, response: ServerResponse, index: number) => boolean = () => false,
): Promise<Running> {
  const server = new TusServer({
    path: '/files',
    relativeLocation: true,
    datastore: new FileStore({ directory: folder }),
    ...options,
  })
  const requests: string[] = []
  const headers: IncomingMessage['headers'][] = []
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    request.on('error', () => undefined)
    headers.push(request.headers)
    if (answer(request, response, requests.push(`${request.method ?? ''} ${request.url ?? ''}`) - 1)) return
    server.handle(request, response).catch(() => undefined)
  }
  const { good } = certificates()
  const inner: Server =
    protocol === 'h2'
      ? createSecureServer({ ...good, allowHTTP1: false }, handle as never)
      : protocol === 'h2c'
        ? createH2c(handle as never)
        : createServer(handle)
  const port = await listening(inner)
  const sockets = new Set<Socket>()
  let connections = 0
  const wire = createTcp(down => {
    const limit = cuts[connections++] ?? Infinity
    const up = connect(port, '127.0.0.1')
    let sent = 0
    for (const socket of [down, up]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        down.destroy()
        up.destroy()
      })
    }
    down.on('data', (chunk: Uint8Array) => {
      sent += chunk.length
      if (!up.write(chunk)) down.pause()
      if (sent >= limit) {
        // What was written is still on its way: the server shall have some of it.
        down.pause()
        up.end()
        up.once('finish', () => down.resetAndDestroy())
      }
    })
    up.on('drain', () => sent < limit && down.resume())
    up.pipe(down)
  })
  const outer = await listening(wire)
  return {
    url: `${protocol === 'h2' ? 'https' : 'http'}://127.0.0.1:${outer}/files`,
    requests,
    headers,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      wire.close()
      inner.close()
      if ('closeAllConnections' in inner)
        (inner as unknown as { closeAllConnections: () => void }).closeAllConnections()
      await once(inner, 'close').catch(() => undefined)
    },
  }
}

const clientOf = (...plugins: AnyPlugin[]): Client => createClient({ engine: undici(), plugins })

const all = (client: Client, url: string, options: TusOptions & object = {}, what: Blob = blob): Promise<TusEvent[]> =>
  lastValueFrom(tusUpload(client, url, what, { ...quick, ...options }).pipe(toArray()))

const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('it was to fail'),
    (error: unknown) => error,
  )

/** What the server has stored, by name. */
async function stored(url: string): Promise<Uint8Array> {
  return readFile(join(folder, url.replace(/^.*\//, '')))
}

/** Runs of progress become one: its last. */
function summary(events: readonly TusEvent[]): string[] {
  return events
    .filter((event, at) => event.type !== 'progress' || events[at + 1]?.type !== 'progress')
    .map(event => {
      switch (event.type) {
        case 'created':
          return 'created'
        case 'progress':
          return `${event.loaded} sent, ${event.stored} stored`
        case 'waiting':
          return event.reason
        case 'resumed':
          return `resumed at ${event.from}`
        case 'restarted':
          return `dropped ${event.dropped}`
        case 'done':
          return `done ${event.size}`
      }
    })
}

const placeOf = (events: readonly TusEvent[]): string => {
  const last = events.at(-1)
  return last?.type === 'done' ? last.uploadUrl : ''
}

describe('an upload', () => {
  it('is created and sent, and tells of it', async () => {
    await using server = await tus()
    await using client = clientOf()
    const events = await all(client, server.url, { metadata: { filename: 'größe.txt', empty: '' } })
    expect(summary(events)).toEqual(['created', `${SIZE} sent, ${SIZE} stored`, `done ${SIZE}`])
    expect(events[0]).toEqual({ type: 'created', uploadUrl: placeOf(events), expires: undefined })
    expect(placeOf(events)).toMatch(new RegExp(`^${server.url}/[0-9a-f]{32}$`))
    expect(Buffer.compare(await stored(placeOf(events)), bytes)).toBe(0)
    expect(server.requests).toEqual(['POST /files', `PATCH /files/${placeOf(events).slice(-32)}`])
    expect(server.headers[0]).toMatchObject({
      'tus-resumable': '1.0.0',
      'upload-length': String(SIZE),
      'upload-metadata': `filename ${Buffer.from('größe.txt').toString('base64')},empty`,
    })
    expect(server.headers[1]).toMatchObject({
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
      'content-length': String(SIZE),
    })
  })

  it('tells how far it is while it is sent, where the engine can', async () => {
    await using server = await tus()
    await using client = clientOf()
    const loaded = (await all(client, server.url)).flatMap(event => (event.type === 'progress' ? [event.loaded] : []))
    expect(loaded.length).toBeGreaterThan(3)
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
    const rare = await all(client, server.url, { interval: 60_000 })
    expect(rare.filter(({ type }) => type === 'progress').length).toBeLessThanOrEqual(2)
    expect(summary(rare).at(-2)).toBe(`${SIZE} sent, ${SIZE} stored`)
  })

  it('goes chunk by chunk if told so', async () => {
    await using server = await tus()
    await using client = clientOf()
    const events = await all(client, server.url, { chunkSize: 1_000_000 })
    expect(server.headers.map(fields => fields['upload-offset'])).toEqual([
      undefined,
      '0',
      '1000000',
      '2000000',
      '3000000',
    ])
    expect(Buffer.compare(await stored(placeOf(events)), bytes)).toBe(0)
  })

  it('can be empty', async () => {
    await using server = await tus()
    await using client = clientOf()
    const events = await all(client, server.url, {}, new Blob([]))
    expect(summary(events)).toEqual(['created', 'done 0'])
    expect(server.requests).toHaveLength(1)
  })

  it('can come from a file that is read while it is sent', async () => {
    await using server = await tus()
    await using client = clientOf()
    const path = join(folder, 'source')
    await writeFile(path, bytes)
    const events = await all(client, server.url, {}, await openAsBlob(path))
    expect(Buffer.compare(await stored(placeOf(events)), bytes)).toBe(0)
  })

  it('is cold', async () => {
    await using server = await tus()
    await using client = clientOf()
    const upload = tusUpload(client, server.url, blob, quick)
    expect(server.requests).toEqual([])
    const [first, second] = await Promise.all([
      lastValueFrom(upload.pipe(toArray())),
      lastValueFrom(upload.pipe(toArray())),
    ])
    expect(placeOf(first)).not.toBe(placeOf(second))
  })

  it('takes its headers along, and query and params only to where it is created', async () => {
    await using server = await tus()
    await using client = clientOf()
    await lastValueFrom(
      tusUpload(client, `${server.url}{?kind}`, blob, {
        ...quick,
        headers: { authorization: 'Bearer 1' },
        query: { to: 'x' },
        params: { kind: 'iso' },
      }),
    )
    expect(server.headers.map(({ authorization }) => authorization)).toEqual(['Bearer 1', 'Bearer 1'])
    expect(server.requests).toEqual([
      'POST /files?kind=iso&to=x',
      expect.stringMatching(/^PATCH \/files\/[0-9a-f]{32}$/),
    ])
  })

  it('says when it expires', async () => {
    const store = new FileStore({ directory: folder, expirationPeriodInMilliseconds: 60_000 })
    await using server = await tus({ datastore: store })
    await using client = clientOf()
    const [created] = await all(client, server.url)
    const expires = created?.type === 'created' ? (created.expires ?? 0) : 0
    expect(Math.abs(expires - Date.now() - 60_000)).toBeLessThan(10_000)
  })
})

describe('what breaks off', () => {
  it('goes on from what the server has', async () => {
    await using server = await tus({}, [1_000_000, 900_000])
    await using client = clientOf()
    const events = await all(client, server.url)
    expect(Buffer.compare(await stored(placeOf(events)), bytes)).toBe(0)
    const told = summary(events)
    expect(told.filter(line => /^resumed at [1-9]/.test(line)).length).toBeGreaterThan(0)
    expect(told.filter(line => line === 'created')).toHaveLength(1)
    expect(server.requests.filter(line => line.startsWith('POST'))).toHaveLength(1)
  })

  it('is gone on with by another client that knows the url', async () => {
    await using server = await tus()
    await using first = clientOf()
    const place = await new Promise<string>((resolve, reject) => {
      let url = ''
      const call: Subscription = tusUpload(first, server.url, blob, { ...quick, chunkSize: 1_000_000 }).subscribe({
        next(event) {
          if (event.type === 'created') url = event.uploadUrl
          if (event.type !== 'progress' || event.stored < 1_000_000) return
          queueMicrotask(() => {
            call.unsubscribe()
            resolve(url)
          })
        },
        error: reject,
      })
    })
    await using second = clientOf()
    const events = await all(second, server.url, { uploadUrl: place })
    expect(summary(events)[0]).toMatch(/^resumed at [12]\d{6}$/)
    expect(Buffer.compare(await stored(place), bytes)).toBe(0)
    const again = await all(second, server.url, { uploadUrl: new URL(place) })
    expect(summary(again)).toEqual([`resumed at ${SIZE}`, `done ${SIZE}`])
  })

  it('is created anew when the server has forgotten it', async () => {
    await using server = await tus()
    await using client = clientOf()
    const events = await all(client, server.url, { uploadUrl: `${server.url}/${'0'.repeat(32)}` })
    expect(summary(events)).toEqual(['dropped 0', 'created', `${SIZE} sent, ${SIZE} stored`, `done ${SIZE}`])
    expect(Buffer.compare(await stored(placeOf(events)), bytes)).toBe(0)
  })

  it('is given up after so many attempts in a row by which the server gets nothing', async () => {
    await using server = await tus({}, [], 'http/1.1', (request, response) => {
      if (request.method !== 'PATCH') return false
      response.writeHead(500).end()
      return true
    })
    await using client = clientOf()
    const error = await failureOf(all(client, server.url, { times: 2 }))
    expect(error).toMatchObject({ code: 'STATUS', response: { status: 500 } })
    expect(server.requests.map(line => line.split(' ')[0])).toEqual(['POST', 'PATCH', 'HEAD', 'PATCH', 'HEAD', 'PATCH'])
  })

  it.each([409, 423, 429, 503])('is tried again after a %i, from what the server says it has', async status => {
    await using server = await tus({}, [], 'http/1.1', (_, response, index) => {
      if (index !== 1) return false
      response.writeHead(status).end()
      return true
    })
    await using client = clientOf()
    const events = await all(client, server.url)
    expect(
      summary(events)
        .slice(0, 4)
        .filter(line => !line.includes('sent')),
    ).toEqual(['created', `status ${status}`, 'resumed at 0'])
    expect(Buffer.compare(await stored(placeOf(events)), bytes)).toBe(0)
  })

  it.each([400, 403, 412, 413])('is not tried again after a %i', async status => {
    await using server = await tus({}, [], 'http/1.1', (_, response, index) => {
      if (index !== 1) return false
      response.writeHead(status).end('why')
      return true
    })
    await using client = clientOf()
    expect(await failureOf(all(client, server.url))).toMatchObject({ code: 'STATUS', response: { status } })
    expect(server.requests).toHaveLength(2)
  })

  it('waits with growing jitter, and as long as it is asked to', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const failing: Record<number, object> = { 1: {}, 3: {}, 5: { 'retry-after': '0' } }
    await using server = await tus({}, [], 'http/1.1', (_, response, index) => {
      const headers = failing[index]
      if (headers === undefined) return false
      response.writeHead(503, headers as Record<string, string>).end()
      return true
    })
    await using client = clientOf()
    const events = await all(client, server.url, { backoff: { first: 8, factor: 3, most: 100 } })
    expect(events.flatMap(event => (event.type === 'waiting' ? [event.delay] : []))).toEqual([4, 12, 36])
  })

  it('is created again when nobody knows whether it was', async () => {
    await using server = await tus({}, [], 'http/1.1', (request, _, index) => {
      if (index !== 0) return false
      request.socket.resetAndDestroy()
      return true
    })
    await using client = clientOf()
    const events = await all(client, server.url)
    expect(summary(events)[0]).toMatch(/^RESET/)
    expect(summary(events).at(-1)).toBe(`done ${SIZE}`)
  })
})

describe('a server that breaks the protocol', () => {
  const served = (routes: Readonly<Record<string, Reply | ((request: ServedRequest) => Reply)>>) => serve(routes)
  const created = (location?: string): Reply =>
    reply.status(201, { headers: location === undefined ? {} : { location } })

  it.each<[string, Reply, Reply, RegExp]>([
    [
      'says no place',
      created(),
      {},
      /does not say where the upload is: Location is missing; to other origins a browser shows only/,
    ],
    ['says a place that is none', created('http://:x'), {}, /Location is no url\.$/],
    ['says another origin', created('http://127.0.0.2:1/u'), {}, /is on another origin \(http:\/\/127\.0\.0\.2:1\)/],
    ['says a place with a user', created('http://user:secret@127.0.0.1/u'), {}, /a url with a user or a password/],
    ['says no offset', created('/u'), reply.status(204), /Upload-Offset is missing/],
    [
      'says an offset that is none',
      created('/u'),
      reply.status(204, { headers: { 'upload-offset': '-1' } }),
      /Upload-Offset is wrong\.$/,
    ],
    [
      'says more than there is',
      created('/u'),
      reply.status(204, { headers: { 'upload-offset': '11' } }),
      /Upload-Offset is wrong\.$/,
    ],
  ])('and %s is the error PROTOCOL', async (_, post, patch, message) => {
    await using server = await served({ 'POST /files': post, 'PATCH /u': patch })
    await using client = clientOf()
    const error = await failureOf(all(client, `${server.url}files`, {}, new Blob(['0123456789'])))
    expect(error).toMatchObject({ code: 'PROTOCOL', message: expect.stringMatching(message) as string })
    expect((error as Error).message).not.toContain('secret')
  })

  it('does not get the rest of something else', async () => {
    await using server = await served({
      'HEAD /u': reply.status(200, { headers: { 'upload-offset': 3, 'upload-length': 9 } }),
    })
    await using client = clientOf()
    const error = await failureOf(
      all(client, `${server.url}files`, { uploadUrl: `${server.url}u` }, new Blob(['0123456789'])),
    )
    expect(error).toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringMatching(/has 9 bytes, and not the 10/) as string,
    })
  })

  it('and takes nothing is given up', async () => {
    await using server = await served({
      'POST /files': created('/u'),
      'PATCH /u': reply.status(204, { headers: { 'upload-offset': 0 } }),
    })
    await using client = clientOf()
    const error = await failureOf(all(client, `${server.url}files`, { times: 3 }, new Blob(['0123456789'])))
    expect(error).toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringMatching(/says that the server took nothing/) as string,
    })
    expect(server.requests.filter(({ method }) => method === 'PATCH').length).toBeLessThanOrEqual(4)
  })
})

describe('leaving', () => {
  it.each<[string, (event: TusEvent) => boolean, TusOptions]>([
    ['while it is sent', event => event.type === 'progress' && event.loaded > 0, {}],
    ['between two chunks', event => event.type === 'progress' && event.stored > 0, { chunkSize: 100_000 }],
  ])('%s ends the request at the socket, and nothing goes on', async (_, when, options) => {
    await using server = await tus()
    using leaks = watchLeaks()
    const client = clientOf()
    await new Promise<void>(resolve => {
      const call: Subscription = tusUpload(client, server.url, blob, { ...quick, ...options }).subscribe(event => {
        if (!when(event)) return
        queueMicrotask(() => {
          call.unsubscribe()
          resolve()
        })
      })
    })
    const leftAt = performance.now()
    // What is idle belongs to the pool.
    const isOver = (): boolean => client.inFlight === 0 && (options.chunkSize !== undefined || server.open() === 0)
    while (!isOver()) await new Promise(resolve => setImmediate(resolve))
    expect(performance.now() - leftAt).toBeLessThan(50)
    const count = server.requests.length
    await client.close()
    while (server.open() > 0) await new Promise(resolve => setImmediate(resolve))
    // The request that was left may have been on its way.
    expect(server.requests.length).toBeLessThanOrEqual(count + 1)
    await leaks.settled()
  })

  it('in back-off leaves no timer', async () => {
    await using server = await tus({}, [], 'http/1.1', (_, response) => {
      response.writeHead(503, { 'retry-after': '60' }).end()
      return true
    })
    using leaks = watchLeaks()
    const client = clientOf()
    await new Promise<void>(resolve => {
      const call: Subscription = tusUpload(client, server.url, blob, quick).subscribe(event => {
        expect(event).toMatchObject({ type: 'waiting', reason: 'status 503' })
        queueMicrotask(() => {
          call.unsubscribe()
          resolve()
        })
      })
    })
    await client.close()
    await leaks.settled()
  })

  it('by closing the client fails what comes next', async () => {
    await using server = await tus()
    const client = clientOf()
    const failed = failureOf(all(client, server.url, { chunkSize: 100_000 }))
    while (server.requests.length < 3) await new Promise(resolve => setImmediate(resolve))
    client.cancel()
    expect(await failed).toMatchObject({ code: expect.stringMatching(/^(?:CANCELLED|CLOSED)$/) as string })
  })
})

it('stands the usual plugins', async () => {
  await using server = await tus({}, [1_000_000])
  await using client = clientOf(redirect(), retry(), decode(), timeout({ idle: 1_000 }))
  const events = await all(client, server.url)
  expect(Buffer.compare(await stored(placeOf(events)), bytes)).toBe(0)
})

describe.each(CONTENDERS)('$name', ({ protocol, make }) => {
  const { ca } = certificates()

  it('has all of it at the server, over a wire that breaks', async () => {
    await using server = await tus({}, [1_200_000, 800_000, 1_000_000], protocol)
    await using client = createClient({
      engine: make(protocol === 'h2' ? { ca } : undefined),
      plugins: [timeout({ headers: 2_000 })],
    })
    const events = await all(client, server.url)
    expect(Buffer.compare(await stored(placeOf(events)), bytes)).toBe(0)
    expect(summary(events).some(line => line.startsWith('resumed'))).toBe(true)
    expect((await readdir(folder)).filter(name => !name.endsWith('.json'))).toHaveLength(1)
  })
})

describe('options', () => {
  it.each<[object, string]>([
    [{ uploadUrl: 'files/7' }, 'tusUpload: uploadUrl must be an absolute url, not "files/7".'],
    [{ chunkSize: 0 }, 'tusUpload: chunkSize must be a whole number of bytes of at least 1, not 0.'],
    [
      { metadata: { 'a b': 'c' } },
      'tusUpload: metadata must be an object of strings, whose names are ASCII without spaces and commas, not an object.',
    ],
    [{ times: 0.5 }, 'tusUpload: times must be a whole number of at least 0, not 0.5.'],
    [{ backoff: { most: 0 } }, 'tusUpload({ backoff }): most must be a number of milliseconds of at least 1, not 0.'],
    [{ body: 'x' }, 'tusUpload() has methods and bodies of its own; leave out the body.'],
  ])('%j is refused', async (options, message) => {
    await using client = clientOf()
    expect(() => tusUpload(client, 'https://api.test/', blob, options as TusOptions)).toThrow(message)
  })

  it('a body that is no blob is refused', async () => {
    await using client = clientOf()
    expect(() => tusUpload(client, 'https://api.test/', 'text' as unknown as Blob)).toThrow(
      'tusUpload() wants a Blob or a File, not "text"; new Blob([bytes]) makes one.',
    )
  })
})
