import { reply, serve, type Routes } from 'sluice/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { certificates } from '../support/certificates.ts'
import { launch } from './support/chromium.ts'
import { workshop } from './support/workshop.ts'

// The whole of sluice in a page, in a browser with all its rules. The servers are of other origins than the page.
const chromium = await launch('--ignore-certificate-errors')
const shop = await workshop(chromium)

afterAll(async () => {
  await chromium.close()
  await shop.close()
})

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*',
  'access-control-allow-methods': '*',
}
const allowed = { headers: CORS }
const asked: Routes = { 'OPTIONS /*': reply.status(204, allowed) }

/** Runs a function's body in the page; `sluice` has what a user imports, `wait` resolves with the last value or the error. */
function inPage<T>(body: string): Promise<T> {
  const wait = `const wait = source => new Promise(resolve => { let last; source.subscribe({ next: value => (last = value), error: ({ code, phase, message, requestWritten }) => resolve({ code, phase, message, requestWritten }), complete: () => resolve(last) }) })`
  return shop.page.evaluate<T>(`(async () => { ${wait}; ${body} })()`)
}

interface Failed {
  readonly code: string
  readonly phase: string
  readonly message: string
  readonly requestWritten: string
}

describe('a client without engine and plugins', () => {
  it('takes fetch and the recommended list', async () => {
    await using server = await serve({ ...asked, 'POST /users': async r => reply.json(await r.json(), allowed) })
    const body = await inPage(
      `const client = sluice.createClient({ baseUrl: '${server.url}' })
       const response = await wait(client.post('users', { name: 'Ada' }))
       await client.close()
       return [response.status, response.json()]`,
    )
    expect(body).toEqual([200, { name: 'Ada' }])
    expect(server.requests.at(-1)?.headers['user-agent']).toContain('Chrome')
  })

  it('reads live bodies, and its request ends with its reader', async () => {
    await using server = await serve({ 'GET /endless': reply.bytes(Infinity, allowed) })
    const bytes = await inPage<number>(
      `const client = sluice.createClient({ baseUrl: '${server.url}' })
       const bytes = await wait(client.stream('endless', async function* (response) { yield (await response.read()).length }))
       await client.close()
       return bytes`,
    )
    expect(bytes).toBeGreaterThan(0)
    await server.closed(1)
  })

  it('runs in a worker', async () => {
    await using server = await serve({ 'GET /': reply.text('from afar', allowed) })
    const text = await inPage(
      `const program = await (await fetch('/page.js')).text()
       const body = \`\${program}; sluice.createClient({ baseUrl: '${server.url}' }).get('').subscribe(response => postMessage(response.text()))\`
       const worker = new Worker(URL.createObjectURL(new Blob([body], { type: 'text/javascript' })))
       const text = await new Promise((resolve, reject) => { worker.onmessage = ({ data }) => resolve(data); worker.onerror = reject })
       worker.terminate()
       return text`,
    )
    expect(text).toBe('from afar')
  })
})

describe.each(['fetch', 'xhr'])('%s', kind => {
  const client = (url: string, options = ''): string =>
    `const client = sluice.createClient({ engine: sluice.${kind}(${options}), baseUrl: '${url}', plugins: [] });`

  it('says that the platform does not tell why a page may not see an answer', async () => {
    await using server = await serve({ 'GET /': reply.text('secret') })
    const failed = await inPage<Failed>(`${client(server.url)} return wait(client.get(''))`)
    expect(failed).toMatchObject({ code: 'CONNECT', phase: 'connect', requestWritten: 'maybe' })
    expect(failed.message).toContain(`GET ${server.url} got no answer, and this platform does not tell why`)
    expect(failed.message).toContain('(CORS)')
  })

  it('refuses headers that the browser would drop without a word', async () => {
    await using server = await serve(asked)
    const failed = await inPage<Failed>(
      `${client(server.url)} return wait(client.get('', { headers: { cookie: 'a=b' } }))`,
    )
    expect(failed).toMatchObject({ code: 'UNSUPPORTED', phase: 'config', requestWritten: 'no' })
    expect(server.connections).toEqual([])
  })

  it('sends a Blob with its length', async () => {
    await using server = await serve({ ...asked, 'POST /': reply.status(204, allowed) })
    await inPage(`${client(server.url)} return (await wait(client.post('', new Blob(['x'.repeat(3_000_000)])))).status`)
    expect(server.requests.at(-1)).toMatchObject({ bodyBytes: 3_000_000, headers: { 'content-length': '3000000' } })
  })
})

describe('fetch', () => {
  it('says what a redirect means that the browser hides, and what would help', async () => {
    const routes = { 'GET /': reply.redirect('/there', allowed), 'GET /there': reply.text('there', allowed) }
    await using server = await serve(routes)
    const engine = (options: string): string =>
      `const client = sluice.createClient({ engine: sluice.fetch(${options}), baseUrl: '${server.url}', plugins: [] });`
    const failed = await inPage<Failed>(`${engine('')} return wait(client.get(''))`)
    expect(failed).toMatchObject({ code: 'UNSUPPORTED', phase: 'headers', requestWritten: 'yes' })
    expect(failed.message).toContain("Use fetch({ redirect: 'follow' })")
    expect(server.requests.length).toBe(1)
    const followed = await inPage(
      `${engine(`{ redirect: 'follow' }`)} const response = await wait(client.get('')); return [response.text(), response.url]`,
    )
    expect(followed).toEqual(['there', `${server.url}there`])
  })

  it('sends a body as it is produced over HTTP/2, and says what it may be when the server speaks HTTP/1.1', async () => {
    const routes: Routes = { ...asked, 'POST /': async r => reply.text(await r.text(), allowed) }
    await using h2 = await serve(routes, { protocol: 'h2', tls: certificates().good })
    await using h1 = await serve(routes)
    const upload = (url: string): string =>
      `const client = sluice.createClient({ engine: sluice.fetch(), baseUrl: '${url}', plugins: [] })
       async function* pieces() { yield new TextEncoder().encode('one'); yield new TextEncoder().encode('two') }
       const answer = await wait(client.post('', pieces()))
       return answer.code === undefined ? answer.text() : answer`
    expect(await inPage(upload(h2.url))).toBe('onetwo')
    const failed = await inPage<Failed>(upload(h1.url))
    expect(failed).toMatchObject({ code: 'CONNECT', requestWritten: 'maybe' })
    expect(failed.message).toContain(
      'a server without HTTP/2, which this platform needs to send a body as it is produced',
    )
  })

  it('holds a server back for a reader that is busy, late but for sure, and goes on where it stopped', async () => {
    const MIB = 1024 * 1024
    await using server = await serve({ 'GET /': reply.bytes(256 * MIB, allowed) })
    const read = inPage<readonly [number, number]>(
      `const client = sluice.createClient({ engine: sluice.fetch(), baseUrl: '${server.url}', plugins: [] })
       return wait(client.stream('', async function* (response) {
         let at = 0
         let wrong = 0
         for await (const bytes of response) {
           if (at === 0) await new Promise(resolve => (globalThis.goOn = resolve))
           for (let index = 0; index < bytes.length; index += 4099) if (bytes[index] !== (at + index) % 256) wrong++
           at += bytes.length
         }
         yield [at, wrong]
       }))`,
    )
    let last = -1
    const out = (): number => server.connections[0]?.bytesOut ?? 0
    // Stands still when nothing more left the server for half a second.
    await expect.poll(() => last === (last = out()) && last > 0, { interval: 500, timeout: 15_000 }).toBe(true)
    expect(out()).toBeLessThan(128 * MIB)
    await shop.page.evaluate('goOn()')
    expect(await read).toEqual([256 * MIB, 0])
  })
})

describe('xhr', () => {
  it('tells how much of an upload was sent', async () => {
    const read = { bytes: 512 * 1024, every: 20 }
    await using server = await serve({ ...asked, 'POST /': reply.status(204, { ...allowed, read }) })
    const told = await inPage<readonly { loaded: number; total: number; done?: true }[]>(
      `const client = sluice.createClient({ engine: sluice.xhr(), baseUrl: '${server.url}', plugins: [sluice.progress({ interval: 0 })] })
       const told = []
       client.events('', { method: 'POST', body: new Uint8Array(30_000_000) }).subscribe(event => {
         if (event.type === 'progress' && event.way === 'up') told.push(event)
       })
       await client.close()
       return told`,
    )
    expect(told.length).toBeGreaterThan(1)
    expect(told.at(-1)).toEqual({ type: 'progress', way: 'up', loaded: 30_000_000, total: 30_000_000, done: true })
    expect(told.filter(({ done }) => done).length).toBe(1)
    const loaded = told.map(one => one.loaded)
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
  })
})
