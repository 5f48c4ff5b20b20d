/** How connections end, and what comes of it. */
import { describe, HttpError, isHttpError, type HttpErrorDetails, type HttpRequest } from '../../src/index.ts'
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
  const { code, reason } = close
  if (GOOD.has(code)) return { close }
  const said = /^[\x20-\x7e]{1,80}$/.test(reason) ? ` (${reason})` : ''
  const how = code === 1006 ? 'ended without a goodbye of the peer' : `was closed by the peer with ${code}${said}`
  return { close, error: broken('RESET', request, how, { phase: 'body', close }) }
}

/** Whether it may be different the next time. */
export function isPassing({ close, error }: WebSocketEnd): boolean {
  return close === undefined ? worthAnotherTry(error) : PASSING.has(close.code)
}

/** Whether it is an answer to a goodbye: any, or none. */
export function isToBeExpected({ close, error }: WebSocketEnd): boolean {
  return close !== undefined || (isHttpError(error) && error.code === 'RESET')
}

/** The error of a peer that is gone without a word. */
export function dead(request: HttpRequest): HttpError {
  return broken('TIMEOUT', request, 'has a peer that shows no sign of life', { phase: 'idle' })
}

/** The error of an engine that cannot keep a heartbeat which was asked for. */
export function withoutPings(request: HttpRequest): HttpError {
  return broken(
    'UNSUPPORTED',
    request,
    'cannot have a heartbeat: the platform of its engine keeps pings to itself. Leave webSocket({ heartbeat }) out, or use an engine that can: undici, http, http2',
    { phase: 'config' },
  )
}

function broken(
  code: 'RESET' | 'TIMEOUT' | 'UNSUPPORTED',
  request: HttpRequest,
  how: string,
  details: HttpErrorDetails,
): HttpError {
  const { attempt } = request
  return new HttpError(code, `The WebSocket of ${describe(request, attempt)} ${how}.`, {
    request,
    attempt,
    requestWritten: 'yes',
    ...details,
  })
}
