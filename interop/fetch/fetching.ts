/** One call of `fetch`: from its request to the last byte of its answer. */
import { Observable, Subscription } from 'rxjs'
import {
  FOLLOW,
  isHttpError,
  type Client,
  type HttpHeaders,
  type HttpResponse,
  type Reader,
  type StreamingResponse,
} from '../../src/index.ts'
import { ReadAhead } from './ahead.ts'
import { hasBody, responseOf } from './incoming.ts'
import type { Outgoing } from './outgoing.ts'

/** Ends the exchanges of answers that nobody can read any more. */
const FORGOTTEN = new FinalizationRegistry<Subscription>(exchange => {
  exchange.unsubscribe()
})

/** What a promise is settled with. */
export type Settle = Pick<PromiseWithResolvers<Response>, 'resolve' | 'reject'>

/** Sends a request, and is done when its answer has arrived, or was given up or aborted. */
export class Fetching {
  readonly #client: Client
  readonly #request: Outgoing
  readonly #exchange = new Subscription()
  /** Let go of once it is used: it holds the answer, and who holds that is not forgotten. */
  #settle: Settle | undefined
  /** Held loosely for the same reason. */
  #controller: WeakRef<ReadableStreamDefaultController<Uint8Array>> | undefined

  constructor(client: Client, request: Outgoing, settle: Settle) {
    this.#client = client
    this.#request = request
    this.#settle = settle
    const { signal } = request
    const abort = (): void => {
      this.#break(signal.reason)
    }
    signal.addEventListener('abort', abort)
    this.#exchange.add(() => {
      signal.removeEventListener('abort', abort)
    })
    if (signal.aborted) abort()
  }

  /** Sends it, unless it was aborted before. */
  send(): void {
    if (this.#exchange.closed) return
    this.#begin().catch((error: unknown) => {
      this.#fail(error)
    })
  }

  async #begin(): Promise<void> {
    const { url, method, headers, body } = this.#request
    const prepared = await body()
    if (this.#exchange.closed) return
    // A URL object is no template: braces in it mean themselves.
    const call = this.#client.stream(new URL(url), this.#reader(), { method, headers, body: prepared })
    this.#exchange.add(
      call.subscribe({
        next: response => {
          this.#resolve(response)
        },
        error: (error: unknown) => {
          this.#fail(error)
        },
        complete: () => {
          this.#exchange.unsubscribe()
        },
      }),
    )
  }

  #reader(): Reader<Response> {
    const follow = this.#request.redirect === 'follow'
    const read = (answer: StreamingResponse): Observable<Response> =>
      new Observable(subscriber => {
        const { method } = this.#request
        this.#judge(answer)
        const ended = (): void => {
          subscriber.complete()
        }
        if (hasBody(method, answer.status)) subscriber.next(this.#made(answer, this.#body(answer, ended)))
        else {
          subscriber.next(this.#made(answer, null))
          // Only then the connection is free for others.
          answer.read().then(ended, ended)
        }
      })
    return Object.assign(read, {
      prepare: (request: Parameters<NonNullable<Reader<Response>['prepare']>>[0]) => request.note(FOLLOW, follow),
    })
  }

  /** Redirects that are to be followed were followed further in; one that comes here was not. */
  #judge({ status, headers }: StreamingResponse): void {
    const { redirect } = this.#request
    if (redirect === 'manual' || !isRedirect(status, headers)) return
    throw new Error(
      redirect === 'error'
        ? `The answer is a redirect (${status}), and the request was made with redirect: 'error'.`
        : `The answer is a redirect (${status}), and the client has no plugin that follows it: install redirect().`,
    )
  }

  #made(answer: StreamingResponse | HttpResponse, body: Parameters<typeof responseOf>[1]): Response {
    const { status, statusText, url, headers } = answer
    return responseOf(
      { status, statusText, url, headers, redirected: url !== withoutFragment(this.#request.url) },
      body,
    )
  }

  #body(answer: StreamingResponse, ended: () => void): ReadableStream<Uint8Array> {
    const ahead = new ReadAhead(answer, ended)
    const stream = new ReadableStream<Uint8Array>(
      {
        start: controller => {
          this.#controller = new WeakRef(controller)
        },
        pull: async controller => {
          try {
            const bytes = await ahead.next()
            if (bytes === undefined) controller.close()
            else controller.enqueue(bytes)
          } catch (cause) {
            controller.error(new TypeError('terminated', { cause }))
          }
        },
        cancel: ended,
      },
      // Asked for bytes only when somebody waits for them, so that a stream nobody has is held by nobody.
      { highWaterMark: 0 },
    )
    FORGOTTEN.register(stream, this.#exchange)
    return stream
  }

  #resolve(response: Response): void {
    this.#settle?.resolve(response)
    this.#settle = undefined
  }

  /** Ends it at once, whatever it was waiting for. */
  #break(reason: unknown): void {
    this.#settle?.reject(reason)
    this.#settle = undefined
    this.#controller?.deref()?.error(reason)
    this.#exchange.unsubscribe()
  }

  #fail(error: unknown): void {
    // An answer that the client does not want is one all the same.
    if (isHttpError(error) && error.code === 'STATUS' && error.response !== undefined) {
      const { response } = error
      const body = hasBody(this.#request.method, response.status) ? Uint8Array.from(response.bytes) : null
      this.#resolve(this.#made(response, body))
      this.#exchange.unsubscribe()
    } else this.#break(new TypeError(this.#settle === undefined ? 'terminated' : 'fetch failed', { cause: error }))
  }
}

function isRedirect(status: number, headers: HttpHeaders): boolean {
  return [301, 302, 303, 307, 308].includes(status) && headers.has('location')
}

function withoutFragment(url: string): string {
  return url.split('#', 1)[0] ?? url
}
