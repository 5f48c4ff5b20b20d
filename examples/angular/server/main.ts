/** The server of the example: the built application, and an API that is slow, live, picky and at times out of order. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'

const ROOT = join(import.meta.dirname, '..', 'dist', 'browser')
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
const NAMES = ['Ada', 'Alan', 'Barbara', 'Donald', 'Edsger', 'Frances', 'Grace', 'Katherine', 'Margaret', 'Tony']
/** More than a browser takes before it makes a server wait, which Chromium does after 64 MB. */
const ROWS = 1_000_000

const access = new Map<string, { readonly name: string; readonly until: number }>()
const refresh = new Map<string, string>()
const seen = { rows: 0, left: 0, flaky: 0 }

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function bodyOf(request: IncomingMessage): Promise<{ name?: string; refresh?: string }> {
  const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
  return JSON.parse(Buffer.concat(chunks).toString()) as { name?: string; refresh?: string }
}

function grant(response: ServerResponse, name: string): void {
  const tokens = { access: randomUUID(), refresh: randomUUID() }
  access.set(tokens.access, { name, until: Date.now() + 3_000 })
  refresh.set(tokens.refresh, name)
  json(response, tokens)
}

type Route = (request: IncomingMessage, response: ServerResponse, url: URL) => unknown

const api: Readonly<Record<string, Route>> = {
  /** Slow enough to be overtaken. */
  'GET /api/users': (request, response, url) => {
    const name = (url.searchParams.get('name') ?? '').toLowerCase()
    const answer = setTimeout(() => {
      json(
        response,
        NAMES.flatMap((known, id) => (known.toLowerCase().startsWith(name) ? [{ id, name: known }] : [])),
      )
    }, 200)
    response.on('close', () => {
      clearTimeout(answer)
      if (!response.writableEnded) seen.left++
    })
  },
  'GET /api/prices': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    let price = 50
    const ticking = setInterval(() => {
      price = Math.min(95, Math.max(5, price + Math.random() * 10 - 5))
      response.write(`data: {"price":${price.toFixed(2)}}\n\n`)
    }, 100)
    response.on('close', () => clearInterval(ticking))
  },
  'GET /api/rows': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    seen.rows = 0
    const more = (): void => {
      while (seen.rows < ROWS) {
        const text = `row ${seen.rows} ${'x'.repeat(500)}`.slice(0, 500)
        if (!response.write(`${JSON.stringify({ id: seen.rows++, text: text.trimEnd().slice(0, 40), rest: text })}\n`))
          return
      }
      response.end()
    }
    response.on('drain', more)
    more()
  },
  'GET /api/rows/sent': (_, response) => {
    json(response, { rows: seen.rows })
  },
  'POST /api/upload': async (request, response) => {
    let bytes = 0
    for await (const chunk of request) bytes += (chunk as Buffer).length
    json(response, { bytes })
  },
  /** Every third request is answered. */
  'GET /api/flaky': (_, response) => {
    if (++seen.flaky % 3 === 0) json(response, { at: 'last' })
    else response.writeHead(503).end()
  },
  'POST /api/login': async (request, response) => {
    grant(response, (await bodyOf(request)).name ?? 'nobody')
  },
  'POST /api/refresh': async (request, response) => {
    const given = (await bodyOf(request)).refresh ?? ''
    const name = refresh.get(given)
    if (name === undefined) return json(response, {}, 401)
    refresh.delete(given)
    grant(response, name)
  },
  'GET /api/me': (request, response) => {
    const token = access.get((request.headers.authorization ?? '').replace('Bearer ', ''))
    if (token === undefined || token.until < Date.now()) {
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
    } else json(response, { name: token.name })
  },
  /** For the test: what was seen. */
  'GET /api/seen': (_, response) => {
    json(response, seen)
  },
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const route = api[`${request.method} ${url.pathname}`]
  const work = route === undefined ? file(url.pathname, response) : route(request, response, url)
  Promise.resolve(work).catch((error: unknown) => {
    response.writeHead(500).end(String(error))
  })
})

async function file(path: string, response: ServerResponse): Promise<void> {
  const name = path === '/' ? 'index.html' : normalize(path).replace(/^(\.\.[/\\])+/, '')
  try {
    const bytes = await readFile(join(ROOT, name))
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' }).end(bytes)
  } catch {
    response.writeHead(404).end()
  }
}

server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) console.log(`http://127.0.0.1:${address.port}/`)
})
