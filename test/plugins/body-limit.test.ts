import { firstValueFrom, lastValueFrom } from 'rxjs'
import { expect, it } from 'vitest'
import { createClient, type HttpError, type StreamingResponse } from 'sluice'
import { mock, type MockAnswer } from 'sluice/engines/mock'
import { bodyLimit, type BodyLimitOptions } from 'sluice/plugins/body-limit'
import { undici } from 'sluice/engines/undici'
import { reply, serve } from 'sluice/testing'
import { retry } from 'sluice/plugins/retry'

function clientOf(answer: MockAnswer, options: Partial<BodyLimitOptions> = { maxBytes: 10 }) {
  const engine = mock({ '*': answer })
  return { engine, client: createClient({ engine, baseUrl: 'https://api.test/', plugins: [bodyLimit(options)] }) }
}

const measure = async (response: StreamingResponse): Promise<number> => {
  let size = 0
  for await (const bytes of response) size += bytes.length
  return size
}

it('allows 64 MiB, and any number for live answers', () => {
  expect(bodyLimit().options).toEqual({ maxBytes: 67_108_864, live: false })
})

it('lets a body pass that is exactly as large as allowed', async () => {
  const { client } = clientOf({ body: '0123456789' })
  expect((await firstValueFrom(client.get('a'))).text()).toBe('0123456789')
})

it('fails at the head when a larger body is announced', async () => {
  const { client, engine } = clientOf({ body: '0123456789a', bodyDelay: 60_000 })
  await expect(firstValueFrom(client.get('a'))).rejects.toMatchObject({
    code: 'TOO_LARGE',
    phase: 'body',
    message:
      'The answer to GET https://api.test/a has 11 bytes, more than the 10 that bodyLimit allows; allow more, or read it with client.stream().',
  })
  expect(engine.inFlight).toBe(0)
})

it('fails at the first byte too many when nothing was announced, and receives no more', async () => {
  let made = 0
  const chunks = {
    *[Symbol.iterator]() {
      for (;;) {
        made++
        yield '1234'
      }
    },
  }
  const { client, engine } = clientOf({ chunks })
  await expect(firstValueFrom(client.get('a'))).rejects.toMatchObject({
    code: 'TOO_LARGE',
    message: expect.stringContaining('has more than the 10 bytes that bodyLimit allows') as string,
  })
  expect(made).toBe(3)
  expect(engine.inFlight).toBe(0)
})

it('counts for each attempt anew', async () => {
  const engine = mock()
  engine.enqueue({ status: 503, body: '12345678' }, { body: '12345678' })
  const client = createClient({ engine, plugins: [retry({ delay: () => 0 }), bodyLimit({ maxBytes: 10 })] })
  expect((await firstValueFrom(client.get('https://api.test/'))).status).toBe(200)
})

it('does not mind the body of an answer that nobody reads', async () => {
  const engine = mock()
  engine.enqueue({ status: 503, body: '12345678901' }, { body: '1' })
  const client = createClient({ engine, plugins: [retry({ delay: () => 0 }), bodyLimit({ maxBytes: 10 })] })
  expect((await firstValueFrom(client.get('https://api.test/'))).status).toBe(200)
})

it.each([
  ['HEAD', 200],
  ['GET', 304],
  ['GET', 204],
])('does not mind the length of a body that does not come: %s %i', async (method, status) => {
  const { client } = clientOf({ status, headers: { 'content-length': '1000000' } })
  expect((await firstValueFrom(client.request(method, 'a'))).status).toBe(status)
})

it('can allow more, or anything, per call', async () => {
  const { client } = clientOf({ body: '0123456789a' })
  expect((await firstValueFrom(client.get('a', { bodyLimit: { maxBytes: 11 } }))).bytes.length).toBe(11)
  expect((await firstValueFrom(client.get('a', { bodyLimit: { maxBytes: false } }))).bytes.length).toBe(11)
  expect((await firstValueFrom(client.get('a', { bodyLimit: false }))).bytes.length).toBe(11)
})

it('bounds live answers only when it is told to', async () => {
  const { client } = clientOf({ chunks: ['01234', '56789', 'a'] })
  expect(await lastValueFrom(client.stream('a', measure))).toBe(11)
  await expect(lastValueFrom(client.stream('a', measure, { bodyLimit: { live: 10 } }))).rejects.toMatchObject({
    code: 'TOO_LARGE',
  })
})

it.each([[{ maxBytes: -1 }], [{ maxBytes: Number.NaN }], [{ maxBytes: '1' }], [{ live: true }], [{ max: 1 }]])(
  'refuses %o',
  options => {
    expect(() => bodyLimit(options as never)).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }))
  },
)

it.each(['length', 'chunked'] as const)(
  'leaves the socket of a body that is too large, framed by %s',
  async framing => {
    await using server = await serve({ 'GET /': reply.bytes(50_000_000, { framing }) })
    await using client = createClient({
      engine: undici(),
      baseUrl: server.url,
      plugins: [bodyLimit({ maxBytes: 100_000 })],
    })
    await expect(firstValueFrom(client.get(''))).rejects.toMatchObject({ code: 'TOO_LARGE' })
    const { closedBy, bytesOut } = await server.closed(1, 1000)
    expect(closedBy).toMatch(/^client/)
    expect(bytesOut).toBeLessThan(20_000_000)
  },
)
