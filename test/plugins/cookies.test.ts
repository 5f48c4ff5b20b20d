import { firstValueFrom, lastValueFrom, NEVER, type Observable } from 'rxjs'
import {
  createClient,
  definePlugin,
  HttpHeaders,
  IDENTITY,
  isHttpError,
  STRAYED,
  type AnyPlugin,
  type Engine,
  type EngineFactory,
  type HttpError,
  type HttpEvent,
  type HttpResponse,
} from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { cookies, CookieJar, type CookieChange, type CookieStore, type RefusedCookie } from 'sluice/plugins/cookies'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { reply, serve, type Protocol, type Routes, type TestServer } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { virtually } from '../support/virtual-time.ts'

const A = 'https://a.test/'
const B = 'https://b.test/'

const setting = (...lines: string[]): MockReply => ({ status: 200, headers: { 'set-cookie': lines } })
const to = (location: string, ...lines: string[]): MockReply => ({
  status: 302,
  headers: { location, 'set-cookie': lines },
})

/** What was sent as `Cookie`, request by request. */
const sent = (api: MockEngine): string[] =>
  api.history.map(({ request }) => request.headers.getAll('cookie').join(' AND ') || '-')

function open(engine: MockEngine, ...plugins: readonly AnyPlugin[]) {
  return createClient({ engine, plugins: [...(plugins as readonly [ReturnType<typeof cookies>])] })
}

/** Runs calls one after the other. */
async function ask(...calls: readonly Observable<HttpResponse>[]): Promise<HttpResponse[]> {
  const answers: HttpResponse[] = []
  for (const call of calls) answers.push(await firstValueFrom(call))
  return answers
}

async function failing(work: PromiseLike<unknown>): Promise<HttpError> {
  const error: unknown = await Promise.resolve(work).then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!isHttpError(error)) throw new Error(`no HttpError but ${String(error)}`)
  return error
}

/** A store in memory that can be told to fail. */
class Shelved implements CookieStore {
  cookies: readonly CookieChange['cookie'][] = []
  saved: string[][] = []
  broken: Error | undefined
  loads = 0

  load(): ReturnType<CookieStore['load']> {
    this.loads++
    return this.broken ? Promise.reject(this.broken) : this.cookies
  }
  save(changes: readonly CookieChange[]): Promise<void> {
    if (this.broken) return Promise.reject(this.broken)
    this.saved.push(changes.map(({ cookie, removed }) => `${removed ? '-' : '+'}${cookie.name}=${cookie.value}`))
    return Promise.resolve()
  }
}
const storeOf = (shelved: Shelved): CookieStore => ({
  load: () => shelved.load(),
  save: changes => shelved.save(changes),
})

describe('cookies', () => {
  it('sends back what a server set, and only there', async () => {
    const api = mock(() => 200).enqueue(setting('a=1', 'b=2; Path=/x'))
    const client = open(api, cookies())
    await ask(client.get(A), client.get(A), client.get(`${A}x`), client.get(B))
    expect(sent(api)).toEqual(['-', 'a=1', 'b=2; a=1', '-'])
  })

  it('takes cookies of every status', async () => {
    for (const status of [200, 201, 204, 304, 400, 401, 404, 500, 503]) {
      const api = mock(() => 200).enqueue({ status, headers: { 'set-cookie': 'a=1' } })
      const client = open(api, cookies())
      await ask(client.get(A), client.get(A))
      expect([status, ...sent(api)]).toEqual([status, '-', 'a=1'])
    }
  })

  it('is a jar of its own in each client', async () => {
    const api = mock(() => setting('a=1'))
    const plugin = cookies()
    await ask(open(api, plugin).get(A), open(api, plugin).get(A))
    expect(sent(api)).toEqual(['-', '-'])
  })

  it('is one jar for clients that are given the same, and for children', async () => {
    const api = mock(() => 200).enqueue(setting('a=1'))
    const jar = new CookieJar()
    const client = open(api, cookies({ jar }))
    await ask(client.get(A), open(api, cookies({ jar })).get(A), client.with().get(A))
    expect(sent(api)).toEqual(['-', 'a=1', 'a=1'])
  })

  it('goes in another name with the jar of a call, and says so to those further in', async () => {
    const names: (string | undefined)[] = []
    const spying = definePlugin({
      name: 'spying',
      scope: 'attempt',
      defaults: {},
      install: () => (request, next) => {
        names.push(request.read(IDENTITY))
        return next(request)
      },
    })
    const [ada, eve] = [new CookieJar(), new CookieJar()]
    ada.set('who=ada', A)
    eve.set('who=eve', A)
    const api = mock(() => setting('seen=1'))
    const client = open(api, cookies({ jar: ada }), spying())
    await ask(client.get(A), client.get(A, { cookies: { jar: eve } }), client.get(A, { cookies: { jar: eve } }))
    await ask(client.get(A, { cookies: { jar: ada } }), client.get(A, { cookies: { jar: new CookieJar() } }))
    expect(sent(api)).toEqual(['who=ada', 'who=eve', 'who=eve; seen=1', 'who=ada; seen=1', '-'])
    const [own, first, second, explicit, third] = names
    expect([own, explicit]).toEqual([undefined, undefined])
    expect(first).toBe(second)
    expect(new Set([first, third, undefined]).size).toBe(3)
    expect(JSON.stringify(names)).not.toContain('eve')
  })

  it('adds to the name a request goes by already', async () => {
    let read: string | undefined
    const plugins = [
      definePlugin({
        name: 'outer',
        scope: 'steer',
        defaults: {},
        install: () => (request, next) => next(request.note(IDENTITY, 'digest ada')),
      })(),
      cookies(),
      definePlugin({
        name: 'inner',
        scope: 'attempt',
        defaults: {},
        install: () => (request, next) => {
          read = request.read(IDENTITY)
          return next(request)
        },
      })(),
    ] as const
    const client = createClient({ engine: mock(() => 200), plugins })
    await ask(client.get(A))
    expect(read).toBe('digest ada')
    await ask(client.get(A, { cookies: { jar: new CookieJar() } }))
    expect(read).toMatch(/^digest ada\ncookies \d+-/)
  })

  it('leaves a request alone that has a Cookie header, and takes nothing of its answer', async () => {
    const api = mock(() => 200).enqueue(setting('a=1'), setting('a=other'))
    const client = open(api, cookies())
    await ask(client.get(A), client.get(A, { headers: { Cookie: 'mine=1' } }), client.get(A))
    expect(sent(api)).toEqual(['-', 'mine=1', 'a=1'])
  })

  it('can be left out of a call', async () => {
    const api = mock(() => 200).enqueue(setting('a=1'), setting('a=other'))
    const client = open(api, cookies())
    await ask(client.get(A), client.get(A, { cookies: false }), client.get(A))
    expect(sent(api)).toEqual(['-', '-', 'a=1'])
  })

  it('does nothing before somebody subscribes', () => {
    const api = mock(() => setting('a=1'))
    const store = new Shelved()
    void open(api, cookies({ store: storeOf(store) })).get(A)
    expect([api.history.length, store.loads]).toEqual([0, 0])
  })

  it('takes cookies of a live answer at its head', async () => {
    const api = mock(() => 200).enqueue({ ...setting('a=1'), body: 'half', stall: 'body' })
    const client = open(api, cookies())
    // The reader is asked at the head, and the answer ends with what it returns.
    await lastValueFrom(client.stream(A, () => client.get(A)))
    expect(sent(api)).toEqual(['-', 'a=1'])
  })

  it('asks the jar anew for every attempt', () => {
    const api = mock(() => 200).enqueue(
      { status: 503, headers: { 'set-cookie': 'a=1' } },
      { status: 503, headers: { 'set-cookie': 'a=2' } },
    )
    virtually(({ flush }) => {
      open(api, retry({ times: 3 }) as AnyPlugin, cookies())
        .get(A)
        .subscribe()
      flush()
    })
    expect(sent(api)).toEqual(['-', 'a=1', 'a=2'])
  })

  it('keeps at most 50 cookies of one answer, and tells of what it refuses', async () => {
    const refused: RefusedCookie[] = []
    const jar = new CookieJar({ onRefused: one => refused.push(one) })
    const lines = Array.from({ length: 5000 }, (_, at) => `c${at}=1`)
    const api = mock(() => 200).enqueue(setting(...lines), setting('__HoSt-x=1', 'a=1; Secure; Domain=com', 'ok=1'))
    const client = open(api, cookies({ jar }))
    await ask(client.get(A), client.get(`${A}?key=s3cret`))
    expect(jar.size).toBe(50)
    expect(refused.map(({ name, why }) => [name, why])).toEqual([
      ['', 'is one of more than 50 that an answer sets'],
      ['__HoSt-x', 'begins with __HoSt- and is not Secure'],
      ['a', 'is for a domain that its host is not in'],
    ])
    expect(refused.map(({ url }) => url).join()).not.toContain('s3cret')
  })

  it('fails the exchange with what onRefused throws', async () => {
    const jar = new CookieJar({
      onRefused: () => {
        throw new Error('enough')
      },
    })
    await expect(
      firstValueFrom(
        open(
          mock(() => setting('__Host-a=1')),
          cookies({ jar }),
        ).get(A),
      ),
    ).rejects.toThrow('enough')
  })

  it('sends at most 8,190 bytes, and says how many found no room', async () => {
    const jar = new CookieJar()
    for (let at = 0; at < 5; at++) jar.set(`c${at}=${'x'.repeat(2000)}`, A)
    const api = mock(() => 200)
    const events: HttpEvent[] = []
    const client = open(api, cookies({ jar }))
    await lastValueFrom(client.events(A)).then(() => undefined)
    client.events(A).subscribe(event => events.push(event))
    expect(sent(api)[0]?.length).toBeLessThanOrEqual(8190)
    expect(sent(api)[0]?.match(/c\d=/g)).toEqual(['c0=', 'c1=', 'c2=', 'c3='])
    expect(events[0]).toEqual({ type: 'notice', plugin: 'cookies', name: 'left out', detail: { count: 1 } })
  })

  it('sends at most 150 cookies', async () => {
    const jar = new CookieJar()
    const host = 'https://a.b.c.example.com/'
    for (const domain of ['example.com', 'c.example.com', 'b.c.example.com', 'a.b.c.example.com']) {
      for (let at = 0; at < 50; at++) jar.set(`c${at}=1; Domain=${domain}`, host)
    }
    const api = mock(() => 200)
    await ask(open(api, cookies({ jar })).get(host))
    expect([jar.get(host).length, sent(api)[0]?.split('; ').length]).toEqual([200, 150])
  })

  it('ends with its subscription', () => {
    const api = mock(() => NEVER)
    const jar = new CookieJar({ store: { load: () => new Promise(() => undefined), save: () => undefined } })
    const client = open(api, cookies({ jar }))
    client.get(A).subscribe().unsubscribe()
    expect([client.inFlight, api.history.length]).toEqual([0, 0])
  })
})

describe('a redirect', () => {
  it('sets cookies, and its next hop is sent with them', async () => {
    const api = mock(() => 200).enqueue(to('/in', 'session=1; Path=/'))
    await ask(open(api, redirect() as AnyPlugin, cookies()).get(`${A}login`))
    expect(sent(api)).toEqual(['-', 'session=1'])
  })

  it('to another host is sent with what belongs there', async () => {
    const jar = new CookieJar()
    jar.set('a=1', A)
    jar.set('b=2', B)
    const api = mock(() => 200).enqueue(to(B), to(A))
    await ask(open(api, redirect() as AnyPlugin, cookies({ jar })).get(A))
    expect(sent(api)).toEqual(['a=1', 'b=2', 'a=1'])
  })

  it('of a call with its own Cookie header leaves that behind at another host, and the jar takes over', async () => {
    const jar = new CookieJar()
    jar.set('b=2', B)
    const api = mock(() => 200).enqueue(to('/x'), to(B, 'evil=1'))
    await ask(open(api, redirect() as AnyPlugin, cookies({ jar })).get(A, { headers: { cookie: 'mine=1' } }))
    expect(sent(api)).toEqual(['mine=1', 'mine=1', 'b=2'])
    expect(jar.get(A)).toEqual([])
  })

  const rows: readonly (readonly [method: string, status: number, strayed: string, expected: string])[] = [
    ['GET', 302, 'elsewhere', 'lax=1; unsaid=1; none=1'],
    ['HEAD', 302, 'elsewhere', 'lax=1; unsaid=1; none=1'],
    ['POST', 302, 'elsewhere', 'lax=1; unsaid=1; none=1'],
    ['POST', 303, 'elsewhere', 'lax=1; unsaid=1; none=1'],
    ['POST', 307, 'elsewhere', 'none=1'],
    ['PUT', 308, 'elsewhere', 'none=1'],
    ['DELETE', 307, 'elsewhere', 'none=1'],
    ['QUERY', 307, 'elsewhere', 'lax=1; unsaid=1; none=1'],
    ['GET', 302, 'at home', 'strict=1; lax=1; unsaid=1; none=1'],
    ['POST', 307, 'at home', 'strict=1; lax=1; unsaid=1; none=1'],
  ]
  it.each(rows)('by %s and %i that began %s is sent with %4$s', async (method, status, strayed, expected) => {
    const jar = new CookieJar()
    for (const line of [
      'strict=1; SameSite=Strict',
      'lax=1; SameSite=Lax',
      'unsaid=1',
      'none=1; SameSite=None; Secure',
    ]) {
      jar.set(line, A)
    }
    const api = mock(() => 200).enqueue({ status, headers: { location: `${A}end` } })
    const from = strayed === 'at home' ? `${A}begin` : `${B}begin`
    await ask(open(api, redirect() as AnyPlugin, cookies({ jar })).request(method, from, { body: '' }))
    expect(sent(api).at(-1)).toBe(expected)
  })

  const ways: readonly (readonly [what: string, way: readonly string[], sent: 'all' | 'none alone'])[] = [
    ['another host of its site', ['https://shop.test/', 'https://www.shop.test/'], 'all'],
    ['a host below it', ['https://a.b.www.shop.test/', 'https://www.shop.test/'], 'all'],
    ['another port', ['https://www.shop.test:8443/', 'https://www.shop.test/'], 'all'],
    ['two others of its site', ['https://shop.test/', 'https://a.shop.test/', 'https://www.shop.test/'], 'all'],
    ['another scheme', ['http://www.shop.test/', 'https://www.shop.test/'], 'none alone'],
    ['a stranger', ['https://shop.example/', 'https://www.shop.test/'], 'none alone'],
    ['one whose name only ends like it', ['https://evilshop.test/', 'https://www.shop.test/'], 'none alone'],
    ['a stranger under the same public suffix', ['https://eve.github.io/', 'https://ada.github.io/'], 'none alone'],
    [
      'another host of its site, to which a stranger had led',
      ['https://shop.example/', 'https://shop.test/', 'https://www.shop.test/'],
      'none alone',
    ],
    [
      'a stranger, to whom another host of its site had led',
      ['https://shop.test/', 'https://shop.example/', 'https://www.shop.test/'],
      'none alone',
    ],
    ['its name with a dot behind', ['https://www.shop.test./', 'https://www.shop.test/'], 'none alone'],
    ['another address', ['https://192.0.2.1/', 'https://192.0.3.1/'], 'none alone'],
    ['another port of an address', ['https://192.0.2.1:81/', 'https://192.0.2.1/'], 'all'],
  ]
  it.each(ways)('from %s', async (_, [first = '', ...rest], expected) => {
    const jar = new CookieJar()
    const end = rest.at(-1) ?? ''
    for (const line of ['strict=1; SameSite=Strict', 'lax=1; SameSite=Lax', 'none=1; SameSite=None; Secure']) {
      jar.set(line, end)
    }
    const api = mock(() => 200).enqueue(...rest.map(location => ({ status: 308, headers: { location } })))
    await ask(open(api, redirect() as AnyPlugin, cookies({ jar })).post(first))
    expect(sent(api).at(-1)).toBe(expected === 'all' ? 'strict=1; lax=1; none=1' : 'none=1')
  })

  it('that a plugin notes without saying from where is one of strangers', async () => {
    const jar = new CookieJar()
    jar.set('strict=1; SameSite=Strict', A)
    const straying = definePlugin({
      name: 'straying',
      scope: 'steer',
      defaults: {},
      install: () => (request, next) => next(request.note(STRAYED, true)),
    })
    const api = mock(() => 200)
    await ask(open(api, straying() as AnyPlugin, cookies({ jar })).get(A))
    expect(sent(api)).toEqual(['-'])
  })

  it.each(['GET', 'POST'])('by %s from another origin sets cookies, as every navigation does', async method => {
    const lines = ['strict=1; SameSite=Strict', 'lax=1; SameSite=Lax', 'unsaid=1', 'none=1; SameSite=None; Secure']
    const jar = new CookieJar()
    const api = mock(() => setting(...lines)).enqueue({ status: 307, headers: { location: A } })
    await ask(open(api, redirect() as AnyPlugin, cookies({ jar })).request(method, B))
    expect([...jar].map(({ name }) => name)).toEqual(['strict', 'lax', 'unsaid', 'none'])
  })

  it('between origins that are trusted is no other site', async () => {
    const jar = new CookieJar()
    jar.set('strict=1; SameSite=Strict', B)
    const api = mock(() => 200).enqueue(to(B))
    const trusting = redirect({ trustedOrigins: [B.slice(0, -1)] })
    await ask(open(api, trusting as AnyPlugin, cookies({ jar })).get(A))
    expect(sent(api)).toEqual(['-', 'strict=1'])
    expect(api.history.at(-1)?.request.read(STRAYED)).toBe(false)
  })
})

describe('client.cookies()', () => {
  it('tells what would be sent, of the jar of the client', async () => {
    const api = mock(() => setting('a=1; Path=/', 'b=2; Path=/v1/x'))
    const client = createClient({ engine: api, baseUrl: `${A}v1/`, plugins: [cookies()] })
    await ask(client.get('y'))
    const names = async (url: string) => (await client.cookies(url)).map(({ name }) => name)
    expect([await names('x'), await names('y')]).toEqual([['b', 'a'], ['a']])
    expect((await client.with().cookies('y'))[0]).toMatchObject({
      name: 'a',
      value: '1',
      domain: 'a.test',
      hostOnly: true,
    })
  })

  it('loads the store', async () => {
    const shelved = new Shelved()
    const jar = new CookieJar()
    jar.set('a=1', A)
    shelved.cookies = [...jar]
    const client = open(
      mock(() => 200),
      cookies({ store: storeOf(shelved) }),
    )
    expect(await client.cookies(A)).toEqual([...jar])
  })
})

describe('a store', () => {
  it('is loaded once, by the first request, which waits for it', async () => {
    const shelved = new Shelved()
    const before = new CookieJar()
    before.set('a=1', A)
    shelved.cookies = [...before]
    const api = mock(() => 200)
    const client = open(api, cookies({ store: storeOf(shelved) }))
    await Promise.all([firstValueFrom(client.get(A)), firstValueFrom(client.get(A))])
    expect([sent(api), shelved.loads]).toEqual([['a=1', 'a=1'], 1])
  })

  it('is given what changed, what was sent last being in it when the client is closed', async () => {
    const shelved = new Shelved()
    const api = mock(() => 200).enqueue(setting('a=1', 'b=2'), setting('a=; Max-Age=0', 'b=3', 'b=4'))
    const client = open(api, cookies({ store: storeOf(shelved) }))
    await ask(client.get(A), client.get(A))
    await client.close()
    expect(shelved.saved.flat()).toEqual(['+a=1', '+b=2', '-a=1', '+b=4'])
  })

  it('is given the jar of a call, too, before the client has closed', async () => {
    const shelved = new Shelved()
    const client = open(
      mock(() => setting('a=1')),
      cookies(),
    )
    await ask(client.get(A, { cookies: { jar: new CookieJar({ store: storeOf(shelved) }) } }))
    await client.close()
    expect(shelved.saved).toEqual([['+a=1']])
  })

  it('is given one batch at a time', async () => {
    const batches: CookieChange[][] = []
    const done: (() => void)[] = []
    const store: CookieStore = {
      load: () => [],
      save: changes => {
        batches.push([...changes])
        return new Promise(resolve => done.push(resolve))
      },
    }
    const jar = new CookieJar({ store })
    await jar.load()
    jar.set('a=1', A)
    await Promise.resolve()
    await Promise.resolve()
    jar.set('a=2', A)
    jar.set('a=3', A)
    const saved = jar.save()
    expect(batches.length).toBe(1)
    done[0]?.()
    await expect.poll(() => done.length).toBe(2)
    done[1]?.()
    await saved
    expect(batches.map(batch => batch.map(({ cookie }) => cookie.value))).toEqual([['1'], ['3']])
  })

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('is given what is set %i turns after it has kept the last', async turns => {
    const saved: string[] = []
    const later = async (): Promise<void> => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      jar.set('b=2', A)
    }
    const store: CookieStore = {
      load: () => [],
      save: changes => {
        if (saved.length === 0) void later()
        saved.push(...changes.map(({ cookie }) => cookie.name))
      },
    }
    const jar = new CookieJar({ store })
    await jar.load()
    jar.set('a=1', A)
    await expect.poll(() => saved).toEqual(['a', 'b'])
  })

  it('is told what had to go', async () => {
    const shelved = new Shelved()
    const jar = new CookieJar({ store: storeOf(shelved) })
    await jar.load()
    for (let at = 0; at < 51; at++) jar.set(`c${at}=1`, A)
    await jar.save()
    expect(shelved.saved.flat().filter(change => change.startsWith('-'))).toEqual(['-c0=1'])
  })

  it('is told nothing of a cookie for which there was no room', async () => {
    const shelved = new Shelved()
    const jar = new CookieJar({ store: storeOf(shelved) })
    await jar.load()
    for (let at = 0; at < 50; at++) jar.set(`c${at}=1; Secure`, A)
    await jar.save()
    for (let at = 0; at < 50; at++) jar.set(`late${at}=1`, A.replace('https', 'http'))
    await jar.save()
    expect([jar.size, shelved.saved.flat().filter(change => change.includes('late'))]).toEqual([50, []])
  })

  it('that cannot be loaded fails the call, and is asked again by the next one', async () => {
    const shelved = new Shelved()
    shelved.broken = new Error('disk on fire')
    const api = mock(() => 200)
    const client = open(api, cookies({ store: storeOf(shelved) }))
    const error = await failing(firstValueFrom(client.get(`${A}?key=s3cret`)))
    expect([error.code, error.cause, error.requestWritten, api.history.length]).toEqual([
      'CONFIG',
      shelved.broken,
      'no',
      0,
    ])
    expect(error.message).toMatch(
      /^GET https:\/\/a\.test\/\S* was not sent: the cookies that were kept for it could not be loaded; see the cause\.$/,
    )
    expect(error.message).not.toContain('s3cret')
    shelved.broken = undefined
    await ask(client.get(A))
    expect(sent(api)).toEqual(['-'])
  })

  it('that cannot be loaded fails client.cookies() as it fails calls', async () => {
    const shelved = new Shelved()
    shelved.broken = new Error('disk on fire')
    const client = open(
      mock(() => 200),
      cookies({ store: storeOf(shelved) }),
    )
    const { code, cause, message } = await failing(client.cookies(`${A}?key=s3cret`))
    expect([code, cause]).toEqual(['CONFIG', shelved.broken])
    expect(message).toMatch(/^The cookies for https:\/\/a\.test\/\?key=\S+ could not be loaded; see the cause\.$/)
    expect(message).not.toContain('s3cret')
    shelved.broken = undefined
    expect(await client.cookies(A)).toEqual([])
  })

  it('that throws, or gives what is no cookie, fails the call, too', async () => {
    const throwing: CookieStore = {
      load: () => {
        throw new Error('no')
      },
      save: () => undefined,
    }
    const wrong = { load: () => [{ name: 'a' }], save: () => undefined } as unknown as CookieStore
    for (const store of [throwing, wrong]) {
      expect(
        (
          await failing(
            firstValueFrom(
              open(
                mock(() => 200),
                cookies({ store }),
              ).get(A),
            ),
          )
        ).code,
      ).toBe('CONFIG')
    }
  })

  it('that cannot save fails no call: the next one tells of it once, and what was not saved is given again', async () => {
    const shelved = new Shelved()
    const api = mock(() => 200).enqueue(setting('a=1'), setting(), setting(), setting('b=2'))
    const client = open(api, cookies({ store: storeOf(shelved) }))
    await ask(client.get(A, {}))
    await client.cookies(A)
    shelved.broken = new Error('disk full')
    api.enqueue(setting('c=3'))
    const heard: unknown[] = []
    const listen = async (): Promise<void> => {
      await new Promise<void>(resolve => {
        client.events(A).subscribe({
          next: event => {
            if (event.type === 'notice') heard.push([event.name, event.detail['error']])
          },
          complete: resolve,
        })
      })
      await new Promise(resolve => setImmediate(resolve))
    }
    for (let call = 0; call < 6; call++) await listen()
    // Two answers set something; the others had nothing new to say.
    expect(heard).toEqual([
      ['not saved', shelved.broken],
      ['not saved', shelved.broken],
    ])
    shelved.broken = undefined
    await client.close()
    expect(shelved.saved.flat()).toEqual(['+a=1', '+b=2', '+c=3'])
  })

  it('that cannot save in the end fails close() when those of other jars have saved', async () => {
    const [broken, fine] = [new Shelved(), new Shelved()]
    let kept = false
    const slow: CookieStore = {
      load: () => [],
      save: async changes => {
        await new Promise(resolve => setTimeout(resolve, 20))
        await fine.save(changes)
        kept = true
      },
    }
    const client = open(
      mock(() => setting('a=1')),
      cookies({ store: storeOf(broken) }),
    )
    await client.cookies(A)
    broken.broken = new Error('disk full')
    await ask(client.get(A), client.get(A, { cookies: { jar: new CookieJar({ store: slow }) } }))
    await expect(client.close()).rejects.toBe(broken.broken)
    expect(kept).toBe(true)
  })

  it('that cannot save in the end fails close()', async () => {
    const shelved = new Shelved()
    const client = open(
      mock(() => setting('a=1')),
      cookies({ store: storeOf(shelved) }),
    )
    await client.cookies(A)
    shelved.broken = new Error('disk full')
    await ask(client.get(A))
    await expect(client.close()).rejects.toBe(shelved.broken)
  })

  it('has to be loaded before a jar is used by hand', async () => {
    const jar = new CookieJar({ store: { load: () => [], save: () => undefined } })
    expect(() => jar.get(A)).toThrow(/await jar\.load\(\)/)
    expect(() => {
      jar.set('a=1', A)
    }).toThrow(/await jar\.load\(\)/)
    expect(() => {
      jar.clear()
    }).toThrow(/await jar\.load\(\)/)
    await jar.load()
    jar.set('a=1', A)
    expect(jar.size).toBe(1)
  })
})

describe('refuses', () => {
  const store: CookieStore = { load: () => [], save: () => undefined }
  it.each<readonly [string, object, RegExp]>([
    ['a jar that is none', { jar: {} }, /must be a CookieJar of sluice\/plugins\/cookies/],
    ['a store that is none', { store: { load: () => [] } }, /must be a store with load\(\) and save\(\)/],
    ['an option nobody knows', { jars: 1 }, /no option "jars"/],
  ])('%s', (_, options, message) => {
    expect(() => cookies(options)).toThrow(message)
  })

  it('a jar and a store', () => {
    expect(() =>
      open(
        mock(() => 200),
        cookies({ jar: new CookieJar(), store }),
      ),
    ).toThrow(/new CookieJar\(\{ store \}\)/)
  })

  it('a store in a call', async () => {
    const error = await failing(
      firstValueFrom(
        open(
          mock(() => 200),
          cookies(),
        ).get(A, { cookies: { store } }),
      ),
    )
    expect([error.code, error.message]).toEqual([
      'CONFIG',
      'cookies: { store } cannot be given to a call; give it a jar that has the store.',
    ])
  })

  it('a platform that keeps cookies itself', () => {
    const plain = mock(() => 200)
    const engine: Engine = {
      name: 'xhr',
      capabilities: { ...plain.capabilities, reserves: ['cookies'] },
      exchange: (request, observer) => plain.exchange(request, observer),
      close: () => plain.close(),
      destroy: reason => plain.destroy(reason),
    }
    expect(() => createClient({ engine, plugins: [cookies()] })).toThrow(
      'cookies() cannot keep cookies with the engine xhr: its platform keeps them itself and shows none.',
    )
  })
})

describe.each<readonly [string, () => EngineFactory, Protocol]>([
  ['undici', () => undici(), 'http/1.1'],
  ['http', () => http(), 'http/1.1'],
  ['http2', () => http2({ mode: 'h2c' }), 'h2c'],
  ['fetch', () => fetch(), 'http/1.1'],
])('over %s', (_, engine, protocol) => {
  const cookiesOf = (server: TestServer): string[] =>
    server.requests.map(
      ({ headers }) => HttpHeaders.of(Object.entries(headers as Record<string, string>)).get('cookie') ?? '-',
    )

  async function world(routes: Routes) {
    const server = await serve(routes, { protocol })
    const client = createClient({ engine: engine(), plugins: [redirect(), cookies()] })
    return {
      server,
      client,
      /** The same server, as another site. */
      other: server.url.replace('127.0.0.1', 'localhost'),
      async [Symbol.asyncDispose]() {
        await client.close()
        await server.close()
      },
    }
  }

  it('a login by redirects across two sites works, and each site sees its own cookies', async () => {
    let other = ''
    await using site = await world({
      'GET /app': request =>
        request.header('cookie').includes('session=') ? reply.text('hello') : reply.redirect(`${other}login`),
      'GET /login': reply.redirect('/form', { headers: { 'set-cookie': ['idp=1; Path=/', 'lax=1; SameSite=Lax'] } }),
      'GET /form': () => reply.redirect(`${site.server.url}back`),
      'GET /back': reply.redirect('/app', { headers: { 'set-cookie': 'session=2; Path=/; HttpOnly' } }),
    })
    other = site.other
    const answer = await firstValueFrom(site.client.get(`${site.server.url}app`))
    expect([answer.status, answer.text()]).toEqual([200, 'hello'])
    expect(cookiesOf(site.server)).toEqual(['-', '-', 'idp=1; lax=1', '-', 'session=2'])
    expect((await site.client.cookies(`${site.other}x`)).map(({ name }) => name)).toEqual(['idp', 'lax'])
  })

  it('bytes beyond ASCII come back as they were', async () => {
    await using site = await world({
      'GET /set': reply.status(204, { headers: { 'set-cookie': 'a=\u00c3\u00a0' } }),
      'GET /get': reply.text(''),
    })
    await ask(site.client.get(`${site.server.url}set`), site.client.get(`${site.server.url}get`))
    expect((await site.client.cookies(site.server.url))[0]?.value).toBe('\u00c3\u00a0')
  })

  it('an answer whose body breaks off has set its cookies', async () => {
    await using site = await world({
      'GET /cut': reply.text('whole', {
        headers: { 'set-cookie': 'a=1; Path=/' },
        fault: { kind: 'reset', at: 'mid-body', bytes: 2 },
      }),
    })
    await failing(firstValueFrom(site.client.get(`${site.server.url}cut`)))
    expect((await site.client.cookies(site.server.url)).map(({ name }) => name)).toEqual(['a'])
  })

  it('a hostile answer fills neither the jar nor the next header', async () => {
    const bomb = Array.from({ length: 200 }, (__, at) => `c${at}=${'x'.repeat(200)}; Path=/`)
    await using site = await world({
      'GET /bomb': reply.status(200, { headers: { 'set-cookie': bomb } }),
      'GET /next': reply.text('ok'),
    })
    // Engines have limits of their own on heads; what passes them is bounded here.
    const answer = await firstValueFrom(site.client.get(`${site.server.url}bomb`)).catch(() => undefined)
    const kept = await site.client.cookies(site.server.url)
    expect(kept.length).toBe(answer === undefined ? 0 : 50)
    await firstValueFrom(site.client.get(`${site.server.url}next`))
    expect(cookiesOf(site.server).at(-1)?.length).toBeLessThanOrEqual(8190)
  })
})
