/** What Node's parser and the socket report, in the codes and words that every engine uses. */
import type { HttpError } from '../../src/index.ts'
import { codeOf } from '../connector/failure.ts'
import { brokenOff, overflowing, truncated, unreadable } from '../exchange/faults.ts'
import { errorOf, phaseOf, type Fault, type Progress } from '../exchange/progress.ts'

/**
 * Makes the error of an exchange out of what its request was told. `fault` is what was wrong with the socket: missing when the
 * peer simply closed the connection, which Node calls a reset as well.
 */
export function failureOf(error: unknown, fault: Error | undefined, progress: Progress): HttpError {
  return errorOf(classify(error, fault, progress), progress, fault ?? error)
}

/** True when the parser stopped at something that is not HTTP. */
export function isUnparsable(error: unknown): boolean {
  return codeOf(error).startsWith('HPE_')
}

function classify(error: unknown, fault: Error | undefined, progress: Progress): Fault {
  if (!isUnparsable(error)) return brokenOff(progress, fault)
  const code = codeOf(error)
  if (code === 'HPE_HEADER_OVERFLOW') return overflowing(progress)
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    const what = 'was answered with more chunk extensions than a body may have'
    return { code: 'TOO_LARGE', phase: phaseOf(progress), what }
  }
  // A parser that is told of the end in the middle of a message calls that a mistake of the peer.
  if (progress.answered && progress.ended) return truncated(progress)
  return unreadable(progress, (error as { reason?: string }).reason ?? '')
}
