import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { reply, serve } from 'sluice/testing'
import { expect, it } from 'vitest'
import { ROOT } from '../house/files.ts'

const run = promisify(execFile)
const main = join(ROOT, 'examples/llm/main.ts')

async function example(...args: string[]): Promise<{ stdout: string; stderr: string; code?: number }> {
  const env = { ...process.env, API_KEY: 'key-1' }
  const program = run(process.execPath, ['--conditions=sluice-source', main, ...args], { timeout: 20_000, env })
  return program.catch((error: unknown) => error as { stdout: string; stderr: string; code: number })
}

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

it('says what a server says that does not want', async () => {
  await using server = await serve({ 'POST /chat': reply.json({ error: 'no such model' }, { status: 404 }) })
  const { stderr, code } = await example(`${server.url}chat`)
  expect(stderr).toContain('STATUS: POST')
  expect(stderr).toContain('no such model')
  expect(code).toBe(1)
}, 30_000)
