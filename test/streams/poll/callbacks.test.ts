import { mergeMap, NEVER, timer, type Observable } from 'rxjs'
import { createClient, type Client } from 'sluice'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { paginate } from 'sluice/streams/paginate'
import { longPoll, poll } from 'sluice/streams/poll'
import { describe, expect, it } from 'vitest'
import { watch } from './watching.ts'

const items = (): string[] => ['a', 'b']

/** What is done in a callback of each. */
const SOURCES: readonly (readonly [string, (client: Client, act: () => void) => Observable<unknown>])[] = [
  ['poll, project', (client, act) => poll(client, 'x', { every: 10, project: () => (act(), NEVER) })],
  ['poll, onFailure', (client, act) => poll(client, 'down', { every: 10, onFailure: act })],
  ['longPoll, cursor', (client, act) => longPoll<string>(client, 'x', { cursor: () => (act(), ''), next: () => ({}) })],
  ['longPoll, next', (client, act) => longPoll<string>(client, 'x', { cursor: () => '', next: () => (act(), {}) })],
  ['paginate, items', (client, act) => paginate(client, 'x', { items: () => (act(), items()) })],
  ['paginate, next', (client, act) => paginate(client, 'x', { items, next: () => (act(), '?page=2') })],
  [
    'paginate, next of a page that is prefetched',
    (client, act) => paginate(client, 'x', { prefetch: 2, next: () => (act(), '?page=2') }),
  ],
  ['paginate, project', (client, act) => paginate(client, 'x', { items, project: () => (act(), items()) })],
]

/** Answers at once, or a little later. */
const api = (delay: number): MockEngine => mock({ '/x': { delay }, '/down': { delay, status: 503 } })

describe.each(SOURCES)('from inside of a callback (%s)', (_, make) => {
  it.each([0, 5])('it can be left, and sends nothing more: answers after %i ms', delay => {
    const engine = api(delay)
    const client = createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })
    let leave = (): void => undefined
    let left: number | undefined
    const seen = watch(
      () =>
        timer(1).pipe(
          mergeMap(() =>
            make(client, () => {
              leave()
              left = engine.history.length
            }),
          ),
        ),
      20_000,
      subscription => {
        leave = () => {
          subscription.unsubscribe()
        }
      },
    )
    expect([left, engine.history.length, client.inFlight]).toEqual([1, 1, 0])
    expect(seen.some(line => /end|[A-Z]{5}/.test(line))).toBe(false)
  })
})
