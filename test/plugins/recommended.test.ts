import { firstValueFrom } from 'rxjs'
import { expect, it } from 'vitest'
import { createClient, definePlugin, recommended, type AnyPlugin } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { deadline } from 'sluice/plugins/deadline'
import { decode } from 'sluice/plugins/decode'
import { defaultRequest } from 'sluice/plugins/default-request'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { logging } from 'sluice/plugins/logging'
import { progress } from 'sluice/plugins/progress'
import { requestId } from 'sluice/plugins/request-id'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'

const namesOf = (plugins: readonly AnyPlugin[]): string[] => plugins.map(({ name }) => name)
const USUAL = ['deadline', 'redirect', 'retry', 'userAgent', 'bodyLimit', 'decode', 'timeout']

it('is the usual list, in an order a client takes', () => {
  expect(namesOf(recommended())).toEqual(USUAL)
  expect(createClient({ engine: mock(), plugins: recommended() }).explain()).toContain('steer    redirect')
})

it('is the list of a client that names no plugins', async () => {
  const client = createClient({ engine: mock({ '*': 200 }) })
  await firstValueFrom(client.get('https://api.test/', { retry: { times: 1 }, decode: false }))
  expect([...client.explain().matchAll(/^ {2}(?:call|steer|attempt|wire) +(\w+)/gm)].map(([, name]) => name)).toEqual(
    USUAL,
  )
})

it('puts extra plugins where they belong', () => {
  const plugins = recommended(progress(), expectSuccess(), defaultRequest(), requestId(), logging())
  expect(namesOf(plugins)).toEqual([
    ...['expectSuccess', 'defaultRequest', 'requestId', 'logging', 'deadline'],
    ...['redirect', 'retry', 'userAgent', 'bodyLimit', 'decode', 'progress', 'timeout'],
  ])
  expect(() => createClient({ engine: mock(), plugins })).not.toThrow()
})

it('replaces a usual plugin by an extra one of its name', () => {
  const plugins = recommended(timeout({ headers: 5 }), deadline({ ms: 7 }), retry({ times: 9 }), decode({ ratio: 10 }))
  expect(namesOf(plugins)).toEqual(USUAL)
  expect(plugins.map(({ options }) => options)).toEqual(
    expect.arrayContaining([expect.objectContaining({ ms: 7 }), expect.objectContaining({ times: 9 })]),
  )
})

it('refuses a name that stands twice', () => {
  expect(() => recommended(retry(), retry())).toThrow(/retry stands twice/)
})

it('takes plugins of anybody', () => {
  const mine = definePlugin({
    name: 'mine',
    scope: 'attempt',
    inside: { retry: 'it counts attempts' },
    defaults: { on: true },
    install: () => (request, next) => next(request),
  })
  expect(namesOf(recommended(mine()))).toEqual([...USUAL.slice(0, 4), 'mine', ...USUAL.slice(4)])
})
