/** One hot stream of what happens in a client, for dashboards, logs and tests. */
import type { RequestSummary } from './errors.ts'
import type { ConnectionInfo } from './events.ts'
import { Token } from './token.ts'

/** One thing that happened to a call, or to a connection. */
export type MonitorEvent =
  | (CallEvent & { readonly type: 'created' })
  | (CallEvent & { readonly type: 'attempt'; readonly attempt: number })
  | (CallEvent & { readonly type: 'connection'; readonly connection: ConnectionInfo })
  | (CallEvent & {
      readonly type: 'notice'
      readonly plugin: string
      readonly name: string
      readonly detail: Readonly<Record<string, unknown>>
    })
  | (CallEvent & { readonly type: 'response'; readonly status: number })
  | (CallEvent & { readonly type: 'completed' })
  | (CallEvent & { readonly type: 'failure'; readonly error: unknown })
  | (CallEvent & { readonly type: 'cancelled' })
  | { readonly type: 'opened' | 'closed'; readonly at: number; readonly connection: ConnectionInfo }

/** What every event of a call has. */
export interface CallEvent {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The call, by its id; url without secrets. */
  readonly request: RequestSummary
}

/** An event before it is dated. */
export type Report = MonitorEvent extends infer E ? (E extends MonitorEvent ? Omit<E, 'at'> : never) : never

/** By this note the edge reports attempts and connections of a call that somebody watches. */
export const REPORT: Token<(report: Report) => void> = new Token<(report: Report) => void>('report')
