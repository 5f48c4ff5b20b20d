import { firstValueFrom } from 'rxjs'
import { expect, it, vi } from 'vitest'
import { createClient, VERSION, type HttpError } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { userAgent } from 'sluice/plugins/user-agent'

async function sent(plugin = userAgent(), options = {}): Promise<string | undefined> {
  const engine = mock({ '*': 200 })
  const client = createClient({ engine, plugins: [plugin] })
  await firstValueFrom(client.get('https://api.test/', options))
  return engine.history[0]?.request.headers.get('user-agent')
}

it('says name and version of this package', async () => {
  expect(await sent()).toBe(`sluice/${VERSION}`)
})

it('says what it was told, for the client or for a call', async () => {
  expect(await sent(userAgent({ value: 'ledger/2.1' }))).toBe('ledger/2.1')
  expect(await sent(userAgent({ value: 'ledger/2.1' }), { userAgent: { value: 'batch/1' } })).toBe('batch/1')
})

it('leaves the header of a call alone, and sends none when left out', async () => {
  expect(await sent(userAgent(), { headers: { 'User-Agent': 'mine' } })).toBe('mine')
  expect(await sent(userAgent(), { userAgent: false })).toBeUndefined()
})

it('goes back to the value of the client after a call with its own', async () => {
  const engine = mock({ '*': 200 })
  const client = createClient({ engine, plugins: [userAgent({ value: 'a' })] })
  for (const options of [{}, { userAgent: { value: 'b' } }, {}]) {
    await firstValueFrom(client.get('https://api.test/', options))
  }
  expect(engine.history.map(({ request }) => request.headers.get('user-agent'))).toEqual(['a', 'b', 'a'])
})

it.each(['', ' padded', 'two\r\nlines', 'café ☕', 7 as never])('refuses %o', value => {
  expect(() => userAgent({ value })).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }))
})

it('says nothing in a browser unless it is told to', async () => {
  vi.resetModules()
  vi.stubGlobal('navigator', { userAgent: 'Mozilla/5.0 (X11; Linux x86_64)' })
  try {
    const { userAgent: inBrowser } = await import('sluice/plugins/user-agent')
    expect(inBrowser().options.value).toBeUndefined()
    expect(await sent(inBrowser())).toBeUndefined()
    expect(await sent(inBrowser({ value: 'kiosk/1' }))).toBe('kiosk/1')
  } finally {
    vi.unstubAllGlobals()
  }
})
