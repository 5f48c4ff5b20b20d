import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from 'esbuild'
import { gunzipSync, gzipSync } from 'node:zlib'
import { reply, serve, type Reply, type TestServer } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { ROOT } from './files.ts'
import { snippets, type Snippet } from './snippets.ts'

const run = promisify(execFile)
const folder = join(ROOT, '.reports', 'snippets')
const all = snippets()
let server: TestServer
let sockets: WebSocketServer

beforeAll(async () => {
  server = await serve(api())
  sockets = await peers()
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: { isolatedDeclarations: false, declaration: false },
      include: ['.'],
      exclude: [],
    }),
  )
  await Promise.all(all.map(write))
})

afterAll(async () => {
  for (const peer of sockets.clients) peer.terminate()
  sockets.close()
  await server.close()
})

describe('the examples of pages and docstrings', () => {
  it('compile', async () => {
    const tsc = join(ROOT, 'node_modules/typescript7/bin/tsc')
    const { stdout } = await run(process.execPath, [tsc, '--project', folder]).catch(
      (error: unknown) => error as { stdout: string },
    )
    const named = stdout.replace(
      /\S*?(\d+)\.ts\((\d+)/g,
      (_, at: string, line: string) => `${all[Number(at)]?.place ?? '?'} line ${line}`,
    )
    expect(named).toBe('')
  }, 60_000)

  it.concurrent.each(all.map((snippet, at) => [snippet.place, snippet, at] as const))(
    '%s runs, prints what it says and ends by itself',
    async (_, { prints }, at) => {
      const { stdout } = await run(process.execPath, ['--conditions=sluice-source', fileOf(at, 'mjs')], {
        timeout: 20_000,
      })
      const printed = stdout.split('\n')
      for (const line of prints) expect(printed).toContain(line.replaceAll('https://api.example.com/', server.url))
    },
    30_000,
  )
})

it('finds examples at all', () => {
  expect(all.length).toBeGreaterThan(10)
})

function fileOf(at: number, ending = 'ts'): string {
  return join(folder, `${at}.${ending}`)
}

/** As TypeScript for the compiler, and as JavaScript for the oldest Node we support, which does not know `using`. */
async function write(snippet: Snippet, at: number): Promise<void> {
  const source = program(snippet.code)
  await writeFile(fileOf(at), source)
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node22' })
  await writeFile(fileOf(at, 'mjs'), code)
}

/** The examples speak of https://api.example.com and wss://api.example.com; here those are servers on loopback. */
function program(code: string): string {
  const { port } = sockets.address() as AddressInfo
  return `${code.replaceAll('wss://api.example.com', `ws://127.0.0.1:${port}`).replaceAll('https://api.example.com/', server.url).replaceAll('https://api.example.com', server.url.slice(0, -1))}\nexport {}\n`
}

/** Says back what it is told; who subscribes to prices is told one. */
async function peers(): Promise<WebSocketServer> {
  const world = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  world.on('connection', peer => {
    peer.on('message', (data, isBinary) => {
      peer.send(data as Buffer, { binary: isBinary })
      const { subscribe } = JSON.parse((data as Buffer).toString()) as { subscribe?: string }
      if (subscribe !== undefined) peer.send(JSON.stringify({ symbol: subscribe, price: 12.5 }))
    })
  })
  await once(world, 'listening')
  return world
}

/** The world the examples talk to. */
function api(): Parameters<typeof serve>[0] {
  let flaky = 0
  let jobs = 0
  return {
    'GET /users/:id': ({ params }) => reply.json({ id: Number(params['id']), name: 'Ada' }),
    'GET /me': reply.json({ name: 'Ada' }),
    'GET /ledger': ({ headers }) =>
      headers['authorization'] === 'Basic YWRhOmxvdmVsYWNl'
        ? reply.text('paid')
        : reply.status(401, { headers: { 'www-authenticate': 'Basic realm="ledger"' } }),
    'GET /vault': ({ headers }) =>
      headers['authorization']?.startsWith('Digest username="ada", realm="vault", nonce="1"') === true
        ? reply.text('42')
        : reply.status(401, {
            headers: { 'www-authenticate': 'Digest realm="vault", nonce="1", qop="auth", algorithm=SHA-256' },
          }),
    'POST /token': reply.json({ access_token: 't1', token_type: 'Bearer', expires_in: 3600 }),
    'POST /login': reply.json({ token: 't1', expiresIn: 3_600_000 }),
    'GET /users': reply.json([{ id: 7, name: 'Ada' }]),
    'POST /users': reply.json({ id: 8 }, { status: 201 }),
    'POST /files': async request => reply.json({ bytes: (await request.bytes()).length }),
    'GET /flaky': () => (++flaky % 2 === 0 ? reply.json({ ok: true }) : reply.status(503)),
    'GET /table': { headers: { 'content-type': 'text/csv' }, body: 'id;name\n7;Ada' },
    'POST /orders': reply.json(
      {
        type: 'https://shop.example/problems/out-of-credit',
        title: 'Not enough credit',
        detail: 'Your balance is 30, that costs 50.',
        balance: 30,
      },
      { status: 403, headers: { 'content-type': 'application/problem+json' } },
    ),
    'GET /missing': reply.json({ error: 'no such thing' }, { status: 404 }),
    'GET /slow': reply.text('late', { delay: 2000 }),
    'GET /moved': reply.redirect('/users/7'),
    'GET /login': reply.status(204, { headers: { 'set-cookie': 'session=7; Path=/; HttpOnly' } }),
    'GET /big.iso': reply.bytes(4 * 1024 * 1024),
    'GET /pages': ({ query }) => pageOf(Number(query.get('page') ?? 1)),
    'GET /breaking.iso': request => breaking(request.header('range')),
    'POST /uploads': reply.status(201, { headers: { location: '/uploads/7' } }),
    'PATCH /uploads/:id': async request =>
      reply.status(204, { headers: { 'upload-offset': (await request.bytes()).length } }),
    'GET /jobs/:id': () => reply.json({ done: ++jobs % 3 === 0 }),
    'GET /updates': ({ query }) => reply.json({ last: Number(query.get('after')) + 1 }),
    'GET /rows': reply.text('{"id":1}\n{"id":2}\n{"id":3}\n'),
    'GET /prices': {
      headers: { 'content-type': 'text/event-stream' },
      body: 'id: 1\nevent: price\ndata: {"symbol":"ABC","price":12.5}\n\nevent: done\ndata: bye\n\n',
    },
    'POST /chat': {
      headers: { 'content-type': 'text/event-stream' },
      body: 'data: {"token":"Hi"}\n\ndata: {"token":"!"}\n\ndata: [DONE]\n\n',
    },
    'GET /sequence': reply.text('\u001e{"id":1}\n\u001e{"id":2}\n'),
    'GET /parts': {
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: '--b\r\ncontent-disposition: form-data; name="report"; filename="../r.csv"\r\n\r\na;b\r\n--b--\r\n',
    },
    'POST /inflate': async request =>
      reply.text(`${request.header('content-encoding')}: ${gunzipSync(await request.bytes()).length} bytes`),
    'GET /catalog': reply.json({ items: 3 }, { headers: { 'cache-control': 'max-age=60', etag: '"c1"' } }),
    'GET /compressed': { headers: { 'content-encoding': 'gzip' }, body: gzipSync('plain '.repeat(1000)) },
    '/echo': ({ method, headers }) => reply.json({ method, headers }),
  }
}

/** Three pages of two items each, linked as RFC 8288 says. */
function pageOf(page: number): Reply {
  const headers = page < 3 ? { link: `<?page=${page + 1}>; rel="next"` } : {}
  return reply.json([{ id: 2 * page - 1 }, { id: 2 * page }], { headers })
}

/** A file that breaks off until only what is missing is asked for. */
function breaking(range: string): Reply {
  const whole = new Uint8Array(1024 * 1024)
  const from = Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0)
  const headers = { etag: '"v1"', 'accept-ranges': 'bytes' }
  if (from === 0) return { headers, body: whole, fault: { kind: 'reset', at: 'mid-body', bytes: 400_000 } }
  const contentRange = `bytes ${from}-${whole.length - 1}/${whole.length}`
  return { status: 206, headers: { ...headers, 'content-range': contentRange }, body: whole.subarray(from) }
}
