/** One range of a file, and the exchanges that fill it. */
import { Observable, timer, type Subscriber, type Subscription } from 'rxjs'
import { isHttpError, refusedLive, type Reader, type StreamingResponse } from '../../src/index.ts'
import { Backoff } from '../again/backoff.ts'
import { askedToWait, worthAnotherTry } from '../again/worth.ts'
import { Final, failed, StartOver } from './failures.ts'
import type { Range } from './range.ts'
import type { Transfer } from './transfer.ts'

/** What an attempt must bring to be no failure, in bytes: a server that gives one at a time would be asked for ever. */
const WORTHWHILE = 64 * 1024

/** Asks for a range until it is there. */
export class Filling {
  readonly #of: Transfer
  readonly #range: Range
  readonly #running: Subscription
  /** Bytes that came since the last break; a start over does not take them back. */
  #brought = 0

  constructor(of: Transfer, range: Range, running: Subscription) {
    this.#of = of
    this.#range = range
    this.#running = running
  }

  /** Rejects with what cannot be helped, also with `StartOver`. Stays as it is when the download is left. */
  async run(): Promise<void> {
    const { times, backoff: settings } = this.#of.wanted.options
    const range = this.#range
    const backoff = new Backoff(settings)
    for (let row = 0; !range.isFull();) {
      this.#brought = 0
      const error = await this.#exchange()
      // Another range has ended all of them meanwhile.
      if (range.isFull() || this.#running.closed) return
      const kept = this.#of.content.what !== undefined
      if (kept && this.#brought >= WORTHWHILE) {
        row = 0
        backoff.reset()
      }
      if (row++ >= times || (error !== undefined && !worthAnotherTry(error))) throw this.#final(error)
      // The server may send less than it was asked for.
      if (error === undefined) continue
      if (!kept && range.at > 0) this.#of.startOver('what came before the break cannot be continued', range)
      await this.#wait(error, backoff.next(askedToWait(error)))
    }
  }

  /** One exchange; resolves with the error that ended it, if it was one of the network's. */
  #exchange(): Promise<unknown> {
    const { client, url, call } = this.#of.wanted
    return new Promise((resolve, reject) => {
      const ranged = { asked: false }
      let fatal: Error | undefined
      // An exchange is over when nothing more is done with the file for it.
      let receiving: Promise<void> = Promise.resolve()
      const read = (response: StreamingResponse): Observable<never> =>
        new Observable(subscriber => {
          // Not before it is known as running: what it tells may end the exchange.
          receiving = Promise.resolve()
            .then(() => this.#receive(response, ranged.asked, subscriber))
            .then(
              () => {
                subscriber.complete()
              },
              (error: unknown) => {
                if (error instanceof Final || error instanceof StartOver) fatal = error
                subscriber.error(error instanceof Final ? error.error : error)
              },
            )
        })
      const reader: Reader<never> = Object.assign(read, {
        prepare: (request: Parameters<NonNullable<Reader<never>['prepare']>>[0]) => {
          const prepared = this.#of.prepare(request, this.#range)
          ranged.asked = prepared.headers.has('range')
          return prepared
        },
      })
      this.#running.add(
        client.stream(url, reader, call).subscribe({
          error: (error: unknown) => {
            const refused = ranged.asked && isHttpError(error) && error.response?.status === 416
            void receiving.then(() => {
              if (fatal !== undefined) reject(fatal)
              else if (refused) reject(new StartOver('the server has less than is there already'))
              else resolve(error)
            })
          },
          complete: () => {
            resolve(undefined)
          },
        }),
      )
    })
  }

  /** Reads an answer into the file, as fast as the disk takes it. */
  async #receive(response: StreamingResponse, asked: boolean, subscriber: Subscriber<never>): Promise<void> {
    const of = this.#of
    const range = this.#range
    const left = (): boolean => subscriber.closed
    if (left()) return
    const upTo = await this.#admit(response, asked)
    for (;;) {
      // Another range goes on from here, in an exchange of its own.
      if (left() || (range.isFull() && range.end !== upTo)) return
      const bytes = await response.read()
      if (left()) return
      if (bytes === undefined) break
      // What is behind the end of this range belongs to others; what is behind the end of the answer would be anything.
      if (range.at + bytes.length > (upTo ?? Infinity)) throw this.#tooMuch(response.status)
      const missing = (range.end ?? Infinity) - range.at
      this.#brought += bytes.length
      await of.write(bytes.length > missing ? bytes.subarray(0, missing) : bytes, range)
    }
    if (range.end === undefined) range.end = range.at
    of.content.hear(response.trailers, !asked)
  }

  /** Judges the head of an answer; returns where what it brings ends. */
  async #admit(response: StreamingResponse, asked: boolean): Promise<number | undefined> {
    const { head, status } = response
    const of = this.#of
    const range = this.#range
    if (asked) {
      const found = of.content.continued(head, range.at)
      if ('upTo' in found) {
        of.content.hear(head.headers, false)
        of.tell({ type: 'resumed', from: of.content.loaded, total: of.content.total })
        of.admitted()
        return found.upTo
      }
      if (status !== 200 && status !== 206) throw await refusedLive(response)
      if (status === 206 || !of.content.single) throw new StartOver(found.why)
      of.startOver(found.why, range)
    } else if (status !== 200 && status !== 203) throw await refusedLive(response)
    await of.begin(head, range)
    of.admitted()
    return of.content.total
  }

  /** A part can be asked for anew, as the whole; of a whole answer that is longer than it says there is no better one. */
  #tooMuch(status: number): Error {
    if (status === 206) return new StartOver('more than its range was sent')
    return new Final(failed(this.#of.request, `has more bytes than the ${this.#range.end ?? 0} it said`))
  }

  /** What the download ends with: the last error, or that the server keeps sending less than it was asked for. */
  #final(error: unknown): Error {
    if (error instanceof Error) return error
    return failed(this.#of.request, `was sent in parts, which ended after ${this.#range.at} bytes`, error)
  }

  async #wait(error: unknown, delay: number): Promise<void> {
    const reason = isHttpError(error) ? reasonOf(error.code, error.phase, error.response?.status) : 'an error'
    this.#of.tell({ type: 'waiting', delay, reason, error })
    if (this.#of.left) return
    await new Promise<void>((resolve, reject) => {
      this.#running.add(timer(delay).subscribe({ complete: resolve, error: reject }))
    })
  }
}

function reasonOf(code: string, phase: string | undefined, status: number | undefined): string {
  if (status !== undefined) return `status ${status}`
  return phase === undefined ? code : `${code} (${phase})`
}
