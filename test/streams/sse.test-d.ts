import type { Observable } from 'rxjs'
import { createClient, type Reader } from 'sluice'
import { retry } from 'sluice/plugins/retry'
import { eventSource, json, sse, type ServerSentEvent } from 'sluice/streams/sse'
import { describe, expectTypeOf, it } from 'vitest'

interface Price {
  readonly price: number
}

const client = createClient({ plugins: [retry()] })
const url = 'http://127.0.0.1:9/'

describe('the events of a stream', () => {
  it('are text of any type when none are named', () => {
    expectTypeOf(sse()).toEqualTypeOf<Reader<ServerSentEvent>>()
    expectTypeOf(sse({ maxEvent: 5 })).toEqualTypeOf<Reader<ServerSentEvent>>()
    expectTypeOf(eventSource(client, url)).toEqualTypeOf<Observable<ServerSentEvent>>()
  })

  it('are those that are named, with their data', () => {
    const events = { price: json<Price>(), done: 'text' } as const
    type Events = ServerSentEvent<'price', Price> | ServerSentEvent<'done'>
    expectTypeOf(sse({ events })).toEqualTypeOf<Reader<Events>>()
    expectTypeOf(sse({ events: { price: json<Price>(), done: 'text' } })).toEqualTypeOf<Reader<Events>>()
    expectTypeOf(eventSource(client, url, { events })).toEqualTypeOf<Observable<Events>>()
  })

  it('are known to the projector, whose results are what comes', () => {
    expectTypeOf(sse(event => [event.data.length])).toEqualTypeOf<Reader<number>>()
    expectTypeOf(sse({ events: { price: json<Price>() }, project: ({ data }) => [data.price] })).toEqualTypeOf<
      Reader<number>
    >()
    expectTypeOf(
      eventSource(client, url, { events: { price: json<Price>() }, project: async ({ data }) => data.price }),
    ).toEqualTypeOf<Observable<number>>()
  })
})

describe('an event source', () => {
  it('takes the options of the call and of the plugins of its client', () => {
    void eventSource(client, url, {
      method: 'POST',
      body: { a: 1 },
      headers: { a: 'b' },
      query: { c: 1 },
      retry: { times: 1 },
    })
    // @ts-expect-error -- there is no such plugin
    void eventSource(client, url, { deadline: false })
    // @ts-expect-error -- that is no option of retry
    void eventSource(client, url, { retry: { tims: 1 } })
    // @ts-expect-error -- that is no option of reconnect
    void eventSource(client, url, { reconnect: { frist: 1 } })
  })

  it('wants the params of its url', () => {
    void eventSource(client, 'http://127.0.0.1:9/{id}', { params: { id: 7 } })
    // @ts-expect-error -- the id is missing
    void eventSource(client, 'http://127.0.0.1:9/{id}')
    // @ts-expect-error -- the id is missing
    void eventSource(client, 'http://127.0.0.1:9/{id}', { idle: 5 })
  })
})
