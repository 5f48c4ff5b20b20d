/** Sends requests straight through an engine, past client and plugins, and writes down everything it says. */
import { prepareBody, type Body } from '../../src/body.ts'
import { frame } from '../../src/framing.ts'
import {
  ATTEMPT,
  HttpHeaders,
  HttpRequest,
  LIMITS,
  ROUTE,
  UPLOAD_PROGRESS,
  type Engine,
  type EventObserver,
  type Exchange,
  type HeadersInit,
  type HttpError,
  type HttpEvent,
  type Limits,
  type ResponseHead,
  type Route,
} from '../../src/index.ts'

/** What a request has beside its url. */
export interface Given {
  readonly method?: string
  readonly headers?: HeadersInit
  readonly body?: Body
  readonly limits?: Limits
  readonly progress?: boolean
  readonly attempt?: number
  readonly route?: Route | undefined
  /** Called with every event as it comes, while the engine waits for it to return. */
  readonly seen?: (event: HttpEvent, sent: Sent) => void
  /** Called with the end, while the engine waits for it to return. */
  readonly ended?: () => void
}

/** An exchange and what was heard of it. */
export class Sent implements EventObserver {
  readonly events: HttpEvent[] = []
  readonly exchange: Exchange
  /** Resolves when the exchange is over, one way or the other. */
  readonly over: Promise<this>
  failure: HttpError | undefined
  /** How often it ended; more than once is a fault of the engine. */
  ends = 0
  endedAt: number = Number.NaN
  readonly #seen: Given['seen']
  readonly #ended: Given['ended']
  readonly #over: PromiseWithResolvers<this> = Promise.withResolvers()

  constructor(engine: Engine, request: HttpRequest, { seen, ended }: Given) {
    this.#seen = seen
    this.#ended = ended
    this.over = this.#over.promise
    this.exchange = engine.exchange(request, this)
  }

  next(event: HttpEvent): void {
    if (this.ends > 0) throw new Error(`${event.type} came after the end`)
    this.events.push(event)
    this.#seen?.(event, this)
  }

  error(error: HttpError): void {
    this.failure = error
    this.complete()
  }

  complete(): void {
    this.ends++
    this.endedAt = performance.now()
    this.#over.resolve(this)
    this.#ended?.()
  }

  /** The kinds of events in their order, runs of one kind as one. */
  get kinds(): string[] {
    return this.events.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1])
  }
  get head(): ResponseHead | undefined {
    return this.all('head')[0]?.head
  }
  /** The body as far as it came, as text. */
  get text(): string {
    return Buffer.concat(this.all('chunk').map(({ bytes }) => bytes)).toString()
  }
  /** Bytes of the body that came. */
  get size(): number {
    return this.all('chunk').reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  all<K extends HttpEvent['type']>(type: K): (HttpEvent & { type: K })[] {
    return this.events.filter(event => event.type === type) as (HttpEvent & { type: K })[]
  }
}

let ids = 0

/** Sends a request, framed as the core would. */
export function send(engine: Engine, url: string, given: Given = {}): Sent {
  const { method = 'GET', headers, body, limits, progress, attempt, route } = given
  const prepared = prepareBody(body)
  let request = new HttpRequest({
    id: ++ids,
    method,
    url,
    headers: HttpHeaders.of(headers),
    body: prepared.body,
    options: {},
    notes: undefined,
  })
  if (limits !== undefined) request = request.note(LIMITS, limits)
  if (progress !== undefined) request = request.note(UPLOAD_PROGRESS, progress)
  if (attempt !== undefined) request = request.note(ATTEMPT, attempt)
  if (route !== undefined) request = request.note(ROUTE, route)
  return new Sent(engine, frame(request), given)
}

/** Sends a request and waits for its end. Throws its error. */
export async function sent(engine: Engine, url: string, given?: Given): Promise<Sent> {
  const one = await send(engine, url, given).over
  if (one.failure !== undefined) throw one.failure
  return one
}

/** Sends a request that is to fail, and resolves with its error. */
export async function refusal(engine: Engine, url: string, given?: Given): Promise<HttpError> {
  const { failure, head } = await send(engine, url, given).over
  if (failure === undefined) throw new Error(`it was to fail and was answered with ${String(head?.status)}`)
  return failure
}
