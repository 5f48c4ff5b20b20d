/** The sentences in which the mock fails, with the code and phase a real engine would give. */
import { describe, HttpError, type HttpErrorDetails, type HttpRequest, type Phase } from '../../src/index.ts'
import type { MockFailure, ResetPhase } from './reply.ts'
import type { Fault, Script } from './script.ts'

/** Whether the request had left, judged by the phase in which it failed. */
function written(phase: Phase): 'no' | 'maybe' | 'yes' {
  if (phase === 'send') return 'maybe'
  return phase === 'headers' || phase === 'body' || phase === 'idle' ? 'yes' : 'no'
}

function detailsOf(request: HttpRequest, phase: Phase, reused?: boolean): HttpErrorDetails {
  return {
    phase,
    request,
    attempt: request.attempt,
    requestWritten: written(phase),
    ...(reused === undefined ? {} : { reusedConnection: reused }),
  }
}

const SLOW = {
  queue: 'waiting for a connection',
  dns: 'looking up its host',
  connect: 'connecting',
  tls: 'the TLS handshake',
  send: 'the peer to take the next byte of its body',
} as const

/** A limit of the request is over. */
export function timeout(request: HttpRequest, phase: keyof typeof SLOW, ms: number): HttpError {
  const named = describe(request, request.attempt)
  const message = `${named} failed: ${SLOW[phase]} took longer than ${ms} ms.`
  return new HttpError('TIMEOUT', message, detailsOf(request, phase))
}

/** What the fault of a script fails with; nothing when it only stops. */
export function errorOf(fault: Fault, script: Script, request: HttpRequest, delivered: number): Error | undefined {
  switch (fault.kind) {
    case 'stall':
      return undefined
    case 'reset':
      return reset(request, fault.at, script.connection.reused)
    case 'cut':
      return truncated(request, delivered, promisedBy(script))
    case 'failure':
      return failure(request, fault.code, fault.at)
    case 'error':
      return fault.error
  }
}

/** The length a head announces. */
export function promisedBy({ headers }: Script): number | undefined {
  const length = headers.get('content-length')
  return length === undefined ? undefined : Number(length)
}

/** The peer broke off. */
function reset(request: HttpRequest, phase: ResetPhase, reused?: boolean): HttpError {
  const when = { send: 'while it was sent', headers: 'before it was answered', body: 'in the middle of the answer' }
  return new HttpError(
    'RESET',
    `${describe(request, request.attempt)} failed: the peer reset the connection ${when[phase]}.`,
    detailsOf(request, phase, reused),
  )
}

/** The body of the answer is not what was promised. */
export function truncated(request: HttpRequest, got: number, promised: number | undefined): HttpError {
  const of = promised === undefined ? ' and without its end' : ` of the ${promised} announced`
  return new HttpError(
    'BODY',
    `The answer to ${describe(request, request.attempt)} was cut off after ${got} bytes${of}.`,
    detailsOf(request, 'body'),
  )
}

/** The body of the answer is longer than announced. */
export function excess(request: HttpRequest, promised: number): HttpError {
  return new HttpError(
    'PROTOCOL',
    `The answer to ${describe(request, request.attempt)} has more than the ${promised} bytes announced.`,
    detailsOf(request, 'body'),
  )
}

const WHY: Readonly<Record<MockFailure, string>> = {
  DNS: 'its host has no address',
  CONNECT: 'the connection was refused',
  TLS: 'the TLS handshake failed',
  PROXY: 'the proxy refused to connect',
  RESET: 'the peer reset the connection before it was answered',
  PROTOCOL: 'the peer did not speak HTTP',
}

function failure(request: HttpRequest, code: MockFailure, phase: Phase): HttpError {
  const message = `${describe(request, request.attempt)} failed: ${WHY[code]}.`
  return new HttpError(code, message, detailsOf(request, phase))
}

/** The author of a test asked for what cannot be. */
export function mistake(request: HttpRequest, what: string): HttpError {
  return new HttpError('CONFIG', `${describe(request, request.attempt)}: ${what}.`, {
    phase: 'config',
    request,
    attempt: request.attempt,
  })
}

/** The mock was closed before the request came. */
export function closed(request: HttpRequest): HttpError {
  return new HttpError('CLOSED', `${describe(request, request.attempt)} was not sent: the mock engine is closed.`, {
    ...detailsOf(request, 'queue'),
  })
}

/** The mock was ended while the request was running. */
export function cancelled(request: HttpRequest, why: string): HttpError {
  return new HttpError('CANCELLED', `${describe(request, request.attempt)} was cancelled: ${why}.`, {
    request,
    attempt: request.attempt,
  })
}
