import { EMPTY, firstValueFrom, ignoreElements, map, of, take, tap, timer, type Observable } from 'rxjs'
import { createClient, definePlugin, HttpError, type AnyPlugin, type Client } from 'sluice'
import { mock, type MockAnswer, type MockEngine } from 'sluice/engines/mock'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { longPoll, poll, type LongPollOptions, type PollFailure, type PollOptions } from 'sluice/streams/poll'
import { marbles } from 'sluice/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watch } from './poll/watching.ts'

beforeEach(() => {
  // All of the jitter, so that waits can be told.
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.restoreAllMocks()
})

const open = (engine: MockEngine, ...plugins: AnyPlugin[]): Client =>
  createClient({ engine, baseUrl: 'https://api.test/', plugins })
const sent = (api: MockEngine): number[] => api.history.map(({ startedAt }) => startedAt)
const headers = (api: MockEngine, name: string) => api.history.map(({ request }) => request.headers.get(name))

/** Polls what answers this, one after the other and then the last again. */
function polled<R>(
  answers: readonly MockAnswer[],
  options: Partial<PollOptions<R>> & object = {},
  ms?: number,
): string[] {
  return watch(() => poll(open(mock(script(answers))), 'x', { every: 100, ...options }), ms ?? 350)
}

function script(answers: readonly MockAnswer[]): () => MockAnswer {
  let at = 0
  return () => answers[Math.min(at++, answers.length - 1)] ?? 200
}

describe('poll', () => {
  it('asks again so long after the last answer was there, and never twice at once', () => {
    marbles(({ api, expectObservable, expectExchanges }) => {
      api.on('GET /x', { delay: 30 })
      const client = createClient({ engine: api, baseUrl: 'https://api.test/', plugins: [] })
      expectObservable(poll(client, 'x', { every: 100 }).pipe(map(() => 'a')), '^ 299ms !').toBe(
        '30ms a 129ms a 129ms a',
      )
      expectExchanges().toBe('^ 29ms |', '130ms ^ 29ms |', '260ms ^ 29ms |')
    })
  })

  it('waits for an answer however long it takes', () => {
    const api = mock(script([{ delay: 5_000 }, 200]))
    expect(watch(() => poll(open(api), 'x', { every: 100 }), 5_150)).toEqual(['5000 200', '5100 200'])
    expect(sent(api)).toEqual([0, 5_000 + 100])
  })

  it('is cold, and each subscription polls for itself', () => {
    const api = mock({ 'GET /x': { headers: { etag: '"1"' } } })
    const polling = poll(open(api), 'x', { every: 100 })
    expect(api.history).toHaveLength(0)
    watch(() => polling, 50)
    watch(() => polling, 50)
    expect(headers(api, 'if-none-match')).toEqual([undefined, undefined])
  })

  it('ends with the subscription: while it waits, and in the middle of a request', () => {
    marbles(({ api, expectObservable, expectExchanges }) => {
      api.on('GET /x', { delay: 30 })
      const client = createClient({ engine: api, baseUrl: 'https://api.test/', plugins: [] })
      expectObservable(poll(client, 'x', { every: 100 }).pipe(map(() => 'a')), '^ 139ms !').toBe('30ms a')
      expectExchanges().toBe('^ 29ms |', '130ms ^ 9ms !')
    })
    const api = mock({ 'GET /x': 200 })
    expect(watch(() => poll(open(api), 'x', { every: 100 }).pipe(take(2)))).toEqual(['0 200', '100 200', '100 end'])
    expect(sent(api)).toEqual([0, 100])
  })

  it('takes 204 and 304 for nothing new, also where only 200 is a success', () => {
    const answers = [{ status: 200 }, 204, 304, { body: 'b' }]
    const seen = ['0 200', '300 200 b']
    expect(polled(answers)).toEqual(seen)
    const strict = expectSuccess({ statuses: [200] })
    expect(watch(() => poll(open(mock(script(answers)), strict), 'x', { every: 100 }), 350)).toEqual(seen)
  })

  it('takes no failure but that of the status for nothing new', () => {
    const strict = definePlugin({
      name: 'strict',
      scope: 'call',
      defaults: {},
      install: () => (request, next) =>
        next(request).pipe(
          tap(event => {
            if (event.type !== 'response') return
            throw new HttpError('BODY', 'There has to be a body.', { request, response: event.response })
          }),
        ),
    })
    expect(watch(() => poll(open(mock({ '/x': 204 }), strict()), 'x', { every: 100 }), 350)).toEqual(['0 BODY 204'])
  })

  it('sends headers that can be read but once with every request', () => {
    const api = mock({ '/x': { headers: { etag: '"1"' } } })
    const fields = new Map([['authorization', 'Bearer a']]).entries()
    watch(() => poll(open(api), 'x', { every: 100, headers: fields }), 250)
    expect(headers(api, 'authorization')).toEqual(Array(3).fill('Bearer a'))
    expect(headers(api, 'if-none-match')).toEqual([undefined, '"1"', '"1"'])
  })

  it('does not count retries of a plugin, which are further in', () => {
    const api = mock(script([503, 200]))
    expect(watch(() => poll(open(api, retry({ delay: () => 30 })), 'x', { every: 100 }), 150)).toEqual([
      '30 200',
      '130 200',
    ])
  })

  describe('asks for what is new only', () => {
    const versions = [
      { headers: { etag: '"1"', 'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT' } },
      304,
      { headers: { etag: 'W/"2"' } },
      200,
    ]
    const asked = (options: object, answers: readonly MockAnswer[] = versions, ...plugins: AnyPlugin[]) => {
      const api = mock(script(answers))
      watch(() => poll(open(api, ...plugins), 'x', { every: 100, ...options }), 450)
      return api
    }

    it('by the validators of the last answer that had something to say', () => {
      const api = asked({ headers: { accept: 'text/html' } })
      expect(headers(api, 'if-none-match')).toEqual([undefined, '"1"', '"1"', 'W/"2"', undefined])
      const date = 'Sun, 06 Nov 1994 08:49:37 GMT'
      expect(headers(api, 'if-modified-since')).toEqual([undefined, date, date, undefined, undefined])
      expect(headers(api, 'accept')).toEqual(Array(5).fill('text/html'))
    })

    it.each<[string, object]>([
      ['it is told not to', { conditional: false }],
      ['the method may change something', { method: 'POST' }],
      ['the call has a condition of its own', { headers: { 'If-Match': '"7"' } }],
      ['the call asks for a range', { headers: { range: 'bytes=0-9' } }],
    ])('but not when %s', (_, options) => {
      expect(headers(asked(options), 'if-none-match')).toEqual(Array(5).fill(undefined))
    })

    it('with the condition of the call where it has one', () => {
      const api = asked({ headers: { 'if-none-match': '"mine"' } })
      expect(headers(api, 'if-none-match')).toEqual(Array(5).fill('"mine"'))
    })

    it('and not after a redirect: two places may use one tag for different things', () => {
      const api = mock({
        'GET /x': { status: 302, headers: { location: '/y' } },
        'GET /y': { headers: { etag: '"1"' } },
      })
      watch(() => poll(open(api, redirect()), 'x', { every: 100 }), 150)
      expect(api.history.map(({ request }) => request.target)).toEqual(['/x', '/y', '/x', '/y'])
      expect(headers(api, 'if-none-match')).toEqual(Array(4).fill(undefined))
    })

    it('and not by what cannot be sent back', () => {
      expect(headers(asked({}, [{ headers: { etag: '' } }]), 'if-none-match')).toEqual(Array(5).fill(undefined))
    })
  })

  describe('waits out what may go away by itself', () => {
    it('longer each time, anew after a success, and never shorter than usual', () => {
      const answers: MockAnswer[] = [503, 'RESET', 'CONNECT', 200, 500, 200]
      const failures: string[] = []
      const onFailure = ({ error, count, delay }: PollFailure): void => {
        failures.push(`${(error as HttpError).code} ${count} ${delay}`)
      }
      const backoff = { first: 50, factor: 10, most: 400 }
      expect(polled(answers, { onFailure, backoff }, 1_250)).toEqual(['900 200', '1100 200', '1200 200'])
      expect(failures).toEqual(['STATUS 1 100', 'RESET 2 400', 'CONNECT 3 400', 'STATUS 1 100'])
    })

    it('with one second, two, four … up to thirty when nothing is said', () => {
      const delays: number[] = []
      polled([503], { onFailure: ({ delay }) => delays.push(delay) }, 150_000)
      expect(delays.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    })

    it('at a random time, so that clients do not come back together', () => {
      vi.spyOn(Math, 'random').mockReturnValue(0.25)
      expect(polled([503, 200], {}, 300)).toEqual(['250 200'])
    })

    it.each([408, 425, 429, 500, 502, 503, 504])('such as a %i', status => {
      expect(polled([status, 200], { backoff: { first: 50 } }, 150)).toEqual(['100 200'])
    })

    it('and hands on everything else', () => {
      expect(polled([200, 404])).toEqual(['0 200', '100 STATUS headers 404'])
      expect(polled([200, 'PROTOCOL'])[1]).toMatch(/^100 PROTOCOL/)
      expect(polled([{ status: 301 }])).toEqual(['0 STATUS headers 301'])
      expect(polled([new TypeError('a bug')])[0]).toMatch(/a bug|BODY|PROTOCOL/)
    })

    it('until onFailure has enough', () => {
      const onFailure = ({ count, error }: PollFailure): void => {
        if (count === 2) throw error
      }
      expect(polled([503], { onFailure, backoff: { first: 50 } })).toEqual(['100 STATUS headers 503'])
    })
  })

  it('respects Retry-After, of failures and of successes, up to a limit', () => {
    const later = { 'retry-after': '2' }
    expect(polled([{ headers: later }, 200], {}, 2_050)).toEqual(['0 200', '2000 200'])
    expect(polled([{ status: 304, headers: later }, 200], {}, 2_050)).toEqual(['2000 200'])
    // The jitter comes on top: all who were told the same must not come at the same time.
    expect(polled([{ status: 429, headers: later }, 200], { backoff: { first: 50 } }, 2_060)).toEqual(['2050 200'])
    const never = { 'retry-after': '999999999' }
    expect(polled([{ headers: never }, 200], { backoff: { mostAsked: 500 } }, 550)).toEqual(['0 200', '500 200'])
  })

  describe('with a projector', () => {
    it('emits what becomes of an answer, and asks again when that is done', () => {
      const api = mock(script([{ body: 'a' }, 304, { body: 'b' }]))
      const project = (response: { text(): string }, index: number) =>
        timer(200).pipe(map(() => `${response.text()}${index}`))
      expect(watch(() => poll(open(api), 'x', { every: 100, project }), 650)).toEqual(['200 a0', '600 b1'])
      expect(sent(api)).toEqual([0, 300, 400])
    })

    it('takes any input, none at all, and fails with what it throws', () => {
      expect(polled([200], { project: () => ['a', 'b'] }, 50)).toEqual(['0 a', '0 b'])
      expect(polled([200], { project: () => EMPTY })).toEqual([])
      const project = (): Observable<never> => {
        throw new HttpError('RESET', 'thrown by a user')
      }
      expect(polled([200], { project })).toEqual(['0 RESET'])
    })
  })

  describe('where nobody looks', () => {
    class Page extends EventTarget {
      visibilityState = 'visible'
      show(state: 'visible' | 'hidden'): void {
        this.visibilityState = state
        this.dispatchEvent(new Event('visibilitychange'))
      }
    }
    const hiding = (
      changes: readonly [at: number, state: 'visible' | 'hidden'][],
      ms = 1_000,
      answers: readonly MockAnswer[] = [200],
    ) => {
      const api = mock(script(answers))
      const page = new Page()
      const all = watch(
        () => poll(open(api), 'x', { every: 100, visibility: page }),
        ms,
        () => {
          for (const [at, state] of changes) timer(at).subscribe(() => page.show(state))
        },
      )
      return { at: sent(api), all }
    }

    it('sends nothing while hidden, and at once when it is seen again', () => {
      expect(
        hiding(
          [
            [150, 'hidden'],
            [450, 'visible'],
          ],
          600,
        ).at,
      ).toEqual([0, 100, 450, 550])
    })

    it('keeps its distance when it was hidden for a moment only', () => {
      expect(
        hiding(
          [
            [110, 'hidden'],
            [120, 'visible'],
          ],
          350,
        ).at,
      ).toEqual([0, 100, 200, 300])
    })

    it('stays silent when it hears again that it is hidden', () => {
      expect(
        hiding(
          [
            [10, 'hidden'],
            [150, 'hidden'],
            [180, 'visible'],
          ],
          250,
        ).at,
      ).toEqual([0, 180])
    })

    it('lets a request that runs come to its end', () => {
      expect(hiding([[10, 'hidden']], 500, [{ delay: 30 }]).all).toEqual(['30 200'])
    })

    it('does not begin before it is seen, and leaves no listener behind', () => {
      const page = new Page()
      page.visibilityState = 'hidden'
      const added = vi.spyOn(page, 'addEventListener')
      const removed = vi.spyOn(page, 'removeEventListener')
      const api = mock({ 'GET /x': 200 })
      watch(() => poll(open(api), 'x', { every: 100, visibility: page }), 500)
      expect([api.history.length, added.mock.calls.length, removed.mock.calls.length]).toEqual([0, 1, 1])
    })
  })

  it.each<[string, unknown]>([
    ['poll: every must be a number of milliseconds of at least 10; it has to be given.', {}],
    ['poll: every must be a number of milliseconds of at least 10, not 0.', { every: 0 }],
    ['poll: every must be a number of milliseconds of at least 10, not "1s".', { every: '1s' }],
    ['poll: conditional must be true or false, not 1.', { every: 10, conditional: 1 }],
    ['poll: visibility must be what can be hidden, such as document, not an object.', { every: 10, visibility: {} }],
    ['poll: project must be a function, not 7.', { every: 10, project: 7 }],
    [
      'poll: backoff: first must be a number of milliseconds of at least 1, not 0.',
      { every: 10, backoff: { first: 0 } },
    ],
    ['The options of poll must be an object, not "often".', 'often'],
  ])('refuses options that cannot be: %s', (message, options) => {
    const call = () => poll(open(mock()), 'x', options as PollOptions)
    expect(call).toThrow(expect.objectContaining({ code: 'CONFIG', message }) as Error)
  })

  it('hands unknown options to the call, which refuses them', () => {
    const wrong = { every: 100, evry: 5 } as PollOptions
    expect(watch(() => poll(open(mock({ 'GET /x': 200 })), 'x', wrong))).toEqual(['0 CONFIG config'])
  })

  it('reads no option from a polluted Object.prototype', () => {
    const polluted = Object.prototype as Record<string, unknown>
    const names = {
      conditional: false,
      project: () => of('evil'),
      backoff: { first: 9e3 },
      onFailure: () => EMPTY,
      headers: { evil: '1' },
      method: 'POST',
      query: { evil: 1 },
    }
    Object.assign(polluted, names)
    try {
      const api = mock({ '/x': { headers: { etag: '"1"' } } })
      expect(watch(() => poll(open(api), 'x', { every: 100 }), 150)).toEqual(['0 200', '100 200'])
      expect(headers(api, 'if-none-match')).toEqual([undefined, '"1"'])
      expect(api.history.map(({ request }) => [request.method, request.target, request.headers.get('evil')])).toEqual([
        ['GET', '/x', undefined],
        ['GET', '/x', undefined],
      ])
    } finally {
      for (const name of Object.keys(names)) Reflect.deleteProperty(polluted, name)
    }
  })
})

describe('longPoll', () => {
  const since = {
    cursor: (r: { text(): string }) => r.text() || undefined,
    next: (since: string) => ({ query: { since } }),
  }
  const asked = (api: MockEngine) => api.history.map(({ startedAt, request }) => `${startedAt} ${request.target}`)
  const long = (
    answers: readonly MockAnswer[],
    options: Partial<LongPollOptions<string>> & object = {},
    ms = 3_500,
    ...plugins: AnyPlugin[]
  ) => {
    const api = mock(script(answers))
    const seen = watch(() => longPoll<string>(open(api, ...plugins), 'x', { ...since, ...options }), ms)
    return { seen, asked: asked(api), api }
  }

  it('asks at once for what comes after the last answer', () => {
    marbles(({ api, expectObservable, expectExchanges }) => {
      let at = 0
      api.on('GET /x', () => ({ delay: 300, body: String(++at) }))
      const client = createClient({ engine: api, baseUrl: 'https://api.test/', plugins: [] })
      expectObservable(longPoll<string>(client, 'x', since).pipe(map(r => r.text())), '^ 999ms !').toBe(
        '300ms 1 299ms 2 299ms 3',
      )
      expectExchanges().toBe('^ 299ms |', '300ms ^ 299ms |', '600ms ^ 299ms |', '900ms ^ 99ms !')
    })
    const { asked: targets } = long([{ delay: 300, body: 'a' }, { delay: 300, body: 'b' }, { stall: 'headers' }])
    expect(targets).toEqual(['0 /x', '300 /x?since=a', '600 /x?since=b'])
  })

  it('goes on where an earlier poll ended', () => {
    expect(long([{ stall: 'headers' }], { from: 'z' }).asked).toEqual(['0 /x?since=z'])
  })

  it('keeps a distance from request to request while nothing new comes', () => {
    const { seen, asked: targets } = long([{ body: 'a' }, 204, { status: 204, delay: 400 }, 304, { stall: 'headers' }])
    expect(seen).toEqual(['0 200 a'])
    expect(targets).toEqual(['0 /x', '10 /x?since=a', '1010 /x?since=a', '2010 /x?since=a', '3010 /x?since=a'])
  })

  it('takes an answer that leaves the cursor where it was, or has none, for nothing new, and hands it on', () => {
    const { seen, asked: targets } = long([{ body: 'a' }, { body: 'a' }, { body: '' }, { stall: 'headers' }])
    expect(seen).toEqual(['0 200 a', '10 200 a', '1010 200'])
    expect(targets).toEqual(['0 /x', '10 /x?since=a', '1010 /x?since=a', '2010 /x?since=a'])
  })

  it('is not a tight loop, whatever a server does', () => {
    let at = 0
    const api = mock(() => ({ body: String(++at) }))
    watch(() => longPoll<string>(open(api), 'x', since), 1_000)
    expect(api.history.length).toBeLessThanOrEqual(101)
    const same = mock(() => ({ body: 'same' }))
    watch(() => longPoll<string>(open(same), 'x', { ...since, spacing: 100 }), 1_005)
    expect(same.history.length).toBe(11)
  })

  it.each<[string, MockAnswer]>([
    ['408', { status: 408, delay: 2_000 }],
    ['504', { status: 504, delay: 2_000 }],
    ['its limit for the head', { stall: 'headers' }],
    ['its limit for a pause', { chunks: ['a', 9_000], stall: 'body' }],
  ])('asks at once again when a long wait ended with %s', (_, answer) => {
    const failures: PollFailure[] = []
    const onFailure = (failure: PollFailure): void => void failures.push(failure)
    const limits = timeout({ headers: 2_500, idle: 2_000 })
    const { seen, asked: targets } = long([{ body: 'a' }, answer, 204], { onFailure }, 3_000, limits)
    expect([seen, failures]).toEqual([['0 200 a'], []])
    expect(targets.slice(0, 2)).toEqual(['0 /x', '10 /x?since=a'])
    expect(targets[2]).toMatch(/^2[05]1\d \/x\?since=a$/)
  })

  it('completes when its client is closed after a first wait that brought nothing', () => {
    const api = mock({ '/x': { stall: 'headers' }, '/other': { delay: 5_000 } })
    const client = open(api, timeout({ headers: 100 }))
    const seen = watch(
      () => longPoll<string>(client, 'x', since),
      6_000,
      () => {
        client.get('other', { timeout: false } as object).subscribe()
        timer(500).subscribe(() => void client.close())
      },
    )
    expect(seen).toEqual(['1000 end'])
  })

  it('waits out failures, with the cursor it had', () => {
    const { seen, asked: targets } = long(
      [{ body: 'a' }, 'RESET', 503, { body: 'b' }, { stall: 'headers' }],
      { backoff: { first: 1_200 }, spacing: 100 },
      4_000,
    )
    expect(seen).toEqual(['0 200 a', '3610 200 b'])
    expect(targets).toEqual(['0 /x', '10 /x?since=a', '1210 /x?since=a', '3610 /x?since=a', '3620 /x?since=b'])
  })

  it('keeps its distance after failures that are waited out for a moment only', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    expect(long([503], {}, 2_500).asked).toEqual(['0 /x', '1000 /x', '2000 /x'])
  })

  it('respects Retry-After where there is something new, too', () => {
    const answer = { body: 'a', headers: { 'retry-after': '2' } }
    expect(long([answer, { stall: 'headers' }]).asked).toEqual(['0 /x', '2000 /x?since=a'])
  })

  it('hands on every other failure', () => {
    expect(long([{ body: 'a' }, 403]).seen).toEqual(['0 200 a', '10 STATUS headers 403'])
  })

  it('asks for more when its projector is done with what came, and not later', () => {
    const project = (response: { text(): string }) => timer(500).pipe(map(() => response.text()))
    const api = mock(script([{ body: 'a' }, 204, { stall: 'headers' }]))
    const seen = watch(() => longPoll<string, string>(open(api), 'x', { ...since, project }), 3_000)
    expect([seen, asked(api)]).toEqual([['500 a'], ['0 /x', '500 /x?since=a', '1500 /x?since=a']])
  })

  it('changes query, params, headers and body as it is told, and leaves the rest of the call', () => {
    const api = mock(script([{ body: 'a' }, { stall: 'headers' }]))
    const options = {
      ...since,
      next: (cursor: string) => ({
        query: { since: cursor, page: undefined },
        params: { id: 8 },
        headers: { 'x-since': cursor },
        body: { since: cursor },
      }),
      method: 'POST',
      query: { limit: 5, since: 'never', page: 1 },
      params: { id: 7 },
      headers: { 'x-since': 'never', 'x-other': '1' },
      body: { since: 'never' },
    }
    watch(() => longPoll<string>(open(api), 'x/{id}', options), 100)
    expect(
      api.history.map(({ request, body }) => [
        request.target,
        request.headers.get('x-since'),
        request.headers.get('x-other'),
        body.text(),
      ]),
    ).toEqual([
      ['/x/7?limit=5&since=never&page=1', 'never', '1', '{"since":"never"}'],
      ['/x/8?limit=5&since=a', 'a', '1', '{"since":"a"}'],
    ])
  })

  it.each<[string, object]>([
    ['longPoll({ next }) must return an object such as { query: { since: 7 } }, not "a".', { next: (c: string) => c }],
    [
      'longPoll({ next }) returned "since"; what it returns can have query, params, headers, body.',
      { next: (since: string) => ({ since }) },
    ],
    ['longPoll({ cursor }) must return a string, a number or a bigint, not an object.', { cursor: () => ({}) }],
  ])('fails when a callback returns what cannot be: %s', (message, options) => {
    const error = firstValueFrom(
      longPoll<string>(open(mock(() => ({ body: 'a' }))), 'x', { ...since, ...options }).pipe(ignoreElements()),
    )
    return expect(error).rejects.toMatchObject({ code: 'CONFIG', message })
  })

  it.each<[string, object]>([
    ['longPoll: cursor must be a function; it has to be given.', { next: since.next }],
    ['longPoll: next must be a function; it has to be given.', { cursor: since.cursor }],
    ['longPoll: spacing must be a number of milliseconds of at least 10, not 0.', { ...since, spacing: 0 }],
    ['longPoll: from must be a string, a number or a bigint, not an object.', { ...since, from: {} }],
  ])('refuses options that cannot be: %s', (message, options) => {
    const call = () => longPoll(open(mock()), 'x', options as LongPollOptions)
    expect(call).toThrow(expect.objectContaining({ code: 'CONFIG', message }) as Error)
  })
})
