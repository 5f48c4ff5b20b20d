/** The log of one call: sees what its subscriber sees, and changes nothing of it. */
import type { Observer, Subscriber } from 'rxjs'
import {
  clock,
  isHttpError,
  type HttpEvent,
  type HttpHeaders,
  type HttpRequest,
  type ResponseHead,
} from '../../src/index.ts'
import { Peek } from './peek.ts'
import {
  loggedError,
  loggedHead,
  loggedHeaders,
  loggedNotice,
  loggedUrl,
  type LoggedNotice,
  type LogRecord,
} from './record.ts'
import type { Secret } from './scrub.ts'
import type { Write } from './sink.ts'
import { watched } from './watched.ts'

/** How much is logged, and where. */
export interface LogPlan {
  readonly headers: boolean
  readonly body: boolean
  readonly maxBody: number
  readonly secret: Secret
  readonly write: Write
}

/** How many notices the last record of a call repeats. */
const MOST_NOTICES = 20

/** Hears the events of one call and writes its records. What the log throws is the call's error. */
export class CallLog implements Observer<HttpEvent> {
  readonly #request: HttpRequest
  readonly #url: string
  readonly #plan: LogPlan
  readonly #subscriber: Subscriber<HttpEvent>
  readonly #startedAt = clock.now()
  readonly #notices: LoggedNotice[] = []
  readonly #received: Peek
  #sent: Peek | undefined
  #head: ResponseHead | undefined
  #over = false

  constructor(request: HttpRequest, plan: LogPlan, subscriber: Subscriber<HttpEvent>) {
    this.#request = request
    this.#plan = plan
    this.#subscriber = subscriber
    this.#url = loggedUrl(request, plan.secret)
    this.#received = new Peek(plan.body ? plan.maxBody : 0)
    subscriber.add(() => {
      this.#leave()
    })
  }

  /** Writes that the call begins; answers with the request to send, whose body may be looked at on its way. */
  begin(): HttpRequest {
    try {
      return this.#begin()
    } catch (error) {
      this.#over = true
      throw error
    }
  }

  #begin(): HttpRequest {
    const { headers, body, maxBody, secret } = this.#plan
    const request = this.#request
    if (!headers) return request
    const shown = loggedHeaders(request.headers, secret)
    if (!body || request.body === undefined) {
      this.#write('request', { headers: shown })
      return request
    }
    const peek = new Peek(maxBody)
    if (request.body instanceof Uint8Array) {
      peek.see(request.body)
      this.#write('request', { headers: shown, body: peek.show(request.headers, secret) })
      return request
    }
    this.#write('request', { headers: shown })
    const open = (): Peek => (this.#sent = new Peek(maxBody))
    return request.with({ body: watched(request.body, open) })
  }

  next(event: HttpEvent): void {
    this.#guard(() => {
      this.#see(event)
    })
    this.#subscriber.next(event)
  }

  error(error: unknown): void {
    // A failure is not hidden by that of its log.
    this.#quietly(() => {
      this.#end('error', { ...this.#answer(), ...attemptOf(error), error: loggedError(error, this.#plan.secret) })
    })
    this.#subscriber.error(error)
  }

  complete(): void {
    this.#guard(() => {
      if (!this.#over) this.#end('response', this.#answer())
    })
    this.#subscriber.complete()
  }

  #see(event: HttpEvent): void {
    const { secret, headers } = this.#plan
    if (event.type === 'notice') {
      const told = loggedNotice(event, secret)
      if (headers) this.#write('notice', { notices: [told] })
      else if (this.#notices.length < MOST_NOTICES) this.#notices.push(told)
    } else if (event.type === 'chunk') this.#received.see(event.bytes)
    else if (event.type === 'head') {
      this.#head = event.head
      if (headers)
        this.#write('head', { ...loggedHead(event.head), headers: loggedHeaders(event.head.headers, secret) })
    } else if (event.type === 'response') {
      const { head, bytes } = event.response
      this.#head = head
      this.#received.see(bytes)
      this.#end('response', {
        ...this.#answer(),
        ...(headers ? { headers: loggedHeaders(head.headers, secret) } : {}),
      })
    }
  }

  /** The subscriber left, or had all it wanted; nobody is there to be told of a log that fails. */
  #leave(): void {
    if (this.#over) return
    this.#quietly(() => {
      if (this.#head === undefined) this.#end('cancelled', {})
      else this.#end('response', { ...this.#answer(), complete: false })
    })
  }

  /** What is known of the answer so far. */
  #answer(): Partial<LogRecord> {
    const head = this.#head
    if (head === undefined) return {}
    const { body, secret } = this.#plan
    const { bytes } = this.#received
    return { ...loggedHead(head), bytes, ...(body ? { body: this.#received.show(head.headers, secret) } : {}) }
  }

  #end(event: LogRecord['event'], more: Partial<LogRecord>): void {
    this.#over = true
    const { headers, secret } = this.#plan
    const body = this.#sent?.show(this.#request.headers, secret)
    this.#write(event, {
      ...more,
      ...(headers && this.#head ? { added: loggedHeaders(this.#added(this.#head.request), secret) } : {}),
      ...(body === undefined ? {} : { requestBody: body }),
      ...(this.#notices.length === 0 ? {} : { notices: this.#notices }),
    })
  }

  /** Header fields that plugins further in have sent beside those of the caller. */
  #added({ headers }: HttpRequest): HttpHeaders {
    const own = this.#request.headers
    return headers.filter((name, value) => !own.getAll(name).includes(value))
  }

  #write(event: LogRecord['event'], more: Partial<LogRecord>): void {
    const { id, method } = this.#request
    const time = clock.now()
    const severity = event === 'error' ? 'error' : (more.status ?? 0) >= 400 ? 'warn' : 'info'
    const since = event === 'request' ? {} : { ms: time - this.#startedAt }
    this.#plan.write({ event, severity, time, id, method, url: this.#url, ...since, ...more }, this.#late)
  }

  readonly #late = (error: unknown): void => {
    this.#over = true
    this.#subscriber.error(error)
  }

  /** What a log throws is the call's error. */
  #guard(work: () => void): void {
    if (this.#subscriber.closed) return
    try {
      work()
    } catch (error) {
      this.#late(error)
    }
  }

  #quietly(work: () => void): void {
    try {
      work()
    } catch {
      this.#over = true
    }
  }
}

function attemptOf(error: unknown): { attempt?: number } {
  return isHttpError(error) && error.attempt !== undefined && error.attempt > 1 ? { attempt: error.attempt } : {}
}
