/** Errors of bodies that cannot or must not be decoded. */
import { describe, HttpError, type ErrorCode, type HttpRequest } from '../../src/index.ts'
import { MOST_CODINGS } from './content-encoding.ts'
import type { Failure } from './decoding.ts'
import type { Fault } from './inflater.ts'

const FAULTS: Readonly<Record<Fault, string>> = {
  truncated: 'it ends too early',
  corrupt: 'its bytes are corrupt',
  trailing: 'more bytes follow after its end',
  window: 'it needs a window of more than 8 MiB (RFC 9659)',
}

/** The error of a body that was being decoded. */
export function failed(request: HttpRequest, failure: Failure): HttpError {
  switch (failure.fault) {
    case 'size':
      return error(request, 'TOO_LARGE', `decodes to more than the ${failure.limit} bytes that decode allows`)
    case 'ratio':
      return error(request, 'TOO_LARGE', `decodes to more than ${failure.limit} times its size`)
    default: {
      const { fault, coding, cause } = failure
      const code = fault === 'window' ? 'TOO_LARGE' : 'BODY'
      return error(request, code, `cannot be decoded from ${coding}: ${FAULTS[fault]}`, cause)
    }
  }
}

/** The error of an answer that claims too many codings. */
export function tooMany(request: HttpRequest): HttpError {
  return error(request, 'TOO_LARGE', `was encoded more than ${MOST_CODINGS} times`)
}

/** The error of a coding that is not known, or not to this platform. */
export function unknown(request: HttpRequest, coding: string, known: readonly string[], ours: boolean): HttpError {
  const name = JSON.stringify(coding.replace(/[^\x21-\x7e]/g, '?').slice(0, 40))
  const able = known.length === 0 ? 'none' : known.join(', ')
  return ours
    ? error(request, 'UNSUPPORTED', `is encoded with ${name}, which this platform cannot decode; it can decode ${able}`)
    : error(
        request,
        'BODY',
        `is encoded with ${name}; known codings are ${able}. Leave decode out of the call (decode: false) to get the bytes as they are`,
      )
}

function error(request: HttpRequest, code: ErrorCode, what: string, cause?: unknown): HttpError {
  const { attempt } = request
  const message = `The body of the answer to ${describe(request, attempt)} ${what}.`
  return new HttpError(code, message, { phase: 'decode', request, attempt, requestWritten: 'yes', cause })
}
