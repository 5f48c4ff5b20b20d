/** When an event source connects again, in virtual time, through a whole client. */
import { Subject } from 'rxjs'
import { createClient, HttpError } from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { retry } from 'sluice/plugins/retry'
import { eventSource, type ConnectionState, type EventSourceOptions } from 'sluice/streams/sse'
import { marbles } from 'sluice/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.restoreAllMocks()
})

const URL = 'https://api.test/events'
const STREAM = { headers: { 'content-type': 'text/event-stream' } }

/** Expects the connections of an event source that is left after a while, when the server answers so, one after the other. */
function connections(
  replies: readonly (MockReply | number | Error | 'CONNECT' | 'RESET')[],
  options: EventSourceOptions & { readonly retry?: object },
  leave: string,
  ...diagrams: readonly string[]
): void {
  marbles(({ api, expectObservable, expectExchanges }) => {
    const plugins = options.retry === undefined ? [] : [retry()]
    const client = createClient({ engine: api, plugins })
    api.enqueue(...(replies as MockReply[]))
    api.on('*', { stall: 'headers' })
    expectObservable(eventSource(client, URL, options as EventSourceOptions), leave).toBe('')
    expectExchanges().toBe(...diagrams)
  })
}

describe('the first connection', () => {
  it('is made again after one second, two, four, …', () => {
    connections(['CONNECT', 'CONNECT', 'CONNECT'], {}, '10s !', '(^#)', '1s (^#)', '3s (^#)', '7s ^ 2999ms !')
  })

  it('is made again after up to thirty seconds', () => {
    const waits = ['0s', '1s', '3s', '7s', '15s', '31s', '61s']
    connections(Array<'CONNECT'>(7).fill('CONNECT'), {}, '92s !', ...waits.map(at => `${at} (^#)`), '91s ^ 999ms !')
  })

  it.each([408, 425, 429, 500, 502, 503, 504])('is made again after a %i', status => {
    connections([{ status }], {}, '2s !', '(^!)', '1s ^ 999ms !')
  })

  it.each(['RESET', 'CONNECT', new HttpError('TIMEOUT', 'slow', { phase: 'headers' })] as const)(
    'is made again after %s',
    failure => {
      connections([failure], {}, '2s !', '(^#)', '1s ^ 999ms !')
    },
  )

  it.each([
    ['2', '3s'],
    ['Thu, 01 Jan 1970 00:00:04 GMT', '5s'],
    ['3600', '301s'],
  ])('is made again after a 503 with Retry-After %s only then', (value, at) => {
    connections(
      [{ status: 503, headers: { 'retry-after': value } }],
      {},
      '400s !',
      '(^!)',
      `${at} ^ ${400 - Number.parseInt(at) - 1}s 999ms !`,
    )
  })
})

describe('the waits', () => {
  it('are as they are said to be', () => {
    const reconnect = { first: 10, factor: 3, most: 50 }
    connections(
      ['CONNECT', 'CONNECT', 'CONNECT', 'CONNECT'],
      { reconnect },
      '150ms !',
      '(^#)',
      '10ms (^#)',
      '40ms (^#)',
      '90ms (^#)',
      '140ms ^ 9ms !',
    )
  })

  it('come behind those of retry, which is inside', () => {
    const options = { reconnect: { first: 10_000 }, retry: { times: 1, delay: () => 100 } }
    connections([503, 503, 503], options, '11s !', '(^|)', '100ms (^!)', '10100ms (^|)', '10200ms ^ 799ms !')
  })
})

describe('leaving', () => {
  it('while it waits sends nothing any more', () => {
    connections(['CONNECT'], {}, '500ms !', '(^#)')
  })

  it('while it connects ends that', () => {
    connections([], {}, '500ms !', '^ 499ms !')
  })
})

it('waits one second again as soon as a byte has come', async () => {
  vi.useFakeTimers()
  try {
    const api = mock().enqueue(
      'CONNECT',
      'CONNECT',
      { ...STREAM, body: ':\n' },
      'CONNECT',
      { ...STREAM, body: '' },
      503,
    )
    const state = new Subject<ConnectionState>()
    const waits: number[] = []
    state.subscribe(now => {
      if (now.name === 'waiting') waits.push(now.delay)
    })
    const client = createClient({ engine: api, plugins: [] })
    const subscription = eventSource(client, URL, { state }).subscribe()
    await vi.advanceTimersByTimeAsync(11_900)
    subscription.unsubscribe()
    // The stream without a byte was none: a server that answers and hangs up is not asked more and more often.
    expect(waits).toEqual([1_000, 2_000, 1_000, 2_000, 4_000, 8_000])
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

it('may be silent for so long, counted from the last byte, and one turn of the event loop', async () => {
  vi.useFakeTimers()
  try {
    const chunks = [':\n', 900, ':\n', 999, 'data: a\n\n']
    const api = mock().enqueue({ ...STREAM, chunks, stall: 'body' })
    const client = createClient({ engine: api, plugins: [] })
    const state = new Subject<ConnectionState>()
    const seen: string[] = []
    state.subscribe(now => seen.push(`${Date.now() - began} ${now.name}`))
    const began = Date.now()
    const subscription = eventSource(client, URL, { state, idle: 1_000 }).subscribe(({ data }) =>
      seen.push(`${Date.now() - began} ${data}`),
    )
    await vi.advanceTimersByTimeAsync(3_100)
    subscription.unsubscribe()
    expect(seen).toEqual(['0 connecting', '0 open', '1899 a', '2900 waiting', '3100 closed'])
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})
