/** The server's end of a scripted WebSocket. */
import { milliseconds, type HttpRequest } from '../../src/index.ts'
import type { MockConnection } from './socket.ts'
import type { Stage } from './stage.ts'

/** What a server does next: says something, waits so many milliseconds, says goodbye, or breaks off. */
export type MockStep =
  | string
  | Uint8Array
  | number
  | { readonly close: number; readonly reason?: string | undefined }
  | { readonly reset: true }

/** The server of a WebSocket, as a test plays it. It answers pings and a goodbye by itself. */
export interface MockPeer {
  /** The handshake. */
  readonly request: HttpRequest
  /** The sub-protocol it chose; empty when none. */
  readonly protocol: string
  /** Called with each message once it was taken; messages that came before are not told of. */
  onMessage(listener: (data: string | Uint8Array) => void): void
  /** Called once it is over, with the code and reason of the client: 1005 when it gave none, 1006 when it broke off. */
  onClose(listener: (code: number, reason: string) => void): void
  /** Says something. */
  send(data: string | Uint8Array): void
  /** Does something in so many milliseconds, if it is open then. */
  after(ms: number, work: () => void): void
  /** Says goodbye; without a code that is heard as 1005. */
  close(code?: number, reason?: string): void
  /** Breaks off: `RESET`. */
  reset(): void
  /** Takes and answers nothing any more, not even pings and a goodbye, like a peer whose network is gone. */
  stall(): void
}

/** Whether it is something a server can do. */
export function isStep(step: unknown): step is MockStep {
  if (typeof step === 'string' || step instanceof Uint8Array) return true
  if (typeof step === 'number') return milliseconds(step) === undefined
  const { close, reset } = Object(step) as { readonly close?: unknown; readonly reset?: unknown }
  return reset === true || Number.isInteger(close)
}

/** Plays it for one exchange. What its listeners throw fails that. */
export class Peer implements MockPeer {
  readonly #stage: Stage
  readonly #connection: MockConnection
  readonly #onMessage: ((data: string | Uint8Array) => void)[] = []
  readonly #onClose: ((code: number, reason: string) => void)[] = []

  constructor(stage: Stage, connection: MockConnection) {
    this.#stage = stage
    this.#connection = connection
    stage.onEnd(() => {
      const { code, reason } = stage.recording.webSocket?.close ?? { code: 1006, reason: '' }
      for (const listener of this.#onClose) listener(code, reason)
    })
  }

  get request(): HttpRequest {
    return this.#stage.request
  }
  get protocol(): string {
    return this.#connection.protocol
  }

  /** Takes the steps one after the other, or lets a test do as it likes. */
  play(plan: readonly MockStep[] | ((peer: MockPeer) => void)): void {
    this.#stage.guard(() => {
      if (typeof plan === 'function') plan(this)
      else this.#step(plan, 0)
    })
  }

  onMessage(listener: (data: string | Uint8Array) => void): void {
    this.#onMessage.push(listener)
  }
  onClose(listener: (code: number, reason: string) => void): void {
    this.#onClose.push(listener)
  }

  send(data: string | Uint8Array): void {
    this.#connection.hear(data)
  }
  after(ms: number, work: () => void): void {
    this.#stage.wait(ms, () => {
      this.#stage.guard(work)
    })
  }
  close(code?: number, reason?: string): void {
    this.#connection.hearClose(code ?? 1005, reason ?? '')
  }
  reset(): void {
    this.#connection.breakOff()
  }
  stall(): void {
    this.#connection.stall()
  }

  /** A message of the client. */
  took(data: string | Uint8Array): void {
    this.#stage.guard(() => {
      for (const listener of this.#onMessage) listener(data)
    })
  }

  #step(steps: readonly MockStep[], at: number): void {
    for (let next = at; next < steps.length; next++) {
      const step = steps[next] as MockStep
      if (typeof step === 'number') {
        this.after(step, () => {
          this.#step(steps, next + 1)
        })
        return
      }
      if (typeof step === 'string' || step instanceof Uint8Array) this.send(step)
      else if ('reset' in step) this.reset()
      else this.close(step.close, step.reason)
    }
  }
}
