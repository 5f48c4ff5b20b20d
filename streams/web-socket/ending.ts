/** How connections end, and what comes of it. */
import { describe, HttpError, type HttpRequest } from '../../src/index.ts'
import { worthAnotherTry } from '../again/worth.ts'

/** How a peer says goodbye: a code (RFC 6455 §7.4) and perhaps a reason. */
export interface WebSocketClose {
  readonly code: number
  readonly reason: string
}

/** How a connection ended: by a goodbye of the peer, or by an error, or both when the goodbye is one. */
export interface WebSocketEnd {
  readonly close?: WebSocketClose | undefined
  /** Missing where `close` is an end as it should be: 1000, 1001, and 1005, which is none given. */
  readonly error?: unknown
}

const GOOD: ReadonlySet<number> = new Set([1000, 1001, 1005])
/**
 * The server goes away, is cut off, has an error, is restarted, has too much to do, or is a gateway to one that is: others or a
 * later one may do better.
 */
const PASSING: ReadonlySet<number> = new Set([1001, 1006, 1011, 1012, 1013, 1014])

/** What a goodbye is to those who listen: an end or an error. */
export function endOf(close: WebSocketClose, request: HttpRequest): WebSocketEnd {
  if (GOOD.has(close.code)) return { close }
  const { attempt } = request
  const said = /^[\x20-\x7e]{1,80}$/.test(close.reason) ? ` (${close.reason})` : ''
  const how =
    close.code === 1006 ? 'ended without a goodbye of the peer' : `was closed by the peer with ${close.code}${said}`
  const message = `The WebSocket of ${describe(request, attempt)} ${how}.`
  return {
    close,
    error: new HttpError('RESET', message, { phase: 'body', request, attempt, close, requestWritten: 'yes' }),
  }
}

/** Whether it may be different the next time. */
export function isPassing({ close, error }: WebSocketEnd): boolean {
  return close === undefined ? worthAnotherTry(error) : PASSING.has(close.code)
}
