/** A live answer that is listened to: it may not be silent for too long, and it ends when its client is closed. */
import type { Subscription } from 'rxjs'
import { describe, HttpError, type Alarm, type StreamingResponse } from '../../src/index.ts'

/** What is done around each read. */
export interface Manners {
  /** Milliseconds in which a byte has to come; `false` for as long as it takes. */
  readonly idle: number | false
  readonly alarm: (ring: () => void) => Alarm
  /** Told of every chunk. */
  readonly heard: () => void
  /** Told what broke the body. */
  readonly broken: (error: unknown) => void
}

/**
 * Reads a live answer. While nobody reads nothing is too slow: who holds the server back cannot expect it to speak.
 * Has to be left by {@link leave}.
 */
export class Listening {
  readonly #response: StreamingResponse
  readonly #manners: Manners
  readonly #alarm: Alarm
  readonly #closing: Subscription
  #read: PromiseWithResolvers<Uint8Array | undefined> | undefined
  #over = false

  constructor(response: StreamingResponse, manners: Manners) {
    this.#response = response
    this.#manners = manners
    this.#alarm = manners.alarm(() => {
      this.#read?.reject(silent(response, manners.idle))
    })
    const close = (): void => {
      this.#over = true
      this.#read?.resolve(undefined)
    }
    this.#closing = response.closing.subscribe({ next: close, error: close })
  }

  /** The next bytes; `undefined` at the end of the body, and when the client was closed. */
  read(): Promise<Uint8Array | undefined> {
    if (this.#over) return Promise.resolve(undefined)
    const { idle, heard, broken } = this.#manners
    const read = Promise.withResolvers<Uint8Array | undefined>()
    this.#read = read
    if (idle !== false) this.#alarm.set(idle)
    this.#response.read().then(
      bytes => {
        this.#alarm.stop()
        if (bytes !== undefined) heard()
        read.resolve(bytes)
      },
      (error: unknown) => {
        this.#alarm.stop()
        broken(error)
        read.reject(error)
      },
    )
    return read.promise
  }

  /** Waits for nothing any more. */
  leave(): void {
    this.#over = true
    this.#alarm.stop()
    this.#closing.unsubscribe()
  }
}

function silent({ request }: StreamingResponse, idle: number | false): HttpError {
  const { attempt } = request
  return new HttpError(
    'TIMEOUT',
    `The answer to ${describe(request, attempt)} was silent for more than ${String(idle)} ms.`,
    { phase: 'idle', request, attempt, requestWritten: 'yes' },
  )
}
