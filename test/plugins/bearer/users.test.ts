import { firstValueFrom, map, timer } from 'rxjs'
import { createClient } from 'sluice'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { bearer, type BearerOptions, type RefreshContext } from 'sluice/plugins/bearer'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, it } from 'vitest'

const USERS = ['ada', 'eve', 'kim']

/** One client on a server, whose token is that of the user a request is made for. */
function office(api: MockEngine, options: Partial<BearerOptions> = {}) {
  const user = new AsyncLocalStorage<string>()
  const asked: string[] = []
  const client = createClient({
    engine: api,
    baseUrl: 'https://a.test/',
    plugins: [
      bearer({
        token: () => user.getStore(),
        refresh: ({ token = 'nobody' }: RefreshContext) => (asked.push(token), timer(5).pipe(map(() => `${token}+`))),
        ...options,
      }),
    ],
  })
  /** What each was sent with in the end. */
  const all = async (names: readonly string[]): Promise<(string | undefined)[]> => {
    const answers = await Promise.all(names.map(name => user.run(name, () => firstValueFrom(client.get(name)))))
    return answers.map(({ request }) => `${request.url.slice(15)} as ${request.headers.get('authorization')?.slice(7)}`)
  }
  return { all, asked }
}

/** Takes what was refreshed. */
const strict = (): MockEngine =>
  mock(({ request }) => ({
    status: request.headers.get('authorization')?.endsWith('+') === true ? 200 : 401,
    delay: 1,
  }))

describe('a function that answers for several users', () => {
  it.each<[string, MockEngine, Partial<BearerOptions>]>([
    ['refused', strict(), {}],
    ['expiring', mock(() => 200), { expires: token => (token.endsWith('+') ? Infinity : 0) }],
  ])('never gives one the token of another: %s', async (_, api, options) => {
    const { all, asked } = office(api, options)
    const crowd = [...USERS, ...USERS]
    expect(await all(crowd)).toEqual(crowd.map(name => `${name} as ${name}+`))
    expect(asked).toEqual(USERS)
    // What was refreshed for one is not forgotten over the others.
    expect(await all(crowd)).toEqual(crowd.map(name => `${name} as ${name}+`))
    expect(asked).toEqual(USERS)
  })
})
