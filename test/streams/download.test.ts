import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { lastValueFrom, take, tap, toArray, type Subscription } from 'rxjs'
import { createClient, HttpHeaders, isHttpError, recommended, type AnyPlugin, type Client } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { decode } from 'sluice/plugins/decode'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { timeout } from 'sluice/plugins/timeout'
import { download, fileName, type DownloadEvent, type DownloadOptions } from 'sluice/streams/download'
import { reply, serve, type Fault, type Reply, type ServedRequest, type TestServer } from 'sluice/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { certificates } from '../support/certificates.ts'
import { CONTENDERS } from '../support/fault-contenders.ts'
import { watchLeaks } from '../support/leaks.ts'

let folder = ''
let file = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-download-'))
  file = join(folder, 'big.iso')
})

afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

/** Bytes that tell where they stand. */
const made = (size: number, seed = 7): Uint8Array =>
  Uint8Array.from({ length: size }, (_, at) => (at * seed + (at >> 8) * 13 + (at >> 16) * 5) % 251)

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const base64 = (bytes: Uint8Array, algorithm = 'sha256'): string => createHash(algorithm).update(bytes).digest('base64')

const SIZE = 2 * 1024 * 1024
const BYTES = made(SIZE)
const SHORT = new TextEncoder().encode('abcdefghij')

interface Served {
  readonly bytes?: Uint8Array
  readonly etag?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly fault?: Fault | undefined
}

/** Serves a file as a server does that knows ranges and conditions; what it serves may change from one request to the next. */
function serving(what: (request: ServedRequest, from: number) => Served) {
  return (request: ServedRequest): Reply => {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.header('range')) ?? []
    const from = Number(first ?? 0)
    const { bytes = BYTES, etag = '"v1"', headers = {}, fault } = what(request, from)
    const common = { ...(etag === '' ? {} : { etag }), 'accept-ranges': 'bytes', ...headers }
    const struck = fault === undefined ? {} : { fault }
    if (first === undefined || request.header('if-range') !== etag) return { headers: common, body: bytes, ...struck }
    if (from >= bytes.length) return reply.status(416, { headers: { 'content-range': `bytes */${bytes.length}` } })
    const to = last === '' || last === undefined ? bytes.length : Math.min(Number(last) + 1, bytes.length)
    return {
      status: 206,
      headers: { ...common, 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` },
      body: bytes.subarray(from, to),
      ...struck,
    }
  }
}

const quick: DownloadOptions = { backoff: { first: 1, most: 5 }, interval: 0 }

function clientOf(...plugins: AnyPlugin[]): Client {
  return createClient({ engine: undici(), plugins })
}

/** Downloads and tells everything that was told. */
const all = (client: Client, server: TestServer, options: DownloadOptions = {}): Promise<DownloadEvent[]> =>
  lastValueFrom(download(client, `${server.url}file`, file, { ...quick, ...options }).pipe(toArray()))

const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('it was to fail'),
    (error: unknown) => error,
  )

/** Runs of progress become one: its last. */
function summary(events: readonly DownloadEvent[]): string[] {
  return events
    .filter((event, at) => event.type !== 'progress' || events[at + 1]?.type !== 'progress')
    .map(event => {
      switch (event.type) {
        case 'progress':
          return `${event.loaded}/${event.total ?? '?'}`
        case 'waiting':
          return event.reason
        case 'resumed':
          return `resumed at ${event.from}`
        case 'restarted':
          return `dropped ${event.dropped}: ${event.because}`
        case 'done':
          return `done ${event.size}`
      }
    })
}

const done = (events: readonly DownloadEvent[]) => {
  const last = events.at(-1)
  if (last?.type !== 'done') throw new Error('it is not done')
  return last
}

/** Files this process has open in the folder of the test, where the system tells. */
function openHere(): string[] {
  if (!existsSync('/proc/self/fd')) return []
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      return []
    }
  })
}

const soon = async (check: () => boolean, withinMs = 1_000): Promise<number> => {
  const began = performance.now()
  while (!check()) {
    if (performance.now() - began > withinMs) throw new Error('it did not happen in time')
    await new Promise(resolve => setImmediate(resolve))
  }
  return performance.now() - began
}

/** What all open files have in common. */
type Handle = Record<'write' | 'sync' | 'stat', (...given: unknown[]) => Promise<unknown>>

async function handles(): Promise<Handle> {
  const handle = await open(join(folder, 'probe'), 'w')
  const prototype = Object.getPrototypeOf(handle) as Handle
  await handle.close()
  await rm(join(folder, 'probe'))
  return prototype
}

describe('a download', () => {
  it('gives the file its name when it is whole, and says what it is', async () => {
    await using server = await serve({ '/file': serving(() => ({ bytes: SHORT })) })
    await using client = clientOf()
    const events = await all(client, server)
    expect(events.at(-1)).toEqual({ type: 'done', file, size: 10, sha256: sha256(SHORT), verified: [] })
    expect(await readFile(file, 'utf8')).toBe('abcdefghij')
    expect(await readdir(folder)).toEqual(['big.iso'])
    expect(server.requests[0]?.headers['accept-encoding']).toBe('identity')
  })

  it('tells of its progress, first and last, and not too often', async () => {
    await using server = await serve({ '/file': serving(() => ({})) })
    await using client = clientOf()
    const every = await all(client, server)
    const loaded = every.flatMap(event => (event.type === 'progress' ? [event.loaded] : []))
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
    expect([new Set(loaded).size, loaded.at(-1)]).toEqual([loaded.length, SIZE])
    const rare = await all(client, server, { interval: 60_000, overwrite: true })
    expect(rare.map(({ type }) => type)).toEqual(['progress', 'progress', 'done'])
  })

  it('is cold, and each subscription is its own', async () => {
    await using server = await serve({ '/file': serving(() => ({ bytes: SHORT })) })
    await using client = clientOf()
    const it = download(client, `${server.url}file`, file, { overwrite: true })
    expect(server.requests).toHaveLength(0)
    await Promise.all([lastValueFrom(it), lastValueFrom(it)])
    expect(server.requests).toHaveLength(2)
    expect(await readdir(folder)).toEqual(['big.iso'])
  })

  it('can be empty, and of unknown length', async () => {
    await using server = await serve({
      '/file': { body: '' },
      '/chunked': reply.chunks(['abc', 'def']),
    })
    await using client = clientOf()
    expect(done(await all(client, server)).size).toBe(0)
    const events = await lastValueFrom(
      download(client, `${server.url}chunked`, pathToFileURL(join(folder, 'other')), quick).pipe(toArray()),
    )
    expect(summary(events)).toEqual(['6/6', 'done 6'])
    expect(events[0]).toEqual({ type: 'progress', loaded: 3, total: undefined })
    expect(await readFile(join(folder, 'other'), 'utf8')).toBe('abcdef')
  })

  it('replaces a file only if told so, and says so before it asks', async () => {
    await using server = await serve({ '/file': serving(() => ({ bytes: SHORT })) })
    await using client = clientOf()
    await writeFile(file, 'old')
    const error = await failureOf(all(client, server))
    expect(error).toMatchObject({
      code: 'CONFIG',
      message: `download() cannot make the file ${file}: it is there already; overwrite: true would replace it.`,
    })
    expect(server.requests).toHaveLength(0)
    await all(client, server, { overwrite: true })
    expect(await readFile(file, 'utf8')).toBe('abcdefghij')
  })

  it('does not replace a file that comes to be there meanwhile', async () => {
    await using server = await serve({ '/file': serving(() => ({})) })
    await using client = clientOf()
    const call = download(client, `${server.url}file`, file, quick).pipe(
      take(100),
      tap(event => {
        if (event.type === 'progress' && event.loaded < SIZE) void writeFile(file, 'theirs')
      }),
    )
    expect(await failureOf(lastValueFrom(call))).toMatchObject({
      code: 'CONFIG',
      message: `download() cannot make the file ${file}: it came to be there while it was downloaded.`,
    })
    expect(await readFile(file, 'utf8')).toBe('theirs')
    expect(await readdir(folder)).toEqual(['big.iso'])
  })

  it('replaces a link, not what it leads to', async () => {
    await using server = await serve({ '/file': serving(() => ({ bytes: SHORT })) })
    await using client = clientOf()
    const precious = join(folder, 'precious')
    await writeFile(precious, 'mine')
    await symlink(precious, file)
    expect(await failureOf(all(client, server))).toMatchObject({ code: 'CONFIG' })
    await all(client, server, { overwrite: true })
    expect(await readFile(precious, 'utf8')).toBe('mine')
    expect(lstatSync(file).isFile()).toBe(true)
  })

  it('has the permissions it was given from its first byte on', async () => {
    await using server = await serve({ '/file': serving(() => ({})) })
    await using client = clientOf()
    const modes: number[] = []
    await lastValueFrom(
      download(client, `${server.url}file`, file, { ...quick, mode: 0o600 }).pipe(
        tap(event => {
          if (event.type !== 'progress') return
          for (const name of readdirSync(folder)) modes.push(lstatSync(join(folder, name)).mode & 0o777)
        }),
      ),
    )
    expect(new Set(modes)).toEqual(new Set([0o600]))
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it.each([
    [404, 1],
    [503, 3],
  ])('of what is answered %i is a STATUS after %i requests, and leaves nothing', async (status, requests) => {
    await using server = await serve({ '/file': reply.text('why', { status }) })
    for (const client of [clientOf(), clientOf(expectSuccess())]) {
      const before = server.requests.length
      const error = await failureOf(all(client, server, { times: 2 }))
      expect(error).toMatchObject({ code: 'STATUS', response: { status } })
      expect(server.requests.length - before).toBe(requests)
      expect(await readdir(folder)).toEqual([])
      await client.close()
    }
  })
})

describe('what breaks off', () => {
  it('goes on behind what is there', async () => {
    await using server = await serve({
      '/file': serving(({ index }) => ({
        fault: index === 0 ? { kind: 'reset', at: 'mid-body', bytes: 900_000 } : undefined,
      })),
    })
    await using client = clientOf()
    const events = await all(client, server)
    expect(Buffer.compare(await readFile(file), BYTES)).toBe(0)
    const [, second] = server.requests
    expect(second?.headers['if-range']).toBe('"v1"')
    const from = Number(/^bytes=(\d+)-$/.exec(second?.headers['range'] ?? '')?.[1])
    expect(from).toBeGreaterThan(0)
    expect(summary(events)).toEqual([
      `${from}/${SIZE}`,
      expect.stringMatching(/^(?:RESET|BODY) \(body\)$/),
      `resumed at ${from}`,
      `${SIZE}/${SIZE}`,
      `done ${SIZE}`,
    ])
    expect(done(events).sha256).toBe(sha256(BYTES))
  })

  it('starts over with what the server has by then, and says so', async () => {
    const other = made(SIZE - 1000, 11)
    await using server = await serve({
      '/file': serving(({ index }) =>
        index === 0
          ? { fault: { kind: 'reset', at: 'mid-body', bytes: 900_000 } }
          : {
              bytes: other,
              etag: '"v2"',
              fault: index === 1 ? { kind: 'reset', at: 'mid-body', bytes: 500_000 } : undefined,
            },
      ),
    })
    await using client = clientOf()
    const events = await all(client, server)
    expect(Buffer.compare(await readFile(file), other)).toBe(0)
    expect(summary(events).filter(line => /^dropped|^done/.test(line))).toEqual([
      expect.stringMatching(/^dropped \d+: it has changed$/),
      `done ${other.length}`,
    ])
    // The answer that told of the change is the one that is kept, and continued.
    expect(server.requests.map(({ headers }) => headers['if-range'])).toEqual([undefined, '"v1"', '"v2"'])
  })

  it('starts over where nothing can be continued', async () => {
    await using server = await serve({
      '/file': serving(({ index }) => ({
        etag: '',
        fault: index === 0 ? { kind: 'reset', at: 'mid-body', bytes: 900_000 } : undefined,
      })),
    })
    await using client = clientOf()
    const events = await all(client, server)
    expect(server.requests[1]?.headers['range']).toBeUndefined()
    expect(summary(events).slice(-4)).toEqual([
      expect.stringMatching(/^dropped \d+: what came before the break cannot be continued$/),
      expect.stringMatching(/body/),
      `${SIZE}/${SIZE}`,
      `done ${SIZE}`,
    ])
    expect(Buffer.compare(await readFile(file), BYTES)).toBe(0)
  })

  it.each<[string, (from: number) => Reply]>([
    [
      'another range',
      from => ({
        status: 206,
        headers: { etag: '"v1"', 'content-range': `bytes ${from - 1}-${SIZE - 1}/${SIZE}` },
        body: BYTES.subarray(from - 1),
      }),
    ],
    [
      'the rest of another version',
      from => ({
        status: 206,
        headers: { etag: '"v2"', 'content-range': `bytes ${from}-${SIZE - 1}/${SIZE}` },
        body: BYTES.subarray(from),
      }),
    ],
    ['that there is less by now', () => reply.status(416, { headers: { 'content-range': 'bytes */5' } })],
  ])('takes no byte of %s, and starts over', async (_, lie) => {
    await using server = await serve({
      '/file': request => {
        const from = Number(/^bytes=(\d+)-$/.exec(request.header('range'))?.[1] ?? 0)
        if (from > 0) return lie(from)
        return serving(({ index }) => ({
          fault: index === 0 ? { kind: 'reset', at: 'mid-body', bytes: 900_000 } : undefined,
        }))(request)
      },
    })
    for (const client of [clientOf(), clientOf(expectSuccess())]) {
      const events = await all(client, server, { overwrite: true })
      expect(summary(events).at(-1)).toBe(`done ${SIZE}`)
      expect(Buffer.compare(await readFile(file), BYTES)).toBe(0)
      await client.close()
    }
    expect(server.requests).toHaveLength(4)
  })

  const ANOTHER = 'another range was sent'
  const RANGE = `bytes 900000-${SIZE - 1}/${SIZE}`

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['of another length in all', { 'content-range': `bytes 900000-${SIZE - 1}/${SIZE + 1}` }, ANOTHER],
    [
      'whose length is not what it says',
      { 'content-range': `bytes 900000-${SIZE - 2}/${SIZE}` },
      'its length contradicts its range',
    ],
    ['that goes beyond the end', { 'content-range': `bytes 900000-${SIZE}/${SIZE}` }, ANOTHER],
    ['without saying which', {}, ANOTHER],
    ['that is encoded', { 'content-range': RANGE, 'content-encoding': 'gzip' }, 'it is encoded'],
  ])('takes no byte of a range %s, and starts over', async (_, headers, because) => {
    await using server = await serve({
      '/file': request =>
        request.index === 1
          ? { status: 206, headers: { etag: '"v1"', ...headers }, body: BYTES.subarray(900_000) }
          : serving(({ index }) => ({
              fault: index === 0 ? { kind: 'fin', at: 'mid-body', bytes: 900_000 } : undefined,
            }))(request),
    })
    await using client = clientOf()
    const events = await all(client, server)
    expect(server.requests[1]?.headers['range']).toBe('bytes=900000-')
    expect(summary(events).filter(line => line.startsWith('dropped'))).toEqual([`dropped 900000: ${because}`])
    expect(done(events).sha256).toBe(sha256(BYTES))
  })

  it('is given up after so many attempts in a row that bring next to nothing', async () => {
    await using server = await serve({
      '/file': serving(() => ({ fault: { kind: 'reset', at: 'mid-body', bytes: 1000 } })),
    })
    await using client = clientOf()
    const error = await failureOf(all(client, server, { times: 3 }))
    expect(isHttpError(error) && error.code).toMatch(/RESET|BODY/)
    expect(server.requests).toHaveLength(4)
    expect(await readdir(folder)).toEqual([])
  })

  it('is given up when it changes again and again', async () => {
    await using server = await serve({
      '/file': serving(({ index }) => ({
        etag: `"v${index}"`,
        fault: { kind: 'reset', at: 'mid-body', bytes: 200_000 },
      })),
    })
    await using client = clientOf()
    expect(await failureOf(all(client, server, { times: 2 }))).toMatchObject({
      code: 'BODY',
      message: `The answer to GET ${server.url}file could not be kept after starting over 2 times: it has changed.`,
    })
    expect(await readdir(folder)).toEqual([])
  })

  it('waits as long as the server asks', async () => {
    await using server = await serve({
      '/file': request =>
        request.index === 0 ? reply.status(503, { headers: { 'retry-after': '0' } }) : { body: SHORT },
    })
    await using client = clientOf()
    expect(summary(await all(client, server))).toEqual(['status 503', '10/10', 'done 10'])
  })
})

describe('what an earlier run left', () => {
  const half = serving(({ index }) => ({
    fault: index === 0 ? { kind: 'stall', at: 'mid-body', bytes: 900_000 } : undefined,
  }))

  /** Leaves a download in the middle. */
  async function leave(client: Client, server: TestServer, options: DownloadOptions = { keep: true }): Promise<number> {
    let loaded = 0
    await new Promise<void>((resolve, reject) => {
      const call = download(client, `${server.url}file`, file, { ...quick, ...options }).subscribe({
        next(event) {
          if (event.type !== 'progress' || event.loaded < 800_000) return
          loaded = event.loaded
          queueMicrotask(() => {
            call.unsubscribe()
            resolve()
          })
        },
        error: reject,
      })
    })
    await soon(() => openHere().length === 0)
    return loaded
  }

  it('is gone on with, when it was kept', async () => {
    await using server = await serve({ '/file': half })
    await using client = clientOf()
    const loaded = await leave(client, server)
    const left = await readdir(folder)
    expect(left.toSorted()).toEqual([expect.stringMatching(/^big\.iso\.[0-9a-f]{16}\.part$/), 'big.iso.part.json'])
    const events = await all(client, server)
    expect(summary(events)).toEqual([`resumed at ${loaded}`, `${SIZE}/${SIZE}`, `done ${SIZE}`])
    expect(done(events).sha256).toBe(sha256(BYTES))
    expect(await readdir(folder)).toEqual(['big.iso'])
  })

  it('is kept when it fails, too, and only then', async () => {
    await using server = await serve({
      '/file': serving(({ index }) => ({
        fault: index === 0 ? { kind: 'reset', at: 'mid-body', bytes: 900_000 } : undefined,
      })),
    })
    await using client = clientOf()
    await failureOf(all(client, server, { keep: true, times: 0 }))
    expect(await readdir(folder)).toHaveLength(2)
    expect(summary(await all(client, server))).toContain(`done ${SIZE}`)
    expect(server.requests[1]?.headers['range']).toMatch(/^bytes=\d\d+-$/)
  })

  it('is asked for once more at its last byte when all of it is there', async () => {
    await using server = await serve({ '/file': half })
    await using client = clientOf()
    await leave(client, server)
    const part = (await readdir(folder)).find(name => name.endsWith('.part')) ?? ''
    await writeFile(join(folder, part), BYTES)
    const events = await all(client, server)
    expect(server.requests[1]?.headers['range']).toBe(`bytes=${SIZE - 1}-`)
    expect(done(events).sha256).toBe(sha256(BYTES))
  })

  it('makes way for what the server has by now', async () => {
    const other = made(1_000_000, 3)
    await using server = await serve({
      '/file': request =>
        request.index === 0 ? half(request) : serving(() => ({ bytes: other, etag: '"v2"' }))(request),
    })
    await using client = clientOf()
    const loaded = await leave(client, server)
    const events = await all(client, server)
    expect(summary(events)).toEqual([`dropped ${loaded}: it has changed`, '1000000/1000000', 'done 1000000'])
    expect(server.requests[1]?.headers['if-range']).toBe('"v1"')
    expect(Buffer.compare(await readFile(file), other)).toBe(0)
    expect(await readdir(folder)).toEqual(['big.iso'])
  })

  it('is not taken for the answer of another url', async () => {
    await using server = await serve({ '/file': half, '/other': serving(() => ({ bytes: SHORT })) })
    await using client = clientOf()
    await leave(client, server)
    const events = await lastValueFrom(download(client, `${server.url}other`, file, quick).pipe(toArray()))
    expect(summary(events)).toEqual(['10/10', 'done 10'])
    expect(server.requests.at(-1)?.headers['range']).toBeUndefined()
    expect(await readdir(folder)).toEqual(['big.iso'])
  })

  it.each<[string, (part: string) => Promise<unknown>]>([
    [
      'is a link',
      async part => {
        await rm(part)
        await writeFile(join(folder, 'precious'), 'mine')
        await symlink(join(folder, 'precious'), part)
      },
    ],
    ['has a second name', async part => promisify(execFile)('ln', [part, join(folder, 'second')])],
    ['is longer than it can be', async part => writeFile(part, new Uint8Array(SIZE + 1))],
    [
      'is a directory',
      async part => {
        await rm(part)
        await mkdir(part)
      },
    ],
    ['is gone', async part => rm(part)],
    ['has a record that is none', async () => writeFile(`${file}.part.json`, '{"id":"../../x"')],
    [
      'has a record that leads elsewhere',
      async part => {
        const record = JSON.parse(await readFile(`${file}.part.json`, 'utf8')) as Record<string, unknown>
        // A directory that makes the path one.
        await mkdir(`${file}.`)
        await writeFile(`${file}.part.json`, JSON.stringify({ ...record, id: '/../precious' }))
        await writeFile(join(folder, 'precious.part'), 'mine')
        await rm(part)
      },
    ],
  ])('is not touched when it %s', async (_, tamper) => {
    await using server = await serve({ '/file': half })
    await using client = clientOf()
    await leave(client, server)
    const part = (await readdir(folder)).find(name => name.endsWith('.part')) ?? ''
    await tamper(join(folder, part))
    const events = await all(client, server)
    expect(server.requests[1]?.headers['range']).toBeUndefined()
    expect(done(events).sha256).toBe(sha256(BYTES))
    for (const name of ['precious', 'precious.part']) {
      expect(await readFile(join(folder, name), 'utf8').catch(() => 'mine')).toBe('mine')
    }
  })

  it('is downloaded anew when its digest says that it is not what it was', async () => {
    await using server = await serve({
      '/file': serving(({ index }) => ({
        headers: { 'repr-digest': `sha-256=:${base64(BYTES)}:` },
        fault: index === 0 ? { kind: 'stall', at: 'mid-body', bytes: 900_000 } : undefined,
      })),
    })
    await using client = clientOf()
    await leave(client, server)
    const part = (await readdir(folder)).find(name => name.endsWith('.part')) ?? ''
    const handle = await open(join(folder, part), 'r+')
    await handle.write(new Uint8Array(1000), 0, 1000, 5000)
    await handle.close()
    const events = await all(client, server)
    expect(summary(events)).toContain(`dropped ${SIZE}: what was left over does not fit its digest`)
    expect(Buffer.compare(await readFile(file), BYTES)).toBe(0)
  })

  it('is left to the run that is still at it', async () => {
    await using server = await serve({ '/file': half })
    await using client = clientOf()
    const first = download(client, `${server.url}file`, file, quick).subscribe()
    await soon(() => readdirSync(folder).some(name => lstatSync(join(folder, name)).size > 500_000))
    const [theirs] = openHere()
    await all(client, server)
    expect(openHere()).toEqual([theirs])
    first.unsubscribe()
    expect(server.requests[1]?.headers['range']).toBeUndefined()
    await soon(() => openHere().length === 0)
    expect(await readdir(folder)).toEqual(['big.iso'])
  })

  it('is there after a kill, under another name, and the next process goes on', async () => {
    await using server = await serve({
      '/file': serving(({ index }) => ({
        fault: index === 0 ? { kind: 'stall', at: 'mid-body', bytes: 1_500_000 } : undefined,
      })),
    })
    const program = `
      import { createClient } from 'sluice'
      import { download } from 'sluice/streams/download'
      const client = createClient({ plugins: [] })
      download(client, ${JSON.stringify(`${server.url}file`)}, ${JSON.stringify(file)}, { interval: 0 })
        .subscribe(event => process.stdout.write(JSON.stringify(event) + '\\n'))`
    const child = spawn(
      process.execPath,
      ['--conditions=sluice-source', '--input-type=module', '--no-warnings', '-e', program],
      { stdio: ['ignore', 'pipe', 'inherit'], cwd: new URL('../..', import.meta.url) },
    )
    let told = ''
    child.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()))
    await soon(
      () => Math.max(0, ...[...told.matchAll(/"loaded":(\d+)/g)].map(([, loaded]) => Number(loaded))) > 1_000_000,
      8_000,
    )
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(await readdir(folder)).not.toContain('big.iso')
    await using client = clientOf()
    const events = await all(client, server)
    expect(summary(events)[0]).toMatch(/^resumed at 1\d{6}$/)
    expect(done(events).sha256).toBe(sha256(BYTES))
    expect(await readdir(folder)).toEqual(['big.iso'])
  })
})

describe('digests', () => {
  const digested = (headers: Readonly<Record<string, string>>, bytes = SHORT) =>
    serve({ '/file': serving(() => ({ bytes, headers })) })

  it.each([
    ['repr-digest', 'sha-256', 'sha256'],
    ['repr-digest', 'sha-512', 'sha512'],
    ['content-digest', 'sha-256', 'sha256'],
  ])('of the server are compared: %s with %s', async (field, name, algorithm) => {
    await using server = await digested({ [field]: `unixsum=:AQID:, ${name}=:${base64(SHORT, algorithm)}:` })
    await using client = clientOf()
    expect(done(await all(client, server)).verified).toEqual([name])
    await rm(file)
    await using wrong = await digested({ [field]: `${name}=:${base64(BYTES, algorithm)}:` })
    const error = await failureOf(all(client, wrong, { keep: true }))
    expect(error).toMatchObject({ code: 'BODY' })
    expect((error as Error).message).toMatch(
      new RegExp(`has the ${name} [0-9a-f]+ and not [0-9a-f]+, as the server said`),
    )
    expect(await readdir(folder)).toEqual([])
    expect(done(await all(client, wrong, { verify: false })).verified).toEqual([])
  })

  it('of the server may come behind the body', async () => {
    await using server = await serve({
      '/file': { ...reply.chunks(['abcde', 'fghij']), trailers: { 'repr-digest': `sha-256=:${base64(BYTES)}:` } },
    })
    await using client = clientOf()
    expect(await failureOf(all(client, server))).toMatchObject({ code: 'BODY' })
  })

  it('of the caller are compared, as hex and base64, whatever the server says', async () => {
    await using server = await digested({})
    await using client = clientOf()
    const fine = [{ sha256: sha256(SHORT).toUpperCase() }, { sha512: base64(SHORT, 'sha512') }]
    for (const verify of fine)
      expect(done(await all(client, server, { verify, overwrite: true })).verified).toHaveLength(1)
    await rm(file)
    expect(await failureOf(all(client, server, { verify: { sha256: sha256(BYTES) } }))).toMatchObject({
      message: expect.stringMatching(/, as the caller said\.$/) as string,
    })
    expect(await readdir(folder)).toEqual([])
  })

  it('that mean nothing to us are let be', async () => {
    await using server = await digested({ 'repr-digest': 'md5=:AAAA:, sha-256=:AAAA:, sha=:x:' })
    await using client = clientOf()
    expect(done(await all(client, server)).verified).toEqual([])
  })
})

describe('several ranges', () => {
  const EIGHT = made(8 * 1024 * 1024)

  it('are fetched at the same time and make one file', async () => {
    await using server = await serve({
      '/file': serving(() => ({ bytes: EIGHT, headers: { 'repr-digest': `sha-256=:${base64(EIGHT)}:` } })),
    })
    await using client = clientOf()
    const events = await all(client, server, { ranges: 4 })
    expect(Buffer.compare(await readFile(file), EIGHT)).toBe(0)
    expect(server.requests.map(({ headers }) => headers['range'])).toEqual([
      undefined,
      'bytes=2097152-4194303',
      'bytes=4194304-6291455',
      'bytes=6291456-8388607',
    ])
    expect(done(events).verified).toEqual(['sha-256'])
    const loaded = events.flatMap(event => (event.type === 'progress' ? [event.loaded] : []))
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
    expect(loaded.at(-1)).toBe(EIGHT.length)
    expect(await readdir(folder)).toEqual(['big.iso'])
  })

  it('go on by themselves when they break off', async () => {
    await using server = await serve({
      '/file': serving(({ index }) => ({
        bytes: EIGHT,
        fault: index < 6 ? { kind: 'reset', at: 'mid-body', bytes: 700_000 } : undefined,
      })),
    })
    await using client = clientOf()
    await all(client, server, { ranges: 4 })
    expect(Buffer.compare(await readFile(file), EIGHT)).toBe(0)
    expect(server.requests.length).toBe(10)
  })

  it.each<[string, Served]>([
    ['has no strong validator', { etag: 'W/"v1"' }],
    ['offers no ranges', { headers: { 'accept-ranges': 'none' } }],
    ['is small', { bytes: SHORT }],
  ])('are one where the file %s', async (_, what) => {
    await using server = await serve({ '/file': serving(() => ({ ...what })) })
    await using client = clientOf()
    expect(summary(await all(client, server, { ranges: 4 })).at(-1)).toMatch(/^done/)
    expect(server.requests).toHaveLength(1)
  })

  it('are given up for one when the file has changed in between', async () => {
    const other = made(5_000_000, 3)
    await using server = await serve({
      '/file': serving(({ index }) => (index < 2 ? { bytes: EIGHT } : { bytes: other, etag: '"v2"' })),
    })
    await using client = clientOf()
    const events = await all(client, server, { ranges: 4 })
    expect(summary(events).some(line => /^dropped \d+: it has changed$/.test(line))).toBe(true)
    expect(Buffer.compare(await readFile(file), other)).toBe(0)
  })

  it('fail as one, and leave nothing', async () => {
    await using server = await serve({
      '/file': request =>
        request.header('range').startsWith('bytes=4') ? reply.status(403) : serving(() => ({ bytes: EIGHT }))(request),
    })
    await using client = clientOf()
    expect(await failureOf(all(client, server, { ranges: 4 }))).toMatchObject({
      code: 'STATUS',
      response: { status: 403 },
    })
    await server.until(({ open: sockets }) => sockets <= 1)
    expect([await readdir(folder), openHere()]).toEqual([[], []])
  })

  it('are gone on with, each where it was', async () => {
    await using server = await serve({
      '/file': serving(({ index }) => ({
        bytes: EIGHT,
        fault: index < 4 ? { kind: 'stall', at: 'mid-body', bytes: 700_000 } : undefined,
      })),
    })
    await using client = clientOf()
    await new Promise<void>(resolve => {
      const call: Subscription = download(client, `${server.url}file`, file, {
        ...quick,
        ranges: 4,
        keep: true,
      }).subscribe(event => {
        if (event.type !== 'progress' || event.loaded < 2_700_000) return
        queueMicrotask(() => {
          call.unsubscribe()
          resolve()
        })
      })
    })
    await soon(() => openHere().length === 0)
    const events = await all(client, server)
    expect(summary(events)[0]).toMatch(/^resumed at 2[78]\d{5}$/)
    expect(Buffer.compare(await readFile(file), EIGHT)).toBe(0)
    expect(server.requests).toHaveLength(8)
  })
})

describe('a disk that refuses', () => {
  const refusing = (code: string, syscall: string) => Object.assign(new Error(code), { code, syscall })

  it.each(['write', 'sync'] as const)('at %s is the error of the download, which is not tried again', async method => {
    await using server = await serve({ '/file': serving(() => ({})) })
    await using client = clientOf()
    vi.spyOn(await handles(), method).mockRejectedValue(refusing('ENOSPC', method))
    const error = await failureOf(all(client, server, { keep: true }))
    expect(error).toMatchObject({
      code: 'BODY',
      phase: 'body',
      message: `The answer to GET ${server.url}file could not be kept in ${file}: ENOSPC (${method}).`,
      cause: { code: 'ENOSPC' },
    })
    vi.restoreAllMocks()
    expect(server.requests).toHaveLength(1)
    expect(openHere()).toEqual([])
    expect(await readdir(folder)).not.toContain('big.iso')
  })

  it('writes less than it was given, and gets the rest', async () => {
    await using server = await serve({ '/file': serving(() => ({})) })
    await using client = clientOf()
    const prototype = await handles()
    const { write } = prototype
    vi.spyOn(prototype, 'write').mockImplementation(function (this: unknown, bytes, from, length, at) {
      return write.call(this, bytes, from, Math.min(length as number, 1000), at)
    })
    await all(client, server)
    expect(Buffer.compare(await readFile(file), BYTES)).toBe(0)
  })

  it('is asked before anything is sent', async () => {
    await using server = await serve({ '/file': serving(() => ({})) })
    await using client = clientOf()
    const to = (path: string) => failureOf(lastValueFrom(download(client, `${server.url}file`, path)))
    expect(await to(folder)).toMatchObject({
      code: 'CONFIG',
      message: expect.stringMatching(/it is a directory; give the name/) as string,
    })
    expect(await to(join(folder, 'no', 'such'))).toMatchObject({ code: 'CONFIG', cause: { code: 'ENOENT' } })
    expect(await to(join(folder, 'x'.repeat(300)))).toMatchObject({ code: 'CONFIG', cause: { code: 'ENAMETOOLONG' } })
    await writeFile(join(folder, 'plain'), '')
    expect(await to(join(folder, 'plain', 'x'))).toMatchObject({ code: 'CONFIG', cause: { code: 'ENOTDIR' } })
    if (process.getuid?.() !== 0) {
      await chmod(folder, 0o500)
      expect(await to(file)).toMatchObject({ code: 'CONFIG', cause: { code: 'EACCES' } })
      await chmod(folder, 0o700)
    }
    expect(server.requests).toHaveLength(0)
  })

  it.each<[string, (part: string) => Promise<unknown>]>([
    ['removed', part => rm(part)],
    [
      'replaced',
      async part => {
        await rm(part)
        await writeFile(part, 'theirs')
      },
    ],
  ])('has what was written %s meanwhile, and gets no name for it', async (_, tamper) => {
    await using server = await serve({ '/file': serving(() => ({})) })
    await using client = clientOf()
    const prototype = await handles()
    const { sync } = prototype
    vi.spyOn(prototype, 'sync').mockImplementationOnce(async function (this: unknown) {
      await tamper(join(folder, readdirSync(folder).find(name => name.endsWith('.part')) ?? ''))
      return sync.call(this)
    })
    expect(await failureOf(all(client, server))).toMatchObject({
      code: 'BODY',
      message: expect.stringMatching(/: what was written was replaced or removed by somebody else\.$/) as string,
    })
    expect([await readdir(folder).then(names => names.includes('big.iso')), openHere()]).toEqual([false, []])
  })

  it('that is slow holds the server back', async () => {
    await using server = await serve({ '/file': reply.bytes(64 * 1024 * 1024, { headers: { etag: '"v1"' } }) })
    await using client = clientOf()
    const prototype = await handles()
    let writes = 0
    vi.spyOn(prototype, 'write').mockImplementation(() => {
      writes++
      return new Promise(() => undefined)
    })
    const call = download(client, `${server.url}file`, file).subscribe()
    const request = await server.received()
    let before = -1
    await soon(() => writes === 1)
    while (before !== request.bytesOut) {
      before = request.bytesOut
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect(request.bytesOut).toBeLessThan(8 * 1024 * 1024)
    call.unsubscribe()
    await server.closed()
  })
})

describe('leaving', () => {
  const routes = { '/file': serving(() => ({ fault: { kind: 'stall', at: 'mid-body', bytes: 900_000 } })) }

  it.each<[string, Parameters<typeof serve>[0], (event: DownloadEvent) => boolean, number | undefined]>([
    ['before the head', { '/file': reply.text('', { delay: 10_000 }) }, () => false, 30],
    ['at the first bytes', routes, ({ type }) => type === 'progress', undefined],
    ['in silence', routes, () => false, 100],
    [
      'in back-off',
      { '/file': reply.status(503, { headers: { 'retry-after': '60' } }) },
      ({ type }) => type === 'waiting',
      undefined,
    ],
  ])('%s closes socket and file at once, and leaves nothing', async (_, served, when, after) => {
    await using server = await serve(served)
    using leaks = watchLeaks()
    const client = clientOf()
    const leftAt = await new Promise<number>(resolve => {
      const leave = (): void => {
        queueMicrotask(() => {
          call.unsubscribe()
          resolve(performance.now())
        })
      }
      const call: Subscription = download(client, `${server.url}file`, file, { interval: 0 }).subscribe(event => {
        if (when(event)) leave()
      })
      if (after !== undefined) void server.received().then(() => setTimeout(leave, after))
    })
    expect(await readdir(folder)).toEqual([])
    await soon(() => openHere().length === 0, 50)
    if (server.requests[0]?.status !== 503) expect((await server.closed()).closedAt).toBeLessThan(leftAt + 50)
    await client.close()
    await leaks.settled()
  })

  it('while the file is opened leaves nothing, either', async () => {
    await using server = await serve({ '/file': serving(() => ({})) })
    await using client = clientOf()
    const call = download(client, `${server.url}file`, file).subscribe()
    await soon(() => readdirSync(folder).length > 0)
    call.unsubscribe()
    await soon(() => readdirSync(folder).length === 0 && openHere().length === 0, 50)
  })

  it('before what was left over is open leaves nothing open', async () => {
    await using server = await serve(routes)
    await using client = clientOf()
    const kept = download(client, `${server.url}file`, file, { ...quick, keep: true }).subscribe()
    await soon(() => readdirSync(folder).some(name => lstatSync(join(folder, name)).size > 500_000))
    kept.unsubscribe()
    await soon(() => openHere().length === 0)
    expect(await readdir(folder)).toHaveLength(2)
    const again = download(client, `${server.url}file`, file, quick).subscribe()
    await soon(() => openHere().length > 0)
    again.unsubscribe()
    await soon(() => openHere().length === 0 && readdirSync(folder).length === 0, 50)
    expect(server.requests).toHaveLength(1)
  })

  it.each(['sync', 'stat'] as const)('while it is finished (%s) leaves the whole file or nothing', async method => {
    await using server = await serve({ '/file': serving(() => ({})) })
    await using client = clientOf()
    const prototype = await handles()
    const original = prototype[method]
    const left = new Promise<void>(resolve => {
      vi.spyOn(prototype, method).mockImplementation(function (this: unknown, ...given: unknown[]) {
        // The directory is synced, too: this may be called after the end.
        queueMicrotask(() => {
          call.unsubscribe()
          resolve()
        })
        return original.apply(this, given)
      })
    })
    const call = download(client, `${server.url}file`, file, quick).subscribe()
    await left
    vi.restoreAllMocks()
    await soon(() => openHere().length === 0)
    await soon(() => readdirSync(folder).every(name => name === 'big.iso'))
    for (const name of await readdir(folder)) {
      expect(Buffer.compare(await readFile(join(folder, name)), BYTES)).toBe(0)
    }
  })

  it('and coming back at once begins anew, undisturbed', async () => {
    await using server = await serve({
      '/file': serving(({ index }) => ({
        fault: index === 0 ? { kind: 'stall', at: 'mid-body', bytes: 900_000 } : undefined,
      })),
    })
    await using client = clientOf()
    const call = download(client, `${server.url}file`, file, quick).subscribe()
    await soon(() => readdirSync(folder).length === 2)
    call.unsubscribe()
    await all(client, server)
    expect(Buffer.compare(await readFile(file), BYTES)).toBe(0)
    expect(await readdir(folder)).toEqual(['big.iso'])
  })

  it('by closing the client fails it, and leaves nothing', async () => {
    await using server = await serve(routes)
    const client = clientOf()
    const work = all(client, server)
    const failed = failureOf(work)
    await soon(() => readdirSync(folder).length === 2)
    client.cancel()
    expect(await failed).toMatchObject({ code: 'CANCELLED' })
    expect([await readdir(folder), openHere()]).toEqual([[], []])
  })
})

describe.each(CONTENDERS)('$name', ({ protocol, make }) => {
  const { ca, good } = certificates()
  const secure = protocol === 'h2'
  const up = (routes: Parameters<typeof serve>[0]) => serve(routes, { protocol, ...(secure ? { tls: good } : {}) })
  const open = (...plugins: AnyPlugin[]) => createClient({ engine: make(secure ? { ca } : undefined), plugins })

  it.each<[string, (index: number) => Fault | undefined]>([
    ['resets', index => (index < 3 ? { kind: 'reset', at: 'mid-body', bytes: 400_000 } : undefined)],
    ['ends too early', index => (index < 3 ? { kind: 'fin', at: 'mid-body', bytes: 400_000 } : undefined)],
    ['falls silent', index => (index === 0 ? { kind: 'stall', at: 'mid-body', bytes: 400_000 } : undefined)],
    ['drips', index => (index === 0 ? { kind: 'drip', at: 'mid-body', bytes: SIZE - 20, every: 1 } : undefined)],
    ['resets before it answers', index => (index < 2 ? { kind: 'reset', at: 'before-head' } : undefined)],
  ])('has the whole file from a server that %s', async (_, fault) => {
    await using server = await up({ '/file': serving(({ index }) => ({ fault: fault(index) })) })
    await using client = open(timeout({ idle: 150 }))
    const events = await all(client, server)
    expect(Buffer.compare(await readFile(file), BYTES)).toBe(0)
    const loaded = events.flatMap(event => (event.type === 'progress' ? [event.loaded] : []))
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
    expect(events.filter(({ type }) => type === 'restarted')).toEqual([])
  })
})

// The platform's fetch decodes by itself, and takes what is cut off for whole.
describe.each(CONTENDERS.filter(({ name }) => name !== 'fetch'))('$name', ({ protocol, make }) => {
  it('has no file of what is whole by its length and not by its coding', async () => {
    const { ca, good } = certificates()
    const secure = protocol === 'h2'
    const packed = gzipSync(BYTES)
    await using server = await serve(
      { '/file': { headers: { 'content-encoding': 'gzip' }, body: packed.subarray(0, packed.length - 100) } },
      { protocol, ...(secure ? { tls: good } : {}) },
    )
    await using client = createClient({ engine: make(secure ? { ca } : undefined), plugins: [decode()] })
    expect(await failureOf(all(client, server, { times: 1 }))).toMatchObject({ code: 'BODY', phase: 'decode' })
    expect(await readdir(folder)).toEqual([])
  })
})

it('believes no length that is wrong', async () => {
  await using server = await serve({
    '/file': {
      headers: { 'content-length': String(SIZE + 10), connection: 'close' },
      body: BYTES,
      framing: 'length',
      close: true,
    },
  })
  await using client = clientOf()
  expect(await failureOf(all(client, server, { times: 1 }))).toMatchObject({ code: 'BODY' })
  expect(await readdir(folder)).toEqual([])
})

/** A server that can be stopped and started at its port. */
async function listening(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

it('waits for a server that is started anew', async () => {
  const big = made(4_000_000)
  const handler = (fail: boolean) =>
    createServer((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      response.writeHead(from > 0 ? 206 : 200, {
        etag: '"v1"',
        'content-length': big.length - from,
        ...(from > 0 ? { 'content-range': `bytes ${from}-${big.length - 1}/${big.length}` } : {}),
      })
      if (fail) response.write(big.subarray(0, 1_000_000))
      else response.end(big.subarray(from))
    })
  const first = handler(true)
  const second = handler(false)
  const port = await listening(first)
  await using client = clientOf()
  let started: Promise<unknown> | undefined
  try {
    const events = await lastValueFrom(
      download(client, `http://127.0.0.1:${port}/file`, file, {
        backoff: { first: 20, most: 50 },
        interval: 0,
        times: 50,
      }).pipe(
        tap(event => {
          if (event.type === 'progress' && event.loaded === 1_000_000) {
            first.close()
            first.closeAllConnections()
          }
          if (event.type === 'waiting' && event.reason.startsWith('CONNECT')) started ??= listening(second, port)
        }),
        toArray(),
      ),
    )
    expect(summary(events)).toContain('resumed at 1000000')
    expect(Buffer.compare(await readFile(file), big)).toBe(0)
  } finally {
    await started
    second.close()
    second.closeAllConnections()
  }
})

it('brings 100 MiB byte by byte over a server that breaks every 3 to 7 MiB, with one line of progress', async () => {
  const size = 100 * 1024 * 1024
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at)
  await using server = await serve({
    '/file': serving(({ index }) => ({
      bytes,
      fault: { kind: index % 2 === 0 ? 'reset' : 'fin', at: 'mid-body', bytes: (3 + ((index * 7) % 5)) * 1024 * 1024 },
    })),
  })
  // What is shorter than the fault says is sent whole.
  await using client = createClient({ engine: undici(), plugins: recommended() })
  const events = await all(client, server, { interval: 20 })
  expect(done(events)).toMatchObject({ size, sha256: sha256(bytes) })
  expect(sha256(await readFile(file))).toBe(sha256(bytes))
  expect(server.requests.length).toBeGreaterThan(14)
  const loaded = events.flatMap(event => (event.type === 'progress' ? [event.loaded] : []))
  expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
  expect(new Set(events.flatMap(event => (event.type === 'progress' ? [event.total] : [])))).toEqual(new Set([size]))
  expect(events.some(({ type }) => type === 'restarted')).toBe(false)
}, 60_000)

it('never has half a file under its name, whatever happens in whatever order', async () => {
  // Numbers that look random and are the same in every run.
  let state = 20_261_121
  const chance = (): number => (state = (state * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x7fffffff
  const versions = [made(4_500_000, 3)]
  await using server = await serve({
    '/file': request => {
      if (chance() < 0.03) versions.push(made(4_500_000 + versions.length * 1000, 3 + versions.length))
      if (chance() < 0.05) return reply.status(503)
      const fault: Fault = {
        kind: chance() < 0.5 ? 'reset' : 'fin',
        at: 'mid-body',
        bytes: Math.floor(chance() * 1_500_000),
      }
      const now = { bytes: versions.at(-1) ?? BYTES, etag: `"v${versions.length}"` }
      return serving(() => (chance() < 0.5 ? now : { ...now, fault }))(request)
    },
  })
  await using client = clientOf()
  const ends = new Map<string, number>()
  for (let run = 0; run < 25; run++) {
    const leaveAt = chance() < 0.4 ? chance() * 4_000_000 : Infinity
    const options = { ...quick, overwrite: true, keep: chance() < 0.7, ranges: 1 + Math.floor(chance() * 4), times: 20 }
    const end = await new Promise<string>((resolve, reject) => {
      let before = 0
      const call: Subscription = download(client, `${server.url}file`, file, options).subscribe({
        next(event) {
          if (event.type === 'restarted') before = 0
          if (event.type !== 'progress') return
          if (event.loaded < before) reject(new Error(`it went back from ${before} to ${event.loaded}`))
          before = event.loaded
          if (event.loaded < leaveAt) return
          queueMicrotask(() => {
            call.unsubscribe()
            resolve('left')
          })
        },
        error: reject,
        complete: () => resolve('whole'),
      })
    })
    ends.set(end, (ends.get(end) ?? 0) + 1)
    const content = await readFile(file).catch(() => undefined)
    if (content !== undefined) expect(versions.some(version => Buffer.compare(version, content) === 0)).toBe(true)
    if (end === 'whole') expect(await readdir(folder)).toEqual(['big.iso'])
  }
  expect([...ends.keys()].toSorted()).toEqual(['left', 'whole'])
  await soon(() => openHere().length === 0)
}, 60_000)

describe('options', () => {
  const client = createClient({ engine: undici(), plugins: [] })
  it.each<[object, string]>([
    [{ ranges: 0 }, 'download: ranges must be a whole number from 1 to 16, not 0.'],
    [{ times: -1 }, 'download: times must be a whole number of at least 0, not -1.'],
    [
      { verify: { sha256: 'abc' } },
      'download: verify must be true, false, or an object with the sha256 or sha512 of the file as hex or base64, not an object.',
    ],
    [
      { verify: {} },
      'download: verify must be true, false, or an object with the sha256 or sha512 of the file as hex or base64, not an object.',
    ],
    [{ mode: 0o1777 }, 'download: mode must be permissions from 0 to 0o777, not 1023.'],
    [{ backoff: { first: 0 } }, 'download({ backoff }): first must be a number of milliseconds of at least 1, not 0.'],
    [{ method: 'POST' }, 'A download is a GET that asks for ranges by itself; leave out the method.'],
    [{ headers: { Range: 'bytes=0-' } }, 'A download is a GET that asks for ranges by itself; leave out the range.'],
  ])('%j is refused', (options, message) => {
    expect(() => download(client, 'http://127.0.0.1:1/', 'x', options as DownloadOptions)).toThrow(message)
  })

  it.each<[unknown, RegExp]>([
    ['', /not an empty string/],
    ['a\0b', /NUL/],
    [7, /not 7/],
    [new URL('https://api.test/'), /not a https: url/],
  ])('the file %j is refused', (path, message) => {
    expect(() => download(client, 'http://127.0.0.1:1/', path as string)).toThrow(message)
  })

  it('go on to the call', async () => {
    await using server = await serve({ '/file': request => reply.text(request.header('x-mine')) })
    await lastValueFrom(download(client, `${server.url}file`, file, { headers: { 'x-mine': 'yes' } }))
    expect(await readFile(file, 'utf8')).toBe('yes')
    await client.close()
  })
})

describe('fileName', () => {
  const nameOf = (field: string) => fileName({ headers: HttpHeaders.received(['content-disposition', field]) })

  it.each([
    ['attachment; filename=plain.txt', 'plain.txt'],
    ['attachment; filename="with \\"quotes\\" and; more.txt"', 'with _quotes_ and; more.txt'],
    ["attachment; filename=fallback.txt; filename*=UTF-8''na%C3%AFve%20file.txt", 'naïve file.txt'],
    ["attachment; filename*=utf-8'en'x.txt; filename=y.txt", 'x.txt'],
    ["attachment; filename*=UTF-8''%zz; filename=y.txt", 'y.txt'],
    ['attachment; FileName = "a.txt"', 'a.txt'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ["attachment; filename*=UTF-8''..%2f..%2fetc%2fpasswd", 'passwd'],
    ['attachment; filename="C:\\\\Windows\\\\System32\\\\evil.dll"', 'evil.dll'],
    ['attachment; filename="/etc/"', undefined],
    ['attachment; filename=".."', undefined],
    ['attachment; filename=".bashrc"', 'bashrc'],
    ["attachment; filename*=UTF-8''a%00b.txt", 'ab.txt'],
    ["attachment; filename*=UTF-8''invoice%E2%80%AEfdp.exe", 'invoicefdp.exe'],
    ['attachment; filename="con.txt"', '_con.txt'],
    ['attachment; filename="COM1"', '_COM1'],
    ['attachment; filename="a:b*c?.txt. . "', 'a_b_c_.txt'],
    ['attachment', undefined],
    ['attachment; filename=""', undefined],
  ])('of %j is %j', (field, name) => {
    expect(nameOf(field)).toBe(name)
  })

  it('is short enough to be a file, keeps its ending, and ends between two characters', () => {
    const name = nameOf(`attachment; filename*=UTF-8''${'%F0%9F%8D%8A'.repeat(200)}.iso`) ?? ''
    expect(new TextEncoder().encode(name).length).toBeLessThan(230)
    expect(name).toMatch(/^(?:🍊)+\.iso$/u)
  })

  it('is none without the field', () => {
    expect(fileName({ headers: HttpHeaders.none })).toBeUndefined()
  })
})
