/** One upload: created, asked for, sent, until the server has all of it. */
import { Subscription, timer, type Subscriber } from 'rxjs'
import {
  clock,
  HttpHeaders,
  isHttpError,
  refusedLive,
  type Client,
  type HttpRequest,
  type Reader,
  type ResponseHead,
  type StreamingResponse,
  type Url,
} from '../../src/index.ts'
import type { Call } from '../again/asked.ts'
import { Backoff } from '../again/backoff.ts'
import { askedToWait } from '../again/worth.ts'
import { checkLength, expiryOf, isGone, offsetOf, placeOf, tookNothing, tookTooMuch, worthAsking } from './answers.ts'
import type { Settled, TusEvent } from './options.ts'
import { SENT, watched } from './watched.ts'

/** What was asked for. */
export interface Wanted {
  readonly client: Client
  readonly url: Url
  readonly blob: Blob
  readonly options: Settled
  readonly call: Call
}

/** An answer, and the request as it was when the plugins got it. */
interface Answered {
  readonly head: ResponseHead
  readonly asked: HttpRequest
}

/** Runs one upload. */
export class Upload {
  readonly #wanted: Wanted
  readonly #out: Subscriber<TusEvent>
  readonly #running = new Subscription()
  readonly #client: Client
  #place: URL | undefined
  /** What the server has; unknown until it was asked. */
  #offset: number | undefined
  #stored = 0
  #toldAt = Number.NEGATIVE_INFINITY
  #told = ''

  constructor(wanted: Wanted, out: Subscriber<TusEvent>) {
    this.#wanted = wanted
    this.#out = out
    this.#place = wanted.options.uploadUrl
    this.#client = wanted.client.with(watched())
    this.#running.add(this.#client)
  }

  /** Uploads. Stays as it is when it is left. */
  async run(): Promise<void> {
    const { blob, options } = this.#wanted
    const backoff = new Backoff(options.backoff)
    // The most the server ever had: one that forgets, and takes the same again, would be given it for ever.
    let most = 0
    for (let row = 0; this.#place === undefined || this.#offset !== blob.size;) {
      try {
        await this.#step()
      } catch (error) {
        const gone = this.#place !== undefined && isGone(error)
        if (row++ >= options.times || !(gone || worthAsking(error))) throw error
        this.#offset = undefined
        if (gone) this.#forget()
        else await this.#wait(error, backoff.next(askedToWait(error)))
      }
      if (this.#out.closed) return
      if (this.#stored <= most) continue
      most = this.#stored
      row = 0
      backoff.reset()
    }
    this.#out.next({ type: 'done', uploadUrl: this.#place.href, size: blob.size })
  }

  stop(): void {
    this.#running.unsubscribe()
  }

  /** The next request that brings it further. */
  #step(): Promise<void> {
    if (this.#place === undefined) return this.#create()
    return this.#offset === undefined ? this.#ask(this.#place) : this.#send(this.#place, this.#offset)
  }

  async #create(): Promise<void> {
    const { url, blob, options, call } = this.#wanted
    const { metadata } = options
    const { head, asked } = await this.#request(url, {
      ...call,
      method: 'POST',
      headers: this.#headers({ 'upload-length': blob.size, 'upload-metadata': metadata === '' ? undefined : metadata }),
    })
    this.#place = placeOf(head, asked)
    this.#offset = 0
    this.#out.next({ type: 'created', uploadUrl: this.#place.href, expires: expiryOf(head) })
  }

  async #ask(place: URL): Promise<void> {
    const { size } = this.#wanted.blob
    const { head, asked } = await this.#request(place, { ...this.#plain, method: 'HEAD', headers: this.#headers({}) })
    checkLength(head, size, asked)
    this.#offset = offsetOf(head, size, asked)
    this.#stored = this.#offset
    this.#out.next({ type: 'resumed', from: this.#offset })
  }

  async #send(place: URL, offset: number): Promise<void> {
    const { blob, options } = this.#wanted
    const end = Math.min(offset + options.chunkSize, blob.size)
    let sent = offset
    const { head, asked } = await this.#request(
      place,
      {
        ...this.#plain,
        method: 'PATCH',
        headers: this.#headers({ 'upload-offset': offset, 'content-type': 'application/offset+octet-stream' }),
        body: blob.slice(offset, end),
      },
      loaded => {
        // A redirect, or a plugin, may have it sent once more.
        sent = Math.max(sent, Math.min(offset + loaded, end))
        this.#progress(sent)
      },
    )
    this.#offset = offsetOf(head, blob.size, asked)
    if (this.#offset > end) throw tookTooMuch(asked, this.#offset, end)
    if (this.#offset <= offset) throw tookNothing(asked)
    this.#stored = this.#offset
    this.#progress(this.#offset, true)
  }

  /** Sends a request of the protocol; anything but a success is an error. As a stream: no deadline of whole answers ends it. */
  #request(url: Url, call: Call, sent?: (loaded: number) => void): Promise<Answered> {
    return new Promise((resolve, reject) => {
      let asked: HttpRequest | undefined
      const reader: Reader<ResponseHead> = Object.assign(headOf, {
        prepare: (request: HttpRequest) => {
          asked = request
          return sent === undefined ? request : request.note(SENT, sent)
        },
      })
      this.#running.add(
        this.#client.stream(url, reader, call).subscribe({
          next: head => {
            resolve({ head, asked: asked ?? head.request })
          },
          error: reject,
        }),
      )
    })
  }

  #headers(own: Readonly<Record<string, string | number | undefined>>): HttpHeaders {
    return HttpHeaders.of(this.#wanted.call.headers).merge({ 'tus-resumable': '1.0.0', ...own })
  }

  /** The options of the call without what belongs to the url of the creation alone. */
  get #plain(): Call {
    const { query: _query, params: _params, ...rest } = this.#wanted.call
    return rest
  }

  #forget(): void {
    this.#place = undefined
    this.#out.next({ type: 'restarted', dropped: this.#stored })
    this.#stored = 0
  }

  #progress(loaded: number, now = false): void {
    const at = clock.now()
    const told = `${loaded} ${this.#stored}`
    if (told === this.#told || (!now && at - this.#toldAt < this.#wanted.options.interval)) return
    this.#toldAt = at
    this.#told = told
    this.#out.next({ type: 'progress', loaded, stored: this.#stored, total: this.#wanted.blob.size })
  }

  async #wait(error: unknown, delay: number): Promise<void> {
    this.#out.next({ type: 'waiting', delay, reason: reasonOf(error), error })
    if (this.#out.closed) return
    await new Promise<void>((resolve, reject) => {
      this.#running.add(timer(delay).subscribe({ complete: resolve, error: reject }))
    })
  }
}

/** Reads an answer to its end, so that its connection can serve again. */
async function headOf(response: StreamingResponse): Promise<ResponseHead> {
  if (!response.ok) throw await refusedLive(response)
  while ((await response.read()) !== undefined);
  return response.head
}

function reasonOf(error: unknown): string {
  if (!isHttpError(error)) return 'an error'
  if (error.response !== undefined) return `status ${error.response.status}`
  return error.phase === undefined ? error.code : `${error.code} (${error.phase})`
}
