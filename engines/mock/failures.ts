/** The sentences in which the mock fails: those of the other engines, with their code and phase. */
import {
  describe,
  HttpError,
  type ErrorCode,
  type HttpErrorDetails,
  type HttpRequest,
  type Phase,
} from '../../src/index.ts'
import type { Fault as WireFault } from '../exchange/progress.ts'
import type { MockFailure } from './reply.ts'
import type { Fault, Script } from './script.ts'

/** What the fault of a script fails with; nothing when it only stops. */
export function errorOf(fault: Fault, script: Script, request: HttpRequest, delivered: number): Error | undefined {
  const reusedConnection = script.connection.reused ?? false
  switch (fault.kind) {
    case 'stall':
      return undefined
    case 'reset':
      return failed('RESET', request, fault.at, CUT_OFF[fault.at], { reusedConnection })
    case 'cut':
      return truncated(request, delivered, promisedBy(script)).with({ reusedConnection })
    case 'failure':
      return failed(fault.code, request, fault.at, WHY[fault.code](request), { reusedConnection })
    case 'error':
      return fault.error
  }
}

/** The length a head announces. */
export function promisedBy({ headers }: Script): number | undefined {
  const length = headers.get('content-length')
  return length === undefined ? undefined : Number(length)
}

/** A limit of the request is over. */
export function timeout(request: HttpRequest, phase: keyof typeof SLOW, ms: number): HttpError {
  return failed('TIMEOUT', request, phase, SLOW[phase](request, ms))
}

/** The body of the answer ended before it was whole. */
export function truncated(request: HttpRequest, got: number, promised: number | undefined): HttpError {
  const of = promised === undefined ? '' : ` of ${promised}`
  return failed('BODY', request, 'body', `was cut off after ${got}${of} bytes of the body of its answer`)
}

/** The body of the answer is longer than announced. */
export function excess(request: HttpRequest, promised: number): HttpError {
  return failed('PROTOCOL', request, 'body', `was answered with more than the ${promised} bytes announced`)
}

/** The author of a test asked for what cannot be. */
export function mistake(request: HttpRequest, what: string): HttpError {
  return failed('CONFIG', request, 'config', `cannot go as the mock was told: ${what}`)
}

/** Something is wrong with a WebSocket. */
export function socketFailed({ code, phase, what }: WireFault, request: HttpRequest): HttpError {
  return failed(code, request, phase, what)
}

/** The mock was closed before the request came. */
export function closed(request: HttpRequest): HttpError {
  return failed('CLOSED', request, 'queue', 'was not sent: its engine is closed')
}

/** The mock was ended while the request was running. */
export function cancelled(request: HttpRequest, phase: Phase, why: string): HttpError {
  return failed('CANCELLED', request, phase, `was cancelled: ${why}`)
}

const SLOW = {
  queue: (request: HttpRequest, ms: number) =>
    `was not sent: no connection to ${placeOf(request)} became free within ${ms} ms`,
  dns: (request: HttpRequest, ms: number) => `was not sent: looking up ${hostOf(request)} took longer than ${ms} ms`,
  connect: (request: HttpRequest, ms: number) =>
    `was not sent: connecting to ${placeOf(request)} took longer than ${ms} ms`,
  tls: (request: HttpRequest, ms: number) =>
    `was not sent: the TLS handshake with ${placeOf(request)} took longer than ${ms} ms`,
  send: (_: HttpRequest, ms: number) => `was cut off: the server took nothing of its body for ${ms} ms`,
} as const

const CUT_OFF = {
  send: 'was cut off while it was being sent: the server closed the connection',
  headers: 'was cut off before its answer was there: the server closed the connection',
} as const

const WHY: Readonly<Record<MockFailure, (request: HttpRequest) => string>> = {
  DNS: request => `was not sent: there is no address for ${hostOf(request)}`,
  CONNECT: request => `was not sent: ${placeOf(request)} refused the connection`,
  TLS: request => `was not sent: the TLS handshake with ${placeOf(request)} failed`,
  PROXY: request => `was not sent: the proxy refused to connect to ${placeOf(request)}`,
  RESET: () => CUT_OFF.headers,
  PROTOCOL: () => 'was answered with something that is not HTTP/1.1',
}

function failed(
  code: ErrorCode,
  request: HttpRequest,
  phase: Phase,
  what: string,
  more: HttpErrorDetails = {},
): HttpError {
  const { attempt } = request
  const known = { phase, request, attempt, requestWritten: writtenBy(phase), ...more }
  return new HttpError(code, `${describe(request, attempt)} ${what}.`, known)
}

/** Whether the request had left, judged by the phase in which it failed. */
function writtenBy(phase: Phase): 'no' | 'maybe' | 'yes' {
  if (phase === 'send') return 'maybe'
  return phase === 'headers' || phase === 'body' ? 'yes' : 'no'
}

function hostOf({ url }: HttpRequest): string {
  return new URL(url).hostname
}

function placeOf({ url }: HttpRequest): string {
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`
}
