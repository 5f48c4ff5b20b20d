import { firstValueFrom, NEVER } from 'rxjs'
import { createClient, type HttpError } from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { oauth2, type OAuth2Options, type OAuth2Tokens } from 'sluice/plugins/oauth2'
import { text } from 'sluice/streams/text'
import { reply, serve } from 'sluice/testing'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

const SECRET = { method: 'client_secret_post', secret: 's3cret' } as const

/** A client whose authorization server says this. */
function told(answer: MockReply, options: Partial<OAuth2Options> = {}) {
  const api = mock(({ request }) => ({ body: request.headers.get('authorization') ?? 'nothing' })).on(
    'POST /token',
    answer,
  )
  const given = { endpoints: { token: 'https://a.test/token' }, clientId: 'ledger', authentication: SECRET, ...options }
  return { api, client: createClient({ engine: api, baseUrl: 'https://a.test/', plugins: [oauth2(given)] }) }
}

const failure = (call: Promise<unknown>): Promise<HttpError> =>
  call.then(
    () => Promise.reject(new Error('it was to fail')),
    (error: unknown) => error as HttpError,
  )

describe('an answer for a token', () => {
  it.each(['whole', 'live'])('without end is TOO_LARGE, in a client that reads what is %s', async how => {
    await using server = await serve({ 'POST /token': reply.bytes(Infinity) })
    await using client = createClient({
      engine: undici(),
      baseUrl: server.url,
      plugins: [oauth2({ endpoints: { token: `${server.url}token` }, clientId: 'l', authentication: SECRET })],
    })
    const call = how === 'live' ? client.stream('x', text()) : client.get('x')
    expect(await failure(firstValueFrom<unknown>(call))).toMatchObject({ code: 'TOO_LARGE', phase: 'body' })
    await server.until(({ requests }) => requests.every(({ brokenAt }) => brokenAt !== undefined))
    expect(server.requests.map(({ target }) => target)).toEqual(['/token'])
  })

  it.each([
    ['has a space', 'a s3cret'],
    ['has a line break', 's3cret\r\nx: y'],
    ['is beyond ASCII', 's3crét'],
  ])('that %s is PROTOCOL and not shown', async (_, token) => {
    const { client } = told({ body: { access_token: token, token_type: 'bearer' } })
    const error = await failure(firstValueFrom(client.get('x')))
    expect(error).toMatchObject({ code: 'PROTOCOL', phase: 'headers' })
    expect(inspect(error)).not.toContain('s3c')
  })
})

it.each(['load', 'save'] as const)('a store that does not %s is a TIMEOUT that says what may be wrong', async what => {
  const store = { load: () => undefined, save: () => undefined, [what]: () => NEVER }
  const { client } = told({ body: { access_token: 'at', token_type: 'bearer' } }, { store, timeout: 50 })
  const error = await failure(firstValueFrom(client.get('x')))
  expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'queue', requestWritten: 'no' })
  expect(error.message).toContain(`oauth2({ store }) to ${what}`)
  expect(error.message).toContain('{ oauth2: false }')
})

it('takes nothing from a prototype', async () => {
  const { api, client } = told({ body: { access_token: 'at', token_type: 'bearer' } })
  const saved: OAuth2Tokens[] = []
  const kept = { accessToken: 'kept', type: 'Bearer' } as const
  const store = {
    load: () => (saved.length > 0 ? saved.at(-1) : kept),
    save: (tokens: OAuth2Tokens) => saved.push(tokens),
  }
  const { api: another, client: keeping } = told({ body: { access_token: 'at', token_type: 'bearer' } }, { store })
  another.enqueue(401)
  const polluted = ['refreshToken', 'refresh_token', 'expiresAt', 'expiresIn', 'scope', 'deviceAuthorization']
  try {
    for (const name of polluted) {
      Object.defineProperty(Object.prototype, name, { value: 's3cret', configurable: true, writable: true })
    }
    expect((await firstValueFrom(client.get('x'))).text()).toBe('Bearer at')
    expect((await firstValueFrom(keeping.get('x'))).text()).toBe('Bearer at')
  } finally {
    for (const name of polluted) Reflect.deleteProperty(Object.prototype, name)
  }
  expect(api.history[0]?.body.text()).toBe('grant_type=client_credentials&client_id=ledger&client_secret=s3cret')
  expect(another.history.map(({ body }) => body.text()).join(' ')).not.toContain('refresh_token')
  expect(saved.map(tokens => JSON.stringify(tokens))).toEqual(['{"accessToken":"at","type":"Bearer"}'])
})
