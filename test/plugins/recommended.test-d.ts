import { expectTypeOf, it } from 'vitest'
import { createClient, definePlugin, recommended } from 'sluice'
import { logging } from 'sluice/plugins/logging'
import { retry } from 'sluice/plugins/retry'

const mine = definePlugin({
  name: 'mine',
  scope: 'attempt',
  defaults: { on: true },
  install: () => (request, next) => next(request),
})

it('infers the options of the usual plugins, and refuses others', () => {
  const client = createClient()
  void client.get('a', { retry: { times: 1 }, timeout: false, decode: { maxBytes: false }, deadline: { ms: 1 } })
  // @ts-expect-error -- misspelt
  void client.get('a', { retries: { times: 1 } })
  // @ts-expect-error -- not installed
  void client.get('a', { logging: false })
  // @ts-expect-error -- ill-typed
  void client.get('a', { bodyLimit: { maxBytes: 'much' } })
})

it('infers the options of extra plugins too', () => {
  const client = createClient({ plugins: recommended(logging(), mine(), retry({ times: 1 })) })
  void client.get('a', {
    logging: { level: 'body' },
    mine: { on: false },
    userAgent: { value: 'x' },
    retry: { times: 2 },
  })
  // @ts-expect-error -- ill-typed
  void client.get('a', { mine: { on: 1 } })
  // @ts-expect-error -- not installed
  void client.get('a', { progress: false })
})

it('has one plugin of each name', () => {
  expectTypeOf<ReturnType<typeof recommended<readonly []>>[number]['name']>().toEqualTypeOf<
    'deadline' | 'redirect' | 'retry' | 'userAgent' | 'bodyLimit' | 'decode' | 'timeout'
  >()
})
