/** An engine without client and plugins: a request straight in, its events straight out. */
import { HttpHeaders, HttpRequest, type Engine, type EventObserver, type HttpEvent } from '../src/index.ts'
import type { Send } from './contest.ts'

let ids = 0

/** Sends GETs over an engine and parses their answers. */
export function exchanging(engine: Engine, url: string): Send {
  const headers = HttpHeaders.of(undefined)
  return done => {
    const request = new HttpRequest({
      id: ++ids,
      method: 'GET',
      url,
      headers,
      body: undefined,
      options: {},
      notes: undefined,
    })
    engine.exchange(request, new Gathering(done))
  }
}

class Gathering implements EventObserver {
  readonly #done: (error?: unknown) => void
  readonly #chunks: Uint8Array[] = []

  constructor(done: (error?: unknown) => void) {
    this.#done = done
  }

  next(event: HttpEvent): void {
    if (event.type === 'chunk') this.#chunks.push(event.bytes)
  }

  error(error: unknown): void {
    this.#done(error)
  }

  complete(): void {
    JSON.parse(Buffer.concat(this.#chunks).toString())
    this.#done()
  }
}
