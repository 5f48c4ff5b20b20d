/** What a request looks like when it has reached a server: bodies, headers, targets; and what never reaches one. */
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { firstValueFrom, of, Subject, timer } from 'rxjs'
import { createClient, type Body, type Client, type HeadersInit } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { reply, serve, type TestServer } from 'sluice/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failure } from './thrown.ts'

let server: TestServer
let client: Client

beforeEach(async () => {
  server = await serve({ '/*': async request => reply.text((await request.text()).slice(0, 100)) })
  client = createClient({ engine: undici({ connections: 1 }), baseUrl: server.url, plugins: [] })
})
afterEach(async () => {
  client.cancel()
  await client.join()
  await server.close()
})

async function* letters(): AsyncGenerator<Uint8Array | string> {
  yield 'a'
  yield new Uint8Array(0)
  yield 'b'
}

describe('a body on the wire', () => {
  it.each<[string, () => Body, string, string | undefined, 'length' | 'chunked']>([
    ['text', () => 'grün', 'grün', 'text/plain;charset=UTF-8', 'length'],
    ['an object', () => ({ a: [1] }), '{"a":[1]}', 'application/json', 'length'],
    ['bytes', () => new TextEncoder().encode('ab'), 'ab', undefined, 'length'],
    ['a Blob', () => new Blob(['ab'], { type: 'image/png' }), 'ab', 'image/png', 'length'],
    [
      'a form',
      () => new URLSearchParams({ a: 'b c' }),
      'a=b+c',
      'application/x-www-form-urlencoded;charset=UTF-8',
      'length',
    ],
    ['a ReadableStream', () => new Blob(['ab']).stream(), 'ab', undefined, 'chunked'],
    ['a generator', () => letters(), 'ab', undefined, 'chunked'],
    ['an Observable', () => of('a', 'b'), 'ab', undefined, 'chunked'],
    ['a stream of Node', () => Readable.from(['a', 'b']), 'ab', undefined, 'chunked'],
    ['a function', () => () => letters(), 'ab', undefined, 'chunked'],
    ['nothing', () => undefined, '', undefined, 'length'],
  ])('%s', async (_, body, sent, type, framing) => {
    const response = await firstValueFrom(client.post('x', body()))
    expect(response.text()).toBe(sent)
    const [request] = server.requests
    expect(request?.headers['content-type']).toBe(type)
    expect(request?.headers['content-length']).toBe(framing === 'length' ? `${Buffer.byteLength(sent)}` : undefined)
    expect(request?.headers['transfer-encoding']).toBe(framing === 'chunked' ? 'chunked' : undefined)
    expect(request?.complete).toBe(true)
  })

  it('of unknown length has the one its user gives', async () => {
    await firstValueFrom(client.post('x', letters(), { headers: { 'content-length': 2 } }))
    expect(server.requests[0]?.headers['content-length']).toBe('2')
    expect(server.requests[0]?.headers['transfer-encoding']).toBeUndefined()
  })

  it.each([
    ['longer', 1],
    ['shorter', 3],
  ])('that is %s than announced never looks whole to the server', async (_, length) => {
    const error = await failure(client.post('x', letters(), { headers: { 'content-length': length } }))
    expect(error).toMatchObject({ code: 'BODY', phase: 'send' })
    await server.until(({ open }) => open === 0)
    expect(server.requests.every(({ complete }) => !complete)).toBe(true)
  })

  it('that fails is an error of its call, and never looks whole to the server', async () => {
    const broken = new Error('disk')
    const body = async function* (): AsyncGenerator<string> {
      yield 'a'
      throw broken
    }
    const error = await failure(client.post('x', body))
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', request: { method: 'POST' } })
    expect(error.cause).toBe(broken)
    await server.until(({ open }) => open === 0)
    expect(server.requests[0]?.complete).toBe(false)
    expect((await firstValueFrom(client.post('x', 'next'))).text()).toBe('next')
  })

  it('that was sent is refused the next time, before the server hears of it', async () => {
    const call = client.post('x', letters())
    await firstValueFrom(call)
    expect(await failure(call)).toMatchObject({ code: 'BODY', requestWritten: 'no' })
    expect(server.requests).toHaveLength(1)
  })

  it('is left when its call is: the source is told once, the server sees the connection close', async () => {
    let told = 0
    const source = new Subject<string>()
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () => firstValueFrom(source).then(value => ({ done: false as const, value })),
        return: () => {
          told++
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }),
    }
    const subscription = client.post('x', body).subscribe()
    await expect.poll(() => source.observed).toBe(true)
    source.next('a')
    await server.until(({ requests }) => requests[0]?.bodyBytes === 1)
    subscription.unsubscribe()
    await server.closed()
    expect(told).toBe(1)
    expect(source.observed).toBe(true)
    source.complete()
  })

  it('of a file that is not there is an error of its call, and crashes nothing', async () => {
    const missing = (): AsyncIterable<Uint8Array> => createReadStream('/nowhere/at/all') as AsyncIterable<Uint8Array>
    for (const made of [() => missing, missing]) {
      const error = await failure(client.post('x', made()))
      expect(error).toMatchObject({ code: 'BODY', phase: 'send' })
      expect(error.cause).toMatchObject({ code: 'ENOENT' })
    }
    const refused = createClient({ engine: undici(), plugins: [] })
    expect(await failure(refused.post('http://127.0.0.1:1/', missing))).toMatchObject({ code: 'CONNECT' })
    await refused.close()
  })

  it('closes its file when the call is over before it was opened', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-'))
    await writeFile(join(folder, 'a.txt'), 'content')
    const streams: ReturnType<typeof createReadStream>[] = []
    const open = (): AsyncIterable<Uint8Array> => {
      const stream = createReadStream(join(folder, 'a.txt'))
      streams.push(stream)
      return stream as AsyncIterable<Uint8Array>
    }
    const refused = createClient({ engine: undici(), plugins: [] })
    const closed = await serve({})
    await closed.close()
    expect(await failure(refused.post(closed.url, open))).toMatchObject({ code: 'CONNECT' })
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true)
    expect((await firstValueFrom(client.post('x', open))).text()).toBe('content')
    await firstValueFrom(timer(0))
    expect(streams.every(({ destroyed }) => destroyed)).toBe(true)
    await refused.close()
    await rm(folder, { recursive: true })
  })
})

describe('headers on the wire', () => {
  it('have the order, the case and the bytes they were given', async () => {
    const headers = { 'X-B': '1', Accept: 'text/html', 'x-latin': 'grün', 'X-Two': ['1', '2'], 'x-empty': '' }
    await firstValueFrom(client.get('x', { headers }))
    const raw = server.requests[0]?.rawHeaders ?? []
    const sent = raw.flatMap((name, at) =>
      at % 2 === 0 && /^(x-|accept$)/i.test(name) ? [`${name}: ${raw[at + 1] ?? ''}`] : [],
    )
    expect(sent).toEqual(['X-B: 1', 'Accept: text/html', 'x-latin: grün', 'X-Two: 1', 'X-Two: 2', 'x-empty: '])
  })
})

describe('targets on the wire', () => {
  it.each([
    ['', '/'],
    ['users/7?q=a b', '/users/7?q=a%20b'],
    ['ä', '/%C3%A4'],
    ['a#b', '/a'],
    ['嘍嘊', '/%E5%98%8D%E5%98%8A'],
  ])('%j is %s', async (url, target) => {
    await firstValueFrom(client.get(url))
    expect(server.requests[0]?.target).toBe(target)
  })

  it('have no user, no password and no fragment', async () => {
    const url = server.url.replace('//', '//ada:s3cret@')
    await firstValueFrom(client.get(`${url}x#s3cret`))
    expect(server.requests[0]?.target).toBe('/x')
    expect(server.requests[0]?.headers['host']).toBe(`127.0.0.1:${server.port}`)
    expect(server.requests[0]?.headers['authorization']).toBe(`Basic ${btoa('ada:s3cret')}`)
  })
})

describe('hostile input', () => {
  const marks = ['\r', '\n', '\r\n', '\0', '\r\nX-Evil: 1', '\u{560d}\u{560a}', '\ud800', '\u{7f}']

  it('never opens a connection: method, header name, header value, media type', async () => {
    for (const mark of marks) {
      const calls = [
        client.request(`GET${mark}`, 'x'),
        client.get('x', { headers: { [`x${mark}`]: 'y' } }),
        client.get('x', { headers: { x: `y${mark}` } }),
        client.get('x', { headers: [['x', `y${mark}`]] }),
        client.get('x', { headers: { x: { toString: () => `y${mark}` } } as unknown as HeadersInit }),
        client.post('x', Object.defineProperty(new Blob(['a']), 'type', { value: `a/b${mark}` })),
      ]
      for (const call of calls) expect(await failure(call)).toMatchObject({ code: 'CONFIG' })
    }
    expect(server.connections).toHaveLength(0)
  })

  it('in a url is refused or encoded', async () => {
    for (const mark of marks) {
      try {
        await firstValueFrom(client.get(`x${mark}y`))
      } catch (error) {
        expect(error).toMatchObject({ code: 'CONFIG' })
      }
      await firstValueFrom(client.get('{p}', { params: { p: mark.toWellFormed() } }))
      await firstValueFrom(client.get('q', { query: { q: mark.toWellFormed() } }))
    }
    expect(server.errors).toEqual([])
    for (const { target, rawHeaders } of server.requests) {
      expect(target).toMatch(/^\/[!-~]*$/)
      expect(rawHeaders.join()).not.toMatch(/evil/i)
    }
  })

  it('in a form is encoded, and every part stays one part', async () => {
    const form = new FormData()
    form.append('a"\r\nX-Evil: 1', '1\r\n--sluice\r\n2')
    form.append('f', new File(['x'], 'f"\r\nX-Evil: 1\r\n\r\n.txt'))
    await firstValueFrom(client.post('x', form))
    const body = new TextDecoder().decode(server.requests[0]?.body)
    const boundary = /boundary=(.+)$/.exec(server.requests[0]?.headers['content-type'] ?? '')?.[1] ?? ''
    expect(body.split(`--${boundary}`)).toHaveLength(4)
    expect(body).not.toMatch(/^X-Evil/m)
    const parsed = await new Response(body, {
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    }).formData()
    expect([...parsed.keys()]).toHaveLength(2)
  })
})
