import { firstValueFrom } from 'rxjs'
import { createClient } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { describe, expect, it } from 'vitest'
import { clientOf, errorOf, failure, now } from './mock/client.ts'

describe('routes', () => {
  it('answer before subscribe() returns, with the variables of their pattern', () => {
    const api = mock({ 'GET /users/:id': ({ params }) => ({ body: { id: params.id } }) })
    expect(now(clientOf(api).get('users/a%20b')).json()).toEqual({ id: 'a b' })
  })

  it('fit by method, by origin, by path and by query', () => {
    const api = mock({
      'POST /a': { body: 'method' },
      'https://other.test/a': { body: 'origin' },
      'GET /a?page=2': { body: 'query' },
      'GET /a': { body: 'path' },
      '/files/*': ({ params }) => ({ body: params['*'] }),
      '/v:major/x': ({ params }) => ({ body: params.major }),
      '*': { body: 'rest' },
    })
    const client = createClient({ engine: api, plugins: [] })
    const get = (url: string): string => now(client.get(url)).text()
    expect(now(client.post('https://api.test/a')).text()).toBe('method')
    expect(get('https://other.test/a')).toBe('origin')
    expect(get('https://api.test/a?x=1&page=2')).toBe('query')
    expect(get('https://api.test/a?page=3')).toBe('path')
    expect(get('https://api.test/files/b/c.txt')).toBe('b/c.txt')
    expect(get('https://api.test/v2/x')).toBe('2')
    expect(get('https://api.test/')).toBe('rest')
  })

  it('know a port that is written out from the usual one, and a port from a variable', () => {
    const api = mock({ 'https://api.test:443/a': 200, 'http://api.test:8080/:b': 201 })
    const client = createClient({ engine: api, plugins: [] })
    expect(now(client.get('https://api.test/a')).status).toBe(200)
    expect(now(client.get('http://api.test:8080/b')).status).toBe(201)
  })

  it('of GET answer HEAD too, without the body', () => {
    const api = mock({ 'GET /': { body: 'hello' } })
    const response = now(clientOf(api).head(''))
    expect(response.bytes).toHaveLength(0)
    expect(response.headers.get('content-length')).toBe('5')
  })

  it('tell a handler the request, its query, its body and which attempt it is', () => {
    const api = mock(({ request, query, body, attempt, params }) => ({
      body: { method: request.method, q: query.get('q'), json: body.json(), length: body.length, attempt, params },
    }))
    expect(now(clientOf(api).post('x', { a: 1 }, { query: { q: '7' } })).json()).toEqual({
      method: 'POST',
      q: '7',
      json: { a: 1 },
      length: 7,
      attempt: 1,
      params: {},
    })
  })

  it('may answer with a promise', async () => {
    const api = mock({ 'GET /': async () => ({ body: 'later' }) })
    const response = await firstValueFrom(clientOf(api).get(''))
    expect(response.text()).toBe('later')
  })

  it('that throw, or reject, fail the call with just that', async () => {
    const mishap = new RangeError('not this one')
    const api = mock({
      'GET /now': () => {
        throw mishap
      },
      'GET /later': () => Promise.reject(mishap),
    })
    expect(errorOf(clientOf(api).get('now'))).toBe(mishap)
    await expect(firstValueFrom(clientOf(api).get('later'))).rejects.toBe(mishap)
  })

  it('added later go before those that are there', () => {
    const api = mock({ 'GET /': { body: 'first' } }).on('GET /', { body: 'second' })
    expect(now(clientOf(api).get('')).text()).toBe('second')
  })

  it('for a number of times go first, in their order, and are then used up', () => {
    const api = mock({ 'GET /': { body: 'lasting' } })
      .once('GET /', { body: 'one' })
      .on('GET /', { body: 'two' }, { times: 2 })
    const client = clientOf(api)
    const texts = Array.from({ length: 5 }, () => now(client.get('')).text())
    expect(texts).toEqual(['one', 'two', 'two', 'lasting', 'lasting'])
  })

  it.each(['', 'GET', 'users/7', 'GET users', 'GET ftp://api.test/', 'GET /a#b'])('refuse the pattern %j', pattern => {
    expect(() => mock().on(pattern, 200)).toThrow(/is no route of a mock; write 'GET \/users\/:id'/)
  })

  it.each([0, -1, 1.5, Number.NaN])('refuse to answer %d times', times => {
    expect(() => mock().on('GET /', 200, { times })).toThrow(/whole number of times/)
  })
})

describe('the queue', () => {
  it('answers in order, whatever is asked, before all routes', () => {
    const api = mock({ '*': { body: 'route' } })
    const client = clientOf(api)
    api.enqueue({ body: 'one' }, 503, () => ({ body: 'three' }))
    expect(now(client.get('a')).text()).toBe('one')
    expect(now(client.post('b')).status).toBe(503)
    expect(now(client.get('c')).text()).toBe('three')
    expect(now(client.get('d')).text()).toBe('route')
    expect(api.history.map(({ route }) => route)).toEqual(['queue', 'queue', 'queue', '*'])
  })
})

describe('a request that nothing answers', () => {
  it('fails with CONFIG, which nothing retries, and says what is mocked and what is nearest', () => {
    const api = mock({ 'GET /users/:id': 200, 'POST /users': 201, 'GET https://cdn.test/logo.png': 200 })
    const error = errorOf(clientOf(api).get('user/7?token=abc'))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config', requestWritten: 'no' })
    expect((error as Error).message).toBe(
      'The mock has no reply for GET https://api.test/user/7?token=<redacted:3>. ' +
        "Mocked are 'GET /users/:id', 'POST /users', 'GET https://cdn.test/logo.png'. Nearest is 'GET /users/:id'.",
    )
  })

  it('is told when a route is used up, and when there is none at all', () => {
    const api = mock().once('GET /', 200)
    now(clientOf(api).get(''))
    expect(errorOf(clientOf(api).get(''))).toMatchObject({ message: /'GET \/' \(used up\)/ })
    expect(errorOf(clientOf(mock()).get(''))).toMatchObject({ message: /Nothing is mocked/ })
  })

  it('leaves its upload unopened', async () => {
    let opened = false
    async function* source(): AsyncGenerator<string> {
      opened = true
      yield 'a'
    }
    await failure(clientOf(mock()).post('', source()))
    expect(opened).toBe(false)
  })
})
