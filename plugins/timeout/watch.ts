/** Looks at one attempt and ends it when a limit is over. */
import {
  describe,
  HttpError,
  Stage,
  type Alarm,
  type Flow,
  type HeadEvent,
  type HttpEvent,
  type HttpRequest,
  type ProgressEvent,
  type Sink,
  type WebSocketConnection,
} from '../../src/index.ts'
import { HeardSocket } from './heard.ts'

/** The limits that are kept here, in milliseconds. */
export interface Watched {
  readonly headers: number | false
  readonly idle: number | false | undefined
  readonly attempt: number | false
}

/** What there is to know about the attempt beforehand. */
export interface Kind {
  /** The end of the upload will be told, and is what the answer is waited for from. */
  readonly uploads: boolean
  /** Somebody further out wants to hear of the upload. */
  readonly passes: boolean
  /** The body is read while it arrives. */
  readonly live: boolean
}

const IDLE = 30_000

type MakeAlarm = (ring: () => void) => Alarm

const SLOW = {
  headers: (ms: number | false) => `got no answer within ${ms} ms`,
  idle: (ms: number | false) => `got no further byte for ${ms} ms`,
  attempt: (ms: number | false) => `took longer than ${ms} ms`,
} as const

/** Watches one attempt with one alarm, and a second one if there is a limit for the whole. */
export class Watch extends Stage implements Flow {
  readonly #request: HttpRequest
  readonly #limits: Watched
  readonly #kind: Kind
  readonly #alarm: Alarm
  readonly #whole: Alarm | undefined
  #phase: 'headers' | 'idle' = 'headers'
  #limit: number | false
  #flow: Flow | undefined
  #paused = false
  #sent = false

  constructor(request: HttpRequest, limits: Watched, kind: Kind, alarm: MakeAlarm, out: Sink) {
    super(out)
    this.#request = request
    this.#limits = limits
    this.#kind = kind
    this.#limit = limits.headers
    this.#alarm = alarm(() => {
      this.#fail(this.#phase, this.#limit)
    })
    const { attempt } = limits
    if (attempt === false) return
    this.#whole = alarm(() => {
      this.#fail('attempt', attempt)
    })
    this.#whole.set(attempt)
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    switch (event.type) {
      case 'sent':
        this.#sent = true
        if (!this.#kind.uploads) this.#restart()
        break
      case 'progress':
        if (event.way === 'up' && !this.#uploaded(event)) return
        break
      case 'head':
        this.#begin(event)
        return
      case 'chunk':
        this.#restart()
        break
      default:
    }
    super.next(event)
  }

  override unsubscribe(): void {
    this.#alarm.stop()
    this.#whole?.stop()
    super.unsubscribe()
  }

  pause(): void {
    this.#paused = true
    this.#alarm.stop()
    this.#flow?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#restart()
    this.#flow?.resume()
  }

  #begin(event: HeadEvent): void {
    const { idle = this.#kind.live && mayBeSilent(event) ? false : IDLE } = this.#limits
    this.#phase = 'idle'
    this.#limit = idle
    this.#flow = event.socket ?? event.flow
    this.#restart()
    if (idle === false) super.next(event)
    else if (event.socket === undefined) super.next({ ...event, flow: this })
    else super.next({ ...event, flow: this, socket: this.#hear(event.socket) })
  }

  /** No chunks come of a WebSocket: its messages, and answers to pings, are the signs of life. */
  #hear(socket: WebSocketConnection): HeardSocket {
    const heard = (): void => {
      this.#restart()
    }
    return new HeardSocket(socket, this, heard, () => {
      // The engine has a limit of its own on how long the peer may take to say goodbye.
      this.#limit = false
      this.#restart()
    })
  }

  /** Counts from now on, unless whoever reads holds the answer back. */
  #restart(): void {
    if (this.#limit === false) this.#alarm.stop()
    else if (!this.#paused && !this.ended) this.#alarm.set(this.#limit)
  }

  /** The answer is waited for when all is sent; once it has begun, an upload that goes on is a sign of life. */
  #uploaded({ done }: ProgressEvent): boolean {
    if (done === true || this.#phase === 'idle') this.#restart()
    return this.#kind.passes
  }

  #fail(phase: keyof typeof SLOW, ms: number | false): void {
    const request = this.#request
    const { attempt } = request
    this.error(
      new HttpError('TIMEOUT', `${describe(request, attempt)} ${SLOW[phase](ms)}.`, {
        phase,
        request,
        attempt,
        requestWritten: this.#sent ? 'yes' : 'maybe',
      }),
    )
  }
}

/** Events come when they come, and so do messages. */
function mayBeSilent({ head, socket }: HeadEvent): boolean {
  return socket !== undefined || /^\s*text\/event-stream\s*(?:;|$)/i.test(head.headers.get('content-type') ?? '')
}
