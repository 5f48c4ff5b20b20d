import { BehaviorSubject, Subject, type Observable } from 'rxjs'
import { createClient } from 'sluice'
import { apiKey } from 'sluice/plugins/api-key'
import { bearer, type RefreshContext } from 'sluice/plugins/bearer'
import { oauth2, type OAuth2Tokens, type TokenStore } from 'sluice/plugins/oauth2'
import { expectTypeOf, it } from 'vitest'

it('a token comes from wherever it is', () => {
  expectTypeOf(bearer).toBeCallableWith({ token: 't' })
  expectTypeOf(bearer).toBeCallableWith({ token: { token: 't', expiresIn: 5 } })
  expectTypeOf(bearer).toBeCallableWith({ token: Promise.resolve('t') })
  expectTypeOf(bearer).toBeCallableWith({ token: new BehaviorSubject<string | undefined>('t') })
  expectTypeOf(bearer).toBeCallableWith({ token: () => 't' })
  expectTypeOf(bearer).toBeCallableWith({ token: async () => ({ token: 't', expiresAt: 5 }) })
  // @ts-expect-error -- a number is none
  bearer({ token: 7 })
  // @ts-expect-error -- what a server of OAuth says is not what is understood here
  bearer({ token: { access_token: 't' } })
})

it('a refresh is told what it is for and answers in whatever shape', () => {
  expectTypeOf<Parameters<NonNullable<NonNullable<Parameters<typeof bearer>[0]>['refresh']>>>().toEqualTypeOf<
    [RefreshContext]
  >()
  expectTypeOf<RefreshContext['reason']>().toEqualTypeOf<'missing' | 'expiring' | 'refused'>()
  expectTypeOf(bearer).toBeCallableWith({ refresh: ({ token }) => token })
  expectTypeOf(bearer).toBeCallableWith({ refresh: () => undefined as unknown as Observable<string> })
  // @ts-expect-error -- a response is no token yet
  bearer({ refresh: () => createClient({ plugins: [] }).get('https://a.test/') })
})

it('a call leaves it out, or says some of it', () => {
  const client = createClient({ plugins: [bearer(), apiKey(), oauth2()] })
  void client.get('https://a.test/', { bearer: false, apiKey: false, oauth2: false })
  void client.get('https://a.test/', { bearer: { token: 't' }, apiKey: { key: 'k' }, oauth2: { scope: 'admin' } })
  // @ts-expect-error -- a token alone could be taken for options
  void client.get('https://a.test/', { bearer: 't' })
  // @ts-expect-error -- there is no such grant any more
  void client.get('https://a.test/', { oauth2: { grant: 'password' } })
})

it('tokens are plain data, for stores and whoever watches', () => {
  expectTypeOf(oauth2).toBeCallableWith({ tokens: new Subject<OAuth2Tokens>() })
  expectTypeOf<Storage>().not.toExtend<TokenStore>()
  expectTypeOf<OAuth2Tokens['type']>().toEqualTypeOf<'Bearer' | 'DPoP'>()
  // @ts-expect-error -- a method that needs a secret
  oauth2({ authentication: { method: 'client_secret_basic' } })
})
