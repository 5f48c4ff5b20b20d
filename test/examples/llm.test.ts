import { reply, serve } from 'sluice/testing'
import { expect, it } from 'vitest'
import { run, type Ran } from './program.ts'

const example = (...args: string[]): Promise<Ran> => run('llm', args, { API_KEY: 'key-1' })

it('streams the tokens of its own server, and ends by itself', async () => {
  expect((await example()).stdout).toBe('Cold until asked.\n')
}, 30_000)

it('asks any other server, says who it is, and stops listening at [DONE]', async () => {
  const events = [
    '{"choices":[{"delta":{"role":"assistant"}}]}',
    '{"choices":[{"delta":{"content":"Ja."}}]}',
    '[DONE]',
    'junk',
  ]
  await using server = await serve({
    'POST /chat': {
      headers: { 'content-type': 'text/event-stream; charset=utf-8' },
      body: events.map(data => `data: ${data}\n\n`).join(''),
    },
  })
  expect((await example(`${server.url}chat`, 'big', 'Und?')).stdout).toBe('Ja.\n')
  const [asked] = server.requests
  expect(asked?.headers['authorization']).toBe('Bearer key-1')
  expect(JSON.parse(new TextDecoder().decode(asked?.body))).toEqual({
    model: 'big',
    stream: true,
    messages: [{ role: 'user', content: 'Und?' }],
  })
}, 30_000)

it('stops the model at [DONE]: the server sees it leave', async () => {
  async function* talking(): AsyncGenerator<string> {
    yield 'data: {"choices":[{"delta":{"content":"Ja."}}]}\n\ndata: {"choices":[]}\n\ndata: [DONE]\n\n'
    await new Promise(() => {})
  }
  await using server = await serve({
    'POST /chat': () => ({ headers: { 'content-type': 'text/event-stream' }, body: talking() }),
  })
  expect(await example(`${server.url}chat`)).toEqual({ stdout: 'Ja.\n', stderr: '', code: 0 })
  const { answered } = await server.until(({ requests }) => requests.find(({ brokenAt }) => brokenAt))
  expect(answered).toBe(false)
}, 30_000)

it('says what a server says that does not want', async () => {
  await using server = await serve({ 'POST /chat': reply.json({ error: 'no such model' }, { status: 404 }) })
  const { stderr, code } = await example(`${server.url}chat`)
  expect(stderr).toContain('STATUS: POST')
  expect(stderr).toContain('no such model')
  expect(code).toBe(1)
}, 30_000)
