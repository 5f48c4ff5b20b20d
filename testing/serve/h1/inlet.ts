/** The reading side of a socket: bytes on demand, with the socket still being read so that its end is seen. */
import type { Duplex } from 'node:stream'
import type { Incoming } from '../wire.ts'

/** Unread bytes that are kept before the socket is paused, so that an upload nobody reads meets back-pressure. */
const LIMIT = 64 * 1024

/** Reads a socket on demand. One reader at a time. */
export class Inlet implements Incoming {
  readonly #socket: Duplex
  readonly #reading: (now: boolean) => void
  #unread: Buffer[] = []
  #size = 0
  #held = false
  #swallowing = false
  #ended = false
  #wake: (() => void) | undefined

  /** `arrived` is told how many bytes came, `reading` whether more are asked for. */
  constructor(socket: Duplex, arrived: (bytes: number) => void, reading: (now: boolean) => void) {
    this.#socket = socket
    this.#reading = reading
    socket.on('data', (bytes: Buffer) => {
      if (!this.#swallowing) {
        this.#unread.push(bytes)
        this.#size += bytes.length
        if (this.#held || this.#size >= LIMIT) socket.pause()
      }
      arrived(bytes.length)
      this.#wake?.()
    })
    socket.on('end', () => this.#finish())
    socket.on('close', () => this.#finish())
  }

  /** Whether bytes are there which nobody has taken yet. */
  get filled(): boolean {
    return this.#size > 0
  }

  /** Stops reading: the client meets back-pressure, and its leaving goes unseen until `flow()`. */
  hold(): void {
    this.#held = true
    this.#socket.pause()
    this.#reading(false)
  }

  /** Reads on after `hold()`. */
  flow(): void {
    if (!this.#held) return
    this.#held = false
    if (this.#size < LIMIT) this.#socket.resume()
    this.#reading(true)
    this.#wake?.()
  }

  /** Reads and drops everything from now on, only to see the client leave. */
  swallow(): void {
    this.#swallowing = true
    this.#unread = []
    this.#size = 0
    this.flow()
    this.#socket.resume()
  }

  /** Waits until there are bytes to take; `false` when there will be no more. */
  async ready(): Promise<boolean> {
    while (this.#held || this.#size === 0) {
      if (this.#ended && !(this.#held && this.#size > 0)) return false
      await this.#change()
    }
    return true
  }

  /** Takes the next bytes, at most `max`; `undefined` when there will be no more. */
  async take(max: number = Infinity): Promise<Buffer | undefined> {
    if (!(await this.ready())) return undefined
    const [first] = this.#unread
    if (first === undefined) return undefined
    const taken = first.subarray(0, max)
    this.#drop(taken.length)
    return taken
  }

  /**
   * Takes everything up to and with `marker`; `undefined` when there will be no more.
   * Throws a `RangeError` when there is no `marker` within `limit` bytes.
   */
  async takeThrough(marker: string, limit: number): Promise<Buffer | undefined> {
    for (;;) {
      if (!(await this.ready())) return undefined
      const all = this.#unread.length === 1 && this.#unread[0] ? this.#unread[0] : Buffer.concat(this.#unread)
      this.#unread = [all]
      const found = all.indexOf(marker, 0, 'latin1')
      const end = found + marker.length
      if (found >= 0 && end <= limit) {
        this.#drop(end)
        return all.subarray(0, end)
      }
      if (all.length >= limit) throw new RangeError(`nothing ends within ${limit} bytes`)
      if (this.#ended) return undefined
      await this.#change()
    }
  }

  #drop(count: number): void {
    this.#size -= count
    let left = count
    while (left > 0) {
      const first = this.#unread[0]
      if (first === undefined) break
      if (first.length > left) {
        this.#unread[0] = first.subarray(left)
        break
      }
      left -= first.length
      this.#unread.shift()
    }
    if (!this.#held && this.#size < LIMIT) this.#socket.resume()
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  #finish(): void {
    this.#ended = true
    this.#wake?.()
  }
}
