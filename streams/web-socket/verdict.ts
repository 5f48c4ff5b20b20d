/** What the end of a connection means for the whole. */
import { isHttpError } from '../../src/index.ts'
import type { Verdict } from '../again/reconnect.ts'
import { askedToWait } from '../again/worth.ts'
import { isPassing, isToBeExpected, type WebSocketEnd } from './ending.ts'
import type { Reconnect } from './options.ts'

/** How things were when a connection ended. */
export interface Circumstances {
  /** Which connection it was, counted from 1. */
  readonly attempt: number
  /** A goodbye of ours was on its way. */
  readonly bidden: boolean
  /** Bytes that were not out yet. */
  readonly unsent: number
  /** Connections that broke in a row before it. */
  readonly breaks: number
  /** There is nothing left to say. Asked after `when`, which may say goodbye. */
  readonly isDone: () => boolean
}

/** Says whether another connection follows, and what the end is if not. */
export function verdictOf(end: WebSocketEnd, now: Circumstances, reconnect: Reconnect | false): Verdict {
  const failed: Verdict = end.error === undefined ? 'complete' : { fail: end.error }
  // After a goodbye of ours it does not matter how the peer takes it.
  if (now.bidden) return now.unsent === 0 && isToBeExpected(end) ? 'complete' : failed
  // Told only now, and by nothing but the next handshake: no reason to fail.
  if (now.attempt > 1 && isHttpError(end.error) && end.error.code === 'CLOSED') return 'complete'
  if (reconnect === false || now.breaks >= reconnect.times) return failed
  if (!(reconnect.when?.(end) ?? isPassing(end))) return failed
  return now.isDone() ? 'complete' : { again: askedToWait(end.error) }
}
