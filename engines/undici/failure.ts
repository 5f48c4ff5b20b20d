/** What undici and the socket report, in the codes and words that every engine uses. */
import { isHttpError, type HttpError } from '../../src/index.ts'
import { codeOf } from '../connector/failure.ts'
import {
  brokenOff,
  isConnectionLoss,
  listenerFailed,
  OF_ANOTHER_LENGTH,
  overflowing,
  SOURCE_FAILED,
  truncated,
  unreadable,
  unsendable,
} from '../exchange/faults.ts'
import { adopted, errorOf, type Fault, type Progress } from '../exchange/progress.ts'

/** Makes the error of an exchange out of what undici reported. */
export function failureOf(error: unknown, progress: Progress): HttpError {
  if (isHttpError(error)) return adopted(error, progress)
  return errorOf(classify(error, progress), progress, error)
}

/** True when the connection ended under the request, whoever ended it and however. */
export function isBroken(error: unknown): boolean {
  return !isUnparsable(error) && (LOST.has(codeOf(error)) || isConnectionLoss(error))
}

function classify(error: unknown, progress: Progress): Fault {
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return overflowing(progress)
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return unsendable(messageOf(error))
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') return OF_ANOTHER_LENGTH
  if (isUnparsable(error)) {
    // A parser that is told of the end in the middle of a message calls that a mistake of the peer.
    if (progress.answered && (progress.ended || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'))
      return truncated(progress)
    // The only answer that undici refuses for its status while a request waits for it.
    if (messageOf(error) === 'bad response' && !progress.answered)
      return { code: 'PROTOCOL', phase: 'headers', what: UNASKED_100 }
    return unreadable(progress, /\((.+)\)$/.exec(messageOf(error))?.[1] ?? '')
  }
  if (isBroken(error)) return brokenOff(progress, code.startsWith('UND_ERR_') ? undefined : error)
  // undici loads its parser with the first connection, for which a process may have no file left.
  if (!progress.written && code !== '') return { code: 'CONNECT', phase: 'connect', what: `was not sent (${code})` }
  // What neither undici nor the socket says was thrown by what they called: the source of the body, or an observer.
  return progress.sent || progress.request.body === undefined ? listenerFailed(progress) : SOURCE_FAILED
}

const UNASKED_100 = 'was answered with 100 Continue, for which it had not asked and which undici does not take'

/** Errors of the parser have a name and no code; some of its checks are assertions (undici 8.12). */
function isUnparsable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = codeOf(error)
  // A head whose lengths contradict each other is reported as a body of the wrong length.
  if (error.name === 'HTTPParserError' || code === 'ERR_ASSERTION' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
    return true
  return code === 'UND_ERR_SOCKET' && (error.message === 'bad response' || error.message === 'bad upgrade')
}

/** What undici says of a connection that ended. */
const LOST: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_INFO',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'SLUICE_RETIRED',
])

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
