/** How long a request waits for a connection, and what it says when that is too long. */
import { describe, HttpError, LIMITS, ROUTE, type HttpRequest, type Limits } from '../../src/index.ts'
import { after } from '../connector/after.ts'
import type { ConnectPhase } from '../connector/failure.ts'
import { routeName } from '../connector/proxy/way.ts'
import { hostPort, targetOf } from '../connector/target.ts'
import type { PoolSettings } from './settings.ts'

/** A limit that is over. */
export interface Overdue {
  readonly phase: 'queue' | Exclude<ConnectPhase, 'proxy'>
  readonly ms: number
}

/** Runs the clocks of one request: the queue's, that of connecting as a whole, and those of its parts. */
export class Waiting {
  readonly #limits: Limits
  readonly #settings: PoolSettings
  readonly #overdue: (overdue: Overdue) => void
  #queued = 0
  #queuedSince = 0
  #connecting = false
  #stopWhole: (() => void) | undefined
  #stopPart: (() => void) | undefined

  constructor(request: HttpRequest, settings: PoolSettings, overdue: (overdue: Overdue) => void) {
    this.#limits = request.read(LIMITS) ?? NONE
    this.#settings = settings
    this.#overdue = overdue
    this.queue()
  }

  /** How long it has waited for a connection to become free so far, in milliseconds. */
  get queued(): number {
    return this.#connecting ? this.#queued : this.#queued + performance.now() - this.#queuedSince
  }

  /** No connection is being made for this request: it waits for one of the others. */
  queue(): void {
    this.stop()
    this.#connecting = false
    this.#queuedSince = performance.now()
    const limit = this.#limits.queue ?? this.#settings.acquireTimeout
    if (limit !== false) this.#stopWhole = this.#clock('queue', limit, limit - this.#queued)
  }

  /** A connection is being made for this request and has come this far. */
  connect(phase: ConnectPhase): void {
    if (!this.#connecting) {
      this.stop()
      this.#queued = this.queued
      this.#connecting = true
      const limit = this.#limits.connect ?? this.#settings.connectTimeout
      if (limit !== false) this.#stopWhole = this.#clock('connect', limit)
    }
    this.#stopPart?.()
    this.#stopPart = undefined
    // Connecting and the proxies have no limit but that of the whole.
    if (phase === 'connect' || phase === 'proxy') return
    const part = this.#limits[phase]
    if (part !== undefined && part !== false) this.#stopPart = this.#clock(phase, part)
  }

  /** The wait is over. */
  stop(): void {
    this.#stopWhole?.()
    this.#stopPart?.()
    this.#stopPart = undefined
  }

  #clock(phase: Overdue['phase'], ms: number, left: number = ms): () => void {
    return after(left, () => {
      this.#overdue({ phase, ms })
    })
  }
}

const NONE: Limits = {}

/** The error of a request whose limit is over. */
export function tookTooLong(request: HttpRequest, { phase, ms }: Overdue): HttpError {
  const { host, port } = targetOf(request.origin)
  const route = request.read(ROUTE)
  const where = hostPort(host, port)
  const through = route === undefined ? '' : ` through the proxy ${routeName(route)}`
  const what = {
    queue: `no connection to ${where} became free within ${ms} ms`,
    dns: `looking up ${route?.hops[0]?.host ?? host} took longer than ${ms} ms`,
    connect: `connecting to ${where}${through} took longer than ${ms} ms`,
    tls: `the TLS handshake with ${where}${through} took longer than ${ms} ms`,
  }[phase]
  return new HttpError('TIMEOUT', `${describe(request, request.attempt)} was not sent: ${what}.`, {
    phase,
    request,
    attempt: request.attempt,
    requestWritten: 'no',
  })
}
