import { createClient, definePlugin, STRAYED, type PluginContext } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { redirect } from 'sluice/plugins/redirect'
import { firstValueFrom } from 'rxjs'
import { expect, it } from 'vitest'
import { atHome } from '../../../plugins/auth/home.ts'

/** Where a plugin that asks {@link atHome} says it is at home, for each request that passes. */
function open(baseUrl: string | undefined, origins: readonly string[] | undefined, ...places: string[]) {
  const seen: string[] = []
  const asking = definePlugin({
    name: 'asking',
    scope: 'steer',
    defaults: {},
    install: (context: PluginContext) => (request, next) => {
      seen.push(`${request.url} ${atHome(request, origins, 'asking', context)}`)
      return next(request)
    },
  })
  const engine = mock(() => 200)
  for (const location of places) engine.enqueue({ status: 302, headers: { location } })
  const options = { engine, plugins: [redirect({ trustedOrigins: ['https://t.test'] }), asking()], confine: false }
  const client = createClient(baseUrl === undefined ? options : { ...options, baseUrl })
  return { seen, get: (url: string) => firstValueFrom(client.get(url)) }
}

it('is the origin of the base url', async () => {
  const { seen, get } = open('https://a.test/v1/', undefined)
  await get('x')
  await get('https://a.test/other')
  for (const url of ['http://a.test/', 'https://a.test:8443/', 'https://b.a.test/', 'https://a.test.evil.test/'])
    await get(url)
  expect(seen.map(line => line.split(' ')[1])).toEqual(['true', 'true', 'false', 'false', 'false', 'false'])
})

it('is what was named instead', async () => {
  const { seen, get } = open('https://a.test/', ['https://b.test', 'https://c.test'])
  await get('https://a.test/')
  await get('https://b.test/')
  await get('https://c.test/x')
  expect(seen.map(line => line.split(' ')[1])).toEqual(['false', 'true', 'true'])
})

it('is nowhere any more once another origin had a say in where to go', async () => {
  const { seen, get } = open('https://a.test/', undefined, 'https://b.test/1', 'https://a.test/2', '/3')
  await get('0')
  expect(seen).toEqual([
    'https://a.test/0 true',
    'https://b.test/1 false',
    'https://a.test/2 false',
    'https://a.test/3 false',
  ])
})

it('is still home after redirects of its own and to an origin redirects trust; from there, it is that origin that leads back', async () => {
  const { seen, get } = open('https://a.test/', undefined, '/1', 'https://t.test/2', 'https://a.test/3')
  await get('0')
  expect(seen.at(-1)).toBe('https://a.test/3 false')
  expect(seen.slice(0, 3).map(line => line.split(' ')[1])).toEqual(['true', 'true', 'false'])
})

it('is not known where there is neither base url nor origins', async () => {
  await expect(open(undefined, undefined).get('https://a.test/')).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('asking does not know where its credentials may go') as string,
  })
})

it('can be asked by plugins that are not ours', () => {
  expect(STRAYED.fallback).toBe(false)
})
