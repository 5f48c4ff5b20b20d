import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { createClient, definePlugin, mapAnswer, recommended, type AnyPlugin, type Client } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { undici } from 'sluice/engines/undici'
import { redirect } from 'sluice/plugins/redirect'
import type { DownloadEvent } from 'sluice/streams/download'
import { reply, serve, type Reply } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { Folder, honest, made, MIB, quick, rangeOf, sha256 } from './serving.ts'

const SIZE = 2 * MIB
const BYTES = made(SIZE)
const clientOf = (...plugins: AnyPlugin[]): Client => createClient({ engine: undici(), plugins })
const restarts = (events: readonly DownloadEvent[]): string[] =>
  events.flatMap(event => (event.type === 'restarted' ? [event.because] : []))

/** A server that sends the first `broken` bytes, then whatever `rest` makes of what is missing. */
async function server(
  rest: (from: number, response: ServerResponse) => void,
): Promise<AsyncDisposable & { readonly url: string }> {
  let asked = 0
  const listening = createServer((request, response) => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? -1)
    asked++
    if (from >= 0) {
      rest(from, response)
      return
    }
    response.writeHead(200, { etag: '"v1"', 'content-length': SIZE, 'accept-ranges': 'bytes' })
    if (asked === 1) response.write(BYTES.subarray(0, 900_000), () => setTimeout(() => response.destroy(), 50))
    else response.end(BYTES)
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return {
    url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      listening.closeAllConnections()
      listening.close()
      await once(listening, 'close')
    },
  }
}

describe('a range that brings more than it says', () => {
  it('without an end is not read for ever', async () => {
    using folder = new Folder()
    await using api = await server((from, response) => {
      response.writeHead(206, { etag: '"v1"', 'content-range': `bytes ${from}-${SIZE - 1}/${SIZE}` })
      response.write(BYTES.subarray(from))
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    await using client = clientOf()
    const events = await folder.fill(client, api.url)
    expect(restarts(events)).toEqual(['more than its range was sent'])
    expect(sha256(readFileSync(folder.file))).toBe(sha256(BYTES))
  }, 8_000)

  it('in the middle of the file is none of the file', async () => {
    using folder = new Folder()
    await using api = await server((from, response) => {
      response.writeHead(206, { etag: '"v1"', 'content-range': `bytes ${from}-${from + 99_999}/${SIZE}` })
      response.end(Buffer.alloc(200_000, 255))
    })
    await using client = clientOf()
    const events = await folder.fill(client, api.url)
    expect(restarts(events)).toEqual(['more than its range was sent'])
    expect(sha256(readFileSync(folder.file))).toBe(sha256(BYTES))
  })
})

it('takes no part where all was asked for', async () => {
  using folder = new Folder()
  await using api = await serve({
    '/file': { status: 206, headers: { etag: '"v1"', 'content-range': 'bytes 0-9/10' }, body: '0123456789' },
  })
  await using client = clientOf()
  await expect(folder.fill(client, `${api.url}file`)).rejects.toMatchObject({
    code: 'STATUS',
    response: { status: 206 },
  })
  expect([folder.names, api.requests.length]).toEqual([[], 1])
})

it('goes on at one origin only: elsewhere the same validator can mean something else', async () => {
  using folder = new Folder()
  const other = made(SIZE, 11)
  await using mirror = await serve({ '/file': request => honest(request, other) })
  await using api = await serve({
    '/file': request =>
      request.index === 0
        ? honest(request, BYTES, { fault: { kind: 'reset', at: 'mid-body', bytes: 900_000 } })
        : reply.redirect(`${mirror.url}file`),
  })
  await using client = clientOf(redirect())
  const events = await folder.fill(client, `${api.url}file`)
  expect(restarts(events)).toEqual(['another place answered'])
  expect(sha256(readFileSync(folder.file))).toBe(sha256(other))
})

it('goes on at the same origin also where every redirect leads to another url, as those that are signed', async () => {
  using folder = new Folder()
  await using api = await serve({
    '/file': ({ index }) => reply.redirect(`/store?signature=${index}`),
    '/store': request =>
      honest(request, BYTES, request.index < 2 ? { fault: { kind: 'reset', at: 'mid-body', bytes: 900_000 } } : {}),
  })
  await using client = clientOf(redirect())
  const events = await folder.fill(client, `${api.url}file`)
  expect(restarts(events)).toEqual([])
  expect(events.filter(({ type }) => type === 'resumed')).toHaveLength(1)
  expect(sha256(readFileSync(folder.file))).toBe(sha256(BYTES))
})

it.each([
  ['hex', `sha-256=${sha256(BYTES)}`],
  ['no digest', 'sha-256=:AAAA:'],
  ['a digest that was cut off', 'sha-256=:AAA'],
  ['many of them', ','.repeat(8000)],
  ['spaces', `${' \t'.repeat(4000)}sha-256`],
])('lets be what is no digest: %s', async (_, field) => {
  using folder = new Folder()
  await using api = await serve({ '/file': request => honest(request, BYTES, { headers: { 'repr-digest': field } }) })
  await using client = clientOf()
  expect((await folder.fill(client, `${api.url}file`)).at(-1)).toMatchObject({ type: 'done', verified: [] })
})

it.each([
  ['the plugin decode', () => createClient({ engine: undici(), plugins: recommended() })],
  ['the platform', () => createClient({ engine: fetch(), plugins: [] })],
])('compares no digest of a coded body with what %s made of it', async (_, make) => {
  using folder = new Folder()
  const packed = gzipSync(BYTES)
  const digest = Buffer.from(sha256(packed), 'hex').toString('base64')
  await using api = await serve({
    '/file': { headers: { 'content-encoding': 'gzip', 'repr-digest': `sha-256=:${digest}:` }, body: packed },
  })
  await using client = make()
  const events = await folder.fill(client, `${api.url}file`)
  expect(events.at(-1)).toMatchObject({ type: 'done', size: SIZE, sha256: sha256(BYTES), verified: [] })
})

it('that is longer than it says is an error, and no file', async () => {
  using folder = new Folder()
  const longer = definePlugin({
    name: 'longer',
    scope: 'wire',
    defaults: {},
    install: () => (request, next) =>
      next(request).pipe(mapAnswer({ head: head => ({ ...head, headers: head.headers.set('content-length', '10') }) })),
  })
  await using api = await serve({ '/file': reply.chunks(['0123456', '789abcdef']) })
  await using client = clientOf(longer())
  await expect(folder.fill(client, `${api.url}file`)).rejects.toMatchObject({
    code: 'BODY',
    message: `The answer to GET ${api.url}file has more bytes than the 10 it said.`,
  })
  expect([folder.names, api.requests.length]).toEqual([[], 1])
})

describe('several ranges', () => {
  const EIGHT = made(8 * MIB)

  it.each<[string, (reply: Reply) => Reply]>([
    ['other validators', given => ({ ...given, headers: { ...given.headers, etag: '"v2"' } })],
    ['weak validators', given => ({ ...given, headers: { ...given.headers, etag: 'W/"v1"' } })],
    ['another total', given => ({ ...given, headers: { ...given.headers, 'content-range': `bytes 0-9/${8 * MIB}` } })],
    ['the whole file', given => ({ ...given, status: 200, body: EIGHT })],
  ])('that are answered with %s come as one', async (_, lie) => {
    using folder = new Folder()
    await using api = await serve({
      '/file': request => {
        const given = honest(request, EIGHT)
        const range = rangeOf(request)
        return range?.to === undefined ? given : lie(given)
      },
    })
    await using client = clientOf()
    const events = await folder.fill(client, `${api.url}file`, { ...quick, ranges: 4 })
    expect(restarts(events)).toHaveLength(1)
    expect(sha256(readFileSync(folder.file))).toBe(sha256(EIGHT))
  })

  it('of a length nobody has are an error of the disk or of the server, and leave nothing', async () => {
    using folder = new Folder()
    await using api = await serve({
      '/file': {
        headers: { etag: '"v1"', 'accept-ranges': 'bytes', 'content-length': '999999999999999' },
        body: 'short',
        framing: 'length',
        close: true,
      },
    })
    await using client = clientOf()
    await expect(folder.fill(client, `${api.url}file`, { ranges: 4, times: 1 })).rejects.toMatchObject({
      code: /BODY|RESET/,
    })
    expect(folder.names).toEqual([])
  })
})
