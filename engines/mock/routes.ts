/** What is mocked: routes, each with what answers it and how often, and a queue that goes before them. */
import { count, describe, HttpError, shown, type HttpRequest } from '../../src/index.ts'
import { parsePattern, type Pattern } from './pattern.ts'
import type { MockHandler, MockRoute } from './reply.ts'
import { scriptOf, type Script } from './script.ts'
import { unmatched } from './unmatched.ts'

/** What answers a request: a script that is ready, or a function to ask. */
export type Responder = Script | MockHandler

/** What was found for a request. */
export interface Found {
  readonly name: string
  readonly responder: Responder
  readonly params: Readonly<Record<string, string>>
}

/** A route and how often it was asked for. */
export interface Entry {
  readonly pattern: Pattern
  readonly responder: Responder
  /** How often it answers, at most and at least; `undefined` is any number of times. */
  readonly times: number | undefined
  hits: number
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({})

/** Makes something that answers out of what a user gave. Throws `CONFIG` for a reply that could never be played. */
function responderOf(route: MockRoute): Responder {
  return typeof route === 'function' ? route : scriptOf(route)
}

/** Finds what answers a request. */
export class Routes {
  /** In the order in which they are tried. */
  #limited: Entry[] = []
  #lasting: Entry[] = []
  #queue: Responder[] = []
  #refused: string[] = []

  /** Replies nobody has asked for yet. */
  get queued(): number {
    return this.#queue.length
  }

  get all(): readonly Entry[] {
    return [...this.#limited, ...this.#lasting]
  }

  /** Routes for a number of times go before lasting ones, the oldest first; of the lasting ones the newest goes first. */
  add(text: string, route: MockRoute, times: number | undefined): void {
    this.addAll([[text, route]], times)
  }

  /** The same for several at once, of which the first goes first. */
  addAll(routes: readonly (readonly [text: string, route: MockRoute])[], times?: number): void {
    const wanted = times === undefined ? undefined : count(times)
    if (wanted !== undefined || times === 0) {
      throw new HttpError('CONFIG', `A route answers a whole number of times, not ${shown(times)}.`, {
        phase: 'config',
      })
    }
    const entries = routes.map(([text, route]) => ({
      pattern: parsePattern(text),
      responder: responderOf(route),
      times,
      hits: 0,
    }))
    if (times === undefined) this.#lasting.unshift(...entries)
    else this.#limited.push(...entries)
  }

  enqueue(routes: readonly MockRoute[]): void {
    this.#queue.push(...routes.map(responderOf))
  }

  /** Takes what is queued, else the first route that fits. */
  take(request: HttpRequest): Found | undefined {
    const next = this.#queue.shift()
    if (next !== undefined) return { name: 'queue', responder: next, params: NO_PARAMS }
    const url = new URL(request.url)
    for (const entry of this.all) {
      if (entry.times !== undefined && entry.hits >= entry.times) continue
      const params = entry.pattern.match(request.method, url)
      if (params === undefined) continue
      entry.hits++
      return { name: entry.pattern.text, responder: entry.responder, params }
    }
    return undefined
  }

  /** Makes the error of a request that nothing answers, and keeps in mind that there was one. */
  refuse(request: HttpRequest): HttpError {
    this.#refused.push(describe(request, request.attempt))
    return unmatched(request, this.all)
  }

  /** What was expected and did not happen, in sentences. */
  *missing(): Generator<string> {
    if (this.queued > 0) yield `${this.queued} queued ${this.queued === 1 ? 'reply was' : 'replies were'} not used`
    for (const { pattern, times, hits } of this.#limited) {
      if (times !== undefined && hits < times) {
        yield `'${pattern.text}' was asked for ${hits} of ${times} times`
      }
    }
    for (const name of this.#refused) yield `${name} was not mocked`
  }

  clear(): void {
    this.#limited = []
    this.#lasting = []
    this.#queue = []
    this.#refused = []
  }
}
