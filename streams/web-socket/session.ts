/** From the first subscriber to the last: connecting, and connecting again. */
import { race, Observable, Subscription, timer, type ObservableInput, type Subscriber } from 'rxjs'
import {
  alarms,
  describe,
  HttpError,
  isHttpError,
  refusedLive,
  WEB_SOCKET,
  type Client,
  type HttpRequest,
  type Reader,
  type StreamingResponse,
  type Url,
  type WebSocketConnection,
} from '../../src/index.ts'
import { Backoff } from '../again/backoff.ts'
import { ended } from '../again/ended.ts'
import { askedToWait } from '../again/worth.ts'
import { endOf, isPassing, type WebSocketClose, type WebSocketEnd } from './ending.ts'
import { Intake } from './intake.ts'
import { Link } from './link.ts'
import type { Settings } from './options.ts'
import type { Letter, Outbox } from './outbox.ts'

/** Where a WebSocket is in its life. */
export type WebSocketState = 'connecting' | 'open' | 'waiting' | 'closing' | 'closed'

/** What to connect to, and how. */
export interface Plan {
  readonly client: Client
  readonly url: Url
  readonly call: object
  readonly settings: Settings
}

/** What a session tells. */
export interface SessionObserver {
  next(value: unknown): void
  state(state: WebSocketState): void
  /** The peer said goodbye. */
  closed(close: WebSocketClose): void
  /** What is said first over a new connection. */
  greetings(nth: number, protocol: string): Iterable<Letter>
  /** It is over, by itself: whoever joins from now on begins anew. */
  done(end: { readonly error?: unknown; readonly failed: boolean }): void
}

/** Keeps one connection, or makes it again. */
export class Session {
  readonly #plan: Plan
  readonly #outbox: Outbox
  readonly #observer: SessionObserver
  readonly #intake: Intake
  readonly #backoff: Backoff | undefined
  readonly #alarm = alarms()
  #call = new Subscription()
  #wait: Subscription | undefined
  #link: Link | undefined
  #opened = 0
  #breaks = 0
  #over = false

  constructor(plan: Plan, outbox: Outbox, observer: SessionObserver) {
    const { settings } = plan
    this.#plan = plan
    this.#outbox = outbox
    this.#observer = observer
    this.#backoff = settings.reconnect === false ? undefined : new Backoff(settings.reconnect)
    this.#intake = new Intake(settings, {
      next(value) {
        observer.next(value)
      },
      failed: (error, blame) => {
        if (blame === 'message') this.#refuse(error)
        else this.fail(error)
      },
      held: held => this.#link?.expect(!held),
    })
  }

  /** True where what is sent goes out at once. */
  get ready(): boolean {
    return this.#link?.ready === true && !this.#link.bidden
  }
  /** True while what is sent is dropped. */
  get drops(): boolean {
    const { reconnect } = this.#plan.settings
    return this.#link === undefined && this.#opened > 0 && reconnect !== false && !reconnect.queue
  }
  get buffered(): number {
    return this.#link?.socket.bufferedAmount ?? 0
  }
  get protocol(): string {
    return this.#link?.socket.protocol ?? ''
  }

  connect(): void {
    this.#wait = undefined
    this.#observer.state('connecting')
    if (this.#over) return
    const { client, url, call: options, settings } = this.#plan
    const { protocols, compress, maxMessage } = settings
    const reader: Reader<never> = Object.assign((response: StreamingResponse) => this.#read(response), {
      prepare: (request: HttpRequest) => request.note(WEB_SOCKET, { protocols, compress, maxMessage }),
    })
    const call = new Subscription()
    this.#call = call
    call.add(
      client.stream(url, reader, options).subscribe({
        error: (error: unknown) => {
          if (this.#call === call) this.#ended({ error })
        },
      }),
    )
  }

  /** Sends it now; only where it is `ready`. */
  send(letter: Letter): void {
    this.#link?.send(letter)
  }

  /** Says goodbye once all that was sent before is out. */
  goodbye(close: WebSocketClose): void {
    this.#outbox.goodbye ??= close
    if (this.#link?.ready === true) this.#bid(this.#link, this.#outbox.goodbye)
    else if (this.#wait !== undefined && this.#outbox.empty) this.#finish()
  }

  /** Ends it with an error that no other connection would help. */
  fail(error: unknown): void {
    if (this.#over) return
    this.#part(1011)
    this.#intake.stop()
    this.#finish({ error, failed: true })
  }

  /** Nobody listens any more. */
  leave(): void {
    this.#intake.stop()
    if (!this.#over) this.#part(1000)
    this.#over = true
  }

  #read(response: StreamingResponse): ObservableInput<never> {
    const { socket } = response
    if (socket === undefined) return refuse(response)
    return new Observable<never>(subscriber => {
      this.#open(response, socket, subscriber)
    })
  }

  #open(response: StreamingResponse, socket: WebSocketConnection, subscriber: Subscriber<never>): void {
    const { request } = response
    const { heartbeat } = this.#plan.settings
    if (heartbeat !== false && heartbeat.asked && !socket.pings) {
      this.fail(withoutPings(request))
      return
    }
    const link = new Link(response, socket, heartbeat, this.#alarm, {
      message: data => this.#intake.message(data),
      alive: () => {
        this.#breaks = 0
        this.#backoff?.reset()
      },
      closed: close => {
        this.#observer.closed(close)
        if (this.#over) return
        // The call ends well, right after this and by itself, whatever comes of it here.
        this.#call = new Subscription()
        this.#ended(endOf(close, request))
      },
      broke: error => subscriber.error(error),
      gone: () => subscriber.complete(),
      dead: () => subscriber.error(dead(request)),
    })
    this.#link = link
    if (!this.#greet(link)) return
    this.#observer.state('open')
    subscriber.add(
      response.closing.subscribe({
        next: () => {
          this.goodbye({ code: 1001, reason: '' })
        },
        error() {},
      }),
    )
    if (this.#link !== link) return
    this.#intake.attach(socket, request)
    link.expect(!this.#intake.held)
    if (this.#outbox.goodbye !== undefined) this.#bid(link, this.#outbox.goodbye)
    link.listen()
  }

  /** Says what comes first, then what has waited; false when that was the end. */
  #greet(link: Link): boolean {
    try {
      for (const letter of this.#observer.greetings(++this.#opened, link.socket.protocol)) {
        if (this.#link !== link) return false
        link.send(letter)
      }
    } catch (error) {
      this.fail(error)
    }
    if (this.#link !== link) return false
    for (const letter of this.#outbox.take()) link.send(letter)
    link.ready = true
    return true
  }

  #bid(link: Link, close: WebSocketClose): void {
    if (link.bidden) return
    this.#observer.state('closing')
    link.bid(close)
  }

  /** A message that is none: this connection is of no use, another one may be. */
  #refuse(error: unknown): void {
    const link = this.#link
    link?.bid({ code: 1007, reason: '' })
    this.#ended({ error })
  }

  /** The connection is gone, or there was none. */
  #ended(end: WebSocketEnd): void {
    const link = this.#link
    const bidden = link?.bidden === true && this.#outbox.goodbye !== undefined
    const unsent = this.buffered
    const waiting = this.#release()
    if (this.#over) return
    if (bidden && unsent === 0 && isOver(end)) {
      this.#finish()
      return
    }
    try {
      if (bidden || !this.#isWorth(end)) this.#finish(failureOf(end))
      else this.#again(end)
    } catch (thrown) {
      this.fail(thrown)
    }
    // What was on its way is gone: whoever waited for it goes on with the next.
    for (const taken of waiting) taken()
  }

  #isWorth(end: WebSocketEnd): boolean {
    const { reconnect } = this.#plan.settings
    if (reconnect === false || this.#breaks >= reconnect.times) return false
    return reconnect.when?.(end) ?? isPassing(end)
  }

  #again(end: WebSocketEnd): void {
    const { client, settings } = this.#plan
    if (settings.reconnect === false || this.#backoff === undefined || this.#over) return
    if (this.#outbox.goodbye !== undefined && this.#outbox.empty) {
      this.#finish()
      return
    }
    const delay = this.#backoff.next(askedToWait(end.error))
    settings.reconnect.onBreak?.({ ...end, count: ++this.#breaks, delay })
    this.#observer.state('waiting')
    // Whoever was told may have left.
    if (this.#isOver()) return
    const wait = new Subscription()
    this.#wait = wait
    wait.add(
      race(timer(delay), ended(client)).subscribe({
        next: () => {
          if (this.#wait !== wait) return
          if (client.closed) this.#finish()
          else this.connect()
        },
        error() {},
      }),
    )
  }

  #isOver(): boolean {
    return this.#over
  }

  #finish(end: { readonly error?: unknown; readonly failed: boolean } = { failed: false }): void {
    this.#over = true
    this.#release()
    this.#wait?.unsubscribe()
    this.#wait = undefined
    // What is still being done with messages comes before the end.
    this.#intake.whenIdle(() => {
      this.#intake.stop()
      this.#observer.done(end)
    })
  }

  /** Says goodbye, if nobody has yet, and does not wait for an answer. */
  #part(code: number): void {
    this.#link?.bid({ code, reason: '' })
    this.#release()
    this.#wait?.unsubscribe()
  }

  /** Lets go of the connection. */
  #release(): readonly (() => void)[] {
    const link = this.#link
    const call = this.#call
    this.#link = undefined
    this.#call = new Subscription()
    this.#intake.detach()
    const waiting = link?.end() ?? []
    call.unsubscribe()
    return waiting
  }
}

async function refuse(response: StreamingResponse): Promise<never> {
  throw await refusedLive(response)
}

/** After a goodbye of ours it does not matter how the peer takes it. */
function isOver({ close, error }: WebSocketEnd): boolean {
  return close !== undefined || (isHttpError(error) && error.code === 'RESET')
}

function failureOf({ error }: WebSocketEnd): { readonly error?: unknown; readonly failed: boolean } {
  return error === undefined ? { failed: false } : { error, failed: true }
}

function dead(request: HttpRequest): HttpError {
  const { attempt } = request
  return new HttpError('TIMEOUT', `The peer of the WebSocket of ${describe(request, attempt)} shows no sign of life.`, {
    phase: 'idle',
    request,
    attempt,
    requestWritten: 'yes',
  })
}

function withoutPings(request: HttpRequest): HttpError {
  return new HttpError(
    'UNSUPPORTED',
    `The engine cannot ask the peer of ${describe(request)} for signs of life, its platform keeps pings to itself; leave webSocket({ heartbeat }) out, or use an engine that can: undici, http, http2.`,
    { phase: 'config', request },
  )
}
