/** Lets whoever hears of an exchange find their own `AsyncLocalStorage`, not that of whoever opened the connection. */
import { AsyncResource } from 'node:async_hooks'
import type { EventObserver, HttpError, HttpEvent } from '../../src/index.ts'

/** Tells an observer everything in the context in which it was made. */
export class Scoped extends AsyncResource implements EventObserver {
  readonly #observer: EventObserver

  constructor(observer: EventObserver) {
    super('SLUICE_EXCHANGE')
    this.#observer = observer
  }

  next(event: HttpEvent): void {
    this.runInAsyncScope(next, this.#observer, event)
  }

  error(error: HttpError): void {
    this.runInAsyncScope(fail, this.#observer, error)
  }

  complete(): void {
    this.runInAsyncScope(complete, this.#observer)
  }
}

function next(this: EventObserver, event: HttpEvent): void {
  this.next(event)
}

function fail(this: EventObserver, error: HttpError): void {
  this.error(error)
}

function complete(this: EventObserver): void {
  this.complete()
}
