/** Talking over a scripted WebSocket in virtual time. */
import { clock, createClient, isHttpError, type Client, type HttpError } from 'sluice'
import { mock, type MockEngine, type MockPeer, type MockReply } from 'sluice/engines/mock'
import { webSocket, type WebSocketDuplex, type WebSocketOptions } from 'sluice/streams/web-socket'

export const over = (engine: MockEngine): Client => createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })
export const at = (ms: number, work: () => void): unknown => clock.schedule(work, ms)
export const echo = (peer: MockPeer): void => {
  peer.onMessage(data => {
    peer.send(data)
  })
}

export interface Talk {
  readonly socket: WebSocketDuplex<unknown>
  readonly api: MockEngine
  readonly client: Client
  /** What came, and the end, with the frame in which it did. */
  readonly heard: string[]
  readonly states: string[]
  readonly error: HttpError
  readonly leave: () => void
  /** The messages, pings and goodbye of the client, by connection. */
  readonly said: () => unknown[]
}

export type Options = WebSocketOptions<unknown, unknown>

/** Subscribes to the WebSocket that these replies make, in the time of whoever calls. */
export function talk(options: Options, ...replies: (MockReply | MockReply['webSocket'] | 'CONNECT' | number)[]): Talk {
  const api = mock()
  for (const reply of replies) {
    api.enqueue(Array.isArray(reply) || typeof reply === 'function' ? { webSocket: reply } : (reply as MockReply))
  }
  const client = over(api)
  const socket = webSocket(client, 'talk', { heartbeat: false, codec: 'text', ...options })
  const heard: string[] = []
  const states: string[] = []
  let failed: unknown
  const note = (what: string): void => void heard.push(`${clock.now()} ${what}`)
  socket.state.subscribe(state => states.push(`${clock.now()} ${state.name}`))
  const subscription = socket.subscribe({
    next(value) {
      note(typeof value === 'string' ? value : JSON.stringify(value))
    },
    error(error: unknown) {
      failed = error
      note(isHttpError(error) ? [error.code, error.phase].filter(Boolean).join(' ') : String(error))
    },
    complete: () => note('|'),
  })
  return {
    socket,
    api,
    client,
    heard,
    states,
    get error() {
      return failed as HttpError
    },
    leave: () => subscription.unsubscribe(),
    said: () =>
      api.history.map(
        ({ webSocket: minutes }) => minutes && [...minutes.messages, minutes.close?.code ?? 'no goodbye'],
      ),
  }
}
