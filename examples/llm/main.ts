/**
 * The tokens of a language model over POST, as the usual servers send them: events whose data is JSON, `[DONE]` at the end.
 *
 *   node --conditions=sluice-source examples/llm/main.ts                          a small server on loopback, made for it
 *   node --conditions=sluice-source examples/llm/main.ts https://… model prompt   any server that speaks so; API_KEY says who you are
 */
import { setTimeout as pause } from 'node:timers/promises'
import { filter, lastValueFrom, map, takeWhile, tap, type Observable } from 'rxjs'
import { createClient, isHttpError, recommended } from 'sluice'
import { sse } from 'sluice/streams/sse'
import { serve, type TestServer } from 'sluice/testing'

type Delta = { readonly choices: readonly { readonly delta: { readonly content?: string } }[] }

const [url, model = 'tiny', prompt = 'Say something.'] = process.argv.slice(2)
const server = url === undefined ? await standIn() : undefined
const client = createClient({ plugins: recommended() })
try {
  await lastValueFrom(
    tokens(url ?? `${server?.url ?? ''}v1/chat/completions`).pipe(tap(token => process.stdout.write(token))),
  )
  process.stdout.write('\n')
} catch (error) {
  if (!isHttpError(error)) throw error
  console.error(`${error.code}: ${error.message} ${error.response?.text() ?? ''}`)
  process.exitCode = 1
} finally {
  await client.close()
  await server?.close()
}

/** Leaving it stops the model: the socket is closed. */
function tokens(endpoint: string): Observable<string> {
  const key = process.env['API_KEY']
  return client
    .stream(endpoint, sse(), {
      method: 'POST',
      headers: { authorization: key === undefined ? undefined : `Bearer ${key}` },
      body: { model, stream: true, messages: [{ role: 'user', content: prompt }] },
    })
    .pipe(
      takeWhile(({ data }) => data !== '[DONE]'),
      map(({ data }) => (JSON.parse(data) as Delta).choices[0]?.delta.content ?? ''),
      filter(token => token !== ''),
    )
}

/** Thinks for a moment before each token. */
function standIn(): Promise<TestServer> {
  async function* body(): AsyncGenerator<string> {
    for (const content of ['Cold', ' until', ' asked', '.']) {
      await pause(20)
      yield `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`
    }
    yield 'data: [DONE]\n\n'
  }
  return serve({
    'POST /v1/chat/completions': () => ({ headers: { 'content-type': 'text/event-stream' }, body: body() }),
  })
}
