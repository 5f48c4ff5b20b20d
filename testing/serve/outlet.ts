/** The writing side of a socket: one write after the other, each counted once the kernel has it. */
import type { Duplex } from 'node:stream'
import { Gone, pause } from './gone.ts'

const SLICE = 64 * 1024
/** Writes in a row that the kernel took at once, before the event loop has its turn. */
const BURST = 32

/** Writes to a socket. One writer at a time. */
export class Outlet {
  readonly #socket: Duplex
  readonly #gone: AbortSignal
  readonly #written: (bytes: number) => void
  #leave: ((error: Gone) => void) | undefined
  #every: number | undefined
  #burst = 0

  constructor(socket: Duplex, gone: AbortSignal, written: (bytes: number) => void) {
    this.#socket = socket
    this.#gone = gone
    this.#written = written
    gone.addEventListener('abort', () => this.#leave?.(new Gone()), { once: true })
  }

  /** Writes one byte every `ms` milliseconds from now on; `undefined` writes at full speed again. */
  drip(ms: number | undefined): void {
    this.#every = ms
  }

  /** Resolves when the kernel has taken all of `bytes`; rejects with `Gone` when the client leaves before that. */
  async write(bytes: Uint8Array): Promise<void> {
    const step = this.#every === undefined ? SLICE : 1
    for (let at = 0; at < bytes.length; at += step) {
      if (this.#every !== undefined) await pause(this.#gone, this.#every)
      await this.#hand(bytes.subarray(at, at + step))
      this.#burst = (this.#burst + 1) % BURST
      // An endless body must not keep the loop from seeing that its client left.
      if (this.#burst === 0) await new Promise(resolve => setImmediate(resolve))
    }
  }

  #hand(slice: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#gone.aborted) {
        reject(new Gone())
        return
      }
      this.#leave = reject
      this.#socket.write(slice, error => {
        this.#leave = undefined
        if (error) {
          reject(new Gone())
          return
        }
        this.#written(slice.length)
        resolve()
      })
    })
  }
}
