/** What a user holds in hand. */
import { Observable, Subscription, type ObservableInput, type Observer } from 'rxjs'
import { HttpError, shown } from '../../src/index.ts'
import type { Plan } from './connection.ts'
import type { WebSocketClose } from './ending.ts'
import { Hub } from './hub.ts'
import { pump } from './pump.ts'
import type { WebSocketState } from './session.ts'

/** Bytes a reason may have: a control frame has 125 (RFC 6455 §5.5). */
const LONGEST_REASON = 123

// The kind of object users know from rxjs/webSocket, an Observable that is an Observer too: no closure can be both.
/* eslint-disable rxjs-x/no-subclass -- for this class alone; operators make plain Observables of it */

/**
 * A WebSocket. Subscribing connects and receives, `next` sends, `complete` says goodbye.
 *
 * All subscribers share one connection: the first one opens it, the last one to leave ends it. What is sent while nobody is
 * subscribed waits for the first one. Once it has ended, subscribing again begins anew, with an empty queue.
 */
export class WebSocketDuplex<In, Out = In> extends Observable<In> implements Observer<Out> {
  readonly #hub: Hub

  constructor(plan: Plan) {
    const hub = new Hub(plan)
    super(subscriber => {
      hub.join(subscriber)
    })
    this.#hub = hub
  }

  /** Where it is in its life: the state it has, then every change. Looking at it does not connect. Never ends. */
  get state(): Observable<WebSocketState> {
    return this.#hub.states
  }
  /** The sub-protocol the server chose; empty when none, and while there is no connection. */
  get protocol(): string {
    return this.#hub.protocol
  }
  /** Bytes that were sent and have not been taken by the system yet, those that wait for a connection included. */
  get bufferedAmount(): number {
    return this.#hub.bufferedAmount
  }
  /**
   * How the peer closed last: 1005 is a goodbye without a code, 1006 none at all. Missing when it never has, as after a connection
   * that broke off or was left.
   */
  get lastClose(): WebSocketClose | undefined {
    return this.#hub.lastClose
  }

  /**
   * Sends a message, or keeps it until there is a connection. What cannot be sent ends the WebSocket with an error: `CONFIG` when
   * there is no form for it, `TOO_LARGE` when too much waits already; where nobody is subscribed, that is thrown. Does nothing
   * after `complete()`.
   */
  next(message: Out): void {
    this.#hub.post(message)
  }

  /** Says goodbye with 1000 once everything is sent; subscribers complete when the peer has said so too, or after three seconds. */
  complete(): void {
    this.#hub.goodbye({ code: 1000, reason: '' })
  }

  /**
   * Says goodbye with a code of your own, 1000 or 3000 to 4999, and a reason of at most 123 bytes: `error({ code: 4001, reason: 'bored' })`.
   * It is else as `complete()`. What is no such object is the failure of what was sending: subscribers get it as the cause of an
   * error `CONFIG`, and the peer 1011.
   */
  error(close: unknown): void {
    // Without a prototype: an error that somebody threw must not become a goodbye by what is on one.
    const said = Object.assign(Object.create(null) as Record<string, unknown>, close)
    const { code, reason = '' } = said
    if (isCode(code) && typeof reason === 'string' && new TextEncoder().encode(reason).length <= LONGEST_REASON) {
      this.#hub.goodbye({ code, reason })
      return
    }
    const message = `A WebSocket is closed with an object such as { code: 4001, reason: 'bored' }, with 1000 or a code from 3000 to 4999 and at most ${LONGEST_REASON} bytes of reason, not with ${shown(close)}.`
    this.#hub.fail(new HttpError('CONFIG', message, { phase: 'config', cause: close }))
  }

  /**
   * Sends all that a source has, and completes once the system has taken it. A list, a generator and an async iterable are asked
   * for the next message when there is room (256 KiB, 4096 messages); an Observable cannot be held back, it is bounded by `maxQueue`. Cold, and a
   * subscriber like any other: it connects. Fails when the WebSocket ends before; a message that was on its way when a connection
   * broke is not sent again.
   */
  send(source: ObservableInput<Out>): Observable<never> {
    return new Observable<never>(subscriber => {
      const hub = this.#hub
      const tooEarly = (): void => {
        subscriber.error(
          new HttpError('CLOSED', 'The WebSocket was closed before everything was sent.', { phase: 'send' }),
        )
      }
      subscriber.add(
        this.subscribe({
          error: (error: unknown) => {
            subscriber.error(error)
          },
          complete: tooEarly,
        }),
      )
      if (subscriber.closed) return
      pump(
        source,
        {
          get bufferedAmount() {
            return hub.bufferedAmount
          },
          post(message, taken) {
            if (!hub.post(message, taken)) tooEarly()
          },
        },
        subscriber,
      )
    })
  }

  /**
   * Subscribes to a part of what the peer has to tell: sends what `subscribe` makes, hands on the messages that `belongs` says yes
   * to, and sends what `unsubscribe` makes when it is left. After a break the first is sent again, over the new connection. What
   * `subscribe` and `belongs` throw is its error alone; what `unsubscribe` throws ends the WebSocket, for the peer would go on.
   *
   * Two of the same kind are two subscriptions; share one with `share()` where the peer counts them once.
   */
  multiplex<T extends In = In>(
    subscribe: () => Out,
    unsubscribe: () => Out,
    belongs: (message: In) => boolean,
  ): Observable<T> {
    return new Observable<T>(subscriber => {
      const hub = this.#hub
      const channel = { say: subscribe, fail: (error: unknown) => subscriber.error(error) }
      const member = new Subscription()
      subscriber.add(() => {
        const told = hub.channels.delete(channel) && hub.ready
        try {
          if (told) hub.post(unsubscribe())
        } catch (error) {
          hub.fail(error)
        } finally {
          member.unsubscribe()
        }
      })
      const ready = hub.ready
      hub.channels.add(channel)
      member.add(
        this.subscribe({
          next: message => {
            let fits: boolean
            try {
              fits = belongs(message)
            } catch (error) {
              subscriber.error(error)
              return
            }
            if (fits) subscriber.next(message as T)
          },
          error: (error: unknown) => {
            hub.channels.delete(channel)
            subscriber.error(error)
          },
          complete: () => {
            hub.channels.delete(channel)
            subscriber.complete()
          },
        }),
      )
      if (!ready || subscriber.closed) return
      try {
        hub.post(subscribe())
      } catch (error) {
        // What was never asked for is not given up.
        hub.channels.delete(channel)
        channel.fail(error)
      }
    })
  }
}

function isCode(code: unknown): code is number {
  return code === 1000 || (Number.isInteger(code) && (code as number) >= 3000 && (code as number) <= 4999)
}
