/** What takes a `fetch` of yours, on ours. docs/compat.md says what was found. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import Anthropic from '@anthropic-ai/sdk'
import { Octokit } from '@octokit/core'
import { GraphQLClient } from 'graphql-request'
import ky, { HTTPError, TimeoutError } from 'ky'
import { createFetch, FetchError } from 'ofetch'
import OpenAI from 'openai'
import createApi from 'openapi-fetch'
import { createClient, recommended, type Client } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { toFetch } from 'sluice/fetch'
import { retry } from 'sluice/plugins/retry'
import { reply, serve, type Reply, type TestServer } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let server: TestServer
let client: Client
let ours: typeof globalThis.fetch

const event = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`

const named = (data: { readonly type: string }): string => `event: ${data.type}\n${event(data)}`

function sse(...events: string[]): Reply {
  return {
    headers: { 'content-type': 'text/event-stream' },
    body: { [Symbol.iterator]: () => events[Symbol.iterator]() },
  }
}

beforeAll(async () => {
  let flaky = 0
  server = await serve({
    'GET /json': reply.json({ a: 1 }),
    'GET /flaky': () => (++flaky % 3 === 0 ? reply.json({ flaky }) : reply.status(503)),
    'GET /missing': reply.json({ message: 'Not Found' }, { status: 404 }),
    'GET /stalled': { fault: { kind: 'stall', at: 'before-head' } },
    'POST /echo': async request =>
      reply.json({ type: request.headers['content-type'], body: await request.text(), own: request.headers['x-own'] }),
    'GET /download': reply.bytes(200_000),
    'GET /repos/:owner/:repo': ({ params, headers }) =>
      reply.json({
        full_name: `${params['owner']}/${params['repo']}`,
        agent: headers['user-agent'],
        auth: headers['authorization'],
      }),
    'POST /v1/chat/completions': async request => {
      const { stream } = await request.json<{ stream?: boolean }>()
      const part = (content: string) =>
        event({ id: '1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })
      if (stream === true) return sse(part('Hel'), part('lo'), event('[DONE]'))
      return reply.json({
        id: '1',
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' } }],
      })
    },
    'POST /v1/files': async request => {
      const form = await request.text()
      return reply.json({ id: 'f', object: 'file', bytes: form.length, filename: /filename="([^"]+)"/.exec(form)?.[1] })
    },
    'POST /v1/messages': async request => {
      const { stream } = await request.json<{ stream?: boolean }>()
      const message = {
        id: 'm',
        type: 'message',
        role: 'assistant',
        model: 'x',
        content: [],
        usage: { input_tokens: 1, output_tokens: 1 },
      }
      if (stream !== true) return reply.json({ ...message, content: [{ type: 'text', text: 'Hello' }] })
      return sse(
        named({ type: 'message_start', message } as { type: string }),
        named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as { type: string }),
        named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } } as {
          type: string
        }),
        named({ type: 'content_block_stop', index: 0 } as { type: string }),
        named({ type: 'message_stop' }),
      )
    },
    'POST /graphql': async request => {
      const { variables } = await request.json<{ variables?: { name?: string } }>()
      return reply.json({ data: { hello: variables?.name ?? 'world' } })
    },
  })
  client = createClient({ engine: undici(), plugins: recommended(retry({ times: 0 })) })
  ours = toFetch(client)
})

afterAll(async () => {
  client.cancel()
  await client.join()
  await server.close()
})

/** Nothing of a call is left: no exchange, and no connection that is not idle. */
async function quiet(): Promise<void> {
  await expect.poll(() => client.inFlight, { timeout: 1_000 }).toBe(0)
}

describe('ky', () => {
  const api = () => ky.create({ fetch: ours, prefix: server.url, retry: { limit: 2, delay: () => 1 } })

  it('reads JSON, text and bytes', async () => {
    expect(await api().get('json').json()).toEqual({ a: 1 })
    expect(await api().get('json').text()).toBe('{"a":1}')
    expect((await api().get('download').arrayBuffer()).byteLength).toBe(200_000)
    await quiet()
  })

  it('posts JSON and forms', async () => {
    expect(
      await api()
        .post('echo', { json: { b: 2 } })
        .json(),
    ).toMatchObject({ type: 'application/json', body: '{"b":2}' })
    const body = new URLSearchParams({ a: '1' })
    expect(await api().post('echo', { body }).json()).toMatchObject({ body: 'a=1' })
  })

  it('retries by itself', async () => {
    expect(await api().get('flaky').json()).toMatchObject({ flaky: 3 })
  })

  it('throws its HTTPError, with the answer', async () => {
    const error = await api()
      .get('missing')
      .json()
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(HTTPError)
    expect((error as HTTPError).response.status).toBe(404)
    await quiet()
  })

  it('times out, and the exchange ends', async () => {
    const error = await api()
      .get('stalled', { timeout: 30, retry: 0 })
      .json()
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TimeoutError)
    await quiet()
  })

  it('is aborted by a signal', async () => {
    const error = await api()
      .get('stalled', { signal: AbortSignal.timeout(30), retry: 0 })
      .json()
      .catch((reason: unknown) => reason)
    expect((error as Error).name).toBe('TimeoutError')
    await quiet()
  })

  it('tells the progress of a download', async () => {
    const seen: number[] = []
    await api()
      .get('download', { onDownloadProgress: ({ transferredBytes }) => seen.push(transferredBytes) })
      .arrayBuffer()
    expect(seen.at(-1)).toBe(200_000)
  })

  it('runs its hooks', async () => {
    const hooked = api().extend({
      hooks: {
        beforeRequest: [
          ({ request }) => {
            request.headers.set('x-own', '1')
          },
        ],
      },
    })
    expect(await hooked.post('echo', { json: {} }).json()).toMatchObject({ own: '1' })
  })
})

describe('ofetch', () => {
  const api = () =>
    createFetch({ fetch: ours, Headers, AbortController }).create({ baseURL: server.url, retryDelay: 1 })

  it('reads and posts', async () => {
    expect(await api()('json')).toEqual({ a: 1 })
    expect(await api()('echo', { method: 'POST', body: { b: 2 } })).toMatchObject({
      type: 'application/json',
      body: '{"b":2}',
    })
    await quiet()
  })

  it('throws its FetchError, with the data', async () => {
    const error = (await api()('missing').catch((reason: unknown) => reason)) as FetchError<{ message: string }>
    expect(error).toBeInstanceOf(FetchError)
    expect([error.status, error.data?.message]).toEqual([404, 'Not Found'])
  })

  it('times out, and the exchange ends', async () => {
    await expect(api()('stalled', { timeout: 30, retry: 0 })).rejects.toThrow(/timeout|aborted/i)
    await quiet()
  })

  it('says that nobody is there', async () => {
    await expect(
      createFetch({ fetch: ours, Headers, AbortController })('http://127.0.0.1:9/', { retry: 0 }),
    ).rejects.toThrow('fetch failed')
  })
})

it('Octokit asks, with its own headers', async () => {
  const octokit = new Octokit({ baseUrl: server.url.slice(0, -1), auth: 'secret', request: { fetch: ours } })
  const { data } = await octokit.request('GET /repos/{owner}/{repo}', { owner: 'reactivex', repo: 'rxjs' })
  expect(data).toMatchObject({ full_name: 'reactivex/rxjs', auth: 'token secret' })
  await expect(octokit.request('GET /missing')).rejects.toMatchObject({ status: 404 })
  await quiet()
})

describe('the SDK of OpenAI', () => {
  const openai = () => new OpenAI({ apiKey: 'k', baseURL: `${server.url}v1`, fetch: ours, maxRetries: 0 })
  const messages = [{ role: 'user', content: 'Hi' }] as const

  it('answers', async () => {
    const { choices } = await openai().chat.completions.create({ model: 'x', messages: [...messages] })
    expect(choices[0]?.message.content).toBe('Hello')
  })

  it('streams, and leaving ends the exchange', async () => {
    const stream = await openai().chat.completions.create({ model: 'x', messages: [...messages], stream: true })
    let text = ''
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
    expect(text).toBe('Hello')
    const left = await openai().chat.completions.create({ model: 'x', messages: [...messages], stream: true })
    for await (const part of left) if (part.choices.length > 0) break
    await quiet()
  })

  it('uploads a file', async () => {
    const file = new File(['some text'], 'notes.txt')
    expect((await openai().files.create({ file, purpose: 'assistants' })).filename).toBe('notes.txt')
  })

  it('names its errors', async () => {
    const error = await openai()
      .models.retrieve('nothing')
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    const nobody = new OpenAI({ apiKey: 'k', baseURL: 'http://127.0.0.1:9/', fetch: ours, maxRetries: 0 })
    expect(await nobody.models.list().catch((reason: unknown) => reason)).toBeInstanceOf(OpenAI.APIConnectionError)
    const slow = new OpenAI({ apiKey: 'k', baseURL: `${server.url}stalled`, fetch: ours, maxRetries: 0, timeout: 30 })
    expect(await slow.get('').catch((reason: unknown) => reason)).toBeInstanceOf(OpenAI.APIConnectionTimeoutError)
    await quiet()
  })
})

describe('the SDK of Anthropic', () => {
  const anthropic = () => new Anthropic({ apiKey: 'k', baseURL: server.url, fetch: ours, maxRetries: 0 })
  const ask = { model: 'x', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hi' }] }

  it('answers', async () => {
    expect((await anthropic().messages.create(ask)).content).toEqual([{ type: 'text', text: 'Hello' }])
  })

  it('streams', async () => {
    expect(await anthropic().messages.stream(ask).finalText()).toBe('Hello')
    await quiet()
  })
})

it('openapi-fetch asks by its types', async () => {
  interface Paths {
    '/json': { get: { responses: { 200: { content: { 'application/json': { a: number } } } } } }
  }
  const { data, response } = await createApi<Paths>({
    baseUrl: server.url.slice(0, -1),
    fetch: async request => ours(request),
  }).GET('/json')
  expect([data, response.status]).toEqual([{ a: 1 }, 200])
})

it('graphql-request asks', async () => {
  const graph = new GraphQLClient(`${server.url}graphql`, { fetch: ours })
  expect(await graph.request('query ($name: String) { hello(name: $name) }', { name: 'Ada' })).toEqual({ hello: 'Ada' })
})

it('MSW answers a client on the fetch engine', async () => {
  // In a process of its own: MSW leaves sockets behind that it has made and nobody can close.
  const program = new URL('compat/msw.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=sluice-source', program])
  expect(JSON.parse(stdout)).toEqual([{ id: '7' }, { id: '8' }])
})
