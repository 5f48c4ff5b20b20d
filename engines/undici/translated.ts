/** Lets an exchange see what interceptors and dispatchers of others tell as if an undici client had told it. */
import type { Dispatcher } from 'undici'

/**
 * Hears what comes out of the outermost interceptor. It may begin more than once, answer without having sent anything, and
 * change headers; the exchange sees one beginning, one controller, and the headers as they came out.
 */
export class Translated implements Dispatcher.DispatchHandler, Dispatcher.DispatchController {
  readonly #exchange: Dispatcher.DispatchHandler
  readonly #explain: (error: unknown) => unknown
  #controller: Dispatcher.DispatchController | undefined
  #begun = false
  #over = false
  #paused = false
  #reason: Error | null = null
  rawHeaders: Buffer[] = []
  rawTrailers: Buffer[] = []

  /** `explain` is asked about an error that comes before the request was begun. */
  constructor(exchange: Dispatcher.DispatchHandler, explain: (error: unknown) => unknown = same) {
    this.#exchange = exchange
    this.#explain = explain
  }

  // What the exchange does.

  get aborted(): boolean {
    return this.#reason !== null
  }
  get paused(): boolean {
    return this.#paused
  }
  get reason(): Error | null {
    return this.#reason
  }

  abort(reason: Error): void {
    this.#reason ??= reason
    this.#controller?.abort(reason)
  }

  pause(): void {
    this.#paused = true
    this.#controller?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#controller?.resume()
  }

  // What interceptors tell.

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#take(controller)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Headers,
    statusText?: string,
  ): void {
    this.#take(controller)
    this.rawHeaders = rawOf(headers)
    this.#exchange.onResponseStart?.(this, status, headers, statusText)
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Buffer): void {
    this.#take(controller)
    this.#exchange.onResponseData?.(this, bytes)
  }

  onResponseEnd(_: Dispatcher.DispatchController, trailers: Headers): void {
    if (this.#over) return
    this.#over = true
    this.rawTrailers = rawOf(trailers)
    this.#exchange.onResponseEnd?.(this, trailers)
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#exchange.onResponseError?.(this, (this.#begun ? error : this.#explain(error)) as Error)
  }

  // What is heard where the request is sent.

  bodySent(bytes: Buffer): void {
    if (!this.#over) this.#exchange.onBodySent?.(bytes)
  }

  requestSent(): void {
    if (!this.#over) this.#exchange.onRequestSent?.()
  }

  responseStarted(): void {
    if (!this.#over) this.#exchange.onResponseStarted?.()
  }

  #take(controller: Dispatcher.DispatchController): void {
    if (controller !== this.#controller) {
      this.#controller = controller
      if (this.#reason !== null) controller.abort(this.#reason)
      else if (this.#paused) controller.pause()
    }
    if (this.#begun) return
    this.#begun = true
    this.#exchange.onRequestStart?.(this, undefined)
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

function rawOf(headers: Headers | undefined): Buffer[] {
  return Object.entries(headers ?? {}).flatMap(([name, value]) => {
    const lines = value === undefined ? [] : Array.isArray(value) ? value : [value]
    return lines.flatMap(line => [Buffer.from(name, 'latin1'), Buffer.from(line, 'latin1')])
  })
}

function same(error: unknown): unknown {
  return error
}
