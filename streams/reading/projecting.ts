/** Items that are worked on: as many at a time as allowed, and nothing is read while there is enough to do. */
import { from, Observable, type ObservableInput, type Observer, type Subscriber } from 'rxjs'
import type { Emit, Parser, Readable } from './parser.ts'

/** What is done with an item; the next one is taken when what it returns has completed. `index` counts from 0. */
export type Project<T, R> = (item: T, index: number) => ObservableInput<R>

type End = { readonly failed: false } | { readonly failed: true; readonly error: unknown }

/** Feeds items to a projector and its results to a subscriber. Begins with the first `advance()`. */
export class Projecting<T, R, Chunk = Uint8Array> {
  readonly #body: Readable<Chunk>
  readonly #parser: Parser<T, Chunk>
  readonly #project: Project<T, R>
  readonly #concurrency: number
  readonly #subscriber: Subscriber<R>
  readonly #inner: Observable<R>
  readonly #observer: Observer<R>
  readonly #enqueue: Emit<T>
  /** What `#inner` becomes when it is subscribed next. */
  #input: ObservableInput<R> = []
  #queue: T[] = []
  #at = 0
  #index = 0
  #running = 0
  #reading = false
  #advancing = false
  /** How it ends when everything before is done. */
  #end: End | undefined

  constructor(
    body: Readable<Chunk>,
    parser: Parser<T, Chunk>,
    project: Project<T, R>,
    concurrency: number,
    subscriber: Subscriber<R>,
  ) {
    this.#body = body
    this.#parser = parser
    this.#project = project
    this.#concurrency = concurrency
    this.#subscriber = subscriber
    this.#enqueue = item => {
      this.#queue.push(item)
      return !subscriber.closed
    }
    this.#observer = {
      next(value) {
        subscriber.next(value)
      },
      error(error) {
        subscriber.error(error)
      },
      // What comes next waits until this one is torn down, see below.
      complete() {},
    }
    const done = (): void => {
      this.#running--
      this.advance()
    }
    this.#inner = new Observable<R>(inner => {
      // Before it runs: one that never stops talking has to hear when nobody listens any more.
      subscriber.add(inner)
      from(this.#input).subscribe(inner)
      return done
    })
  }

  /** Does what can be done now. A loop, not a recursion: results that are there at once may be many. */
  advance(): void {
    if (this.#advancing) return
    this.#advancing = true
    while (this.#running < this.#concurrency && !this.#subscriber.closed && this.#step());
    this.#advancing = false
  }

  /** Does one thing; false when there is nothing to do but wait. */
  #step(): boolean {
    if (this.#at < this.#queue.length) {
      this.#start(this.#queue[this.#at++] as T)
      return true
    }
    if (this.#queue.length > 0) {
      this.#queue = []
      this.#at = 0
    }
    if (this.#end !== undefined) this.#finish(this.#end)
    else if (!this.#reading) this.#read()
    return false
  }

  #start(item: T): void {
    let input: ObservableInput<R>
    try {
      input = this.#project(item, this.#index++)
    } catch (error) {
      this.#subscriber.error(error)
      return
    }
    if (Array.isArray(input)) {
      // The same as below for what is there already, without a subscription for each.
      for (const value of input as readonly R[]) {
        if (this.#subscriber.closed) return
        this.#subscriber.next(value)
      }
      return
    }
    this.#running++
    this.#input = input
    this.#inner.subscribe(this.#observer)
  }

  #read(): void {
    this.#reading = true
    this.#body.read().then(
      chunk => {
        this.#reading = false
        if (!this.#subscriber.closed) this.#parse(chunk)
        this.advance()
      },
      (error: unknown) => {
        this.#end = { failed: true, error }
        this.advance()
      },
    )
  }

  #parse(chunk: Chunk | undefined): void {
    try {
      if (chunk !== undefined) this.#parser.push(chunk, this.#enqueue)
      else {
        this.#parser.end(this.#enqueue)
        this.#end = { failed: false }
      }
    } catch (error) {
      this.#end = { failed: true, error }
    }
  }

  #finish(end: End): void {
    if (this.#running > 0) return
    if (end.failed) this.#subscriber.error(end.error)
    else this.#subscriber.complete()
  }
}
