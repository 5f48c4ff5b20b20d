import { firstValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  createClient,
  definePlugin,
  HttpHeaders,
  HttpResponse,
  isHttpError,
  type HttpError,
  type StreamingResponse,
} from 'sluice'
import { mock, type MockAnswer } from 'sluice/engines/mock'
import { expectSuccess, type ExpectSuccessOptions } from 'sluice/plugins/expect-success'
import { undici } from 'sluice/engines/undici'
import { reply, serve } from 'sluice/testing'
import { retry } from 'sluice/plugins/retry'

function clientOf(answer: MockAnswer, options: Partial<ExpectSuccessOptions> = {}) {
  const engine = mock({ '*': answer })
  return { engine, client: createClient({ engine, baseUrl: 'https://api.test/', plugins: [expectSuccess(options)] }) }
}

async function errorOf(promise: Promise<unknown>): Promise<HttpError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isHttpError(error)) return error
  throw new Error('no HttpError', { cause: error })
}

const readAll = async (response: StreamingResponse): Promise<string[]> => {
  const texts: string[] = []
  for await (const bytes of response) texts.push(new TextDecoder().decode(bytes))
  return texts
}

describe('a whole answer', () => {
  it.each([200, 204, 302, 399])('passes with %i', async status => {
    expect((await firstValueFrom(clientOf(status).client.get('a'))).status).toBe(status)
  })

  it.each([400, 404, 500, 599])('fails with %i', async status => {
    expect(await errorOf(firstValueFrom(clientOf(status).client.get('a')))).toMatchObject({ code: 'STATUS' })
  })

  it('fails with a sentence, the request and the whole response', async () => {
    const { client } = clientOf({ status: 404, statusText: 'Not Found', body: { why: 'gone' } })
    const error = await errorOf(firstValueFrom(client.get('users?q=secret')))
    expect(error.message).toBe('GET https://api.test/users?q=<redacted:6> was answered 404 Not Found.')
    expect(error.response?.json()).toEqual({ why: 'gone' })
    expect(error).toMatchObject({ phase: 'headers', attempt: 1, requestWritten: 'yes', request: { method: 'GET' } })
  })

  it('keeps what a server says in a reason phrase out of the sentence when it is not plain text', async () => {
    const { client } = clientOf({ status: 500, statusText: 'x\u001b[31mred' })
    expect((await errorOf(firstValueFrom(client.get('a')))).message).toBe('GET https://api.test/a was answered 500.')
  })

  it('lets everything pass that happened before it', async () => {
    const { client } = clientOf({ status: 500, informational: [{ status: 103 }] })
    const types: string[] = []
    await errorOf(
      new Promise((resolve, reject) => {
        client
          .events('a')
          .subscribe({ next: event => types.push(event.type), error: reject, complete: () => resolve(0) })
      }),
    )
    expect(types).toContain('informational')
    expect(types).not.toContain('response')
  })
})

describe('a success', () => {
  it('is what a list says, for a client or a call', async () => {
    const { client } = clientOf(404, { statuses: [200] })
    await errorOf(firstValueFrom(client.get('a')))
    const fine = await firstValueFrom(client.get('a', { expectSuccess: { statuses: [200, 404] } }))
    expect(fine.status).toBe(404)
    expect((await firstValueFrom(client.get('a', { expectSuccess: false }))).status).toBe(404)
  })

  it('is what a function says', async () => {
    const { client } = clientOf(204, { statuses: status => status === 200 })
    expect(await errorOf(firstValueFrom(client.get('a')))).toMatchObject({ code: 'STATUS' })
  })

  it.each(['get', 'stream'] as const)('fails the %s with what the function throws', async verb => {
    const broken = new Error('broken')
    const { client } = clientOf(200, {
      statuses: () => {
        throw broken
      },
    })
    const call = verb === 'get' ? client.get('a') : client.stream('a', readAll)
    await expect(firstValueFrom<unknown>(call)).rejects.toBe(broken)
  })

  it.each([[{ statuses: 404 }], [{ statuses: [99] }], [{ statuses: ['404'] }], [{ statusses: [] }]])(
    'refuses %o',
    options => {
      expect(() => expectSuccess(options as never)).toThrow(
        expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }),
      )
    },
  )
})

it('judges what retries came to, not each attempt', async () => {
  const engine = mock()
  engine.enqueue(503, 503, 200)
  const client = createClient({ engine, plugins: [expectSuccess(), retry({ delay: () => 0 })] })
  expect((await firstValueFrom(client.get('https://api.test/'))).status).toBe(200)
  engine.enqueue(503, 503)
  const error = await errorOf(firstValueFrom(client.get('https://api.test/', { retry: { times: 1 } })))
  expect(error.message).toBe('attempt 2 of GET https://api.test/ was answered 503.')
})

describe('a live answer', () => {
  it('passes while it arrives', async () => {
    const { client } = clientOf({ chunks: ['a', 'b'] })
    expect(await firstValueFrom(client.stream('a', readAll))).toEqual(['a', 'b'])
  })

  it('that is unwanted never reaches its reader, and its body is in the error', async () => {
    const { client } = clientOf({ status: 422, chunks: ['{"why":', '"no"}'], trailers: { 'x-end': '1' } })
    let read = 0
    const error = await errorOf(
      firstValueFrom(
        client.stream('a', () => {
          read++
          return []
        }),
      ),
    )
    expect(read).toBe(0)
    expect(error).toMatchObject({ code: 'STATUS', response: { status: 422 } })
    expect(error.response?.json()).toEqual({ why: 'no' })
    expect(error.response?.trailers.get('x-end')).toBe('1')
  })

  it('is read for its error up to 64 KiB, then the exchange is ended', async () => {
    const endless = {
      *[Symbol.iterator]() {
        for (;;) yield new Uint8Array(1000)
      },
    }
    const { client, engine } = clientOf({ status: 500, chunks: endless })
    const error = await errorOf(firstValueFrom(client.stream('a', readAll)))
    expect(error.response?.bytes.length).toBe(65_536)
    expect(engine.inFlight).toBe(0)
    expect(engine.history[0]?.outcome).toBe('aborted')
  })

  it('that breaks off is an error of its status too, with what came and the cause', async () => {
    const { client } = clientOf({ status: 500, chunks: ['half'], cut: true })
    const error = await errorOf(firstValueFrom(client.stream('a', readAll)))
    expect(error).toMatchObject({ code: 'STATUS', cause: { code: 'BODY' } })
    expect(error.response?.text()).toBe('half')
  })

  it('keeps the failure of an exchange that had no answer', async () => {
    const { client } = clientOf('CONNECT')
    expect(await errorOf(firstValueFrom(client.stream('a', readAll)))).toMatchObject({ code: 'CONNECT' })
  })

  it('that came whole after all, from a cache, is judged the same', async () => {
    const cached = definePlugin({
      name: 'cached',
      scope: 'steer',
      defaults: {},
      install: () => request => {
        const head = { status: 404, statusText: '', headers: HttpHeaders.none, httpVersion: '1.1', request } as const
        return of({
          type: 'response',
          response: new HttpResponse({ head: { ...head, url: request.url }, bytes: new Uint8Array(3) }),
        })
      },
    })
    const client = createClient({ engine: mock(), plugins: [expectSuccess(), cached()] })
    const error = await errorOf(firstValueFrom(client.stream('https://api.test/', readAll)))
    expect(error.response?.status).toBe(404)
  })

  it('ends the exchange when it is unsubscribed while the unwanted body is read', () => {
    const { client, engine } = clientOf({ status: 500, chunks: ['a'], stall: 'body' })
    const subscription = client.stream('a', readAll).subscribe()
    expect(engine.inFlight).toBe(1)
    subscription.unsubscribe()
    expect(engine.inFlight).toBe(0)
  })
})

it('leaves the socket when an unwanted live body is longer than what is kept', async () => {
  await using server = await serve({ 'GET /': reply.bytes(Infinity, { status: 500 }) })
  await using client = createClient({ engine: undici(), baseUrl: server.url, plugins: [expectSuccess()] })
  const error = await errorOf(firstValueFrom(client.stream('', readAll)))
  expect(error.response?.bytes.length).toBe(65_536)
  expect((await server.closed(1, 1000)).closedBy).toMatch(/^client/)
})
