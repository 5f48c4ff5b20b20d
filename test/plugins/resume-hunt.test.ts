import { NEVER, tap } from 'rxjs'
import { createClient, definePlugin, isHttpError, mapAnswer, type AnyPlugin } from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { progress } from 'sluice/plugins/progress'
import { resume } from 'sluice/plugins/resume'
import { describe, expect, it } from 'vitest'
import { virtually } from '../support/virtual-time.ts'

const BODY = 'abcdefghij'

const broken: MockReply = { body: BODY, reset: 'body', after: 4, headers: { etag: '"v1"' } }

/** What claims to be the bytes of this range; without a length of its own, so that it can be any number. */
const rest = (range: string, ...chunks: string[]): MockReply => ({
  status: 206,
  chunks,
  headers: { etag: '"v1"', 'content-range': `bytes ${range}/10` },
})

/** What comes out of the plugins, in its order. */
function watch(answers: readonly MockReply[], ...plugins: AnyPlugin[]): string[] {
  const seen: string[] = []
  const spy = definePlugin({
    name: 'spy',
    scope: 'call',
    defaults: {},
    install: () => (request, next) =>
      next(request).pipe(
        tap({
          next(event) {
            if (event.type === 'chunk') seen.push(new TextDecoder().decode(event.bytes))
            if (event.type === 'progress') seen.push(`${event.loaded}/${event.total ?? '?'}${event.done ? '.' : ''}`)
            if (event.type === 'notice' && event.name === 'gave up')
              seen.push(`gave up: ${String(event.detail['because'])}`)
          },
          error(error: unknown) {
            seen.push(isHttpError(error) ? error.code : String(error))
          },
        }),
      ),
  })
  const api = mock().enqueue(...answers)
  virtually(({ flush }) => {
    createClient({ engine: api, plugins: [spy(), resume({ delay: n => n * 10 }), ...plugins] })
      .stream('https://api.test/x', () => NEVER)
      .subscribe({ error: () => undefined })
    flush()
  })
  expect(() => {
    api.verify()
  }).not.toThrow()
  return seen
}

describe('a continuation that brings more than the range it names', () => {
  it.each<[string, MockReply]>([
    ['at its end', rest('4-9', 'efgh', 'ijklm')],
    ['at once', rest('4-9', 'efghijklm')],
    ['in the middle of the body', rest('4-5', 'efgh')],
    ['in a chunk of its own', rest('4-9', 'efghij', 'k')],
  ])('is not believed: %s', (_, answer) => {
    const seen = watch([broken, answer])
    expect(seen.slice(-2)).toEqual(['gave up: more than its range was sent', 'BODY'])
    expect(BODY.startsWith(seen.slice(0, -2).join(''))).toBe(true)
  })
})

it('is not needed where the engine says that the first answer is whole, however long it is', () => {
  // As with an engine that decodes, in a page that may not see `Content-Encoding` of another origin.
  const decoded = definePlugin({
    name: 'decoded',
    scope: 'wire',
    defaults: {},
    install: () => (request, next) =>
      next(request).pipe(mapAnswer({ head: head => ({ ...head, headers: head.headers.set('content-length', '30') }) })),
  })
  expect(watch([{ body: BODY, headers: { etag: '"v1"' } }], decoded())).toEqual([BODY])
})

it('tells of the end of the progress when it is the end', () => {
  const seen = watch([broken, rest('4-5', 'ef'), rest('6-9', 'ghij')], progress({ interval: 0 }))
  expect(seen.filter(line => line.includes('/'))).toEqual(['4/10', '6/10', '6/10', '10/10', '10/10.'])
})
