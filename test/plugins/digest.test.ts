import { inspect } from 'node:util'
import fc from 'fast-check'
import { EMPTY, firstValueFrom, map, merge, of, switchMap, takeUntil, timer, type Observable } from 'rxjs'
import {
  createClient,
  definePlugin,
  HttpError,
  IDENTITY,
  isHttpError,
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
import { basic } from 'sluice/plugins/basic'
import { cache } from 'sluice/plugins/cache'
import { encode } from 'sluice/plugins/encode'
import { digest, type DigestOptions } from 'sluice/plugins/digest'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { webSocket } from 'sluice/streams/web-socket'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { Keeper, INSIDE, type KeeperOptions } from '../support/digest-keeper.ts'
import { certificates } from '../support/certificates.ts'
import { virtually } from '../support/virtual-time.ts'

const BASE = 'https://api.test/'
const { ca, good } = certificates()

/** A mock whose server is `keeper`. */
function kept(keeper: Keeper, delay = 0): MockEngine {
  return mock(({ request, body }) => {
    const { status, headers } = keeper.ask({
      method: request.method,
      target: request.target,
      authorization: request.headers.get('authorization'),
      body: body.bytes,
    })
    return { status, headers, delay, body: status === 200 ? INSIDE : 'outside' }
  })
}

function open(engine: MockEngine, options: Partial<DigestOptions>, ...plugins: AnyPlugin[]) {
  return createClient({ engine, baseUrl: BASE, plugins: [...plugins, digest(options)] as [ReturnType<typeof digest>] })
}

function asked(given: KeeperOptions = {}, options: Partial<DigestOptions> = {}, baseUrl: string = BASE) {
  const keeper = new Keeper(given)
  const api = kept(keeper)
  const { username, password } = keeper
  const client = createClient({ engine: api, baseUrl, plugins: [digest({ username, password, ...options })] })
  return { keeper, api, client }
}

/** Everything that happens in a call, in virtual time. */
function eventsOf(call: Observable<HttpEvent>): HttpEvent[] {
  const events: HttpEvent[] = []
  virtually(({ flush }) => {
    call.subscribe(event => events.push(event))
    flush()
  })
  return events
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

const authorizations = (api: MockEngine): (string | undefined)[] =>
  api.history.map(({ request }) => request.headers.get('authorization'))

describe('a server that asks', () => {
  it.each<[string, KeeperOptions, Partial<DigestOptions>]>([
    ['by SHA-256', {}, {}],
    ['by SHA-512-256', { algorithms: ['SHA-512-256'] }, {}],
    ['by MD5, over https', { algorithms: ['MD5'] }, {}],
    ['by nothing named, which is MD5', { algorithms: [''] }, {}],
    ['by MD5-sess', { algorithms: ['MD5-sess'] }, {}],
    ['by SHA-256-sess', { algorithms: ['SHA-256-sess'] }, {}],
    ['by SHA-512-256-sess', { algorithms: ['SHA-512-256-sess'] }, {}],
    ['by RFC 2069', { algorithms: [''], qop: false }, {}],
    ['for the body covered', { qop: 'auth-int' }, {}],
    ['for the body covered in a session', { qop: 'auth-int', algorithms: ['SHA-256-sess'] }, {}],
    ['for either', { qop: 'auth,auth-int' }, {}],
    ['for either, and gets the better', { qop: 'auth,auth-int' }, { integrity: true }],
    ['for a hashed name', { userhash: true }, {}],
    ['for a hashed name by SHA-512-256', { userhash: true, algorithms: ['SHA-512-256'] }, {}],
    ['in a realm with everything in it', { realm: 'a "b" \\ c, d=e \xe4' }, {}],
    ['with a domain', { more: ', domain="/ https://other.test/"' }, {}],
    ['with what nobody knows', { more: ', x=y, z="Digest nonce=1"' }, {}],
    ['with other schemes beside', { more: ', Negotiate, Basic realm="b"' }, {}],
    ['and tells the next nonce each time', { nextnonce: true, uses: 1 }, {}],
    ['and proves nothing itself', { rspauth: 'none' }, {}],
  ])('%s is answered once, and from then on unasked', (_, given, options) => {
    const { keeper, client } = asked(given, options)
    expect(outcomeOf(client.get('a?b=c,d'))).toMatchObject({ status: 200 })
    expect(statusOf(client.post('a/b', 'some body'))).toBe(200)
    expect(statusOf(client.head(''))).toBe(200)
    expect(statusOf(client.put('x', new Uint8Array(70_000)))).toBe(200)
    expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 200, 200, 200, 200])
  })

  it('is answered by the best hash it knows, in whatever order it says so', () => {
    for (const algorithms of [
      ['MD5', 'SHA-256', 'SHA-512-256'],
      ['SHA-512-256', 'SHA-256', 'MD5'],
    ]) {
      const { api, client } = asked({ algorithms })
      expect(statusOf(client.get(''))).toBe(200)
      expect(authorizations(api)[1]).toContain('algorithm=SHA-512-256')
    }
  })

  it('is answered in the realm that was named, and in no other', () => {
    const two =
      'Digest realm="one", nonce="1", qop="auth", Digest realm="two", nonce="2", qop="auth", algorithm=SHA-256'
    const api = mock(() => ({ status: 401, headers: { 'www-authenticate': two } }))
    expect(statusOf(open(api, { username: 'a', password: 'b', realm: 'one' }).get(''))).toBe(401)
    expect(authorizations(api)[1]).toContain('realm="one"')
    expect(statusOf(open(api, { username: 'a', password: 'b', realm: 'three' }).get(''))).toBe(401)
    expect(api.history).toHaveLength(3)
  })

  it('is answered in a realm beyond ASCII, in whatever charset it is written', () => {
    for (const charset of ['latin1', 'utf8'] as const) {
      const realm = Buffer.from('Müller', charset).toString('latin1')
      const { keeper, client } = asked({ realm }, { realm: 'Müller' })
      for (let time = 0; time < 2; time++) expect(statusOf(client.get(''))).toBe(200)
      expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 200, 200])
    }
  })

  it('is answered unasked in the realm that was named for the call, and in no other', () => {
    const api = mock(({ request }) => {
      const realm = request.target.slice(1)
      const said = request.headers.get('authorization')
      if (said?.includes(`realm="${realm}"`) === true) return 200
      const challenge = `Digest realm="${realm}", nonce="of ${realm}", qop="auth", algorithm=SHA-256`
      return { status: 401, headers: { 'www-authenticate': challenge } }
    })
    const client = open(api, { username: 'a', password: 'b' })
    for (const realm of ['one', 'two']) expect(statusOf(client.get(realm))).toBe(200)
    const known = api.history.length
    for (const realm of ['one', 'two']) expect(statusOf(client.get(realm, { digest: { realm } }))).toBe(200)
    expect(api.history.length - known).toBe(2)
    expect(statusOf(client.get('three', { digest: { realm: 'four' } }))).toBe(401)
    expect(authorizations(api).at(-1)).toBeUndefined()
  })

  it.each<[string, MockReply]>([
    ['for something else', { headers: { 'www-authenticate': 'Bearer realm="x"' } }],
    ['for nothing', {}],
    [
      'by a hash nobody should use',
      { headers: { 'www-authenticate': 'Digest realm="r", nonce="n", algorithm=SHA-1' } },
    ],
    [
      'with a nonce of 60 KiB',
      { headers: { 'www-authenticate': `Digest realm="r", nonce="${'n'.repeat(60_000)}", algorithm=SHA-256` } },
    ],
    ['with half a challenge', { headers: { 'www-authenticate': 'Digest realm="r", nonce="' } }],
  ])('%s is not answered', (_, answer) => {
    const api = mock(() => ({ status: 401, body: 'who?', ...answer }))
    const outcome = outcomeOf(open(api, { username: 'a', password: 'b' }).get(''))
    expect(outcome).toMatchObject({ status: 401 })
    expect((outcome as HttpResponse).text()).toBe('who?')
    expect(api.history).toHaveLength(1)
  })

  it('with another status than 401 is not answered', () => {
    const api = mock(() => ({
      status: 403,
      headers: { 'www-authenticate': 'Digest realm="r", nonce="n", algorithm=SHA-256' },
    }))
    expect(statusOf(open(api, { username: 'a', password: 'b' }).get(''))).toBe(403)
    expect(api.history).toHaveLength(1)
  })

  it('is told of in a notice, without a secret', () => {
    const { client, keeper } = asked()
    const events = eventsOf(client.events(''))
    expect(events).toContainEqual({
      type: 'notice',
      plugin: 'digest',
      name: 'answering',
      detail: { status: 401, realm: 'r', algorithm: 'sha-256', stale: false },
    })
    expect(JSON.stringify(events)).not.toContain(JSON.stringify(keeper.password).slice(1, -1))
  })
})

describe('a proof that is not taken', () => {
  it('is the answer of the call, body and all, after one attempt', () => {
    const { keeper, client } = asked({}, { password: 'wrong' })
    const outcome = outcomeOf(client.get(''))
    expect(outcome).toMatchObject({ status: 401 })
    expect((outcome as HttpResponse).text()).toBe('outside')
    expect(keeper.verdicts).toHaveLength(2)
    // Nothing is sent unasked that was never taken.
    expect(statusOf(client.get(''))).toBe(401)
    expect(keeper.verdicts.map(({ why }) => why)).toEqual(['nothing', 'password', 'nothing', 'password'])
  })

  it('because its nonce is too old is given again, with the new one', () => {
    const { keeper, client } = asked({ uses: 2 })
    for (let time = 0; time < 5; time++) expect(statusOf(client.get(''))).toBe(200)
    expect(keeper.verdicts.map(({ why }) => why)).toEqual([
      'nothing',
      undefined,
      undefined,
      'used up',
      undefined,
      undefined,
      'used up',
      undefined,
    ])
  })

  it('because the server forgot the nonce is given again, also when it does not say stale', () => {
    const { keeper, api, client } = asked()
    expect(statusOf(client.get(''))).toBe(200)
    keeper.forget()
    expect(statusOf(client.get(''))).toBe(200)
    const forgetful = mock()
    const challenge = (nonce: string): MockReply => ({
      status: 401,
      headers: { 'www-authenticate': `Digest realm="r", nonce="${nonce}", algorithm=SHA-256, qop="auth"` },
    })
    forgetful.enqueue(challenge('1'), 200, challenge('2'), 200, challenge('3'), challenge('4'), challenge('4'))
    const other = open(forgetful, { username: 'a', password: 'b' })
    expect([statusOf(other.get('')), statusOf(other.get('')), statusOf(other.get(''))]).toEqual([200, 200, 401])
    expect(authorizations(forgetful).map(said => /nonce="(\d)"/.exec(said ?? '')?.[1])).toEqual([
      undefined,
      '1',
      '1',
      '2',
      '2',
      '3',
    ])
    expect(api.history).toHaveLength(4)
  })

  it('is not given for ever to a server that always calls the nonce too old', () => {
    let nonce = 0
    const api = mock(() => ({
      status: 401,
      headers: {
        'www-authenticate': `Digest realm="r", nonce="${++nonce}", algorithm=SHA-256, qop="auth", stale=true`,
      },
    }))
    expect(statusOf(open(api, { username: 'a', password: 'b' }).get(''))).toBe(401)
    expect(api.history).toHaveLength(3)
  })

  it('is not given again for the same nonce, unless that is called too old', () => {
    const api = mock(() => ({
      status: 401,
      headers: { 'www-authenticate': 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"' },
    })).enqueue(200)
    const client = open(api, { username: 'a', password: 'b' })
    expect(statusOf(client.get(''))).toBe(200)
    expect(statusOf(client.get(''))).toBe(401)
    expect(api.history).toHaveLength(3)
  })
})

describe('a body', () => {
  async function* once(): AsyncGenerator<string> {
    yield 'one'
    yield 'shot'
  }

  it.each<KeeperOptions>([{ qop: 'auth' }, { qop: 'auth-int' }])(
    'that can be made again is sent again: %o',
    async given => {
      const { keeper, client } = asked(given)
      for (let time = 0; time < 2; time++) {
        expect((await firstValueFrom(client.put('', () => once()))).status).toBe(200)
      }
      expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 200, 200])
      expect(keeper.verdicts.map(({ knock }) => Buffer.from(knock.body ?? []).toString())).toEqual(
        Array(3).fill('oneshot'),
      )
    },
  )

  it('that is covered is left uncoded by encode, and one that is not is coded', async () => {
    const text = 'again and '.repeat(1000)
    for (const qop of ['auth', 'auth-int']) {
      const keeper = new Keeper({ qop })
      const api = kept(keeper)
      const { username, password } = keeper
      const client = createClient({ engine: api, baseUrl: BASE, plugins: [digest({ username, password }), encode()] })
      await firstValueFrom(client.get(''))
      expect((await firstValueFrom(client.put('', text))).status).toBe(200)
      expect(api.history.at(-1)?.request.headers.get('content-encoding')).toBe(qop === 'auth' ? 'gzip' : undefined)
    }
  })

  it('that cannot be made again is an error that says what would work, with the answer', async () => {
    const { keeper, client } = asked()
    const error = await firstValueFrom(client.put('', once())).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', response: { status: 401 } })
    expect((error as HttpError).message).toContain('give a function that returns a new one')
    // Once the nonce is known, there is no need to send it twice.
    await firstValueFrom(client.get(''))
    expect((await firstValueFrom(client.put('', once()))).status).toBe(200)
    expect(keeper.verdicts).toHaveLength(4)
  })

  it('that cannot be made again is not covered where that is no must', async () => {
    const { keeper, client } = asked({ qop: 'auth,auth-int' }, { integrity: true })
    await firstValueFrom(client.get(''))
    expect((await firstValueFrom(client.put('', once()))).status).toBe(200)
    expect(keeper.verdicts.map(({ knock }) => /qop=([\w-]+)/.exec(knock.authorization ?? '')?.[1])).toEqual([
      undefined,
      'auth-int',
      'auth',
    ])
  })

  it('that cannot be made again and has to be covered is an error before it is sent', async () => {
    const { keeper, client } = asked({ qop: 'auth-int' })
    await firstValueFrom(client.get(''))
    const error = await firstValueFrom(client.put('', once())).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', requestWritten: 'no' })
    expect(keeper.verdicts).toHaveLength(2)
  })

  it('that is another one when it is sent than it was when it was hashed is an error', async () => {
    const { keeper, client } = asked({ qop: 'auth-int' })
    await firstValueFrom(client.get(''))
    let times = 0
    async function* changing(): AsyncGenerator<string> {
      yield `${times++}`
    }
    const error = await firstValueFrom(client.put('', () => changing())).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'BODY', phase: 'send' })
    expect((error as HttpError).message).toContain('is not the one its proof was made of')
    expect(keeper.verdicts).toHaveLength(2)
  })

  it('that fails while it is hashed fails the call, and one that is left while it is hashed is ended', async () => {
    const { client } = asked({ qop: 'auth-int' })
    await firstValueFrom(client.get(''))
    const broken = new Error('no disk')
    async function* failing(): AsyncGenerator<string> {
      yield 'a'
      throw broken
    }
    expect(await firstValueFrom(client.put('', () => failing())).catch((reason: unknown) => reason)).toMatchObject({
      code: 'BODY',
      phase: 'send',
      requestWritten: 'no',
      cause: broken,
    })
    let ended = 0
    const waiting = Promise.withResolvers<undefined>()
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) {
          waiting.resolve(undefined)
          yield 'x'
        }
      } finally {
        ended++
      }
    }
    const subscription = client.put('', () => endless()).subscribe()
    await waiting.promise
    subscription.unsubscribe()
    await expect.poll(() => ended, { interval: 1 }).toBe(1)
    expect(client.inFlight).toBe(0)
  })
})

describe('MD5 over http', () => {
  it('is an error that says why, with the answer', () => {
    const { keeper, client } = asked({ algorithms: ['MD5'] }, {}, 'http://api.test/')
    const error = outcomeOf(client.get(''))
    expect(error).toMatchObject({ code: 'BLOCKED', response: { status: 401 } })
    expect((error as HttpError).message).toContain('digest({ md5OverHttp: true })')
    expect((error as HttpError).response?.text()).toBe('outside')
    expect(keeper.verdicts).toHaveLength(1)
  })

  it('is answered when that is what was said, for one call too', () => {
    const { client } = asked({ algorithms: ['MD5'] }, { md5OverHttp: true }, 'http://api.test/')
    expect(statusOf(client.get(''))).toBe(200)
    expect(statusOf(client.get('', { digest: { md5OverHttp: false } }))).toBe('BLOCKED')
  })

  it('is not needed where the server knows better', () => {
    const { client } = asked({ algorithms: ['MD5', 'SHA-256'] }, {}, 'http://api.test/')
    expect(statusOf(client.get(''))).toBe(200)
  })
})

describe('a server that proves itself', () => {
  it.each<KeeperOptions>([{}, { qop: 'auth-int' }, { algorithms: ['MD5-sess'] }])(
    'and does not know the password is an error: %o',
    given => {
      const { client } = asked({ ...given, rspauth: 'wrong' })
      const error = outcomeOf(client.get(''))
      expect(error).toMatchObject({ code: 'PROTOCOL', response: { status: 200 } })
      expect((error as HttpError).message).toContain('does not know the password')
    },
  )

  it('and speaks of another request is not heard, as what a cache on the way plays back', () => {
    const answer = (nc: string): MockReply => ({
      headers: { 'authentication-info': `rspauth="00", qop=auth, cnonce="c", nc=${nc}, nextnonce="other"` },
    })
    for (const nc of ['00000001', '00000009']) {
      const api = mock(() => 200).enqueue(
        { status: 401, headers: { 'www-authenticate': challengeOf('n') } },
        answer(nc),
      )
      const client = open(api, { username: 'a', password: 'b' })
      expect([statusOf(client.get('')), statusOf(client.get(''))]).toEqual([200, 200])
      expect(authorizations(api)[2]).toContain('nonce="n"')
    }
  })

  it('is heard in trailers too', () => {
    const api = mock().enqueue(
      { status: 401, headers: { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256' } },
      { chunks: ['x'], trailers: { 'authentication-info': 'rspauth="00", qop=auth' } },
    )
    expect(statusOf(open(api, { username: 'a', password: 'b' }).get(''))).toBe('PROTOCOL')
  })

  it('cannot be judged by a body of which nobody knows whether it is the one that was sent', () => {
    const api = mock().enqueue(
      {
        status: 401,
        headers: { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth-int", algorithm=SHA-256' },
      },
      { chunks: ['x'], headers: { 'authentication-info': 'rspauth="00", qop=auth-int' } },
    )
    expect(statusOf(open(api, { username: 'a', password: 'b' }).get(''))).toBe(200)
  })
})

describe('a cache further in', () => {
  const caching = (given: KeeperOptions = {}) => {
    const keeper = new Keeper(given)
    const api = mock(({ request }) => {
      const { status, headers } = keeper.ask({
        method: request.method,
        target: request.target,
        authorization: request.headers.get('authorization'),
      })
      return {
        status,
        headers: { ...headers, 'cache-control': 'max-age=60' },
        body: status === 200 ? INSIDE : 'outside',
      }
    })
    const { username, password } = keeper
    const plugins = [digest({ username, password }), cache()] as const
    return { keeper, client: createClient({ engine: api, baseUrl: BASE, plugins }) }
  }

  it.each<KeeperOptions>([{}, { nextnonce: true, uses: 1 }, { algorithms: ['MD5-sess'] }])(
    'plays back what was proven, which proves nothing now and is no lie: %o',
    given => {
      const { keeper, client } = caching(given)
      for (let time = 0; time < 3; time++) expect(outcomeOf(client.get(''))).toMatchObject({ status: 200 })
      expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 200])
      expect(statusOf(client.get('else'))).toBe(200)
      expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 200, 200])
    },
  )

  it('gives nothing to somebody who knows the name alone', () => {
    const { client } = caching()
    expect(statusOf(client.get(''))).toBe(200)
    expect(statusOf(client.get('', { digest: { password: 'wrong' } }))).toBe(401)
    expect(statusOf(client.get(''))).toBe(200)
  })
})

describe('a protection space', () => {
  it('is what the challenge names, and the whole origin where it names nothing', () => {
    const { keeper, client } = asked({ more: ', domain="/in/ https://api.test/also https://b.test/ ::"' })
    expect(statusOf(client.get('in/a'))).toBe(200)
    for (const url of ['in/b', 'also', 'also/c', 'out']) expect(statusOf(client.get(url))).toBe(200)
    expect(keeper.verdicts.map(({ status, knock }) => `${status} ${knock.target}`)).toEqual([
      '401 /in/a',
      '200 /in/a',
      '200 /in/b',
      '200 /also',
      '200 /also/c',
      '401 /out',
      '200 /out',
    ])
  })

  it('is another one for another user', () => {
    const { keeper, client } = asked()
    expect(statusOf(client.get(''))).toBe(200)
    expect(statusOf(client.get('', { digest: { username: 'eve' } }))).toBe(401)
    expect(statusOf(client.get(''))).toBe(200)
    expect(keeper.verdicts.map(({ why }) => why)).toEqual(['nothing', undefined, 'nothing', 'username', undefined])
  })

  it('is another one at another origin: what one said is not told to the next', () => {
    const keepers = { a: new Keeper(), b: new Keeper() }
    const api = mock(({ request }) => {
      const { status, headers } = keepers[request.origin === 'https://a.test' ? 'a' : 'b'].ask({
        method: request.method,
        target: request.target,
        authorization: request.headers.get('authorization'),
      })
      return { status, headers }
    })
    const { username, password } = keepers.a
    const client = createClient({
      engine: api,
      plugins: [digest({ username, password, origins: ['https://a.test', 'https://b.test'] })],
    })
    for (const origin of ['a', 'b', 'a', 'b']) expect(statusOf(client.get(`https://${origin}.test/`))).toBe(200)
    for (const keeper of Object.values(keepers)) {
      expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 200, 200])
      expect(keeper.verdicts[0]?.knock.authorization).toBeUndefined()
    }
  })

  it('counts on when the same nonce is given again', () => {
    const keeper = new Keeper({ nonces: 'same' })
    const client = open(kept(keeper, 10), { username: keeper.username, password: keeper.password })
    virtually(({ flush }) => {
      for (const url of ['1', '2', '3']) client.get(url).subscribe()
      flush()
    })
    expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 401, 401, 200, 200, 200])
    expect(keeper.counts).toEqual([[1, 2, 3]])
  })
})

describe('credentials stay home', () => {
  const challenge = { 'www-authenticate': 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"' }

  it('when another origin asks', () => {
    const api = mock(() => ({ status: 401, headers: challenge }))
    const client = createClient({
      engine: api,
      baseUrl: BASE,
      confine: false,
      plugins: [digest({ username: 'a', password: 'b' })],
    })
    for (const url of ['https://b.test/', 'http://api.test/', 'https://api.test:8443/', 'https://x.api.test/']) {
      expect(statusOf(client.get(url))).toBe(401)
    }
    expect(authorizations(api)).toEqual(Array(4).fill(undefined))
  })

  it('when a redirect leads away, and when it leads back', () => {
    const api = mock({
      'https://api.test/away': { status: 302, headers: { location: 'https://b.test/' } },
      'https://b.test/': { status: 302, headers: { location: 'https://api.test/in' } },
      'https://api.test/in': { status: 401, headers: challenge },
    })
    expect(statusOf(open(api, { username: 'a', password: 'b' }, redirect()).get('away'))).toBe(401)
    expect(authorizations(api)).toEqual(Array(3).fill(undefined))
  })

  it('when nobody said where that is', () => {
    const client = createClient({ engine: mock(() => 200), plugins: [digest({ username: 'a', password: 'b' })] })
    expect(statusOf(client.get(BASE))).toBe('CONFIG')
  })

  it('when the request has its own', () => {
    const { api, client } = asked()
    expect(statusOf(client.get('', { headers: { authorization: 'Bearer x' } }))).toBe(401)
    expect(authorizations(api)).toEqual(['Bearer x'])
  })

  it('when a call goes without', () => {
    const { api, client } = asked()
    expect(statusOf(client.get('', { digest: false }))).toBe(401)
    expect(api.history).toHaveLength(1)
  })
})

describe('the order', () => {
  it('is inside of redirect: each hop is proven for itself', () => {
    const keeper = new Keeper()
    const api = mock(({ request }) => {
      const { status, headers } = keeper.ask({
        method: request.method,
        target: request.target,
        authorization: request.headers.get('authorization'),
      })
      return status === 200 && request.target === '/old'
        ? { status: 302, headers: { ...headers, location: '/new' } }
        : { status, headers }
    })
    const { username, password } = keeper
    expect(statusOf(open(api, { username, password }, redirect()).get('old'))).toBe(200)
    expect(keeper.verdicts.map(({ status, knock }) => `${status} ${knock.target}`)).toEqual([
      '401 /old',
      '200 /old',
      '200 /new',
    ])
  })

  it('is inside of retry: each attempt is proven for itself', () => {
    const keeper = new Keeper()
    let left = 2
    const api = mock(({ request }) => {
      const { status, headers } = keeper.ask({
        method: request.method,
        target: request.target,
        authorization: request.headers.get('authorization'),
      })
      return status === 200 && left-- > 0 ? 503 : { status, headers }
    })
    const { username, password } = keeper
    expect(statusOf(open(api, { username, password }, retry()).get(''))).toBe(200)
    expect(keeper.counts).toEqual([[1, 2, 3]])
  })

  it.each([redirect(), retry(), basic()])('is refused around $name', outer => {
    expect(() => createClient({ engine: mock(), plugins: [digest(), outer] })).toThrow('digest cannot stand before')
  })

  it('is inside of basic: a server that asks for either gets a proof, one that asks for Basic alone the password', () => {
    const login = { username: 'a', password: 'b' }
    const both = mock(() => 200).enqueue({
      status: 401,
      headers: { 'www-authenticate': ['Basic realm="r"', challengeOf('n')] },
    })
    const lazy = basic({ ...login, preemptive: false })
    expect(statusOf(open(both, login, lazy).get(''))).toBe(200)
    expect(authorizations(both)[1]).toMatch(/^Digest /)
    const alone = mock(() => 200).enqueue({ status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } })
    expect(statusOf(open(alone, login, lazy).get(''))).toBe(200)
    expect(authorizations(alone)[1]).toBe('Basic YTpi')
    // Nor is it given to one that refuses the proof: it may be mistyped, and one of another place.
    const strict = mock(() => ({ status: 401, headers: { 'www-authenticate': ['Basic realm="r"', challengeOf('n')] } }))
    expect(statusOf(open(strict, login, lazy).get(''))).toBe(401)
    expect(authorizations(strict).map(said => said?.slice(0, 6))).toEqual([undefined, 'Digest'])
  })
})

const challengeOf = (nonce: string): string => `Digest realm="r", nonce="${nonce}", algorithm=SHA-256, qop="auth"`

describe('who asks', () => {
  it('may be known later, and is asked anew for every request', () => {
    const keeper = new Keeper()
    const api = kept(keeper)
    let times = 0
    const password = (): Observable<string> => timer(10).pipe(map(() => (++times, keeper.password)))
    const client = open(api, { username: () => of('ada', 'eve'), password })
    expect(statusOf(client.get(''))).toBe(200)
    keeper.password = 'another'
    expect(statusOf(client.get(''))).toBe(200)
    expect(times).toBe(2)
  })

  it.each<[string, Partial<DigestOptions>, string]>([
    ['nobody', {}, 'digest has no username'],
    ['somebody without a password', { username: 'a' }, 'digest has no password'],
    [
      'nobody after all',
      { username: () => EMPTY, password: 'p' },
      'digest({ username }) must give a string, not a value of type undefined',
    ],
    [
      'no text',
      { username: 'a', password: (() => 7) as never },
      'digest({ password }) must give a string, not a value of type number',
    ],
    [
      'half a character',
      { username: 'a', password: () => 'x\ud800' },
      'digest({ password }) must be text without halves of characters',
    ],
  ])('as %s is CONFIG', (_, options, message) => {
    const api = mock(() => 200)
    const error = outcomeOf(open(api, options).get(''))
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect((error as HttpError).message).toContain(message)
    expect(api.history).toHaveLength(0)
  })

  it('may be asked for through the same client, which sends that without', async () => {
    const api = mock(({ request }) => (request.target === '/vault' ? { body: 'lovelace' } : 200))
    const client: Client = createClient({
      engine: api,
      baseUrl: BASE,
      plugins: [digest({ username: 'ada', password: () => client.get('vault').pipe(map(answer => answer.text())) })],
    })
    expect((await firstValueFrom(client.get('in'))).status).toBe(200)
    expect(api.history.map(({ request }) => request.target)).toEqual(['/vault', '/in'])
  })

  it('is an error when asking fails', async () => {
    const why = new Error('the vault is closed')
    for (const password of [
      (): Promise<string> => Promise.reject(why),
      (): string => {
        throw why
      },
    ]) {
      const client = open(
        mock(() => 200),
        { username: 'a', password },
      )
      expect(await firstValueFrom(client.get('')).catch((reason: unknown) => reason)).toBe(why)
    }
  })

  it('is an error, and one alone, when asking for both fails', async () => {
    const unhandled: unknown[] = []
    const hear = (reason: unknown): number => unhandled.push(reason)
    process.on('unhandledRejection', hear)
    const why = new Error('the vault is closed')
    const client = open(
      mock(() => 200),
      {
        username: () => Promise.reject(new Error('nobody')),
        password: () => {
          throw why
        },
      },
    )
    expect(await firstValueFrom(client.get('')).catch((reason: unknown) => reason)).toBe(why)
    await new Promise(resolve => setImmediate(resolve))
    process.off('unhandledRejection', hear)
    expect(unhandled).toEqual([])
  })

  it('is told to who keeps answers, also before anybody asked', () => {
    const seen: (string | undefined)[] = []
    const spy = definePlugin({
      name: 'spy',
      scope: 'attempt',
      defaults: {},
      install: () => (request, next) => {
        seen.push(request.read(IDENTITY))
        return next(request)
      },
    })
    const keeper = new Keeper()
    const { username, password } = keeper
    const client = createClient({
      engine: kept(keeper),
      baseUrl: BASE,
      plugins: [digest({ username, password }), spy()],
    })
    expect(statusOf(client.get(''))).toBe(200)
    expect(statusOf(client.get('', { digest: { password: 'wrong' } }))).toBe(401)
    expect(statusOf(client.get('', { digest: { username: 'eve' } }))).toBe(401)
    expect(statusOf(client.get(''))).toBe(200)
    // One name for each user and password, whatever was sent.
    const [ada = ''] = seen
    expect(seen.filter(name => name === ada)).toHaveLength(3)
    expect(new Set(seen).size).toBe(3)
    expect(ada).toMatch(/^digest "ada" [\da-f]{32}$/)
  })

  it('shows no secret in errors of options', () => {
    expect(() => digest({ password: 7 as never })).toThrow(
      /must be a string, or a function that gives one, not what was given/,
    )
    expect(() => digest({ username: 'a', md5OverHttp: 'yes' as never })).toThrow(
      'digest({ md5OverHttp }) must be true or false',
    )
    expect(() => digest({ origins: ['https://a.test/path'] })).toThrow('digest({ origins })')
  })
})

it('opens WebSockets too', async () => {
  const keeper = new Keeper()
  const api = mock(({ request }) => {
    const { status, headers } = keeper.ask({
      method: request.method,
      target: request.target,
      authorization: request.headers.get('authorization'),
    })
    return status === 200 ? { headers, webSocket: ['hello'] } : { status, headers }
  })
  const { username, password } = keeper
  const client = open(api, { username, password })
  expect(await firstValueFrom(webSocket<string>(client, 'chat', { codec: 'text' }))).toBe('hello')
  expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 200])
})

describe('no secret is shown', () => {
  it.each<[string, KeeperOptions, Partial<DigestOptions>, string]>([
    ['by a wrong rspauth', { rspauth: 'wrong' }, {}, BASE],
    ['by MD5 over http', { algorithms: ['MD5'] }, {}, 'http://api.test/'],
    ['by an answer', {}, {}, BASE],
    ['by a refusal', {}, { username: 'somebody' }, BASE],
  ])('%s', (_, given, options, baseUrl) => {
    const keeper = new Keeper(given)
    keeper.password = 'hunter2hunter2'
    const client = createClient({
      engine: kept(keeper),
      baseUrl,
      plugins: [digest({ username: keeper.username, password: keeper.password, ...options })],
    })
    const outcome = outcomeOf(client.get('?q=1'))
    const shown = `${inspect(outcome, { depth: 10 })} ${JSON.stringify(outcome)} ${outcome instanceof Error ? outcome.message : ''}`
    expect(shown).not.toContain('hunter2')
    expect(shown).not.toMatch(/response="[\da-f]{32}/)
  })
})

it('does what it does with a polluted Object.prototype', () => {
  const keys = [
    'realm',
    'integrity',
    'md5OverHttp',
    'origins',
    'username',
    'password',
    'nonce',
    'qop',
    'stale',
    'body',
    'nextnonce',
  ]
  const { keeper, client } = asked({
    realm: 'r',
    qop: 'auth',
    userhash: false,
    more: '',
    uses: Infinity,
    nextnonce: false,
    rspauth: 'right',
    nonces: 'new',
  })
  try {
    for (const key of keys)
      Object.defineProperty(Object.prototype, key, { value: 'polluted', configurable: true, writable: true })
    expect(statusOf(client.get(''))).toBe(200)
  } finally {
    for (const key of keys) Reflect.deleteProperty(Object.prototype, key)
  }
  expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 200])
})

it('is in step with its server, whatever is left when, and whatever the server forgets', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('send' as const), times: fc.integer({ min: 1, max: 4 }), leave: fc.boolean() }),
    fc.record({ do: fc.constant('forget' as const) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 25 }) }),
  )
  const options = fc.record({
    uses: fc.constantFrom(1, 3, Infinity),
    nonces: fc.constantFrom('new' as const, 'same' as const),
    nextnonce: fc.boolean(),
    algorithms: fc.constantFrom(['SHA-256'], ['MD5', 'SHA-512-256-sess'], ['MD5-sess']),
  })
  await fc.assert(
    fc.asyncProperty(options, fc.array(step, { maxLength: 12 }), async (given, steps) => {
      const keeper = new Keeper(given)
      const api = kept(keeper, 10)
      const client = open(api, { username: keeper.username, password: keeper.password })
      const statuses: number[] = []
      let wanted = 0
      const send = (times: number, leave: boolean): Observable<HttpResponse> =>
        merge(
          ...Array.from({ length: times }, (_, time) => client.get(String(time))).map(call =>
            leave ? call.pipe(takeUntil(timer(5))) : call,
          ),
        )
      virtually(({ flush }) => {
        let at = 0
        for (const one of steps) {
          if (one.do === 'wait') at += one.ms
          else if (one.do === 'forget') {
            timer(at).subscribe(() => {
              keeper.forget()
            })
          } else {
            if (!one.leave) wanted += one.times
            const calls = timer(at).pipe(switchMap(() => send(one.times, one.leave)))
            calls.subscribe(({ status }) => statuses.push(status))
          }
        }
        flush()
      })
      expect(statuses).toHaveLength(wanted)
      // Never malformed, never a count twice; refused only where nonces are used up faster than they can be asked for.
      expect(keeper.verdicts.filter(({ status }) => status === 400)).toEqual([])
      expect(keeper.verdicts.filter(({ why }) => why === 'password' || why === 'username')).toEqual([])
      expect([api.inFlight, client.inFlight]).toEqual([0, 0])
      await client.close()
    }),
    { numRuns: 200 },
  )
})

describe('leaving', () => {
  it.each([0, 5, 15, 25])('after %i ms ends what runs, and nothing comes after', frame => {
    const keeper = new Keeper()
    const api = kept(keeper, 10)
    const { username, password } = keeper
    const client = open(api, { username, password: () => timer(3).pipe(map(() => password)) })
    let heard = 0
    virtually(({ flush }) => {
      const subscription = client.get('').subscribe(() => heard++)
      timer(frame).subscribe(() => {
        subscription.unsubscribe()
      })
      flush()
    })
    expect([heard, api.inFlight, client.inFlight]).toEqual([frame === 25 ? 1 : 0, 0, 0])
  })
})

describe.each([
  ['undici', () => undici()],
  ['http', () => http()],
  ['http2', () => http2({ tls: { ca } })],
  ['fetch', () => fetch()],
] as const)('%s and a server that counts', (name, engine) => {
  const secure = name === 'http2'

  async function serving(
    keeper: Keeper,
    use: (client: Client & ReturnType<typeof opened>) => Promise<void>,
  ): Promise<void> {
    await using server = await serve(
      {
        '/*': async request => {
          const body = await request.bytes()
          const authorization = request.header('authorization')
          const { status, headers } = keeper.ask({
            method: request.method,
            target: request.target,
            authorization: authorization === '' ? undefined : authorization,
            body,
          })
          return status === 200 ? reply.text(INSIDE, { headers }) : { status, headers, body: 'x'.repeat(200_000) }
        },
      },
      secure ? { tls: good, protocol: 'h2' } : {},
    )
    const client = opened(server.url, keeper)
    await use(client)
    await client.close()
  }

  const opened = (baseUrl: string, { username, password }: Keeper) =>
    createClient({ engine: engine(), baseUrl, plugins: [digest({ username, password })] })

  it('hears each count once from 100 requests side by side, and all of them', async () => {
    const keeper = new Keeper()
    await serving(keeper, async client => {
      await firstValueFrom(client.get('first'))
      const all = Array.from({ length: 100 }, (_, at) => firstValueFrom(client.get(`${at}?q=${at}`)))
      for (const one of all) expect((await one).text()).toBe(INSIDE)
    })
    expect(keeper.counts).toEqual([Array.from({ length: 101 }, (_, at) => at + 1)])
    expect(keeper.verdicts.filter(({ status }) => status !== 200)).toHaveLength(1)
  })

  it.each<[string, KeeperOptions]>([
    ['nonces of their own', {}],
    ['the same nonce', { nonces: 'same' }],
    ['nonces that are good for once', { uses: 1, nextnonce: true }],
    ['nonces that are good for seven times', { uses: 7, nonces: 'same' }],
  ])('lets 100 requests in that are all asked at once and get %s', async (_, given) => {
    const keeper = new Keeper(given)
    await serving(keeper, async client => {
      const all = Array.from({ length: 100 }, (_, at) => firstValueFrom(client.get(String(at))))
      const answers = await Promise.all(all)
      const bounded = given.uses === undefined
      // With nonces that are used up while a request is on its way, two attempts may not be enough.
      if (bounded) for (const answer of answers) expect(answer.text()).toBe(INSIDE)
      else expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0)
    })
    // No count twice, nothing malformed, and never more than three sends.
    expect(keeper.verdicts.filter(({ status }) => status === 400)).toEqual([])
    expect(keeper.verdicts.length).toBeLessThanOrEqual(300)
  })

  it('lets live bodies in, both ways', async () => {
    const keeper = new Keeper()
    await serving(keeper, async client => {
      const read = client.stream('live', response => response)
      expect(Buffer.from(await firstValueFrom(read)).toString()).toBe(INSIDE)
      expect((await firstValueFrom(client.post('up', () => new Blob(['x'.repeat(100_000)])))).text()).toBe(INSIDE)
    })
    expect(keeper.verdicts.map(({ status }) => status)).toEqual([401, 200, 200])
  })
})
