/** Finds out that a peer is gone although nobody has said so (RFC 9113 §6.7). */
import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { after } from '../connector/after.ts'
import { SILENT } from './faults.ts'

/** Asks a peer that has been silent for a while, and reports one that does not answer in the same time again. */
export class Pulse {
  readonly #session: ClientHttp2Session
  readonly #socket: Socket
  readonly #interval: number | false
  readonly #dead: (error: Error) => void
  #read = 0
  #asked = false
  #stop: (() => void) | undefined

  constructor(session: ClientHttp2Session, socket: Socket, interval: number | false, dead: (error: Error) => void) {
    this.#session = session
    this.#socket = socket
    this.#interval = interval
    this.#dead = dead
  }

  start(): void {
    if (this.#interval === false || this.#stop !== undefined) return
    this.#asked = false
    this.#listen(this.#interval)
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  #listen(ms: number): void {
    this.#read = this.#socket.bytesRead
    this.#stop = after(
      ms,
      () => {
        const silent = this.#socket.bytesRead === this.#read
        if (silent && this.#asked) {
          this.#dead(Object.assign(new Error(`The server has been silent for ${2 * ms} ms.`), { code: SILENT }))
          return
        }
        this.#asked = silent
        if (silent && !this.#session.destroyed) this.#session.ping(() => undefined)
        this.#listen(ms)
      },
      false,
    )
  }
}
