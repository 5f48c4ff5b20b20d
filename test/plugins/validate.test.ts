import { firstValueFrom, lastValueFrom, toArray } from 'rxjs'
import { createClient, isHttpError, type AnyPlugin, type HttpError, type Schema, type SchemaResult } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { mock, type MockAnswer } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { codecs } from 'sluice/plugins/codecs'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { retry } from 'sluice/plugins/retry'
import { validate, type ValidateOptions } from 'sluice/plugins/validate'
import { ndjson } from 'sluice/streams/ndjson'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

type Answering<T> = (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>

const schema = <T>(validate: Answering<T>): Schema<T> => ({ '~standard': { version: 1, vendor: 'tests', validate } })
const wrong = (...path: PropertyKey[]) => ({ issues: [{ message: 'is wrong', path }] })
const User = schema<{ name: string }>(value => {
  const { name } = value as { name?: unknown }
  return typeof name === 'string' ? { value: { name: name.toUpperCase() } } : wrong('name')
})
const Fault = schema<{ code: number }>(value => {
  const { code } = value as { code?: unknown }
  return typeof code === 'number' ? { value: { code } } : wrong('code')
})
const issues = [{ message: 'was s3cret', path: ['a', { key: 0 }] }]
const never = schema<never>(() => ({ issues }))

function clientOf(answer: MockAnswer, options: Partial<ValidateOptions> = {}, ...outer: readonly AnyPlugin[]) {
  const engine = mock({ '*': answer })
  return createClient({ engine, baseUrl: 'https://api.test/', plugins: [...outer, validate(options)] })
}

async function errorOf(work: Promise<unknown>): Promise<HttpError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isHttpError(error)) return error
  throw new Error('no HttpError', { cause: error })
}

describe('a success', () => {
  it('has the value its schema made of it, and the bytes that came', async () => {
    const client = clientOf({ body: { name: 'ada', more: 1 } })
    const response = await firstValueFrom(client.get('a', { validate: { schema: User } }))
    expect(response.value()).toEqual({ name: 'ADA' })
    expect(response.value()).toBe(response.value())
    expect(response.json()).toEqual({ name: 'ada', more: 1 })
  })

  it('that does not match fails with the place and the issues, and quotes nothing', async () => {
    const error = await errorOf(firstValueFrom(clientOf({ body: {} }, { schema: never }).get('a?q=s3cret')))
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode', issues, response: { status: 200 } })
    expect(error.message).toBe('The answer to GET https://api.test/a?q=<redacted:6> does not match its schema at a.0.')
  })

  it('that is not what its type says fails as value() does', async () => {
    const broken = { headers: { 'content-type': 'application/json' }, body: '<html>' }
    const error = await errorOf(firstValueFrom(clientOf(broken, { schema: User }).get('a')))
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
    const image = { headers: { 'content-type': 'image/png' }, body: 'x' }
    expect(await errorOf(firstValueFrom(clientOf(image, { schema: User }).get('a')))).toMatchObject({ code: 'BODY' })
  })

  it.each<[string, MockAnswer]>([
    ['200', { status: 200, body: [] }],
    ['201', { status: 201, body: [] }],
    ['206', { status: 206, body: [] }],
  ])('is every status from 200 to 299: %s', async (_, answer) => {
    expect(await errorOf(firstValueFrom(clientOf(answer, { schema: never }).get('a')))).toMatchObject({ code: 'BODY' })
  })

  it.each<[string, 'get' | 'head', MockAnswer]>([
    ['204', 'get', 204],
    ['205', 'get', 205],
    ['an answer to HEAD', 'head', { headers: { 'content-type': 'application/json' } }],
    ['304', 'get', 304],
    ['an empty body without a type', 'get', 200],
  ])('without a body passes: %s', async (_, verb, answer) => {
    const response = await firstValueFrom(clientOf(answer, { schema: never, errors: { 304: never } })[verb]('a'))
    expect(response.value()).toBeUndefined()
  })

  it('fails the call with what its schema throws', async () => {
    const broken = new Error('broken')
    const throwing = schema(() => {
      throw broken
    })
    await expect(firstValueFrom(clientOf({ body: 1 }, { schema: throwing }).get('a'))).rejects.toBe(broken)
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['true', true],
    ['the value itself', 's3cret'],
    ['issues that are none', { issues: 7 }],
    ['issues that are null', { issues: null }],
  ])('fails the call, and at once, when its schema answers with %s', async (_, result) => {
    const says = `The schema of tests answered neither with a value nor with a list of issues, as Standard Schema wants.`
    for (const broken of [schema(() => result as never), schema(() => Promise.resolve(result as never))]) {
      for (const [answer, options] of [
        [{ body: 1 }, { schema: broken }],
        [{ status: 422, body: 1 }, { errors: { default: broken } }],
      ] as const) {
        const client = clientOf(answer, options)
        const error = await errorOf(firstValueFrom(client.get('a')))
        expect([error.code, error.phase, error.message, client.inFlight]).toEqual(['CONFIG', 'config', says, 0])
      }
    }
  })

  it('fails the call when the place of an issue cannot be read', async () => {
    const nowhere = { issues: [{ message: 'x', path: [null] }] } as never
    for (const broken of [schema(() => nowhere), schema(() => Promise.resolve(nowhere))]) {
      const client = clientOf({ body: 1 }, { schema: broken })
      await expect(firstValueFrom(client.get('a'))).rejects.toBeInstanceOf(Error)
      expect(client.inFlight).toBe(0)
    }
  })

  it('is not validated where the call leaves the plugin out, or has a schema of its own', async () => {
    const client = clientOf({ body: { name: 'ada' } }, { schema: never })
    expect((await firstValueFrom(client.get('a', { validate: false }))).value()).toEqual({ name: 'ada' })
    expect((await firstValueFrom(client.get('a', { validate: { schema: User } }))).value()).toEqual({ name: 'ADA' })
  })

  it('that does not match is not asked for again', async () => {
    const engine = mock({ '*': { body: {} } })
    const client = createClient({ engine, plugins: [validate({ schema: never }), retry()] })
    await errorOf(firstValueFrom(client.get('https://api.test/')))
    expect(engine.history).toHaveLength(1)
  })
})

describe('an asynchronous schema', () => {
  it('is waited for', async () => {
    const slow = schema(async value => ({ value: [value] }))
    const events = await lastValueFrom(clientOf({ body: 1 }, { schema: slow }).events('a').pipe(toArray()))
    const [last] = events.slice(-1)
    expect(events.filter(({ type }) => type === 'response')).toHaveLength(1)
    expect(last?.type === 'response' && last.response.value()).toEqual([1])
  })

  it('refuses', async () => {
    const refusing = schema(async () => ({ issues }))
    const error = await errorOf(firstValueFrom(clientOf({ body: 1 }, { schema: refusing }).get('a')))
    expect(error).toMatchObject({ code: 'BODY', issues })
  })

  it('fails the call with what it rejects with', async () => {
    const broken = new Error('broken')
    const rejecting = schema(() => Promise.reject(broken))
    await expect(firstValueFrom(clientOf({ body: 1 }, { schema: rejecting }).get('a'))).rejects.toBe(broken)
  })

  it('that never answers is left with the call', async () => {
    const seen: unknown[] = []
    const { promise, resolve } = Promise.withResolvers<SchemaResult<number>>()
    const client = clientOf({ body: 1 }, { schema: schema(() => promise) })
    const subscription = client.get('a').subscribe({ next: seen.push.bind(seen), complete: () => seen.push('end') })
    expect(client.inFlight).toBe(1)
    subscription.unsubscribe()
    expect(client.inFlight).toBe(0)
    resolve({ value: 1 })
    await promise
    expect(seen).toEqual([])
  })

  it('is left when the client is cancelled, and what it rejects with then is nobody’s', async () => {
    const { promise, reject } = Promise.withResolvers<SchemaResult<number>>()
    const client = clientOf({ body: 1 }, { schema: schema(() => promise) })
    const call = errorOf(firstValueFrom(client.get('a')))
    client.cancel()
    expect((await call).code).toBe('CANCELLED')
    reject(new Error('late'))
  })
})

describe('an answer that is no success', () => {
  const said = (status: number): MockAnswer => ({ status, body: { code: 7, more: 1 } })
  const marked = (mark: string) => schema(() => ({ value: mark }))

  it.each<[number, string | undefined]>([
    [422, 'exactly'],
    [404, 'class'],
    [418, 'class'],
    [503, 'default'],
    [599, 'default'],
    [302, undefined],
  ])('%i is held to the nearest schema: %s', async (status, expected) => {
    const errors = { 422: marked('exactly'), '4xx': marked('class'), default: marked('default') }
    const response = await firstValueFrom(clientOf(said(status), { errors }).get('a'))
    expect(response.value()).toEqual(expected ?? { code: 7, more: 1 })
  })

  it('is held to no schema of a prototype', async () => {
    const errors = Object.create({ 404: never }) as Record<string, Schema>
    expect((await firstValueFrom(clientOf(said(404), { errors }).get('a'))).value()).toEqual({ code: 7, more: 1 })
  })

  it('is never held to the schema of a success', async () => {
    expect((await firstValueFrom(clientOf(said(500), { schema: never }).get('a'))).status).toBe(500)
  })

  it('goes validated into the error of its status', async () => {
    const client = clientOf(said(422), { errors: { '4xx': Fault } }, expectSuccess())
    const error = await errorOf(firstValueFrom(client.get('a')))
    expect(error).toMatchObject({ code: 'STATUS' })
    expect(error.response?.value<{ code: number }>()).toEqual({ code: 7 })
    expect('issues' in error).toBe(false)
  })

  it('that does not match stays what it is, and its value says why there is none', async () => {
    const client = clientOf(said(422), { errors: { default: never } })
    const response = await firstValueFrom(client.get('a'))
    expect(response.status).toBe(422)
    expect(() => response.value()).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'BODY', issues }))
    expect(response.json()).toEqual({ code: 7, more: 1 })
  })

  it('that does not match is the error of its status, with the issues', async () => {
    const client = clientOf(said(422), { errors: { default: never } }, expectSuccess())
    const error = await errorOf(firstValueFrom(client.get('a')))
    expect(error).toMatchObject({ code: 'STATUS', issues, response: { status: 422 } })
    expect(error.message).not.toContain('s3cret')
  })

  it('is waited for too', async () => {
    const slow = schema(async () => ({ issues }))
    const client = clientOf(said(422), { errors: { default: slow } }, expectSuccess())
    expect(await errorOf(firstValueFrom(client.get('a')))).toMatchObject({ code: 'STATUS', issues })
  })

  it.each([
    ['a page', { headers: { 'content-type': 'text/html' }, body: '<h1>Bad Gateway</h1>' }],
    ['JSON that is none', { headers: { 'content-type': 'application/json' }, body: '<h1>' }],
    ['bytes of an unknown type', { body: new Uint8Array(3) }],
  ])('with %s of somebody else is what its status says', async (_, answer) => {
    const client = clientOf({ status: 502, ...answer }, { errors: { default: Fault } }, expectSuccess())
    expect(await errorOf(firstValueFrom(client.get('a')))).toMatchObject({ code: 'STATUS', response: { status: 502 } })
  })

  it('with more in it than its codec takes is what its status says', async () => {
    const form = { status: 502, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a&b&c' }
    const outer = [expectSuccess(), codecs({ maxFields: 2 })]
    const client = clientOf(form, { errors: { default: Fault } }, ...outer)
    expect(await errorOf(firstValueFrom(client.get('a')))).toMatchObject({ code: 'STATUS', response: { status: 502 } })
    const success = clientOf({ ...form, status: 200 }, { schema: Fault }, ...outer)
    expect(await errorOf(firstValueFrom(success.get('a')))).toMatchObject({ code: 'TOO_LARGE' })
  })

  it('takes nothing away when only the order could: expectSuccess stands outside', () => {
    expect(() => createClient({ engine: mock(), plugins: [validate(), expectSuccess()] })).toThrow(
      /validate cannot stand before expectSuccess: the error of a status takes the validated answer along/,
    )
  })
})

it('lets live answers pass: their readers have schemas', async () => {
  const client = clientOf({ chunks: ['{"name":"ada"}\n'] }, { schema: never, errors: { default: never } })
  expect(await firstValueFrom(client.stream('a', ndjson(User)))).toEqual({ name: 'ADA' })
})

describe('options', () => {
  it.each([
    [{ schema: 7 }],
    [{ schema: {} }],
    [{ schema: { '~standard': {} } }],
    [{ schema: null }],
    [{ errors: Fault }],
    [{ errors: { 200: Fault } }],
    [{ errors: { '2xx': Fault } }],
    [{ errors: { '4XX': Fault } }],
    [{ errors: { 422: {} } }],
    [{ errors: null }],
    [{ schemas: {} }],
  ])('%o are refused', options => {
    expect(() => validate(options as never)).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }))
  })

  it('may have a schema that is a function, as those of arktype are', async () => {
    const callable = Object.assign(
      () => undefined,
      schema(() => ({ value: 'called' })),
    )
    const response = await firstValueFrom(clientOf({ body: 1 }).get('a', { validate: { schema: callable } }))
    expect(response.value()).toBe('called')
  })
})

it.each([
  ['undici', undici()],
  ['http', http()],
  ['http2', http2({ mode: 'h2c' })],
  ['fetch', fetch()],
] as const)('validates what comes off the wire with %s', async (name, engine) => {
  const routes = { 'GET /': reply.json({ name: 'ada' }), 'GET /bad': reply.json({ code: 'x' }, { status: 400 }) }
  await using server = await serve(routes, name === 'http2' ? { protocol: 'h2c' } : {})
  const plugins = [expectSuccess(), validate({ errors: { default: Fault } })]
  await using client = createClient({ engine, baseUrl: server.url, plugins })
  const response = await firstValueFrom(client.get('', { validate: { schema: User } }))
  expect(response.value()).toEqual({ name: 'ADA' })
  const error = await errorOf(firstValueFrom(client.get('bad')))
  expect(error.issues?.map(({ path }) => path)).toEqual([['code']])
})
