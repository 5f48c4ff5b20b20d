import { EMPTY, firstValueFrom, map, of, range, take, timer, toArray, type Observable } from 'rxjs'
import { createClient, definePlugin, type AnyPlugin, type Client, type HttpResponse } from 'sluice'
import { mock, type MockAnswer, type MockEngine } from 'sluice/engines/mock'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { paginate, type PaginateOptions } from 'sluice/streams/paginate'
import { marbles } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { watch } from './poll/watching.ts'

const open = (engine: MockEngine, ...plugins: AnyPlugin[]): Client =>
  createClient({ engine, baseUrl: 'https://api.test/', plugins })
const asked = (api: MockEngine): string[] =>
  api.history.map(({ startedAt, request }) => `${startedAt} ${request.target}`)
const targets = (api: MockEngine): string[] => api.history.map(({ request }) => request.target)
const all = <T>(values: Observable<T>): Promise<T[]> => firstValueFrom(values.pipe(toArray()))
const items = (page: HttpResponse): string[] => page.json<string[]>()

/** Pages that come after `delay`, each with a link to the next. */
const book = (pages: readonly (readonly string[])[], delay = 0): MockEngine =>
  mock({
    'GET /x': ({ query }) => {
      const at = Number(query.get('page') ?? 0)
      const link = at + 1 < pages.length ? { link: `<?page=${at + 1}>; rel="next"` } : {}
      return { delay, headers: link, body: pages[at] ?? [] }
    },
  })
const PAGES = [['a', 'b', 'c'], ['d'], ['e', 'f']]

describe('pages', () => {
  it('come one after the other, by the link of the last one', () => {
    marbles(({ expectObservable, expectExchanges }) => {
      const api = book(PAGES, 20)
      expectObservable(paginate(open(api), 'x').pipe(map(page => items(page).join('')))).toBe(
        '20ms a 19ms b 19ms (c|)',
        { a: 'abc', b: 'd', c: 'ef' },
      )
      expectExchanges(api).toBe('^ 19ms |', '20ms ^ 19ms |', '40ms ^ 19ms |')
    })
  })

  it('are handed on as what stands on them', async () => {
    const api = book(PAGES)
    expect(await all(paginate(open(api), 'x', { items }))).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect(targets(api)).toEqual(['/x', '/x?page=1', '/x?page=2'])
  })

  it('are not asked for before somebody subscribes, and for each anew', async () => {
    const api = book(PAGES)
    const values = paginate(open(api), 'x', { items })
    expect(api.history).toHaveLength(0)
    await all(values)
    await all(values)
    expect(api.history).toHaveLength(6)
  })

  it('are not asked for when what came is enough', async () => {
    const api = book(PAGES)
    expect(await all(paginate(open(api), 'x', { items }).pipe(take(3)))).toEqual(['a', 'b', 'c'])
    expect(targets(api)).toEqual(['/x'])
    expect(await all(paginate(open(api), 'x').pipe(take(1)))).toHaveLength(1)
    expect(targets(api)).toEqual(['/x', '/x'])
  })

  it('may be empty, or no content at all', async () => {
    const api = mock().enqueue(
      { body: [], headers: { link: '</2>; rel=next' } },
      { status: 204, headers: { link: '</3>; rel=next' } },
      { body: ['a'] },
    )
    expect(await all(paginate(open(api), 'x', { items }))).toEqual(['a'])
    expect(targets(api)).toEqual(['/x', '/2', '/3'])
  })

  it('may give their items in any iterable', async () => {
    const once = (page: HttpResponse): Iterable<string> => new Set(items(page)).values()
    expect(await all(paginate(open(book(PAGES)), 'x', { items: once }))).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  it('end where a plugin gives no answer at all', () => {
    const silent = definePlugin({ name: 'silent', scope: 'call', defaults: {}, install: () => () => EMPTY })
    expect(watch(() => paginate(open(book(PAGES), silent()), 'x'))).toEqual(['0 end'])
  })

  it('may be many that are there at once', async () => {
    const api = mock({
      'GET /x': ({ query }) => ({ headers: { link: `<?n=${Number(query.get('n')) + 1}>; rel=next` } }),
    })
    expect(await all(paginate(open(api), 'x').pipe(take(20_000)))).toHaveLength(20_000)
  })
})

describe('the next page', () => {
  const at = async (next: PaginateOptions['next'], options: object = {}, ...plugins: AnyPlugin[]) => {
    const api = mock({ '/*': ({ request }) => ({ body: { next: request.target, cursor: 'c' } }) })
    await all(paginate(open(api, ...plugins), 'v1/x', { next, query: { limit: 5 }, ...options }))
    return api
  }

  it.each<[string, PaginateOptions['next']]>([
    ['/v1/x?page=2', () => '?page=2'],
    ['/y?a=%7Bb%7D', () => '/y?a=%7Bb%7D'],
    ['/v1/y?a={b}', () => 'y?a={b}#part'],
    ['/z', () => 'https://api.test/z'],
    ['/z', () => new URL('https://api.test/z')],
    ['/v1/x?limit=5&cursor=c', page => ({ query: { cursor: page.json<{ cursor: string }>().cursor } })],
    ['/v1/x?limit=9', () => ({ query: { limit: 9 } })],
    ['/v1/x?limit=5&offset=5', (_, index) => ({ query: new URLSearchParams({ offset: String(5 * (index + 1)) }) })],
  ])('may be told by a function: %s', async (target, next) => {
    const api = await at((page, index) => (index === 0 ? next?.(page, index) : undefined))
    expect(targets(api)).toEqual(['/v1/x?limit=5', target])
  })

  it('is asked for with method, headers and body of the call', async () => {
    const next = (_: HttpResponse, index: number) =>
      index === 0 ? { body: { after: 'a' } } : index === 1 ? '?p=3' : null
    const api = await at(next, { method: 'POST', headers: { 'x-tenant': '7' }, body: { after: '' } })
    expect(
      api.history.map(({ request, body }) => [request.method, request.headers.get('x-tenant'), body.text()]),
    ).toEqual([
      ['POST', '7', '{"after":""}'],
      ['POST', '7', '{"after":"a"}'],
      ['POST', '7', '{"after":""}'],
    ])
  })

  it('is asked for with user and password of the url that was given', async () => {
    const api = mock().enqueue({ headers: { link: '</2>; rel=next' } }, 200)
    await all(paginate(createClient({ engine: api, plugins: [] }), 'https://ada:pw@api.test/x'))
    const [first, second] = api.history.map(({ request }) => request.headers.get('authorization'))
    expect([second, second]).toEqual([first, 'Basic YWRhOnB3'])
  })

  describe('is refused', () => {
    const refusal = (...answers: MockAnswer[]) => {
      const api = mock().enqueue(...answers)
      const seen = watch(() =>
        paginate(open(api, redirect()), 'v1/x', { headers: { authorization: 'Bearer secret' } }).pipe(
          map(() => 'page'),
        ),
      )
      return [...seen, ...api.history.map(({ request }) => request.url)]
    }
    const to = (url: string): MockAnswer => ({ headers: { link: `<${url}>; rel=next` } })

    it.each([
      'https://evil.test/x',
      'http://api.test/x',
      'https://api.test:8443/x',
      '//evil.test/x',
      'https://api.test@evil.test/',
      'https://user:pw@api.test/x',
      'data:text/plain,x',
    ])('where it leads elsewhere: %s', url => {
      expect(refusal(to(url))).toEqual(['0 page', '0 PROTOCOL headers 200', 'https://api.test/v1/x'])
    })

    it('where a redirect led elsewhere before', () => {
      const moved = { status: 302, headers: { location: 'https://evil.test/' } }
      expect(refusal(moved, to('/x'))).toEqual([
        '0 page',
        '0 PROTOCOL headers 200',
        'https://api.test/v1/x',
        'https://evil.test/',
      ])
      const home = { status: 302, headers: { location: 'https://api.test/y' } }
      expect(refusal(home, to('/z'), 200)).toEqual([
        '0 page',
        '0 page',
        '0 end',
        ...['v1/x', 'y', 'z'].map(path => `https://api.test/${path}`),
      ])
    })

    it('where it is no url', async () => {
      const values = paginate(open(mock({ '/*': 200 })), 'x', { next: () => 'https://[' })
      await expect(all(values)).rejects.toMatchObject({
        code: 'PROTOCOL',
        message: 'The answer to GET https://api.test/x names as its next page "https://[", which is no url.',
      })
    })

    it.each(['https://[', 'https://api.test:99999/', 'http://a b/'])(
      'where the link is no url, and so the list not all: %s',
      url => {
        expect(refusal(to(url))).toEqual(['0 page', '0 PROTOCOL headers 200', 'https://api.test/v1/x'])
      },
    )

    it('where it is nothing that can be asked for', () => {
      expect(refusal(to('blob:https://api.test/7b0f'))).toEqual([
        '0 page',
        '0 PROTOCOL headers 200',
        'https://api.test/v1/x',
      ])
    })

    it('where it leaves the base url of the client', async () => {
      const api = mock({ '/*': to('/v2/x') })
      const client = createClient({ engine: api, baseUrl: 'https://api.test/v1/', plugins: [] })
      await expect(all(paginate(client, 'x'))).rejects.toMatchObject({ code: 'CONFIG' })
      const free = createClient({
        engine: mock().enqueue(to('/v2/x'), 200),
        baseUrl: 'https://api.test/v1/',
        confine: false,
        plugins: [],
      })
      expect(await all(paginate(free, 'x'))).toHaveLength(2)
    })

    it('where it was there before', () => {
      expect(refusal(to('/v1/x')).slice(0, 2)).toEqual(['0 page', '0 PROTOCOL headers 200'])
      expect(refusal(to('/2'), to('/3'), to('/2#part')).slice(0, 4)).toEqual([
        '0 page',
        '0 page',
        '0 page',
        '0 PROTOCOL headers 200',
      ])
    })

    it.each<[string, PaginateOptions['next']]>([
      ['query', () => ({ query: { cursor: 'same' } })],
      ['params', () => ({ params: { id: 7 } })],
      ['body', () => ({ body: { cursor: 'same' } })],
    ])('where the same %s was there before', async (_, next) => {
      const error = all(paginate(open(mock({ '/*': 200 })), 'x', { method: 'POST', next }))
      await expect(error).rejects.toMatchObject({
        code: 'PROTOCOL',
        message: expect.stringContaining('there before') as string,
      })
    })

    it('not where nobody can tell whether it is the same', async () => {
      const form = new FormData()
      const next = (_: HttpResponse, index: number) => (index < 3 ? { body: form } : undefined)
      expect(await all(paginate(open(mock({ '/*': 200 })), 'x', { method: 'POST', next }))).toHaveLength(4)
      const header = (_: HttpResponse, index: number) => (index < 3 ? { headers: { page: index } } : undefined)
      expect(await all(paginate(open(mock({ '/*': 200 })), 'x', { next: header }))).toHaveLength(4)
    })
  })

  it('is not looked for before what came was handed on', () => {
    const api = mock({ '/*': { body: ['a'], headers: { link: '<https://evil.test/>; rel=next' } } })
    expect(watch(() => paginate(open(api), 'x', { items }).pipe(take(1)))).toEqual(['0 a', '0 end'])
  })
})

describe('what fails', () => {
  it.each<[string, MockAnswer]>([
    ['STATUS headers 404', 404],
    ['STATUS headers 304', 304],
    ['RESET headers', 'RESET'],
  ])('comes after the pages before it: %s', (error, answer) => {
    const api = mock().enqueue({ body: ['a'], headers: { link: '</2>; rel=next' } }, answer)
    expect(watch(() => paginate(open(api), 'x', { items }))).toEqual(['0 a', `0 ${error}`])
  })

  it('is for retry, which repeats the page and not those before', () => {
    const api = mock().enqueue({ body: ['a'], headers: { link: '</2>; rel=next' } }, 503, { body: ['b'] })
    expect(watch(() => paginate(open(api, retry({ delay: () => 50 })), 'x', { items }))).toEqual([
      '0 a',
      '50 b',
      '50 end',
    ])
    expect(targets(api)).toEqual(['/x', '/2', '/2'])
  })

  it('is a callback, whose error stays what it is', async () => {
    const bug = new Error('a bug')
    const fail = (): never => {
      throw bug
    }
    for (const options of [{ items: fail }, { next: fail }, { project: fail }]) {
      await expect(all(paginate(open(book(PAGES)), 'x', options))).rejects.toBe(bug)
    }
  })

  it.each<[string, unknown]>([
    ['paginate: items must return a list, not "abc".', { items: () => 'abc' }],
    ['paginate({ next }) must return an object such as { query: { since: 7 } }, not 7.', { next: () => 7 }],
    [
      'paginate({ next }) returned "cursor"; what it returns can have query, params, headers, body.',
      { next: () => ({ cursor: 7 }) },
    ],
  ])('is what a callback must not return: %s', async (message, options) => {
    await expect(all(paginate(open(book(PAGES)), 'x', options as object))).rejects.toMatchObject({
      code: 'CONFIG',
      message,
    })
  })

  it.each<[string, unknown]>([
    ['paginate: items must be a function, not "data".', { items: 'data' }],
    ['paginate: concurrency must be a whole number of at least 1, not 0.', { concurrency: 0 }],
    ['paginate: prefetch must be a whole number of at least 0, not -1.', { prefetch: -1 }],
    ['The options of paginate must be an object, not 7.', 7],
  ])('are options that cannot be: %s', (message, options) => {
    const call = () => paginate(open(mock()), 'x', options as object)
    expect(call).toThrow(expect.objectContaining({ code: 'CONFIG', message }) as Error)
  })

  it('are options nobody knows', () => {
    expect(watch(() => paginate(open(book(PAGES)), 'x', { item: items } as object))).toEqual(['0 CONFIG config'])
  })

  it('is a client that was closed before the last page: what came is not all', () => {
    const client = open(book(PAGES, 10))
    const seen = watch(
      () => paginate(client, 'x', { items }),
      100,
      () => timer(15).subscribe(() => void client.close()),
    )
    // The page that was asked for still comes.
    expect(seen).toEqual(['10 a', '10 b', '10 c', '20 d', '20 CLOSED queue'])
  })
})

describe('with a projector', () => {
  const slow = (ms: number) => (item: string) => timer(ms).pipe(map(() => item))

  it('items are taken one after the other, and a page is asked for when none is left', () => {
    const api = book(PAGES, 10)
    const seen = watch(() => paginate(open(api), 'x', { items, project: slow(100) }))
    expect(seen).toEqual(['110 a', '210 b', '310 c', '420 d', '530 e', '630 f', '630 end'])
    expect(asked(api)).toEqual(['0 /x', '310 /x?page=1', '420 /x?page=2'])
  })

  it('as many as wanted are worked on at a time, also from two pages', () => {
    const api = book(PAGES, 10)
    const seen = watch(() => paginate(open(api), 'x', { items, project: slow(100), concurrency: 2 }))
    expect(seen).toEqual(['110 a', '110 b', '210 c', '220 d', '320 e', '320 f', '320 end'])
    expect(asked(api)).toEqual(['0 /x', '110 /x?page=1', '210 /x?page=2'])
  })

  it('pages can be worked on as well', () => {
    const project = (page: HttpResponse, index: number) => timer(100).pipe(map(() => `${index}${items(page).join('')}`))
    expect(watch(() => paginate(open(book(PAGES, 10)), 'x', { project }))).toEqual([
      '110 0abc',
      '220 1d',
      '330 2ef',
      '330 end',
    ])
  })

  it('results may be many, none, or there at once', async () => {
    const project = (item: string) => (item === 'b' ? EMPTY : item === 'd' ? [item, item] : of(item))
    expect(await all(paginate(open(book(PAGES)), 'x', { items, project }))).toEqual(['a', 'c', 'd', 'd', 'e', 'f'])
    const many = () => Array.from({ length: 100_000 }, (_, at) => at)
    expect(await all(paginate(open(book([['a']])), 'x', { items: many, project: item => of(item) }))).toHaveLength(
      100_000,
    )
  })

  it('leaving stops a result that never stops talking', async () => {
    const project = () => range(0, Infinity)
    expect(await all(paginate(open(book(PAGES)), 'x', { items, project }).pipe(take(3)))).toEqual([0, 1, 2])
  })

  it('an error waits for what was begun before', () => {
    const api = mock().enqueue({ delay: 10, body: ['a'], headers: { link: '</2>; rel=next' } }, 404)
    const seen = watch(() => paginate(open(api), 'x', { items, project: slow(100), concurrency: 2 }))
    expect(seen).toEqual(['110 a', '110 STATUS headers 404'])
  })

  it('leaving ends what is worked on, and asks for nothing more', () => {
    const api = book(PAGES, 10)
    expect(watch(() => paginate(open(api), 'x', { items, project: slow(100) }), 250)).toEqual(['110 a', '210 b'])
    expect(asked(api)).toEqual(['0 /x'])
  })
})

describe('with prefetch', () => {
  const project = (item: string) => timer(100).pipe(map(() => item))

  it('the next page is asked for while this one is worked on', () => {
    const api = book(PAGES, 10)
    const seen = watch(() => paginate(open(api), 'x', { items, project, prefetch: 1 }))
    expect(seen).toEqual(['110 a', '210 b', '310 c', '410 d', '510 e', '610 f', '610 end'])
    expect(asked(api)).toEqual(['0 /x', '10 /x?page=1', '310 /x?page=2'])
  })

  it('as many as wanted are asked for beforehand, one after the other', () => {
    const api = book([['a'], ['b'], ['c'], ['d'], ['e']], 10)
    watch(() => paginate(open(api), 'x', { items, project, prefetch: 2 }), 150)
    expect(asked(api)).toEqual(['0 /x', '10 /x?page=1', '20 /x?page=2', '110 /x?page=3'])
  })

  it('what fails beforehand is told when it is needed', () => {
    const api = mock().enqueue({ delay: 10, body: ['a', 'b'], headers: { link: '</2>; rel=next' } }, 404)
    const seen = watch(() => paginate(open(api), 'x', { items, project, prefetch: 3 }))
    expect(seen).toEqual(['110 a', '210 b', '210 STATUS headers 404'])
  })

  it('a page asked for in vain is left', () => {
    marbles(({ expectObservable, expectExchanges }) => {
      const api = book(PAGES, 20)
      expectObservable(
        paginate(open(api), 'x', {
          items,
          prefetch: 1,
          project: (item: string) => timer(5).pipe(map(() => item)),
        }).pipe(take(2)),
      ).toBe('25ms a 4ms (b|)')
      expectExchanges(api).toBe('^ 19ms |', '20ms ^ 9ms !')
    })
  })
})

it('reads no option from a polluted Object.prototype', async () => {
  const polluted = Object.prototype as Record<string, unknown>
  const names = {
    items: () => ['evil'],
    next: () => 'https://evil.test/',
    project: () => ['evil'],
    prefetch: 5,
    concurrency: 0,
    headers: { evil: '1' },
    query: { evil: 1 },
    url: 'https://evil.test/',
  }
  Object.assign(polluted, names)
  try {
    const api = book(PAGES)
    expect((await all(paginate(open(api), 'x'))).map(items)).toEqual(PAGES)
    expect(targets(api)).toEqual(['/x', '/x?page=1', '/x?page=2'])
    expect(api.history.some(({ request }) => request.headers.has('evil'))).toBe(false)
  } finally {
    for (const name of Object.keys(names)) Reflect.deleteProperty(polluted, name)
  }
})
