import { createClient, recommended } from 'sluice'
import { proxy, proxyFromEnv, type ProxyChoice } from 'sluice/plugins/proxy'
import { expectTypeOf, it } from 'vitest'

const client = createClient({ plugins: recommended(proxyFromEnv()) })
type Said = NonNullable<NonNullable<Parameters<typeof client.get<'http://a.test/'>>[1]>['proxy']>

it('a call says a url, several ways, options, or that it goes directly', () => {
  expectTypeOf<'http://p.test'>().toExtend<Said>()
  expectTypeOf<URL>().toExtend<Said>()
  expectTypeOf<readonly ['http://p.test', false]>().toExtend<Said>()
  expectTypeOf<{ url: { chain: ['http://p.test', 'socks5://q.test'] }; tunnel: true }>().toExtend<Said>()
  expectTypeOf<false>().toExtend<Said>()
  expectTypeOf<7>().not.toExtend<Said>()
  expectTypeOf<true>().not.toExtend<Said>()
  // @ts-expect-error -- a chain alone could be taken for options
  void client.get('http://a.test/', { proxy: { chain: ['http://p.test', 'socks5://q.test'] } })
})

it('a resolver answers now or later', () => {
  expectTypeOf(proxy).toBeCallableWith({ resolve: () => 'http://p.test' })
  expectTypeOf(proxy).toBeCallableWith({ resolve: () => undefined })
  expectTypeOf(proxy).toBeCallableWith({ resolve: ({ url }) => Promise.resolve([url, false] as const) })
  expectTypeOf<{ chain: ['http://p.test'] }>().not.toExtend<ProxyChoice>()
})
