import fc from 'fast-check'
import { asyncScheduler } from 'rxjs'
import { createClient, type HttpResponse } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { cache, memoryCache } from 'sluice/plugins/cache'
import { expect, it } from 'vitest'
import { virtually } from '../../support/virtual-time.ts'
import { later } from './stores.ts'

const URLS = ['a', 'b'] as const
const LANGUAGES = ['de', 'en'] as const
const USERS = ['Ada', 'Bob'] as const

/** What can happen, and how many seconds after the last thing. */
const step = fc.record({
  wait: fc.nat(12),
  url: fc.constantFrom(...URLS),
  user: fc.constantFrom(...USERS),
  language: fc.constantFrom(...LANGUAGES),
  what: fc.oneof(
    { weight: 8, arbitrary: fc.constant('get' as const) },
    { weight: 1, arbitrary: fc.constant('reload' as const) },
    { weight: 2, arbitrary: fc.constant('change' as const) },
    { weight: 2, arbitrary: fc.constant('post' as const) },
  ),
})

/** How the server speaks of one url. */
const manner = fc.record({
  maxAge: fc.nat(20),
  etag: fc.boolean(),
  vary: fc.boolean(),
  directive: fc.constantFrom('', ', no-cache', ', no-store', ', must-revalidate', ', private'),
  /** Seconds an answer takes. */
  delay: fc.nat(3),
})

it.each([
  ['a store that answers at once', (): undefined => undefined],
  ['a store that answers later', () => later(memoryCache())],
])('every answer is one the server would give now, or gave within its lifetime, with %s', (_, makeStore) => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 2, maxLength: 30 }),
      fc.record({ a: manner, b: manner }),
      (steps, manners) => {
        const versions = { a: 1, b: 1 }
        /** When each version came and went, in ms. */
        const lives = new Map<string, { from: number; to: number }>()
        for (const url of URLS) lives.set(`${url}1`, { from: 0, to: Infinity })
        const change = (url: 'a' | 'b'): void => {
          const now = asyncScheduler.now()
          const old = lives.get(`${url}${versions[url]}`)
          if (old !== undefined) old.to = now
          versions[url]++
          lives.set(`${url}${versions[url]}`, { from: now, to: Infinity })
        }
        const engine = mock({
          'GET /:url': ({ params, request }) => {
            const url = params.url as 'a' | 'b'
            const { maxAge, etag, vary, directive, delay } = manners[url]
            const language = vary ? request.headers.get('accept-language') : 'any'
            const user = request.headers.get('authorization') ?? ''
            const tag = `"${url}${versions[url]}-${language ?? ''}-${user}"`
            const headers = {
              'cache-control': `max-age=${maxAge}${directive}`,
              ...(etag ? { etag: tag } : {}),
              ...(vary ? { vary: 'accept-language' } : {}),
            }
            if (etag && request.headers.get('if-none-match') === tag)
              return { status: 304, headers, delay: delay * 1000 }
            const body = { url, version: versions[url], language, user }
            return { headers, body, delay: delay * 1000 }
          },
          'POST /:url': ({ params }) => {
            change(params.url as 'a' | 'b')
            return 204
          },
        })
        const store = makeStore()
        const client = createClient({
          engine,
          baseUrl: 'https://a.test/',
          plugins: [cache(store === undefined ? {} : { store })],
        })
        /** When a change by a request of this client was answered, whoever made it. */
        let open = 0
        const posted = new Map<string, number>()
        virtually(({ flush }) => {
          let at = 0
          for (const { wait, url, user, language, what } of steps) {
            at += wait * 1000
            asyncScheduler.schedule(() => {
              const begun = asyncScheduler.now()
              const headers = { authorization: user, 'accept-language': language }
              if (what === 'change') change(url)
              else if (what === 'post') {
                client.post(url, undefined, { headers }).subscribe(() => posted.set(url, asyncScheduler.now()))
              } else {
                const since = posted.get(url) ?? 0
                const asked = what === 'reload' ? { ...headers, 'cache-control': 'no-cache' } : headers
                open++
                client.get(url, { headers: asked }).subscribe(response => {
                  open--
                  check(response, { url, user, language, begun, since, reload: what === 'reload' })
                })
              }
            }, at)
          }
          flush()
        })
        expect({ open, running: engine.inFlight }).toEqual({ open: 0, running: 0 })

        function check(
          response: HttpResponse,
          asked: { url: 'a' | 'b'; user: string; language: string; begun: number; since: number; reload: boolean },
        ): void {
          const got = response.json<{ url: string; version: number; language: string; user: string }>()
          const { maxAge, vary, directive, delay } = manners[asked.url]
          expect(got.url).toBe(asked.url)
          expect(got.user).toBe(asked.user)
          if (vary) expect(got.language).toBe(asked.language)
          const { to } = lives.get(`${got.url}${got.version}`) ?? { to: -1 }
          // What the server asks itself is as new as the request; what is kept may be as old as its lifetime allows.
          const asksAlways = asked.reload || directive === ', no-cache' || directive === ', no-store'
          const slack = asksAlways ? 0 : maxAge * 1000
          expect(to).toBeGreaterThanOrEqual(asked.begun - slack - delay * (asksAlways ? 0 : 1000))
          // Who has heard of a change is not shown what was before it.
          if (asked.since > 0) expect(to).toBeGreaterThanOrEqual(asked.since)
        }
      },
    ),
    { numRuns: 400 },
  )
})
