import { of, type Observable } from 'rxjs'
import { createClient, type HttpResponse } from 'sluice'
import { retry } from 'sluice/plugins/retry'
import { longPoll, poll } from 'sluice/streams/poll'
import { expectTypeOf, it } from 'vitest'

const client = createClient({ plugins: [retry()] })

it('a poll emits answers, or what its projector makes of them', () => {
  expectTypeOf(poll(client, 'x', { every: 10 })).toEqualTypeOf<Observable<HttpResponse>>()
  expectTypeOf(poll(client, 'x', { every: 10, project: r => of(r.status) })).toEqualTypeOf<Observable<number>>()
  expectTypeOf(poll(client, 'x', { every: 10, visibility: document })).toEqualTypeOf<Observable<HttpResponse>>()
})

it('a poll takes the options of the call', () => {
  void poll(client, 'users/{id}', { every: 10, params: { id: 7 }, retry: false })
  // @ts-expect-error -- the params are missing
  void poll(client, 'users/{id}', { every: 10 })
  // @ts-expect-error -- nobody knows how often
  void poll(client, 'x', {})
  // @ts-expect-error -- no such option
  void poll(client, 'x', { every: 10, retries: 1 })
})

it('a long poll hands its cursor on', () => {
  const cursor = (response: HttpResponse): number => response.status
  const told = longPoll(client, 'x', {
    cursor,
    next: since => {
      expectTypeOf(since).toEqualTypeOf<number>()
      return { query: { since } }
    },
    from: 7,
  })
  expectTypeOf(told).toEqualTypeOf<Observable<HttpResponse>>()
  // @ts-expect-error -- another kind of cursor
  void longPoll(client, 'x', { cursor, next: since => ({ query: { since } }), from: 'a' })
  // @ts-expect-error -- two objects are never the same
  void longPoll(client, 'x', { cursor: () => ({}), next: () => ({}) })
})
