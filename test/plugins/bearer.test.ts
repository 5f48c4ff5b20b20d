import {
  BehaviorSubject,
  concat,
  defer,
  EMPTY,
  finalize,
  firstValueFrom,
  map,
  NEVER,
  of,
  Subject,
  takeWhile,
  throwError,
  timer,
} from 'rxjs'
import {
  clock,
  createClient,
  isHttpError,
  type AnyPlugin,
  type Client,
  type HttpError,
  type HttpEvent,
  type HttpResponse,
} from 'sluice'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { bearer, type BearerOptions, type RefreshContext, type Token } from 'sluice/plugins/bearer'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { text } from 'sluice/streams/text'
import { describe, expect, it } from 'vitest'
import { virtually } from '../support/virtual-time.ts'

const A = 'https://a.test/'

type Options = Partial<BearerOptions>

/** A server that takes these tokens and no other. */
function taking(...good: readonly string[]): MockEngine {
  return mock(({ request }) => {
    const token = request.headers.get('authorization')?.replace(/^Bearer /, '')
    if (good.includes(token ?? '')) return { body: `hello ${token ?? ''}` }
    return { status: 401, body: 'who?', headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }
  })
}

function open(engine: MockEngine, options: Options, ...outer: readonly AnyPlugin[]) {
  const plugins = [...(outer as [ReturnType<typeof retry>]), bearer(options)] as const
  return createClient({ engine, baseUrl: A, plugins, confine: false })
}

/** What was sent, as tokens. */
const sent = (api: MockEngine): (string | undefined)[] =>
  api.history.map(({ request }) => request.headers.get('authorization')?.replace('Bearer ', ''))

interface Seen {
  /** Notices, and at last the status or the code of the error. */
  readonly log: string[]
  readonly notices: HttpEvent[]
  error?: unknown
  response?: HttpResponse
}

function watch(client: Client, url = 'x', options: object = {}): Seen & { leave: () => void } {
  const seen: Seen = { log: [], notices: [] }
  const running = client.events(url, options).subscribe({
    next: event => {
      if (event.type === 'notice') {
        seen.log.push(event.name)
        seen.notices.push(event)
      } else if (event.type === 'response') {
        seen.log.push(String(event.response.status))
        seen.response = event.response
      }
    },
    error: (error: unknown) => {
      seen.error = error
      seen.log.push(isHttpError(error) ? error.code : (error as Error).message)
    },
  })
  return Object.assign(seen, {
    leave: () => {
      running.unsubscribe()
    },
  })
}

/** Runs one call to its end. */
function once(client: Client, url?: string, options?: object): Seen {
  return virtually(({ flush }) => {
    const seen = watch(client, url, options)
    flush()
    return seen
  })
}

/** Tokens t2, t3, … with a wait before each; counts. */
function minting(ms = 10, more: Partial<Token> = {}) {
  const asked: RefreshContext[] = []
  const refresh = (context: RefreshContext) => {
    asked.push(context)
    return timer(ms).pipe(map(() => ({ token: `t${asked.length + 1}`, ...more })))
  }
  return { asked, refresh }
}

const jwt = (claims: object): string =>
  `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify(claims)).replaceAll('=', '')}.s`

describe('the token', () => {
  const subject = new BehaviorSubject('t1')
  it.each<[string, Options['token']]>([
    ['is a text', 't1'],
    ['stands beside what is known of it', { token: 't1', expiresAt: 9e15 }],
    ['is the latest of an Observable', subject],
    ['is what a function says', () => 't1'],
    ['is the first value of what a function returns', () => concat(of('t1'), NEVER)],
    ['may come later', timer(50).pipe(map(() => 't1'))],
  ])('%s', (_, token) => {
    const api = taking('t1')
    expect(once(open(api, { token })).log).toEqual(['200'])
    expect(sent(api)).toEqual(['t1'])
  })

  it.each<[string, Options['token']]>([
    ['a Promise', Promise.resolve('t1')],
    ['what an async function returns', async () => 't1'],
    [
      'an async generator',
      (async function* () {
        yield 't1'
      })(),
    ],
  ])('is waited for: %s', async (_, token) => {
    const api = taking('t1')
    expect((await firstValueFrom(open(api, { token }).get('x'))).status).toBe(200)
  })

  it('of an Observable is the newest at every send, and heard once however many requests there are', () => {
    let heard = 0
    const tokens = new Subject<string>()
    const api = taking('t1', 't2')
    const client = open(api, { token: defer(() => (heard++, concat(of('t1'), tokens))) })
    expect(heard).toBe(0)
    once(client)
    tokens.next('t2')
    once(client)
    once(client)
    expect(sent(api)).toEqual(['t1', 't2', 't2'])
    expect([heard, tokens.observed]).toEqual([1, true])
  })

  it('of an Observable is heard until the client ends', async () => {
    const tokens = new BehaviorSubject('t1')
    const client = open(taking('t1'), { token: tokens })
    once(client)
    expect(tokens.observed).toBe(true)
    await client.close()
    expect(tokens.observed).toBe(false)
  })

  it('of a function is asked for with every send, attempts of a retry too', () => {
    let asked = 0
    const api = mock(() => 503)
    once(open(api, { token: () => `t${++asked}` }, retry({ times: 2 })))
    expect(sent(api)).toEqual(['t1', 't2', 't3'])
  })

  it.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['an Observable of undefined', of(undefined)],
  ])('that is none (%s) lets the request go without', (_, token) => {
    const api = mock(() => 200)
    expect(once(open(api, { token })).log).toEqual(['200'])
    expect(sent(api)).toEqual([undefined])
  })

  it('that fails is the error of the call, and is asked for again by the next one', () => {
    let asked = 0
    const token = defer(() => (asked++ === 0 ? throwError(() => new Error('locked')) : of('t1')))
    const client = open(taking('t1'), { token })
    expect(once(client).log).toEqual(['locked'])
    expect(once(client).log).toEqual(['200'])
  })

  it('that never comes is a TIMEOUT that says what may be wrong', () => {
    const { error } = once(open(mock(), { token: NEVER, timeout: 500 }))
    expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'queue', requestWritten: 'no' })
    expect((error as HttpError).message).toContain('{ bearer: false }')
  })

  it.each<[string, Options['token'], string]>([
    ['ends without a value', EMPTY, 'ended without a value'],
    ['a function ends without a value', () => EMPTY, 'ended without a value'],
    ['has a space', 'a b', 'visible ASCII'],
    ['has a line break', 'a\r\nx: y', 'visible ASCII'],
    ['is no text', () => 7 as unknown as string, 'must be a text'],
    ['is an object without one', {} as Token, 'visible ASCII'],
    ['has a wrong expiry', { token: 's3cret', expiresAt: 'soon' as unknown as number }, 'number of milliseconds'],
  ])('that %s is CONFIG and never shown', (_, token, message) => {
    const { error } = once(open(mock(), { token }))
    expect(error).toMatchObject({ code: 'CONFIG', message: expect.stringContaining(message) as string })
    expect((error as HttpError).message).not.toMatch(/s3cret|a b/)
  })

  it('set by the caller is left alone, and so is its 401', () => {
    const api = taking('t1')
    const { refresh, asked } = minting()
    const seen = once(open(api, { token: 't1', refresh }), 'x', { headers: { authorization: 'Bearer mine' } })
    expect([seen.log, sent(api), asked.length]).toEqual([['401'], ['mine'], 0])
  })
})

describe('at home', () => {
  it('it needs to be told where that is', () => {
    const client = createClient({ engine: mock(), plugins: [bearer({ token: 't1' })] })
    expect(once(client, A).error).toMatchObject({ code: 'CONFIG' })
  })

  it('it stays, also where another origin answers 401', () => {
    const api = taking('t1', 't2')
    const { refresh, asked } = minting()
    const client = open(api, { token: 't1', refresh })
    expect(once(client, 'https://b.test/').log).toEqual(['401'])
    expect([sent(api), asked.length]).toEqual([[undefined], 0])
  })

  it('it does not follow to another origin, nor come back with it', () => {
    const to = (location: string): MockReply => ({ status: 302, headers: { location } })
    const api = taking('t1').enqueue(to('https://b.test/'), to(`${A}home`))
    const { refresh, asked } = minting()
    expect(once(open(api, { token: 't1', refresh }, redirect())).log.at(-1)).toBe('401')
    expect([sent(api), asked.length]).toEqual([['t1', undefined, undefined], 0])
  })

  it('stands inside of redirect, retry and resume', () => {
    for (const outer of [redirect(), retry()]) {
      expect(() => createClient({ engine: mock(), plugins: [bearer({ token: 't' }), outer] })).toThrow(
        /cannot stand before/,
      )
    }
  })
})

describe('a 401', () => {
  it('is answered by one refresh and one replay, and the new token stays', () => {
    const api = taking('t2')
    const { refresh, asked } = minting()
    const client = open(api, { token: 't1', refresh })
    expect(once(client).log).toEqual(['refreshing', 'refreshed', 'replaying', '200'])
    expect(once(client).log).toEqual(['200'])
    expect(sent(api)).toEqual(['t1', 't2', 't2'])
    expect(asked).toMatchObject([{ token: 't1', reason: 'refused', head: { status: 401 }, request: { url: `${A}x` } }])
  })

  it('of 200 requests at once is one refresh', () => {
    const api = taking('t2').enqueue(...Array.from({ length: 200 }, () => ({ status: 401, delay: 1 })))
    const { refresh, asked } = minting()
    const client = open(api, { token: 't1', refresh })
    const all = virtually(({ flush }) => {
      const calls = Array.from({ length: 200 }, () => watch(client))
      flush()
      return calls
    })
    expect(all.map(({ log }) => log.at(-1))).toEqual(Array.from({ length: 200 }, () => '200'))
    expect([asked.length, api.history.length]).toEqual([1, 400])
  })

  it('to a token that was replaced meanwhile is sent again with the new one, without a refresh', () => {
    const { refresh, asked } = minting()
    const api = taking('t2')
    const refused = { status: 401 }
    virtually(({ flush }) => {
      api.enqueue({ ...refused, delay: 5 }, { ...refused, delay: 500 })
      const client = open(api, { token: 't1', refresh })
      const [first, late] = [watch(client), watch(client)]
      flush()
      expect(first.log).toEqual(['refreshing', 'refreshed', 'replaying', '200'])
      expect(late.log).toEqual(['replaying', '200'])
    })
    expect([asked.length, sent(api)]).toEqual([1, ['t1', 't1', 't2', 't2']])
  })

  it('after a refresh is handed back', () => {
    const { refresh, asked } = minting()
    const api = mock(() => 401)
    const seen = once(open(api, { token: 't1', refresh }))
    expect([seen.log.at(-1), sent(api), asked.length]).toEqual(['401', ['t1', 't2'], 1])
  })

  it('to a token that was just got is handed back, too', () => {
    const { refresh, asked } = minting()
    const api = mock(() => 401)
    expect(once(open(api, { refresh })).log).toEqual(['refreshing', 'refreshed', '401'])
    expect([sent(api), asked.length]).toEqual([['t2'], 1])
  })

  it('is handed back whole when the refresh has no other token', () => {
    for (const refresh of [() => undefined, () => null, () => EMPTY, () => of('t1')]) {
      const seen = once(open(taking('t2'), { token: 't1', refresh }))
      expect(seen.log.at(-1)).toBe('401')
      expect(seen.response?.text()).toBe('who?')
    }
  })

  it('is handed back where there is no refresh', () => {
    const api = taking('t2')
    expect(once(open(api, { token: 't1' })).log).toEqual(['401'])
    expect(sent(api)).toEqual(['t1'])
  })

  it('asks a function again where there is no refresh', () => {
    let asked = 0
    const api = taking('t2')
    expect(once(open(api, { token: () => `t${++asked}` })).log).toEqual(['replaying', '200'])
    expect(sent(api)).toEqual(['t1', 't2'])
  })

  it('takes a newer token of an Observable instead of a refresh', () => {
    const { refresh, asked } = minting()
    const tokens = new BehaviorSubject('t1')
    const api = taking('u2').enqueue(() => {
      tokens.next('u2')
      return 401
    })
    expect(once(open(api, { token: tokens, refresh })).log).toEqual(['replaying', '200'])
    expect([asked.length, sent(api)]).toEqual([0, ['t1', 'u2']])
  })

  it.each([
    ['error="invalid_token"', 'Bearer realm="x", error="invalid_token"', 1],
    ['nothing at all', undefined, 1],
    ['another scheme', 'Basic realm="x"', 1],
    ['a broken field', 'Bearer error="inval', 1],
    ['error=insufficient_scope', 'Bearer error=insufficient_scope, scope="a b"', 0],
    ['it among others', 'Basic realm="a, Bearer error=x", BEARER ERROR="insufficient_scope"', 0],
    ['error="invalid_request"', 'Bearer error="invalid_request"', 0],
  ])('with %s', (_, challenge, refreshes) => {
    const { refresh, asked } = minting()
    const headers = challenge === undefined ? {} : { 'www-authenticate': challenge }
    const api = mock(() => 200).enqueue({ status: 401, headers })
    once(open(api, { token: 't1', refresh }))
    expect(asked.length).toBe(refreshes)
  })

  it('is what `when` says it is, asked once an answer', () => {
    const { refresh } = minting()
    let asked = 0
    const when = ({ status }: { status: number }) => (asked++, status === 419)
    const api = mock(() => 200).enqueue(419)
    expect(once(open(api, { token: 't1', refresh, when })).log.at(-1)).toBe('200')
    expect([sent(api), asked]).toEqual([['t1', 't2'], 2])
  })

  it.each([403, 400, 500, 200])('is not %i', status => {
    const { refresh, asked } = minting()
    once(
      open(
        mock(() => status),
        { token: 't1', refresh },
      ),
    )
    expect(asked.length).toBe(0)
  })
})

describe('a body that can be sent once', () => {
  const body = () => of(new TextEncoder().encode('once'))

  it('gets its 401 through, says why, and the next request has a new token from the start', async () => {
    const api = taking('t2')
    const client = open(api, { token: 't1', refresh: () => 't2' })
    const seen: string[] = []
    const call = client.events('x', { method: 'POST', body: body() })
    await new Promise<void>(resolve => {
      call.subscribe({
        next: event => {
          if (event.type === 'notice') seen.push(`${event.name} ${String(event.detail['because'])}`)
          if (event.type === 'response') seen.push(String(event.response.status))
        },
        complete: resolve,
      })
    })
    expect(seen).toEqual(['not replayed body', '401'])
    expect((await firstValueFrom(client.post('x', body()))).status).toBe(200)
    expect(sent(api)).toEqual(['t1', 't2'])
  })

  it('is sent again when a function makes it', async () => {
    const api = taking('t2')
    const client = open(api, { token: 't1', refresh: () => 't2' })
    expect((await firstValueFrom(client.post('x', body))).status).toBe(200)
    expect(api.history.map(one => one.body.text())).toEqual(['once', 'once'])
  })
})

describe('before it expires a token is replaced', () => {
  const at = (frame: number, test: () => void) => {
    virtually(({ flush }) => {
      timer(frame).subscribe(test)
      flush()
    })
  }
  it.each<[string, Options, number, boolean]>([
    ['not yet', { token: { token: 't1', expiresAt: 100_000 } }, 69_999, false],
    ['30 s ahead', { token: { token: 't1', expiresAt: 100_000 } }, 70_000, true],
    ['as far ahead as is said', { token: { token: 't1', expiresAt: 100_000 }, ahead: 5 }, 99_995, true],
    ['not sooner than that', { token: { token: 't1', expiresAt: 100_000 }, ahead: 5 }, 99_994, false],
    ['at the end', { token: { token: 't1', expiresAt: 100_000 }, ahead: 0 }, 100_000, true],
    ['never', { token: { token: 't1', expiresAt: 100_000 }, ahead: false }, 200_000, false],
    ['by exp of a JWT', { token: jwt({ exp: 100 }) }, 70_000, true],
    ['a JWT that lasts', { token: jwt({ exp: 100 }) }, 69_999, false],
    ['a JWT without exp', { token: jwt({ sub: 'x' }) }, 9e8, false],
    ['a JWT whose exp is a text', { token: jwt({ exp: '1' }) }, 9e8, false],
    ['what only looks like a JWT', { token: 'a.b.c' }, 9e8, false],
    ['a JWT of null', { token: `a.${btoa('null')}.c` }, 9e8, false],
    ['by `expires`', { token: 't1', expires: () => 100_000 }, 70_000, true],
    ['what stands beside it counts before exp', { token: { token: jwt({ exp: 1 }), expiresAt: 1e9 } }, 70_000, false],
  ])('%s', (_, options, frame, replaced) => {
    const { refresh, asked } = minting()
    at(frame, () => {
      watch(
        open(
          mock(() => 200),
          { ...options, refresh },
        ),
      )
    })
    expect(asked.map(({ reason }) => reason)).toEqual(replaced ? ['expiring'] : [])
  })

  it('and all requests that come meanwhile wait for the one refresh', () => {
    const { refresh, asked } = minting(100)
    const api = taking('t2')
    virtually(({ flush }) => {
      const client = open(api, { token: { token: 't1', expiresAt: 0 }, refresh })
      const calls = [watch(client)]
      timer(50).subscribe(() => calls.push(watch(client)))
      timer(150).subscribe(() => calls.push(watch(client)))
      flush()
      expect(calls.map(({ log }) => log)).toEqual([
        ['refreshing', 'refreshed', '200'],
        ['refreshing', 'refreshed', '200'],
        ['200'],
      ])
      expect(calls[1]?.notices[0]).toMatchObject({ detail: { reason: 'expiring', joined: true } })
    })
    expect([asked.length, sent(api)]).toEqual([1, ['t2', 't2', 't2']])
  })

  it('of one that was just got half of its life is used, and all of it when it came expired', () => {
    const { refresh, asked } = minting(0, { expiresIn: 10_000 })
    virtually(({ flush }) => {
      const client = open(
        mock(() => 200),
        { refresh },
      )
      for (const ms of [0, 4_000, 4_999, 5_001, 9_000]) timer(ms).subscribe(() => watch(client))
      flush()
    })
    expect(asked.map(({ reason }) => reason)).toEqual(['missing', 'expiring'])
    const expired = minting(0, { expiresAt: -1 })
    virtually(({ flush }) => {
      const client = open(
        mock(() => 200),
        { refresh: expired.refresh },
      )
      for (const ms of [0, 10, 20]) timer(ms).subscribe(() => watch(client))
      flush()
    })
    expect(expired.asked.length).toBe(1)
  })

  it('and when that fails, it is used as long as it is good', () => {
    virtually(({ flush }) => {
      const refresh = () => throwError(() => new Error('down'))
      const client = open(
        mock(() => 200),
        { token: { token: 't1', expiresAt: 40_000 }, refresh },
      )
      const seen: Seen[] = []
      for (const ms of [20_000, 39_999, 40_000]) timer(ms).subscribe(() => seen.push(watch(client)))
      flush()
      expect(seen.map(({ log }) => log)).toEqual([
        ['refreshing', 'refresh failed', '200'],
        ['refreshing', 'refresh failed', '200'],
        ['refreshing', 'down'],
      ])
    })
  })

  it('and when that fails, it is tried again at half of what is left, and not by every request', () => {
    const asked: number[] = []
    virtually(({ flush }) => {
      const refresh = () => (asked.push(clock.now()), throwError(() => new Error('down')))
      const client = open(
        mock(() => 200),
        { token: { token: 't1', expiresAt: 40_000 }, refresh },
      )
      for (let ms = 8_000; ms < 40_000; ms += 500) timer(ms).subscribe(() => watch(client))
      flush()
    })
    expect(asked).toEqual([10_000, 25_000, 32_500, 36_500, 38_500, 39_500])
  })
})

describe('a refresh', () => {
  it('gets the first token where there is none', () => {
    const { refresh, asked } = minting()
    const api = taking('t2')
    expect(once(open(api, { refresh })).log).toEqual(['refreshing', 'refreshed', '200'])
    expect(asked).toMatchObject([{ token: undefined, reason: 'missing', head: undefined }])
  })

  it('that fails is the error of all who wait, once, and the next request tries anew', () => {
    let asked = 0
    const down = new Error('down')
    const refresh = () => {
      asked++
      return timer(10).pipe(
        map(() => {
          if (asked === 1) throw down
          return 't2'
        }),
      )
    }
    const client = open(taking('t2'), { token: 't1', refresh })
    virtually(({ flush }) => {
      const calls = [watch(client), watch(client), watch(client)]
      flush()
      expect(calls.map(({ error }) => error)).toEqual([down, down, down])
      expect(calls.map(({ log }) => log)).toEqual(Array.from({ length: 3 }, () => ['refreshing', 'down']))
    })
    expect(once(client).log.at(-1)).toBe('200')
    expect(asked).toBe(2)
  })

  it('that throws fails the call', () => {
    const refresh = () => {
      throw new Error('bug')
    }
    const client = open(taking('t2'), { token: 't1', refresh })
    expect([once(client).log, once(client).log]).toEqual([
      ['refreshing', 'bug'],
      ['refreshing', 'bug'],
    ])
  })

  it('goes on when one leaves, and stops when all have left', () => {
    let running = 0
    const refresh = () =>
      defer(() => {
        running++
        return NEVER
      }).pipe(finalize(() => running--))
    virtually(({ flush }) => {
      const client = open(taking('t2'), { token: 't1', refresh, timeout: false })
      const [first, second] = [watch(client), watch(client)]
      expect(running).toBe(1)
      first.leave()
      expect(running).toBe(1)
      second.leave()
      expect(running).toBe(0)
      flush()
      expect([first.log, second.log, client.inFlight]).toEqual([['refreshing'], ['refreshing'], 0])
    })
  })

  it('is not begun for one who leaves when he hears of it', () => {
    const { refresh, asked } = minting()
    const client = open(taking('t2'), { token: 't1', refresh })
    const left = client.events('x').pipe(takeWhile(event => event.type !== 'notice'))
    left.subscribe()
    expect([asked.length, client.inFlight]).toEqual([0, 0])
  })

  it('begins anew after all have left', () => {
    const { refresh, asked } = minting(100)
    virtually(({ flush }) => {
      const client = open(taking('t3'), { token: 't1', refresh })
      const left = watch(client)
      left.leave()
      const stays = watch(client)
      flush()
      expect([left.log, stays.log.at(-1), asked.length]).toEqual([['refreshing'], '200', 2])
    })
  })

  it('runs to its end with `finishRefresh`, and not beyond the client', async () => {
    const { refresh, asked } = minting(100)
    virtually(({ flush }) => {
      const api = taking('t2')
      const client = open(api, { token: 't1', refresh, finishRefresh: true })
      watch(client).leave()
      flush()
      expect(once(client).log).toEqual(['200'])
      expect([asked.length, sent(api)]).toEqual([1, ['t1', 't2']])
    })
    let running = 0
    const endless = () => NEVER.pipe(finalize(() => running--))
    const client = open(taking(), {
      token: 't1',
      refresh: () => (running++, endless()),
      finishRefresh: true,
      timeout: false,
    })
    watch(client).leave()
    expect(running).toBe(1)
    await client.close()
    expect(running).toBe(0)
  })

  it('takes too long after `timeout`', () => {
    const { error } = once(open(taking('t2'), { token: 't1', refresh: () => NEVER, timeout: 700 }))
    expect(error).toMatchObject({
      code: 'TIMEOUT',
      message: `GET ${A}x waited longer than 700 ms for bearer({ refresh }). Requests that it sends through the same client need the option { bearer: false }, or they wait for it.`,
    })
  })

  it('that has none is not asked for another one by the same call', () => {
    let asked = 0
    expect(once(open(taking('t2'), { refresh: () => (asked++, undefined) })).log.at(-1)).toBe('401')
    expect(asked).toBe(1)
  })

  it('whose request is sent again by retry is still that of the refresh', () => {
    const api = taking('t2').on('GET /login', { body: 't2' }).once('GET /login', 503)
    const client: Client = open(
      api,
      { token: 't1', refresh: () => client.get('login').pipe(map(answer => answer.text())) },
      retry({ delay: () => 5 }),
    )
    expect(once(client).log.at(-1)).toBe('200')
    expect(sent(api)).toEqual(['t1', undefined, undefined, 't2'])
  })

  it('may send through the same client, which then neither waits nor loops', () => {
    const api = taking('t2').on('POST /login', { body: { token: 't2' }, delay: 20 })
    const client: Client = open(api, {
      token: 't1',
      refresh: () => client.post('login', {}).pipe(map(answer => answer.json<Token>())),
    })
    virtually(({ flush }) => {
      const calls = [watch(client), watch(client)]
      flush()
      expect(calls.map(({ log }) => log.at(-1))).toEqual(['200', '200'])
    })
    expect(sent(api)).toEqual(['t1', undefined, 't2', 't2'])
  })

  it('whose own request is refused does not refresh for that', () => {
    const api = mock(() => 401)
    const client: Client = open(api, {
      token: 't1',
      refresh: () => client.post('login').pipe(map(answer => (answer.ok ? 't2' : undefined))),
    })
    expect(once(client).log).toEqual(['refreshing', '401'])
    expect(sent(api)).toEqual(['t1', undefined])
  })

  it('says so where it sends later: { bearer: false }', async () => {
    const api = taking('t2').on('POST /login', { body: { token: 't2' } })
    const refresh = async (): Promise<Token> => {
      await Promise.resolve()
      return (await firstValueFrom(client.post('login', {}, { bearer: false }))).json()
    }
    const client = createClient({ engine: api, baseUrl: A, plugins: [bearer({ token: 't1', refresh })] })
    expect((await firstValueFrom(client.get('x'))).status).toBe(200)
    expect(sent(api)).toEqual(['t1', undefined, 't2'])
  })

  it('that answers at once lets those who wait send with the new token, not as a part of it', () => {
    const api = taking('t2')
    expect(once(open(api, { token: 't1', refresh: () => 't2' })).log.at(-1)).toBe('200')
    expect(sent(api)).toEqual(['t1', 't2'])
  })

  it('that has none lets those who came meanwhile go with the token there is', () => {
    const api = mock(() => 401)
    const refresh = () => timer(10).pipe(map(() => undefined))
    virtually(({ flush }) => {
      const client = open(api, { token: 't1', refresh })
      const calls = [watch(client), watch(client)]
      flush()
      expect(calls.map(({ log }) => log.at(-1))).toEqual(['401', '401'])
    })
    expect(sent(api)).toEqual(['t1', 't1'])
  })

  it('is shared by children of the client', () => {
    const { refresh, asked } = minting()
    const client = open(taking('t2'), { token: 't1', refresh })
    const child = client.extend({ baseUrl: 'v2/' })
    virtually(({ flush }) => {
      const calls = [watch(client), watch(child)]
      flush()
      expect(calls.map(({ log }) => log.at(-1))).toEqual(['200', '200'])
    })
    expect(asked.length).toBe(1)
  })

  it('is retried by retry further out, as any failure that may go away', () => {
    let asked = 0
    const login = mock().enqueue('CONNECT', { body: 't2' })
    const idp = createClient({ engine: login, plugins: [] })
    const refresh = () => (asked++, idp.get('https://idp.test/').pipe(map(answer => answer.text())))
    const seen = once(open(taking('t2'), { token: 't1', refresh }, retry({ delay: () => 5 })))
    expect([seen.log.at(-1), asked]).toEqual(['200', 2])
  })
})

describe('of a token that the source changes', () => {
  it('what the source gives next counts more than what was refreshed before', () => {
    const tokens = new BehaviorSubject('t1')
    const { refresh } = minting()
    const api = taking('t2', 'u1')
    const client = open(api, { token: tokens, refresh })
    once(client)
    tokens.next('u1')
    once(client)
    expect(sent(api)).toEqual(['t1', 't2', 'u1'])
  })

  it('one that comes during a refresh counts more than what that gets', () => {
    const tokens = new BehaviorSubject('t1')
    const api = taking('u1')
    const refresh = () => timer(10).pipe(map(() => (tokens.next('u1'), 't2')))
    expect(once(open(api, { token: tokens, refresh })).log.at(-1)).toBe('200')
    expect(sent(api)).toEqual(['t1', 'u1'])
  })

  it('logging out during a refresh is heeded', () => {
    const tokens = new BehaviorSubject<string | undefined>('t1')
    const refresh = () => timer(10).pipe(map(() => (tokens.next(undefined), 't2')))
    const api = taking('t2')
    expect(once(open(api, { token: tokens, refresh })).log.at(-1)).toBe('401')
    expect(sent(api)).toEqual(['t1'])
  })

  it('logging out is heeded', () => {
    let token: string | undefined = 't1'
    const { refresh } = minting()
    const api = taking('t2')
    const client = open(api, { token: () => token, refresh })
    once(client)
    token = undefined
    api.enqueue(200)
    once(client)
    expect(sent(api)).toEqual(['t1', 't2', undefined])
  })
})

describe('a call', () => {
  it('can go without', () => {
    const api = mock(() => 200)
    once(open(api, { token: 't1' }), 'x', { bearer: false })
    expect(sent(api)).toEqual([undefined])
  })

  it('can have a token of its own, which shares refreshes with the same one only', () => {
    const asked: (string | undefined)[] = []
    const refresh = ({ token }: RefreshContext) => (asked.push(token), timer(5).pipe(map(() => `${token ?? ''}+`)))
    const api = taking('t1', 'mine+', 'yours+')
    const client = open(api, { token: 't1', refresh })
    virtually(({ flush }) => {
      const calls = ['mine', 'yours', 'mine'].map(token => watch(client, 'x', { bearer: { token } }))
      calls.push(watch(client))
      flush()
      expect(calls.map(({ log }) => log.at(-1))).toEqual(['200', '200', '200', '200'])
    })
    expect(asked).toEqual(['mine', 'yours'])
    once(client, 'x', { bearer: { token: 'mine' } })
    expect(sent(api).at(-1)).toBe('mine+')
  })

  it('forgets the tokens of the oldest of many', () => {
    let asked = 0
    const api = mock(({ request }) => (request.headers.get('authorization')?.endsWith('+') === true ? 200 : 401))
    const client = open(api, { refresh: ({ token }: RefreshContext) => (asked++, `${token ?? ''}+`) })
    for (let user = 0; user <= 100; user++) once(client, 'x', { bearer: { token: `u${user}` } })
    once(client, 'x', { bearer: { token: 'u100' } })
    expect(asked).toBe(101)
    once(client, 'x', { bearer: { token: 'u0' } })
    expect(asked).toBe(102)
  })

  it('can say how far ahead, of the same tokens', () => {
    const { refresh, asked } = minting()
    const client = open(
      mock(() => 200),
      { token: { token: 't1', expiresAt: 1_000 }, refresh, ahead: 10 },
    )
    once(client, 'x', { bearer: { ahead: 5_000 } })
    expect(asked.length).toBe(1)
    expect(once(client).log).toEqual(['200'])
  })

  it('does nothing before it is subscribed to', () => {
    const { refresh, asked } = minting()
    const api = mock()
    void open(api, { refresh }).get('x')
    expect([asked.length, api.history.length]).toEqual([0, 0])
  })
})

describe('a live body', () => {
  const read = async (client: Client) => {
    let body = ''
    await new Promise<void>((resolve, reject) => {
      client.stream('x', text()).subscribe({ next: part => (body += part), error: reject, complete: resolve })
    })
    return body
  }

  it('of a refusal is left, and that of the replay is read', async () => {
    const api = taking('t2')
    expect(await read(open(api, { token: 't1', refresh: () => 't2' }))).toBe('hello t2')
    expect(sent(api)).toEqual(['t1', 't2'])
  })

  it('of a refusal that stands can be read where nothing could replace the token', async () => {
    const client = open(taking('t2'), { token: 't1' })
    const body = await new Promise<string>((resolve, reject) => {
      client
        .stream('x', async response => {
          const bytes = await response.read()
          return [`${response.status} ${new TextDecoder().decode(bytes)}`]
        })
        .subscribe({ next: parts => resolve(String(parts)), error: reject })
    })
    expect(body).toBe('401 who?')
  })

  it('of a refusal is gone when the refresh has none, and its status is there', async () => {
    const client = open(taking('t2'), { token: 't1', refresh: () => undefined })
    await expect(read(client)).rejects.toMatchObject({ code: 'STATUS', response: { status: 401 } })
  })
})

it.each<[string, object]>([
  ['a wrong token', { token: 7 }],
  ['an empty token', { token: '' }],
  ['a list', { token: ['a'] }],
  ['a refresh that is none', { refresh: 'x' }],
  ['an origin with a path', { origins: ['https://a.test/x'] }],
  ['ahead', { ahead: -1 }],
  ['timeout', { timeout: 0 }],
  ['when', { when: [401] }],
  ['finishRefresh', { finishRefresh: 1 }],
  ['expires', { expires: 5 }],
])('refuses %s', (_, options) => {
  expect(() => bearer(options as Options)).toThrow(expect.objectContaining({ code: 'CONFIG' }) as Error)
})
