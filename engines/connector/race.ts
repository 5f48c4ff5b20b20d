/** Connects to whichever of several addresses answers first ("happy eyeballs", RFC 8305). */
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import type { AddressFailure } from './failure.ts'
import { ownOf } from './options.ts'

/** How long an address may take before the next one is tried beside it, in milliseconds (RFC 8305 §5). */
const HEAD_START = 250

/** Node copies options into an object with a prototype and reads these too: they must not come from a polluted one. */
const NOT_GIVEN = Object.fromEntries(
  ['signal', 'fd', 'handle', 'onread', 'objectMode', 'readableObjectMode', 'writableObjectMode', 'blockList'].map(
    name => [name, undefined],
  ),
)

/** What to connect to: an address and port, or a unix socket, and how it is called in messages. */
export interface Candidate {
  readonly name: string
  readonly options: NetConnectOpts
}

/** Hears the outcome, once. */
export interface RaceListener {
  won(socket: Socket): void
  lost(failures: readonly AddressFailure[]): void
}

/** A race that can be called off: every socket that is still connecting is destroyed. */
export class Race {
  readonly #candidates: readonly Candidate[]
  readonly #listener: RaceListener
  readonly #running = new Set<Socket>()
  readonly #failures: AddressFailure[] = []
  #next = 0
  #headStart: NodeJS.Timeout | undefined
  #referenced = true

  constructor(candidates: readonly Candidate[], listener: RaceListener) {
    this.#candidates = candidates
    this.#listener = listener
  }

  /** Tries the first address, and the next one whenever one fails or takes long. */
  start(): void {
    clearTimeout(this.#headStart)
    const candidate = this.#candidates[this.#next++]
    if (candidate === undefined) return
    this.#try(candidate)
    if (this.#next < this.#candidates.length) {
      this.#headStart = setTimeout(() => {
        this.start()
      }, HEAD_START)
      if (!this.#referenced) this.#headStart.unref()
    }
  }

  destroy(): void {
    clearTimeout(this.#headStart)
    for (const socket of this.#running) socket.destroy()
    this.#running.clear()
  }

  /** Whether the process stays alive while the race is on. */
  keepAlive(wanted: boolean): void {
    this.#referenced = wanted
    for (const handle of [this.#headStart, ...this.#running]) {
      if (wanted) handle?.ref()
      else handle?.unref()
    }
  }

  #try({ name, options }: Candidate): void {
    const socket = connect(ownOf({ ...NOT_GIVEN, ...options }))
    if (!this.#referenced) socket.unref()
    this.#running.add(socket)
    // Stays for as long as the socket lives, so that an error nobody waits for any more is not thrown.
    socket.on('error', (cause: Error) => {
      if (!this.#running.delete(socket)) return
      socket.destroy()
      this.#failures.push({ address: name, cause })
      if (this.#next < this.#candidates.length) this.start()
      else if (this.#running.size === 0) this.#listener.lost(this.#failures)
    })
    socket.once('connect', () => {
      if (!this.#running.delete(socket)) return
      this.destroy()
      this.#listener.won(socket)
    })
  }
}
