import { EMPTY, firstValueFrom, map, of, timer, type Observable } from 'rxjs'
import {
  createClient,
  HttpError,
  isHttpError,
  recommended,
  type AnyPlugin,
  type Client,
  type HttpEvent,
  type HttpResponse,
} from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { basic, type BasicOptions } from 'sluice/plugins/basic'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { virtually } from '../support/virtual-time.ts'

const SECURE = 'https://api.test/'
const CLEAR = 'http://api.test/'
const ADA = { username: 'ada', password: 'lovelace' }
const ADAS = `Basic ${Buffer.from('ada:lovelace').toString('base64')}`
const ASKS: MockReply = { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' }, body: 'who?' }

/** Asks whoever comes without the credentials of Ada. */
const asking = (answer: MockReply = ASKS): MockEngine =>
  mock(({ request }) => (request.headers.get('authorization') === ADAS ? { body: 'inside' } : answer))

function open(engine: MockEngine, options: Partial<BasicOptions> = ADA, baseUrl = SECURE, ...plugins: AnyPlugin[]) {
  return createClient({
    engine,
    baseUrl,
    confine: false,
    plugins: [...plugins, basic(options)] as [ReturnType<typeof basic>],
  })
}

function outcomeOf(call: Observable<HttpResponse>): HttpResponse | HttpError {
  let outcome: HttpResponse | HttpError | undefined
  virtually(({ flush }) => {
    call.subscribe({
      next: response => (outcome = response),
      error(error: unknown) {
        if (!isHttpError(error)) throw error
        outcome = error
      },
    })
    flush()
  })
  if (outcome === undefined) throw new Error('nothing came')
  return outcome
}

const statusOf = (call: Observable<HttpResponse>): unknown => {
  const outcome = outcomeOf(call)
  return outcome instanceof HttpError ? outcome.code : outcome.status
}

const sent = (api: MockEngine): string[] =>
  api.history.map(({ request }) => `${request.target} ${request.headers.get('authorization') ?? '-'}`)

function noticesOf(call: Observable<HttpEvent>): unknown[] {
  const notices: unknown[] = []
  virtually(({ flush }) => {
    call.subscribe(event => event.type === 'notice' && notices.push([event.plugin, event.name, event.detail]))
    flush()
  })
  return notices
}

describe('the credentials', () => {
  it.each([
    ['RFC 7617 §2', 'Aladdin', 'open sesame', 'QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
    ['RFC 7617 §2.1, UTF-8', 'test', '123£', 'dGVzdDoxMjPCow=='],
    ['no password', 'sk_live_1', '', 'c2tfbGl2ZV8xOg=='],
    ['no name', '', 'p', 'OnA='],
    ['colons in the password', 'a', 'b:c:', 'YTpiOmM6'],
    ['normal form C', 'u\u0308', 'e\u0301', Buffer.from('ü:é').toString('base64')],
    ['beyond the first plane', '🔑', '🚪', Buffer.from('🔑:🚪').toString('base64')],
  ])('are those of %s', (_, username, password, token) => {
    const api = mock(() => 200)
    expect(statusOf(open(api, { username, password }).get(''))).toBe(200)
    expect(sent(api)).toEqual([`/ Basic ${token}`])
  })

  it.each<[string, Partial<BasicOptions>, string]>([
    ['a colon in the name', { username: 'a:secret', password: 'b' }, 'username }) must be a name without a colon'],
    ['a line end in the name', { username: 'a\r\nx: y', password: 'b' }, 'username }) must be text without control'],
    ['NUL in the password', { username: 'a', password: 'secret\0' }, 'password }) must be text without control'],
    ['DEL in the password', { username: 'a', password: 'secret\x7f' }, 'password }) must be text without control'],
    ['half a character', { username: 'a', password: 'secret\udc00' }, 'password }) must be text without halves'],
    ['a number', { username: 'a', password: 7 as never }, 'password }) must be a string, or a function'],
    ['a realm that is none', { realm: 1 as never }, 'basic({ realm }) must be a string'],
    ['an origin with a path', { origins: ['https://a.test/'] }, 'basic({ origins })'],
    ['something else as preemptive', { preemptive: 'yes' as never }, 'basic({ preemptive }) must be true or false'],
  ])('with %s are refused when the plugin is made, and not shown', (_, options, message) => {
    let error: unknown
    try {
      basic(options)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect((error as HttpError).message).toContain(message)
    expect((error as HttpError).message).not.toContain('secret')
  })

  it.each<[string, Partial<BasicOptions>, string]>([
    ['no name', { password: 'p' }, 'basic has no username'],
    ['no password', { username: 'a' }, 'basic has no password'],
    ['a colon that comes later', { username: () => 'a:secret', password: 'p' }, 'a name without a colon'],
    [
      'nothing that comes later',
      { username: 'a', password: () => EMPTY },
      'must give a string, not a value of type undefined',
    ],
    ['more than a header holds', { username: 'a', password: 'x'.repeat(20_000) }, 'must fit into a header'],
  ])('with %s fail the call', (_, options, message) => {
    const api = mock(() => 200)
    for (const baseUrl of [SECURE, CLEAR]) {
      const error = outcomeOf(open(api, { preemptive: true, ...options }, baseUrl).get(''))
      expect(error).toMatchObject({ code: 'CONFIG' })
      expect((error as HttpError).message).toContain(message)
      expect((error as HttpError).message).not.toContain('secret')
    }
    expect(api.history).toEqual([])
  })

  it('may come later, anew for every request: by a Promise, an Observable, a function', async () => {
    let times = 0
    const api = mock(() => 200)
    const client = open(api, {
      username: () => of('ada', 'eve'),
      password: () => timer(5).pipe(map(() => `p${++times}`)),
    })
    expect([statusOf(client.get('')), statusOf(client.get(''))]).toEqual([200, 200])
    const token = (password: string): string => `/ Basic ${Buffer.from(`ada:${password}`).toString('base64')}`
    expect(sent(api)).toEqual([token('p1'), token('p2')])
    await firstValueFrom(client.get('', { basic: { username: () => 'ada', password: () => Promise.resolve('p3') } }))
    expect(sent(api)[2]).toBe(token('p3'))
  })

  it('may be other ones for one call, or none', () => {
    const api = mock(() => 200)
    const client = open(api)
    expect(statusOf(client.get('', { basic: { password: 'x' } }))).toBe(200)
    expect(statusOf(client.get('', { basic: false }))).toBe(200)
    expect(sent(api)).toEqual([`/ Basic ${Buffer.from('ada:x').toString('base64')}`, '/ -'])
  })

  it('may be asked for through the same client, which sends that without', async () => {
    const api = mock(({ request }) => (request.target === '/vault' ? { body: 'lovelace' } : 200))
    const client: Client = createClient({
      engine: api,
      baseUrl: SECURE,
      plugins: [basic({ username: 'ada', password: () => client.get('vault').pipe(map(answer => answer.text())) })],
    })
    expect((await firstValueFrom(client.get('in'))).status).toBe(200)
    expect(sent(api)).toEqual(['/vault -', `/in ${ADAS}`])
  })

  it('that are on their way when a call is left are not sent', () => {
    const api = mock(() => 200)
    const client = open(api, { username: 'a', password: () => timer(10).pipe(map(() => 'b')) })
    virtually(({ flush }) => {
      const subscription = client.get('').subscribe()
      timer(5).subscribe(() => {
        subscription.unsubscribe()
      })
      flush()
    })
    expect([api.history.length, client.inFlight]).toEqual([0, 0])
  })
})

describe('over https', () => {
  it('they go unasked', () => {
    const api = asking()
    expect(statusOf(open(api).post('', 'body'))).toBe(200)
    expect(sent(api)).toEqual([`/ ${ADAS}`])
  })

  it('a 401 to them is the answer, body and all, and is not answered again', () => {
    const api = asking()
    const outcome = outcomeOf(open(api, { username: 'ada', password: 'wrong' }).get(''))
    expect(outcome).toMatchObject({ status: 401 })
    expect((outcome as HttpResponse).text()).toBe('who?')
    expect(api.history).toHaveLength(1)
    expect(statusOf(open(api, { username: 'ada', password: 'wrong' }, SECURE, expectSuccess()).get(''))).toBe('STATUS')
  })

  it('they wait when that is what was said, and where a realm was named', () => {
    for (const options of [{ preemptive: false }, { realm: 'r' }]) {
      const api = asking()
      expect(statusOf(open(api, { ...ADA, ...options }).get(''))).toBe(200)
      expect(sent(api)).toEqual(['/ -', `/ ${ADAS}`])
    }
  })
})

describe('over http', () => {
  it('they wait until they are asked for, and then go to all that is as deep or deeper', () => {
    const api = asking()
    const client = open(api, ADA, CLEAR)
    for (const url of ['a/b?c/d', 'a/', 'a/x/y', 'a', 'a/b']) expect(statusOf(client.get(url))).toBe(200)
    expect(sent(api)).toEqual([
      '/a/b?c/d -',
      `/a/b?c/d ${ADAS}`,
      `/a/ ${ADAS}`,
      `/a/x/y ${ADAS}`,
      '/a -',
      `/a ${ADAS}`,
      `/a/b ${ADAS}`,
    ])
  })

  it('they go unasked when that is what was said', () => {
    const api = asking()
    expect(statusOf(open(api, { ...ADA, preemptive: true }, CLEAR).get(''))).toBe(200)
    expect(sent(api)).toEqual([`/ ${ADAS}`])
  })

  it('a notice says so, once', () => {
    const client = open(asking(), ADA, CLEAR)
    expect(noticesOf(client.events(''))).toEqual([
      ['basic', 'answering', { status: 401, realm: 'r' }],
      ['basic', 'sent in clear', { origin: 'http://api.test' }],
    ])
    expect(noticesOf(client.events(''))).toEqual([])
    expect(noticesOf(open(asking()).events(''))).toEqual([])
  })

  it('they are not remembered where they were not taken', () => {
    const api = asking()
    const client = open(api, { username: 'ada', password: 'wrong' }, CLEAR)
    expect([statusOf(client.get('')), statusOf(client.get(''))]).toEqual([401, 401])
    expect(sent(api).map(line => line.endsWith('-'))).toEqual([true, false, true, false])
    expect((outcomeOf(client.get('')) as HttpResponse).text()).toBe('who?')
  })

  it.each<[string, MockReply['headers']]>([
    ['nothing', {}],
    ['something else', { 'www-authenticate': 'Bearer, Digest realm="r", nonce="n"' }],
    ['another realm', { 'www-authenticate': 'Basic realm="other"' }],
    ['half a challenge', { 'www-authenticate': 'Basic realm="' }],
  ])('they are not given to who asks for %s', (_, headers) => {
    const api = asking({ status: 401, headers })
    expect(statusOf(open(api, { ...ADA, realm: 'r' }, CLEAR).get(''))).toBe(401)
    expect(sent(api)).toEqual(['/ -'])
  })

  it.each<[string, readonly string[]]>([
    ['among others', ['Negotiate abc=, Digest realm="d", nonce="n", bAsIc realm="r", charset="UTF-8"']],
    ['in a field of its own', ['Bearer', 'Basic realm="other"', 'Basic realm=r']],
  ])('they are given to who asks for them %s', (_, fields) => {
    const api = asking({ status: 401, headers: { 'www-authenticate': fields } })
    expect(statusOf(open(api, { ...ADA, realm: 'r' }, CLEAR).get(''))).toBe(200)
  })

  it('they are given in a realm beyond ASCII, in whatever charset it is written', () => {
    for (const charset of ['latin1', 'utf8'] as const) {
      const realm = Buffer.from('Müller', charset).toString('latin1')
      const api = asking({ status: 401, headers: { 'www-authenticate': `Basic realm="${realm}"` } })
      const client = open(api, { ...ADA, realm: 'Müller' }, CLEAR)
      expect([statusOf(client.get('')), statusOf(client.get(''))]).toEqual([200, 200])
      expect(sent(api)).toEqual(['/ -', `/ ${ADAS}`, `/ ${ADAS}`])
    }
  })

  it('a body that cannot be sent twice is an error that says what would work; one that can is sent again', async () => {
    async function* once(): AsyncGenerator<string> {
      yield 'x'
    }
    const client = open(asking(), ADA, CLEAR)
    const error: unknown = await firstValueFrom(client.post('', once())).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', response: { status: 401 } })
    expect((error as HttpError).response?.text()).toBe('who?')
    expect((await firstValueFrom(client.post('', () => once()))).status).toBe(200)
    expect((await firstValueFrom(client.post('', once()))).status).toBe(200)
  })
})

describe('they stay home', () => {
  it('when another origin asks', () => {
    const api = asking()
    const client = open(api, { ...ADA, preemptive: true })
    for (const url of [
      'https://b.test/',
      CLEAR,
      'https://api.test:8443/',
      'https://api.test.evil.test/',
      'https://x@api.test:1/',
    ])
      statusOf(client.get(url, { headers: {} }))
    expect(sent(api).filter(line => line.includes(ADAS))).toEqual([])
    expect(api.history).toHaveLength(5)
  })

  it('unless it is one of theirs', () => {
    const api = asking()
    const client = open(api, { ...ADA, origins: ['https://b.test'] })
    expect(statusOf(client.get('https://b.test/'))).toBe(200)
    expect(statusOf(client.get(''))).toBe(401)
  })

  it('when a redirect leads away, and when it leads back', () => {
    const api = mock({
      'https://api.test/away': { status: 307, headers: { location: 'https://b.test/' } },
      'https://b.test/': { status: 307, headers: { location: 'https://api.test/in' } },
      'https://api.test/in': ASKS,
    })
    expect(statusOf(open(api, ADA, SECURE, redirect()).get('away'))).toBe(401)
    expect(sent(api)).toEqual([`/away ${ADAS}`, '/ -', '/in -'])
  })

  it('when nobody said where that is', () => {
    const client = createClient({ engine: mock(() => 200), plugins: [basic(ADA)] })
    expect(statusOf(client.get(SECURE))).toBe('CONFIG')
  })

  it('when the request has its own, by header or by url', () => {
    const api = mock(() => 200)
    const client = open(api)
    expect(statusOf(client.get('', { headers: { authorization: 'Bearer t' } }))).toBe(200)
    expect(statusOf(client.get('https://eve:pw@api.test/'))).toBe(200)
    expect(sent(api)).toEqual(['/ Bearer t', `/ Basic ${Buffer.from('eve:pw').toString('base64')}`])
  })
})

it.each([redirect(), retry()])('does not stand around $name', outer => {
  expect(() => createClient({ engine: mock(), plugins: [basic(ADA), outer] })).toThrow('basic cannot stand before')
  expect(recommended(basic(ADA)).map(({ name }) => name)).toContain('basic')
})

describe.each([
  ['undici', () => undici()],
  ['http', () => http()],
  ['http2', () => http2({ mode: 'h2c' })],
  ['fetch', () => fetch()],
] as const)('%s', (name, engine) => {
  it('is let in, with whole bodies and live ones, and reads no more of a refusal than it has to', async () => {
    await using server = await serve(
      {
        '/*': request =>
          request.header('authorization') === ADAS
            ? reply.text('inside')
            : { ...reply.bytes(Infinity), status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } },
      },
      name === 'http2' ? { protocol: 'h2c' } : {},
    )
    const client = createClient({ engine: engine(), baseUrl: server.url, plugins: [basic(ADA)] })
    expect((await firstValueFrom(client.put('x', new Uint8Array(100_000)))).text()).toBe('inside')
    const live = await firstValueFrom(client.stream('live', response => response))
    expect(Buffer.from(live).toString()).toBe('inside')
    expect(server.requests.map(({ target, status }) => `${target} ${status}`)).toEqual([
      '/x 401',
      '/x 200',
      '/live 200',
    ])
    await client.close()
  })
})
