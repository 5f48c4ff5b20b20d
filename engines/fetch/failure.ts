/** What a platform reports, in the codes and words that every engine uses, as far as it tells. */
import { describe, HttpError, isHttpError } from '../../src/index.ts'
import { codeOf } from '../connector/failure.ts'
import { targetOf } from '../connector/target.ts'
import { brokenOff, isConnectionLoss, overflowing, truncated, unreadable } from '../exchange/faults.ts'
import { adopted, errorOf, type Fault, type Progress } from '../exchange/progress.ts'
import { unconnected } from '../exchange/unconnected.ts'
import { unsupported } from '../platform/request.ts'
import { unexplained } from '../platform/silent.ts'

/** Makes the error of an exchange out of what `fetch`, or reading its body, rejected with. */
export function failureOf(error: unknown, progress: Progress, hint: string): HttpError {
  const cause = causeOf(error)
  if (isHttpError(cause)) return adopted(cause, progress)
  const early = progress.answered ? undefined : beforeAnswer(cause, progress)
  if (early !== undefined) return early
  const fault = faultOf(cause, progress)
  if (fault !== undefined) return errorOf(fault, progress, cause)
  // Whether it was written is as unknown as the rest.
  return errorOf(unexplained(progress, hint), { ...progress, sent: false }, error)
}

/** Node wraps what happened in a `TypeError` that says nothing. */
function causeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  return cause ?? error
}

/** Why there was no connection. */
function beforeAnswer(cause: unknown, progress: Progress): HttpError | undefined {
  const { request } = progress
  const failure = unconnected(request, cause)
  if (failure !== undefined) return failure
  const { port } = targetOf(request.origin)
  if (messageOf(cause) === 'bad port')
    return unsupported(request, 'fetch', `asks for port ${port}, to which this platform does not connect`, cause)
  return undefined
}

/** Why the exchange broke. */
function faultOf(cause: unknown, progress: Progress): Fault | undefined {
  const code = codeOf(cause)
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return overflowing(progress)
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return { code: 'TIMEOUT', phase: 'headers', what: 'was not answered for as long as the platform waits' }
  if (code === 'UND_ERR_BODY_TIMEOUT')
    return {
      code: 'TIMEOUT',
      phase: 'idle',
      what: 'was answered with a body of which nothing came for as long as the platform waits',
    }
  if (code.startsWith('Z_') || code.startsWith('ERR__') || code.startsWith('ZSTD_'))
    return { code: 'BODY', phase: 'decode', what: `has an answer whose body cannot be decoded (${code})` }
  if (code === 'UND_ERR_SOCKET') {
    const unasked = UNASKED[messageOf(cause)]
    if (unasked !== undefined && !progress.answered)
      return { code: 'PROTOCOL', phase: 'headers', what: `was answered with ${unasked}, for which it had not asked` }
    return brokenOff(progress, undefined)
  }
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' && progress.answered) return truncated(progress)
  if (UNREADABLE.has(code) || (cause instanceof Error && cause.name === 'HTTPParserError'))
    return unreadable(progress, /\((.+)\)$/.exec(messageOf(cause))?.[1] ?? '')
  return isConnectionLoss(cause) ? brokenOff(progress, cause) : undefined
}

/** Statuses that undici takes for a broken connection. */
const UNASKED: Readonly<Record<string, string>> = {
  'bad upgrade': '101 Switching Protocols',
  'bad response': '100 Continue',
}

/** Some checks of undici's parser are assertions. */
const UNREADABLE: ReadonlySet<string> = new Set(['ERR_ASSERTION', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'])

/** A limit of ours the platform has no answer to: the response is a redirect it hides. */
export function hiddenRedirect(progress: Progress): HttpError {
  const { request } = progress
  const what = `${describe(request, request.attempt)} was answered with a redirect, which this platform does not show: where it leads, nobody but the platform can follow. Use fetch({ redirect: 'follow' }), or another engine outside of browsers: undici, http2, http.`
  return new HttpError('UNSUPPORTED', what, {
    phase: 'headers',
    request,
    attempt: request.attempt,
    requestWritten: 'yes',
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
