/** What the mock remembers of an exchange. */
import { clock, type HttpRequest, type Phase } from '../../src/index.ts'
import { TakenBody, type SentBody } from './sent-body.ts'

/** What the mock remembers of a WebSocket, seen from its server; kept up to date while it is open. */
export interface MockConversation {
  /** The messages that were taken of the client. */
  readonly messages: readonly (string | Uint8Array)[]
  /** How often the client has asked for a sign of life. */
  readonly pings: number
  /** How the client said goodbye, if it did; 1005 is without a code. */
  readonly close: { readonly code: number; readonly reason: string } | undefined
}

/** The same, as the engine writes it. */
export type Minutes = { -readonly [K in keyof MockConversation]: MockConversation[K] } & {
  readonly messages: (string | Uint8Array)[]
}

/** How an exchange came out. */
export type Outcome = 'running' | 'completed' | 'failed' | 'aborted'

/** One exchange the mock was asked for; kept up to date while it runs. */
export interface MockExchange {
  readonly request: HttpRequest
  /** What was taken of the request's body. */
  readonly body: SentBody
  /** What answered: the pattern of a route, `'queue'`, or nothing when nothing fitted. */
  readonly route: string | undefined
  readonly outcome: Outcome
  /** Where it is, or where it ended. */
  readonly phase: Phase
  /** Milliseconds since the epoch, or frames in marble tests. */
  readonly startedAt: number
  readonly endedAt: number | undefined
  /** The status that was answered; missing until the head is out. */
  readonly status: number | undefined
  /** The WebSocket, when the reply agreed to one. */
  readonly webSocket: MockConversation | undefined
  /** How many bytes of the answer's body, or of messages, were delivered. */
  readonly delivered: number
  /** True while the consumer holds the body back. */
  readonly paused: boolean
  /** How often the consumer has held the body back. */
  readonly pauses: number
  /** What it failed with. */
  readonly error: unknown
  /** Why it was aborted, where a reason was given. */
  readonly reason: unknown
}

/** The same, as the engine writes it. */
export type Recording = { -readonly [K in keyof MockExchange]: MockExchange[K] } & { readonly body: TakenBody }

/** Begins the memory of an exchange. */
export function record(request: HttpRequest, route: string | undefined): Recording {
  return {
    request,
    body: new TakenBody(),
    route,
    outcome: 'running',
    phase: 'queue',
    startedAt: clock.now(),
    endedAt: undefined,
    status: undefined,
    webSocket: undefined,
    delivered: 0,
    paused: false,
    pauses: 0,
    error: undefined,
    reason: undefined,
  }
}
