/** One connection: its handshake, and its end. */
import { Observable, type Subscriber } from 'rxjs'
import {
  refusedLive,
  WEB_SOCKET,
  type Alarm,
  type Client,
  type HttpRequest,
  type Reader,
  type StreamingResponse,
  type Url,
  type WebSocketConnection,
} from '../../src/index.ts'
import { dead, endOf, withoutPings, type WebSocketClose } from './ending.ts'
import { Link } from './link.ts'
import type { Settings } from './options.ts'

/** What to connect to, and how. */
export interface Plan {
  readonly client: Client
  readonly url: Url
  readonly call: object
  readonly settings: Settings
}

/** What is heard of a connection. */
export interface ConnectionObserver {
  /** The server agreed. What is said now goes out before anything is heard. */
  opened(link: Link): void
  message(data: string | Uint8Array): void
  /** A sign of life, messages included; told before them. */
  alive(): void
  /** The client is closed, and waits. */
  closing(): void
  /** The peer said goodbye; the connection ends right after this. */
  closed(close: WebSocketClose): void
}

/** Connects. Completes when the peer says goodbye as it should, and fails when it says otherwise, or nothing. */
export function connection(
  plan: Plan,
  alarm: (ring: () => void) => Alarm,
  observer: ConnectionObserver,
): Observable<never> {
  return new Observable(subscriber => {
    const connecting = new Connecting(plan, alarm, observer, subscriber)
    const call = plan.client.stream(plan.url, connecting.reader, plan.call).subscribe({
      error: (error: unknown) => {
        subscriber.error(error)
      },
    })
    return () => {
      // One that was closed as it should be ends by itself, right after that.
      if (!connecting.closed) call.unsubscribe()
    }
  })
}

class Connecting {
  readonly reader: Reader<never>
  closed = false
  readonly #settings: Settings
  readonly #alarm: (ring: () => void) => Alarm
  readonly #observer: ConnectionObserver
  readonly #subscriber: Subscriber<never>

  constructor(
    { settings }: Plan,
    alarm: (ring: () => void) => Alarm,
    observer: ConnectionObserver,
    subscriber: Subscriber<never>,
  ) {
    this.#settings = settings
    this.#alarm = alarm
    this.#observer = observer
    this.#subscriber = subscriber
    const { protocols, compress, maxMessage } = settings
    const read = (response: StreamingResponse): Observable<never> | Promise<never> =>
      response.socket === undefined ? refuse(response) : this.#talk(response, response.socket)
    const prepare = (request: HttpRequest): HttpRequest => request.note(WEB_SOCKET, { protocols, compress, maxMessage })
    this.reader = Object.assign(read, { prepare })
  }

  #talk(response: StreamingResponse, socket: WebSocketConnection): Observable<never> {
    const { heartbeat } = this.#settings
    if (heartbeat !== false && heartbeat.asked && !socket.pings) throw withoutPings(response.request)
    return new Observable<never>(exchange => {
      const link = this.#link(response, socket, exchange)
      this.#observer.opened(link)
      exchange.add(
        response.closing.subscribe({
          next: () => {
            this.#observer.closing()
          },
          error() {},
        }),
      )
      link.listen()
    })
  }

  #link(response: StreamingResponse, socket: WebSocketConnection, exchange: Subscriber<never>): Link {
    const { request } = response
    return new Link(response, socket, this.#settings.heartbeat, this.#alarm, {
      message: data => this.#observer.message(data),
      alive: () => this.#observer.alive(),
      closed: close => {
        this.closed = true
        this.#observer.closed(close)
        const { error } = endOf(close, request)
        if (error === undefined) this.#subscriber.complete()
        else this.#subscriber.error(error)
      },
      refused: error => this.#subscriber.error(error),
      broke: error => exchange.error(error),
      dead: () => exchange.error(dead(request)),
      gone: () => exchange.complete(),
    })
  }
}

async function refuse(response: StreamingResponse): Promise<never> {
  throw await refusedLive(response)
}
