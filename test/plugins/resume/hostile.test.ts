import fc from 'fast-check'
import { NEVER } from 'rxjs'
import { createClient, definePlugin, isHttpError, mapAnswer, type AnyPlugin } from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { progress } from 'sluice/plugins/progress'
import { resume } from 'sluice/plugins/resume'
import { describe, expect, it } from 'vitest'
import { spy } from './spy.ts'
import { virtually } from '../../support/virtual-time.ts'

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
  const watching = spy({
    next(event) {
      if (event.type === 'chunk') seen.push(new TextDecoder().decode(event.bytes))
      if (event.type === 'progress') seen.push(`${event.loaded}/${event.total ?? '?'}${event.done ? '.' : ''}`)
      if (event.type === 'notice' && event.name === 'gave up') seen.push(`gave up: ${String(event.detail['because'])}`)
    },
    error(error: unknown) {
      seen.push(isHttpError(error) ? error.code : String(error))
    },
  })
  const api = mock().enqueue(...answers)
  virtually(({ flush }) => {
    createClient({ engine: api, plugins: [watching, resume({ delay: n => n * 10 }), ...plugins] })
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

/** An answer to a request for the rest, with one lie or none: in its status, its validator, its range or its length. */
const answers = fc.record({
  status: fc.constantFrom(206, 206, 206, 200, 416, 503),
  etag: fc.constantFrom('"v1"', '"v1"', '"v1"', 'W/"v1"', '"v2"'),
  first: fc.integer({ min: -1, max: 1 }),
  last: fc.constantFrom(9, 9, 9, 10, 7, 5, -1, 1e15),
  total: fc.constantFrom('10', '10', '10', '11', '*', '1e1', '010'),
  sent: fc.integer({ min: 0, max: 12 }),
  chunk: fc.integer({ min: 1, max: 5 }),
  breaks: fc.boolean(),
})

it('hands on a beginning of the body, and calls it whole only when it is, whatever a server says of its parts', () => {
  fc.assert(
    fc.property(fc.array(answers, { maxLength: 8 }), script => {
      const seen: string[] = []
      let [text, end] = ['', '']
      let at = 0
      const api = mock(({ request }) => {
        const from = Number(/^bytes=(\d+)-$/.exec(request.headers.get('range') ?? '')?.[1] ?? -1)
        if (from === -1) return broken
        const answer = script[at++]
        if (answer === undefined) return 404
        const { status, etag, first, last, total, sent, chunk, breaks } = answer
        // What stands where the answer says that it stands; x where there is nothing.
        const bytes = `${BODY}xxxxxxxxxxxxxxxx`.slice(Math.max(from + first, 0)).slice(0, sent)
        seen.push(`${from} ${status} ${bytes}`)
        return {
          status,
          chunks: [...(bytes.match(new RegExp(`.{1,${chunk}}`, 'g')) ?? [])],
          headers: { etag, 'content-range': `bytes ${from + first}-${last}/${total}` },
          ...(breaks ? { reset: 'body' as const } : {}),
        }
      })
      virtually(({ flush }) => {
        const watching = spy({
          next(event) {
            if (event.type === 'chunk') text += new TextDecoder().decode(event.bytes)
          },
          error: () => (end = 'error'),
          complete: () => (end = 'whole'),
        })
        createClient({ engine: api, plugins: [watching, resume({ delay: () => 1 })] })
          .stream('https://api.test/x', () => NEVER)
          .subscribe({ error: () => undefined })
        flush()
      })
      expect(BODY.startsWith(text), seen.join('; ')).toBe(true)
      expect(end, seen.join('; ')).toBe(text === BODY && end === 'whole' ? 'whole' : 'error')
    }),
    { numRuns: 2_000 },
  )
})
