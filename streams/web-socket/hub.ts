/** What all subscribers of a WebSocket share: one session at a time, the queue, the subscriptions over it. */
import { BehaviorSubject, Subject, type Observable, type Observer, type Subscriber } from 'rxjs'
import { HttpError, redactUrl, shown } from '../../src/index.ts'
import { sizeOf } from './codec.ts'
import type { Plan } from './connection.ts'
import type { WebSocketClose } from './ending.ts'
import { Outbox, type Letter } from './outbox.ts'
import { Session, type WebSocketState } from './session.ts'

/** Messages that may wait for a connection: empty ones have no bytes, and take room all the same. */
const MOST_MESSAGES = 65_536

/** A subscription with the peer, asked for again over every new connection. */
export interface Channel {
  readonly say: () => unknown
  /** It cannot be asked for. */
  readonly fail: (error: unknown) => void
}

/** Between the first subscriber and the last. */
class Life {
  readonly session: Session
  readonly #messages = new Subject<unknown>()

  constructor(makeSession: (messages: Observer<unknown>, life: Life) => Session) {
    this.session = makeSession(this.#messages, this)
  }

  get observed(): boolean {
    return this.#messages.observed
  }
  subscribe(subscriber: Subscriber<unknown>): void {
    subscriber.add(this.#messages.subscribe(subscriber))
  }
}

/** Brings subscribers and sessions together. */
export class Hub {
  readonly channels: Set<Channel> = new Set()
  readonly #plan: Plan
  readonly #states = new BehaviorSubject<WebSocketState>({ name: 'closed', error: undefined })
  #outbox = new Outbox()
  #life: Life | undefined
  #lastClose: WebSocketClose | undefined

  constructor(plan: Plan) {
    this.#plan = plan
  }

  get states(): Observable<WebSocketState> {
    return this.#states.asObservable()
  }
  get lastClose(): WebSocketClose | undefined {
    return this.#lastClose
  }
  get protocol(): string {
    return this.#life?.session.protocol ?? ''
  }
  get bufferedAmount(): number {
    return this.#outbox.size + (this.#life?.session.buffered ?? 0)
  }
  /** True where what is sent goes out at once. */
  get ready(): boolean {
    return this.#life?.session.ready ?? false
  }

  /** Adds a subscriber; the first one connects. */
  join(subscriber: Subscriber<unknown>): void {
    const known = this.#life
    const life = known ?? new Life((messages, one) => this.#open(messages, one))
    this.#life = life
    life.subscribe(subscriber)
    subscriber.add(() => {
      if (this.#life === life && !life.observed) this.#leave(life)
    })
    if (known === undefined) life.session.start()
  }

  /** Sends a message, or keeps it until there is a connection. False when nothing can be sent any more. */
  post(message: unknown, taken?: () => void): boolean {
    if (this.#outbox.goodbye !== undefined) return false
    try {
      const letter = { data: this.#encode(message), taken }
      const session = this.#life?.session
      // Whoever waits for it to be taken waits for a connection too.
      if (session?.drops === true && taken === undefined) return true
      this.#checkRoom(letter)
      if (session?.ready === true) session.send(letter)
      else this.#outbox.push(letter)
    } catch (error) {
      this.fail(error)
    }
    return true
  }

  /** Says goodbye once everything is sent, also when there is no connection yet. */
  goodbye(close: WebSocketClose): void {
    if (this.#life === undefined) this.#outbox.goodbye ??= close
    else this.#life.session.goodbye(close)
  }

  /** Ends the session with an error. Where there is none, whoever caused it has to hear of it. */
  fail(error: unknown): void {
    if (this.#life === undefined) throw error
    this.#life.session.fail(error)
  }

  #open(messages: Observer<unknown>, life: Life): Session {
    return new Session(this.#plan, this.#outbox, {
      next(value) {
        messages.next(value)
      },
      state: state => {
        if (this.#life === life) this.#states.next(state)
      },
      closed: close => {
        this.#lastClose = close
      },
      greetings: (nth, protocol) => this.#greetings(nth, protocol),
      done: end => {
        this.#forget(life, end.failed ? end.error : undefined)
        if (end.failed) messages.error(end.error)
        else messages.complete()
      },
    })
  }

  #leave(life: Life): void {
    life.session.leave()
    this.#forget(life)
  }

  /** The next subscriber, which may be one that hears of this, begins anew with an empty queue. */
  #forget(life: Life, error?: unknown): void {
    if (this.#life !== life) return
    this.#life = undefined
    this.#outbox = new Outbox()
    this.#states.next({ name: 'closed', error })
  }

  *#greetings(nth: number, protocol: string): Generator<Letter> {
    const { greet } = this.#plan.settings
    for (const message of greet?.({ nth, protocol }) ?? []) yield { data: this.#encode(message), taken: undefined }
    for (const channel of this.channels) {
      let message: unknown
      try {
        message = channel.say()
      } catch (error) {
        channel.fail(error)
        continue
      }
      yield { data: this.#encode(message), taken: undefined }
    }
  }

  #encode(message: unknown): string | Uint8Array {
    let data: unknown
    let cause: unknown
    try {
      data = this.#plan.settings.codec.encode(message)
    } catch (error) {
      cause = error
    }
    if (typeof data === 'string' || data instanceof Uint8Array) return data
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : `its codec made ${shown(data)} of it`
    throw new HttpError('CONFIG', `A message over the WebSocket of ${this.#name} cannot be sent: ${why ?? ''}.`, {
      phase: 'config',
      cause,
    })
  }

  #checkRoom({ data }: Letter): void {
    const { maxQueue } = this.#plan.settings
    if (this.#outbox.count >= MOST_MESSAGES) {
      throw new HttpError(
        'TOO_LARGE',
        `${MOST_MESSAGES} messages wait for the WebSocket of ${this.#name} to be open, and no more may.`,
        { phase: 'send' },
      )
    }
    const before = this.bufferedAmount
    // UTF-16 to UTF-8: at most three bytes a unit. Most messages need not be measured.
    if (before + data.length * 3 <= maxQueue) return
    const size = sizeOf(data)
    if (before + size <= maxQueue) return
    throw new HttpError(
      'TOO_LARGE',
      `A message of ${size} bytes over the WebSocket of ${this.#name} finds ${before} bytes waiting to be sent, and no more than ${maxQueue} may wait; send as fast as the peer takes it, with send(), or raise webSocket({ maxQueue }).`,
      { phase: 'send' },
    )
  }

  get #name(): string {
    return `GET ${redactUrl(String(this.#plan.url))}`
  }
}
