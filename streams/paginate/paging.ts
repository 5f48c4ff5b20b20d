/** Hands on what stands on pages, and asks for a page only when it is wanted. */
import { from, Observable, type ObservableInput, type Observer, type Subscriber } from 'rxjs'
import { HttpError, shown, type HttpResponse } from '../../src/index.ts'
import type { PaginateOptions } from './options.ts'
import type { Pages } from './pages.ts'

/** {@link PaginateOptions}, checked. */
export type Paged = Pick<PaginateOptions<unknown, unknown>, 'items' | 'project'> & {
  readonly concurrency: number
  readonly prefetch: number
}

/** How it ends when everything before is done. */
type End = { readonly error?: unknown }

/** One subscription. Begins with the first `advance()`. */
export class Paging {
  readonly #pages: Pages
  readonly #options: Paged
  readonly #subscriber: Subscriber<unknown>
  /** Pages that have come and are not begun. */
  readonly #ready: HttpResponse[] = []
  /** What is left of the page that is begun. */
  #queue: readonly unknown[] = []
  #at = 0
  #index = 0
  #running = 0
  #asking = false
  #advancing = false
  #end: End | undefined

  constructor(pages: Pages, options: Paged, subscriber: Subscriber<unknown>) {
    this.#pages = pages
    this.#options = options
    this.#subscriber = subscriber
  }

  /** Does what can be done now. A loop, not a recursion: pages and results that are there at once may be many. */
  advance(): void {
    if (this.#advancing) return
    this.#advancing = true
    do this.#prefetch()
    while (this.#running < this.#options.concurrency && !this.#subscriber.closed && this.#step())
    this.#advancing = false
  }

  /** Does one thing; false when there is nothing to do but wait. */
  #step(): boolean {
    if (this.#at < this.#queue.length) {
      this.#start(this.#queue[this.#at++])
      return true
    }
    const page = this.#ready.shift()
    if (page !== undefined) {
      this.#open(page)
      return true
    }
    this.#queue = []
    this.#at = 0
    if (this.#end !== undefined) {
      this.#finish(this.#end)
      return false
    }
    if (this.#asking) return false
    this.#ask()
    return true
  }

  #prefetch(): void {
    const { prefetch } = this.#options
    while (this.#ready.length < prefetch && !this.#asking && this.#end === undefined && !this.#subscriber.closed)
      this.#ask()
  }

  #ask(): void {
    let page: Observable<HttpResponse> | undefined
    try {
      page = this.#pages.following()
    } catch (error) {
      this.#end = { error }
      return
    }
    if (page === undefined) {
      this.#end = {}
      return
    }
    this.#asking = true
    let came = false
    this.#hear(
      page,
      {
        next: response => {
          came = true
          this.#ready.push(response)
        },
        error: (error: unknown) => {
          this.#end = { error }
        },
        complete: () => {
          if (!came) this.#end = {}
        },
      },
      () => {
        this.#asking = false
      },
    )
  }

  #open(page: HttpResponse): void {
    this.#at = 0
    try {
      this.#queue = this.#itemsOf(page)
    } catch (error) {
      this.#fail(error)
    }
  }

  #itemsOf(page: HttpResponse): readonly unknown[] {
    const { items } = this.#options
    if (items === undefined) return [page]
    // No content: nothing there to take items from.
    if (page.status === 204 || page.status === 205) return []
    const found: unknown = items(page)
    if (Array.isArray(found)) return found
    if (typeof found === 'object' && found !== null && Symbol.iterator in found)
      return [...(found as Iterable<unknown>)]
    throw new HttpError('CONFIG', `paginate: items must return a list, not ${shown(found)}.`, {
      phase: 'config',
      request: page.request,
      response: page,
    })
  }

  #start(item: unknown): void {
    const { project } = this.#options
    if (project === undefined) {
      this.#subscriber.next(item)
      return
    }
    let input: ObservableInput<unknown>
    try {
      input = project(item, this.#index++)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#running++
    this.#hear(
      input,
      {
        next: value => {
          this.#subscriber.next(value)
        },
        error: (error: unknown) => {
          this.#fail(error)
        },
        complete() {},
      },
      () => {
        this.#running--
      },
    )
  }

  /** Hears an input until it is over and torn down, or left with the subscription; then goes on. */
  #hear<T>(input: ObservableInput<T>, observer: Observer<T>, over: () => void): void {
    new Observable<T>(inner => {
      // Before it runs: one that never stops talking has to hear when nobody listens any more.
      this.#subscriber.add(inner)
      inner.add(() => {
        over()
        this.advance()
      })
      from(input).subscribe(inner)
    }).subscribe(observer)
  }

  #finish(end: End): void {
    if (this.#running > 0) return
    if ('error' in end) this.#fail(end.error)
    else this.#subscriber.complete()
  }

  #fail(error: unknown): void {
    this.#subscriber.error(error)
  }
}
