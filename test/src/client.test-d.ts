import { of, type Observable } from 'rxjs'
import {
  createClient,
  definePlugin,
  HttpHeaders,
  useClient,
  type AnyPlugin,
  type Client,
  type Handler,
  type HttpRequest,
  type HttpResponse,
  type OptionsOf,
  type PluginContext,
} from 'sluice'
import { describe, expectTypeOf, it } from 'vitest'
import type { ScriptedEngine } from './scripted-engine.ts'

declare const engine: ScriptedEngine

const install = (_: PluginContext) => (request: HttpRequest, next: Handler) => next(request)
const retry = definePlugin({
  name: 'retry',
  scope: 'steer',
  defaults: { times: 3, when: (_: unknown): boolean => true, reason: undefined as string | undefined },
  install,
})
const LIMITS: { readonly idle: number | false } = { idle: 1_000 }
const limits = definePlugin({ name: 'limits', scope: 'attempt', defaults: LIMITS, install })

const client = createClient({ engine, baseUrl: 'https://api.test/', plugins: [retry({ times: 5 }), limits()] })

describe('options of a call', () => {
  it('are those of the installed plugins, each of its type, or false', () => {
    expectTypeOf(client.get('a', { retry: { times: 5 }, limits: { idle: false } })).toEqualTypeOf<
      Observable<HttpResponse>
    >()
    void client.get('a', { retry: false, limits: undefined })
    void client.get('a', { retry: { times: undefined, reason: 'because' } })
    void client.post('a', { any: 'body' }, { retry: { when: () => false } })
    void client.events('a', { method: 'POST', limits: { idle: 5 } })
    void client.stream('a', () => of(1), { retry: false })
    void client.request('PROPFIND', 'a', { retry: {} })
  })

  it('do not compile when they are misspelt', () => {
    // @ts-expect-error -- misspelt: retyr
    void client.get('a', { retyr: { times: 5 } })
    // @ts-expect-error -- misspelt: tims
    void client.get('a', { retry: { tims: 5 } })
    // @ts-expect-error -- misspelt: header
    void client.get('a', { header: {} })
    // @ts-expect-error -- in a verb with a body
    void client.post('a', {}, { retyr: {} })
    // @ts-expect-error -- in events
    void client.events('a', { retyr: {} })
    // @ts-expect-error -- in stream
    void client.stream('a', () => of(1), { retyr: {} })
    // @ts-expect-error -- in request
    void client.request('GET', 'a', { retyr: {} })
  })

  it('do not compile when their plugin is not installed', () => {
    const bare = createClient({ engine, plugins: [limits()] })
    void bare.get('a', { limits: {} })
    // @ts-expect-error -- retry is not installed
    void bare.get('a', { retry: { times: 5 } })
    // @ts-expect-error -- nothing is installed
    void createClient({ engine, plugins: [] }).get('a', { retry: false })
  })

  it('do not compile when they have the wrong type', () => {
    // @ts-expect-error -- a string
    void client.get('a', { retry: { times: '5' } })
    // @ts-expect-error -- not an object: true
    void client.get('a', { retry: true })
    // @ts-expect-error -- not an object: null
    void client.get('a', { retry: null })
    // @ts-expect-error -- a function of the wrong shape
    void client.get('a', { retry: { when: () => 'yes' } })
    // @ts-expect-error -- a number among the headers is fine, an object is not
    void client.get('a', { headers: { a: {} } })
    // @ts-expect-error -- an object in the query
    void client.get('a', { query: { a: {} } })
  })

  it('have no method where the verb says it, for it would not be heeded', () => {
    // @ts-expect-error -- get has its method in its name
    void client.get('a', { method: 'POST' })
    // @ts-expect-error -- request has its method as argument
    void client.request('GET', 'a', { method: 'POST' })
  })
})

describe('options of a client and of its plugins', () => {
  it('do not compile when they are misspelt or of the wrong type', () => {
    // @ts-expect-error -- misspelt: engin
    createClient({ engin: engine })
    // @ts-expect-error -- a number
    createClient({ engine, baseUrl: 7 })
    // @ts-expect-error -- a factory nobody called
    createClient({ engine, plugins: [retry] })
    // @ts-expect-error -- misspelt: tims
    retry({ tims: 5 })
    // @ts-expect-error -- a string
    retry({ times: '5' })
    // @ts-expect-error -- a child has the engine of its parent
    client.extend({ engine })
    // @ts-expect-error -- misspelt: tims
    client.with(retry({ tims: 5 }))
  })

  it('may be undefined', () => {
    createClient({ engine: undefined, baseUrl: undefined, plugins: [retry({ times: undefined })] })
  })
})

describe('a client', () => {
  it('with more plugins is a plain client too', () => {
    expectTypeOf(client).toExtend<Client>()
    const plain: Client = client
    expectTypeOf(plain.get('a')).toEqualTypeOf<Observable<HttpResponse>>()
    const needsRetry = (one: Client<OptionsOf<ReturnType<typeof retry>>>): unknown =>
      one.get('a', { retry: { times: 1 } })
    needsRetry(client)
    // @ts-expect-error -- this one has no retry
    needsRetry(createClient({ engine, plugins: [limits()] }))
  })

  it('and its children have the options of both', () => {
    const child = createClient({ engine, plugins: [retry()] }).with(limits())
    void child.get('a', { retry: { times: 1 }, limits: { idle: 1 } })
    const extended = createClient({ engine, plugins: [retry()] }).extend({ plugins: [limits()] })
    void extended.get('a', { retry: { times: 1 }, limits: { idle: 1 } })
    void createClient({ engine, plugins: [retry()] })
      .extend({ baseUrl: 'x/' })
      .get('a', { retry: { times: 1 } })
    // @ts-expect-error -- nobody knows this one
    void child.get('a', { limit: {} })
  })

  it('of plugins nobody can name has options nobody can check', () => {
    const some: readonly AnyPlugin[] = [retry()]
    void createClient({ engine, plugins: some }).get('a', { retry: { times: 1 } })
    void createClient({ engine, plugins: some }).get('a', { headers: { a: 'b' }, query: { a: 1 } })
  })

  it('of plugins nobody can name has the options of every client', () => {
    const some: AnyPlugin[] = [retry()]
    const any = createClient({ engine, plugins: some })
    expectTypeOf(any.stream('a', () => of(1), { method: 'POST', body: 'text' })).toEqualTypeOf<Observable<number>>()
    void any.events('a', { method: 'PUT', body: null, headers: { a: 'b' } })
    void any.request('POST', 'a/{id}', { params: { id: 1 }, body: 'text', retry: false })
    void any.get('a', { proxy: 'http://127.0.0.1:8080', tags: ['a'], times: 5, on: true })
    void any.with(limits()).stream('a', () => of(1), { method: 'POST', limits: { idle: 1 } })
    expectTypeOf(any.get('a')).toEqualTypeOf<Observable<HttpResponse>>()
    expectTypeOf(any).toExtend<Client>()
    // @ts-expect-error -- a method is a string
    void any.stream('a', () => of(1), { method: 7 })
    // @ts-expect-error -- headers are named
    void any.get('a', { headers: 'a: b' })
    // @ts-expect-error -- id is missing
    void any.get('a/{id}', { retry: {} })
    // @ts-expect-error -- plugins that can be named are held to their types
    void any.with(limits()).get('a', { limits: { idle: 'long' } })
  })

  it('of plugins of which one can be named has its options', () => {
    const some: AnyPlugin[] = []
    const mixed = createClient({ engine, plugins: [retry(), ...some] })
    void mixed.stream('a', () => of(1), { method: 'POST', retry: { times: 1 }, other: {} })
    // @ts-expect-error -- misspelt: tims
    void mixed.get('a', { retry: { tims: 1 } })
  })

  it('is made for a while with the same options', () => {
    void useClient({ engine, plugins: [retry()] }, one => {
      // @ts-expect-error -- misspelt: retyr
      void one.get('a', { retyr: {} })
      return one.get('a', { retry: { times: 1 } })
    })
  })

  it('reads streams as what the reader makes of them', () => {
    expectTypeOf(client.stream('a', () => of(1))).toEqualTypeOf<Observable<number>>()
    expectTypeOf(client.stream('a', () => Promise.resolve('x'))).toEqualTypeOf<Observable<string>>()
    expectTypeOf(
      client.stream('a', async function* () {
        yield true
      }),
    ).toEqualTypeOf<Observable<boolean>>()
  })
})

describe('params of a url', () => {
  it('that stand in a path must be given', () => {
    void client.get('users/{id}', { params: { id: 7 } })
    void client.get('users/{id}/posts/{post}', { params: { id: 7, post: 'x' } })
    void client.post('users/{id}', { a: 1 }, { params: { id: 7 } })
    // @ts-expect-error -- id is missing
    void client.get('users/{id}')
    // @ts-expect-error -- id is missing
    void client.get('users/{id}', {})
    // @ts-expect-error -- id is missing
    void client.get('users/{id}', { params: {} })
    // @ts-expect-error -- post is missing
    void client.get('users/{id}/posts/{post}', { params: { id: 7 } })
    // @ts-expect-error -- id is undefined
    void client.get('users/{id}', { params: { id: undefined } })
    // @ts-expect-error -- post() wants them too
    void client.post('users/{id}', {})
    // @ts-expect-error -- and request()
    void client.request('GET', 'users/{id}')
    // @ts-expect-error -- and events()
    void client.events('users/{id}')
    // @ts-expect-error -- and stream()
    void client.stream('users/{id}', () => of(1))
  })

  it('that stand in a query may be left out', () => {
    void client.get('users{?page,size}')
    void client.get('users{?page,size}', {})
    void client.get('users{?page,size}', { params: {} })
    void client.get('users{?page,size}', { params: { page: 1, size: undefined } })
    void client.get('users/{id}{?page}', { params: { id: 1 } })
    // @ts-expect-error -- misspelt: pge
    void client.get('users{?page}', { params: { pge: 1 } })
  })

  it('do not compile when the url does not ask for them', () => {
    // @ts-expect-error -- misspelt: name
    void client.get('users/{id}', { params: { id: 7, name: 'x' } })
    // @ts-expect-error -- an object of objects
    void client.get('users/{id}', { params: { id: { a: {} } } })
  })

  it('are free where nobody knows the url', () => {
    const url: string = 'users/7'
    void client.get(url)
    void client.get(url, { params: { anything: 1 } })
    void client.get(new URL('https://api.test/'))
    void client.get(new URL('https://api.test/'), { params: {} })
  })

  it('of every operator are known', () => {
    void client.get('{+path}{/more*}{.ext}{;matrix}{x:3}', {
      params: { path: 'a/b', more: ['c'], ext: 'json', matrix: { a: 1 }, x: 'long' },
    })
    // @ts-expect-error -- ext is missing
    void client.get('{+path}{.ext}', { params: { path: 'a' } })
  })
})

describe('bodies and headers', () => {
  it('may be everything that can be sent', () => {
    interface User {
      readonly name: string
    }
    const user: User = { name: 'Ada' }
    for (const body of [user, [user], 'x', new Uint8Array(1), new Blob([]), new FormData(), new URLSearchParams()])
      void client.post('a', body)
    void client.post('a', of(new Uint8Array(1)))
    void client.post('a', () => new Blob([]).stream())
    void client.post('a', null)
    void client.post('a')
    void client.get('a', { headers: { a: 'b', c: 1, d: ['x'], e: undefined } })
    void client.get('a', { headers: new Headers() })
    void client.get('a', { headers: HttpHeaders.none })
    void client.get('a', { headers: [['a', 'b']] })
    // @ts-expect-error -- a number cannot be sent
    void client.post('a', 7)
    // @ts-expect-error -- nor a boolean
    void client.post('a', true)
  })
})
