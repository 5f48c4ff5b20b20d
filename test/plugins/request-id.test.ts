import { firstValueFrom } from 'rxjs'
import { expect, it, vi } from 'vitest'
import { createClient, type Client, type HttpError, type OptionsOf } from 'sluice'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { requestId } from 'sluice/plugins/request-id'
import { retry } from 'sluice/plugins/retry'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function open(plugin = requestId()): { engine: MockEngine; client: Client<OptionsOf<typeof plugin>> } {
  const engine = mock({ '*': 200 })
  return { engine, client: createClient({ engine, baseUrl: 'https://api.test/', plugins: [plugin] }) }
}

function idsOf(engine: MockEngine): (string | undefined)[] {
  return engine.history.map(({ request }) => request.headers.get('x-request-id'))
}

it('sends a random UUID, another one with each call', async () => {
  const { engine, client } = open()
  await firstValueFrom(client.get('a'))
  await firstValueFrom(client.get('a'))
  const [first, second] = idsOf(engine)
  expect(first).toMatch(UUID)
  expect(second).toMatch(UUID)
  expect(first).not.toBe(second)
})

it('makes a new id for each subscription of one Observable', async () => {
  const { engine, client } = open()
  const call = client.get('a')
  await firstValueFrom(call)
  await firstValueFrom(call)
  expect(new Set(idsOf(engine)).size).toBe(2)
})

it('keeps the id through the attempts of a call', async () => {
  const engine = mock()
  engine.enqueue(503, 503, 200)
  const client = createClient({
    engine,
    plugins: [requestId({ generate: () => 'one' }), retry({ delay: () => 0 })],
  })
  await firstValueFrom(client.get('https://api.test/'))
  expect(idsOf(engine)).toEqual(['one', 'one', 'one'])
})

it('leaves the id of a call alone', async () => {
  const { engine, client } = open()
  await firstValueFrom(client.get('a', { headers: { 'X-Request-Id': 'mine' } }))
  expect(idsOf(engine)).toEqual(['mine'])
})

it('sends under another name, made by another function, per call too', async () => {
  const { engine, client } = open(requestId({ header: 'traceparent', generate: () => 'a' }))
  await firstValueFrom(client.get('a', { requestId: { generate: () => 'b' } }))
  expect(engine.history[0]?.request.headers.get('traceparent')).toBe('b')
})

it('sends nothing when left out of a call', async () => {
  const { engine, client } = open()
  await firstValueFrom(client.get('a', { requestId: false }))
  expect(idsOf(engine)).toEqual([undefined])
})

it('fails the call with what generate throws, and no other call', async () => {
  const broken = new Error('no entropy')
  let calls = 0
  const { engine, client } = open(
    requestId({
      generate: () => {
        if (calls++ === 0) throw broken
        return 'fine'
      },
    }),
  )
  await expect(firstValueFrom(client.get('a'))).rejects.toBe(broken)
  await firstValueFrom(client.get('a'))
  expect(idsOf(engine)).toEqual(['fine'])
})

it('refuses an id that is no header value before anything is sent', async () => {
  const { engine, client } = open(requestId({ generate: () => 'a\r\nb: c' }))
  await expect(firstValueFrom(client.get('a'))).rejects.toMatchObject({ code: 'CONFIG' })
  expect(engine.history).toEqual([])
})

it.each([
  [{ header: 'not a name' }, /header.*name of a header/],
  [{ header: '' }, /name of a header/],
  [{ generate: 7 as never }, /generate.*a function/],
])('refuses %o', (options, message) => {
  expect(() => requestId(options)).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }))
  expect(() => requestId(options)).toThrow(message)
})

it('makes its ids of random bytes where there is no randomUUID', async () => {
  const real = crypto
  vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => real.getRandomValues(bytes) })
  try {
    const { engine, client } = open()
    await firstValueFrom(client.get('a'))
    expect(idsOf(engine)[0]).toMatch(UUID)
  } finally {
    vi.unstubAllGlobals()
  }
})
