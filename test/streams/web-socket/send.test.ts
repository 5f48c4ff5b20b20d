import { interval, map, NEVER, Observable, take, throwError } from 'rxjs'
import { isHttpError } from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { webSocket, type ReconnectOptions, type WebSocketDuplex } from 'sluice/streams/web-socket'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { over } from './talk.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

interface Sending {
  readonly socket: WebSocketDuplex<string>
  readonly ends: string[]
  readonly messages: (nth?: number) => readonly unknown[]
  readonly close: (nth?: number) => unknown
  readonly leave: () => void
}

function send(
  source: Parameters<WebSocketDuplex<string>['send']>[0],
  replies: readonly MockReply[],
  options: { readonly maxQueue?: number; readonly reconnect?: ReconnectOptions } = {},
): Sending {
  const api = mock()
  api.enqueue(...replies)
  const socket = webSocket<string>(over(api), 'x', { heartbeat: false, codec: 'text', ...options })
  const ends: string[] = []
  const subscription = socket.send(source).subscribe({
    error: (error: unknown) => ends.push(isHttpError(error) ? error.code : String(error)),
    complete: () => ends.push('|'),
  })
  return {
    socket,
    ends,
    messages: (nth = 0) => api.history[nth]?.webSocket?.messages ?? [],
    close: (nth = 0) => api.history[nth]?.webSocket?.close?.code ?? api.history[nth]?.outcome,
    leave: () => subscription.unsubscribe(),
  }
}

async function* counted(log: string[], many = Infinity, size = 1): AsyncGenerator<string> {
  try {
    for (let n = 0; n < many; n++) {
      log.push(`${n}`)
      yield 'x'.repeat(size)
    }
  } finally {
    log.push('end')
  }
}

describe('sending a source', () => {
  it.each<[string, () => Parameters<WebSocketDuplex<string>['send']>[0]]>([
    ['a list', () => ['x', 'x', 'x']],
    ['an async generator', () => counted([], 3)],
    [
      'an Observable',
      () =>
        interval(5).pipe(
          take(3),
          map(() => 'x'),
        ),
    ],
    ['a promise', () => Promise.resolve('x')],
  ])('of %s connects, sends all, and completes when it is taken', async (name, source) => {
    const sending = send(source(), [{ readDelay: 10, webSocket: [] }])
    await pass(100)
    expect(sending.messages()).toEqual(name === 'a promise' ? ['x'] : ['x', 'x', 'x'])
    expect(sending.ends).toEqual(['|'])
  })

  it('asks for the next message only when there is room', async () => {
    const log: string[] = []
    const kib100 = 100 * 1024
    const sending = send(counted(log, Infinity, kib100), [{ readDelay: 10, webSocket: [] }])
    await pass(5)
    // 300 KiB are more than 256.
    expect(log).toEqual(['0', '1', '2'])
    await pass(20)
    expect(sending.messages().length).toBeGreaterThan(1)
    expect(log.length).toBeLessThan(sending.messages().length + 4)
    sending.leave()
    await pass(1)
    expect(log.at(-1)).toBe('end')
    expect(sending.ends).toEqual([])
  })

  it.each([
    ['nothing', ''],
    ['next to nothing', '1'],
  ])('asks for no more than some thousands of messages that say %s', async (_, message) => {
    let asked = 0
    function* many() {
      while (asked++ < 12_000) yield message
    }
    const sending = send(many(), [{ delay: 20, webSocket: [] }])
    await pass(10)
    expect(asked).toBeLessThan(10_000)
    await pass(20_000)
    expect(sending.ends).toEqual(['|'])
    expect(sending.messages()).toHaveLength(12_000)
  })

  it('waits for the connection, and for the next one when it breaks', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const log: string[] = []
    const kib200 = 200 * 1024
    const sending = send(
      counted(log, 4, kib200),
      [
        { delay: 20, readDelay: 10, webSocket: peer => peer.after(15, () => peer.reset()) },
        { readDelay: 10, webSocket: [] },
      ],
      { reconnect: { first: 100, queue: false } },
    )
    await pass(19)
    expect(log).toEqual(['0', '1'])
    await pass(500)
    expect(sending.messages(0)).toHaveLength(1)
    // What was on its way when the connection broke is lost, and not sent again.
    expect(sending.messages(0).length + sending.messages(1).length).toBeLessThan(4)
    expect(log).toEqual(['0', '1', '2', '3', 'end'])
    expect(sending.ends).toEqual(['|'])
  })

  it('fails when the source does', async () => {
    const sending = send(
      throwError(() => new RangeError('disk')),
      [{ webSocket: [] }],
    )
    async function* broken() {
      yield 'a'
      throw new RangeError('disk')
    }
    const other = send(broken(), [{ webSocket: [] }])
    await pass(10)
    expect(sending.ends).toEqual(['RangeError: disk'])
    expect(other.ends).toEqual(['RangeError: disk'])
    expect(other.close()).toBe('aborted')
  })

  it('fails when the WebSocket is over before', async () => {
    const closed = send(NEVER, [{ webSocket: [10, { close: 1000 }] }])
    const broken = send(NEVER, [{ webSocket: [10, { close: 4000 }] }])
    const refused = send(['x'], [{ status: 404 }])
    const full = send(['x'.repeat(10)], [{ webSocket: [] }], { maxQueue: 9 })
    await pass(20)
    expect(closed.ends).toEqual(['CLOSED'])
    expect(broken.ends).toEqual(['RESET'])
    expect(refused.ends).toEqual(['STATUS'])
    expect(full.ends).toEqual(['TOO_LARGE'])
  })

  it('fails after a goodbye', async () => {
    const socket = webSocket<string>(over(mock({ '*': { readDelay: 10, webSocket: [] } })), 'x')
    const ends: unknown[] = []
    socket.subscribe()
    socket.complete()
    socket.send(['x']).subscribe({ error: (error: unknown) => ends.push(isHttpError(error) && error.code) })
    await pass(30)
    expect(ends).toEqual(['CLOSED'])
  })

  it('leaves an Observable with the rest', async () => {
    const log: string[] = []
    const sending = send(new Observable<string>(() => () => log.push('left')), [{ webSocket: [] }])
    sending.leave()
    await pass(0)
    expect(log).toEqual(['left'])
  })

  it('shares the connection with those who listen', async () => {
    const api = mock({
      '*': {
        webSocket: peer => {
          peer.onMessage(data => {
            peer.send(data)
          })
        },
      },
    })
    const socket = webSocket<string>(over(api), 'x', { heartbeat: false })
    const heard: string[] = []
    const subscription = socket.subscribe(text => heard.push(text))
    socket.send(['a', 'b']).subscribe({ complete: () => heard.push('sent') })
    await pass(10)
    expect(heard).toEqual(['a', 'b', 'sent'].sort((a, b) => heard.indexOf(a) - heard.indexOf(b)))
    expect(heard).toHaveLength(3)
    expect(api.history).toHaveLength(1)
    subscription.unsubscribe()
  })
})

it.each([
  ['a text', 'hello'],
  ['nothing', null],
  ['a number', 7],
])('what is no source but %s is refused', async (_, source) => {
  const { ends, leave } = send(source as never, [{ webSocket: [] }])
  await pass(1)
  expect(ends).toEqual(['CONFIG'])
  leave()
})
