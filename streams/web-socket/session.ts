/** From the first subscriber to the last: connecting, and connecting again. */
import { defer, EMPTY, merge, of, Subject, Subscription, type Observable } from 'rxjs'
import { alarms, isHttpError } from '../../src/index.ts'
import { BACKOFF } from '../again/backoff.ts'
import { ended } from '../again/ended.ts'
import { reconnect, type Line, type Verdict } from '../again/reconnect.ts'
import type { ConnectionState } from '../again/state.ts'
import { connection, type Plan } from './connection.ts'
import type { WebSocketClose, WebSocketEnd } from './ending.ts'
import { Intake } from './intake.ts'
import type { Link } from './link.ts'
import type { Letter, Outbox } from './outbox.ts'
import { verdictOf, type Circumstances } from './verdict.ts'

/**
 * What becomes of a WebSocket, in the order in which it happens: as with an event source, and `closing` from our goodbye to the
 * peer's. What waits for its first subscriber is `closed`.
 */
export type WebSocketState = ConnectionState | { readonly name: 'closing' }

/** What a session tells. */
export interface SessionObserver {
  next(value: unknown): void
  /** Everything but `closed`. */
  state(state: WebSocketState): void
  /** The peer said goodbye. */
  closed(close: WebSocketClose): void
  /** What is said first over a new connection. */
  greetings(nth: number, protocol: string): Iterable<Letter>
  /** It is over, by itself: whoever joins from now on begins anew. */
  done(end: SessionEnd): void
}

/** How it came out; anything may have been thrown. */
export type SessionEnd = { readonly failed: false } | { readonly failed: true; readonly error: unknown }

/** Keeps one connection, or makes it again. */
export class Session {
  readonly #plan: Plan
  readonly #outbox: Outbox
  readonly #observer: SessionObserver
  readonly #intake: Intake
  readonly #alarm = alarms()
  readonly #run = new Subscription()
  /** Emits when a wait is for nothing. */
  readonly #enough = new Subject<void>()
  #link: Link | undefined
  /** How the peer of the connection that ends said goodbye. */
  #close: WebSocketClose | undefined
  #opened = 0
  #breaks = 0
  #waiting = false
  #over = false

  constructor(plan: Plan, outbox: Outbox, observer: SessionObserver) {
    this.#plan = plan
    this.#outbox = outbox
    this.#observer = observer
    this.#intake = new Intake(plan.settings, {
      next(value) {
        observer.next(value)
      },
      failed: (error, blame) => {
        if (blame === 'message' && this.#link !== undefined) this.#link.refuse(error)
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
    const { reconnect: again } = this.#plan.settings
    return this.#link === undefined && this.#opened > 0 && again !== false && !again.queue
  }
  get buffered(): number {
    return this.#link?.socket.bufferedAmount ?? 0
  }
  get protocol(): string {
    return this.#link?.socket.protocol ?? ''
  }

  /** All was said, the goodbye too, but for saying it. */
  get #isDone(): boolean {
    return this.#outbox.goodbye !== undefined && this.#outbox.empty
  }

  start(): void {
    const { client, settings } = this.#plan
    const connections = reconnect({
      connect: line => this.#connect(line),
      judge: (ending, attempt) =>
        this.#judge(ending.well ? { close: this.#close } : { close: this.#close, error: ending.error }, attempt),
      backoff: settings.reconnect === false ? BACKOFF : settings.reconnect,
      // Asked when the wait begins: whoever was told of it may have said goodbye.
      ended: defer(() => (this.#isDone ? of(undefined) : merge(ended(client), this.#enough))),
      state: {
        next: state => {
          this.#waiting = state.name === 'waiting'
          if (!this.#over && state.name !== 'closed') this.#observer.state(state)
        },
      },
    })
    this.#run.add(
      connections.subscribe({
        error: (error: unknown) => {
          this.#finish({ failed: true, error })
        },
        complete: () => {
          this.#finish({ failed: false })
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
    else if (this.#waiting && this.#isDone) this.#enough.next()
  }

  /** Ends it with an error that no other connection would help, also where what is being done with messages outlives the last. */
  fail(error: unknown): void {
    this.#link?.bid({ code: 1011, reason: '' })
    this.#intake.stop()
    this.#finish({ failed: true, error })
  }

  /** Nobody listens any more. */
  leave(): void {
    this.#intake.stop()
    if (!this.#over) this.#link?.bid({ code: 1000, reason: '' })
    this.#over = true
    this.#run.unsubscribe()
    this.#release()
  }

  #connect(line: Line): Observable<never> {
    // Whoever was told of the state may have left.
    if (this.#over) return EMPTY
    this.#close = undefined
    return connection(this.#plan, this.#alarm, {
      opened: link => {
        this.#open(link, line)
      },
      message: data => {
        this.#intake.message(data)
      },
      alive: () => {
        this.#breaks = 0
        line.alive()
      },
      closing: () => {
        this.goodbye({ code: 1001, reason: '' })
      },
      closed: close => {
        this.#close = close
        this.#observer.closed(close)
      },
    })
  }

  #open(link: Link, line: Line): void {
    if (this.#over) return
    this.#link = link
    if (!this.#greet(link)) return
    line.open()
    if (this.#link !== link) return
    this.#intake.attach(link.socket, link.request)
    link.expect(!this.#intake.held)
    if (this.#outbox.goodbye !== undefined) this.#bid(link, this.#outbox.goodbye)
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
    link.bid(close)
    // Only now: whoever is told may say goodbye once more.
    if (this.#link === link) this.#observer.state({ name: 'closing' })
  }

  #judge(end: WebSocketEnd, attempt: number): Verdict {
    if (this.#over) return 'complete'
    const now: Circumstances = {
      attempt,
      bidden: this.#link?.bidden === true && this.#outbox.goodbye !== undefined,
      unsent: this.buffered,
      breaks: this.#breaks,
      isDone: () => this.#isDone,
    }
    const lost = this.#release()
    const verdict = verdictOf(end, now, this.#plan.settings.reconnect)
    if (typeof verdict === 'object' && Object.hasOwn(verdict, 'again')) {
      this.#breaks++
      // What was on its way is gone: whoever waited for it goes on with the next.
      for (const { taken } of lost) taken?.()
    }
    return verdict
  }

  #finish(end: SessionEnd): void {
    this.#over = true
    this.#run.unsubscribe()
    this.#release()
    if (end.failed && isHttpError(end.error) && end.error.code === 'CANCELLED') this.#intake.stop()
    // What is still being done with messages comes before the end.
    this.#intake.whenIdle(() => {
      this.#intake.stop()
      this.#observer.done(end)
    })
  }

  /** Lets go of the connection. Returns the messages of which somebody waits to hear that they were taken. */
  #release(): readonly Letter[] {
    const link = this.#link
    this.#link = undefined
    this.#intake.detach()
    return link?.end() ?? []
  }
}
