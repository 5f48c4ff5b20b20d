/** The connections of one subscription to an event source. */
import { EMPTY, Observable } from 'rxjs'
import {
  describe,
  HttpError,
  HttpHeaders,
  isHttpError,
  type Alarm,
  type CallOptions,
  type Client,
  type ErrorCode,
  type HttpRequest,
  type MethodOption,
  type Reader,
  type StreamingResponse,
  type Url,
} from '../../src/index.ts'
import type { BACKOFF } from '../again/backoff.ts'
import { ended } from '../again/ended.ts'
import { reconnect, type Ending, type Line, type Verdict } from '../again/reconnect.ts'
import { askedToWait, worthAnotherTry } from '../again/worth.ts'
import { items } from '../reading/items.ts'
import { asking, failing, refusal } from './admit.ts'
import type { Place } from './event.ts'
import { Listening } from './listening.ts'
import type { EventSourceOptions } from './options.ts'
import { parserOf } from './parser-of.ts'

// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/

/** The options of a call, those of plugins among them. */
type Call = CallOptions<Url, MethodOption>

/** What an event source is made of. */
export interface SourceParts {
  readonly client: Client
  readonly url: Url
  /** What goes to the client as it is. */
  readonly call: Call
  readonly options: EventSourceOptions
  readonly backoff: typeof BACKOFF
  readonly alarm: (ring: () => void) => Alarm
}

/** Where a subscription has got to, and how it is connected now. */
export class EventConnections {
  readonly #parts: SourceParts
  readonly #place: Place = { id: undefined, retry: undefined }
  /** The server said that there is no more (204). */
  #over = false
  #request: HttpRequest | undefined
  /** What broke a body that had begun. */
  #broken: unknown

  constructor(parts: SourceParts) {
    this.#parts = parts
  }

  /** The events of all connections. */
  run(): Observable<unknown> {
    const { client, backoff, options } = this.#parts
    return reconnect({
      connect: line => this.#connect(line),
      judge: (error, attempt) => this.#judge(error, attempt),
      backoff,
      ended: ended(client),
      state: options.state,
    })
  }

  #connect(line: Line): Observable<unknown> {
    const { client, url, call } = this.#parts
    this.#broken = undefined
    const reader: Reader<unknown> = Object.assign((response: StreamingResponse) => this.#read(response, line), {
      prepare: (request: HttpRequest) => (this.#request = asking(request)),
    })
    return client.stream(url, reader, { ...call, headers: this.#headers() })
  }

  #headers(): HttpHeaders {
    const headers = HttpHeaders.of(this.#parts.call.headers)
    const { id } = this.#place
    if (id === undefined) return headers
    if (id === '') return headers.delete('last-event-id')
    if (this.#request && CONTROL.test(id)) throw uncarried(this.#request)
    return headers.set('last-event-id', asHeader(id))
  }

  #read(response: StreamingResponse, line: Line): Observable<unknown> {
    if (response.status === 204) {
      this.#over = true
      return EMPTY
    }
    const refused = refusal(response)
    if (refused !== undefined) return failing(refused)
    line.open()
    return new Observable(subscriber => {
      const { alarm, options } = this.#parts
      let begun = false
      const listening = new Listening(response, {
        idle: options.idle ?? false,
        alarm,
        heard() {
          begun = true
          line.alive()
        },
        broken: error => {
          if (begun) this.#broken = error
        },
      })
      subscriber.add(() => {
        listening.leave()
      })
      subscriber.add(items(listening, parserOf(response, options, this.#place), options).subscribe(subscriber))
    })
  }

  #judge(ending: Ending, attempt: number): Verdict {
    const { client } = this.#parts
    const error = ending.well ? undefined : ending.error
    if (ending.well) {
      if (this.#over || client.closed) return 'complete'
    } else if (isCode(error, 'CLOSED') && attempt > 1) return 'complete'
    // A body that could be read at first and then could not was cut off on its way, also where a decoder says so.
    else if (!worthAnotherTry(error) && !(error === this.#broken && isCode(error, 'BODY'))) return { fail: error }
    if (this.#request?.replayable === false) return { fail: once(this.#request, error) }
    return { again: Math.max(askedToWait(error), this.#reconnectionTime) }
  }

  get #reconnectionTime(): number {
    const { retry } = this.#place
    return retry === undefined ? 0 : Math.max(retry, this.#parts.backoff.first)
  }
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return isHttpError(error) && error.code === code
}

/** The standard sends ids as UTF-8; header fields are written as latin1, a byte for a character. */
function asHeader(id: string): string {
  return /^[\x20-\x7e]*$/.test(id) ? id : String.fromCharCode(...new TextEncoder().encode(id))
}

function once(request: HttpRequest, cause: unknown): HttpError {
  return new HttpError(
    'BODY',
    `${describe(request)} has a body that can be sent only once, so that its events end with its first connection; give a function that makes the body.`,
    { phase: 'send', request, cause },
  )
}

function uncarried(request: HttpRequest): HttpError {
  return new HttpError(
    'PROTOCOL',
    `${describe(request)} was answered with an event id that has a control character, which Last-Event-ID cannot carry.`,
    { phase: 'body', request },
  )
}
