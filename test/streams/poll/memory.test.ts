import { ignoreElements, Subject, takeUntil, tap, type Observable } from 'rxjs'
import { createClient, type Client } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { paginate } from 'sluice/streams/paginate'
import { longPoll, poll } from 'sluice/streams/poll'
import { expect, it } from 'vitest'
import { watch } from './watching.ts'

const ROUNDS = 30_000

/** `round` is to be called once a round; it counts, and goes on counting for cursors and pages. */
const SOURCES: readonly (readonly [string, (client: Client, round: () => number) => Observable<unknown>])[] = [
  ['poll', (client, round) => poll(client, 'x', { every: 10 }).pipe(tap(round))],
  [
    'poll that fails',
    (client, round) => poll(client, 'down', { every: 10, backoff: { first: 1, most: 1 }, onFailure: round }),
  ],
  ['longPoll', (client, round) => longPoll<number>(client, 'x', { cursor: round, next: n => ({ query: { n } }) })],
  ['paginate', (client, round) => paginate(client, 'x', { next: () => `?page=${round()}`, project: () => [] })],
]

it.each(SOURCES)('a %s of many rounds needs no more memory than one of few', (_, make) => {
  const engine = mock({ '/x': { headers: { etag: '"1"' }, body: 'x'.repeat(1_000) }, '/down': 503 })
  const client = createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })
  const used: number[] = []
  const stop = new Subject<void>()
  let rounds = 0
  const round = (): number => {
    rounds++
    // What the mock remembers is not what is measured.
    if (rounds % 1_000 === 0) engine.reset()
    if (rounds === 15_000 || rounds === ROUNDS) {
      globalThis.gc?.()
      used.push(process.memoryUsage().heapUsed)
    }
    if (rounds === ROUNDS) stop.next()
    return rounds
  }
  const seen = watch(() => make(client, round).pipe(ignoreElements(), takeUntil(stop)), 1_000_000)
  expect([used.length, seen.map(line => line.replace(/^\d+ /, ''))]).toEqual([2, ['end']])
  const [before = 0, after = Infinity] = used
  // A page is known again by its url; an answer that was kept would be a kilobyte each.
  expect(after - before).toBeLessThan(5_000_000)
})
