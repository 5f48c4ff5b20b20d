/** What can go wrong with a stream, in the codes and words that every engine uses. */
import { constants } from 'node:http2'
import { describe, HttpError, type HttpRequest } from '../../src/index.ts'
import { codeOf } from '../connector/failure.ts'
import { brokenOff, isConnectionLoss, overflowing, truncated } from '../exchange/faults.ts'
import { phaseOf, type Fault, type Progress } from '../exchange/progress.ts'

const {
  NGHTTP2_COMPRESSION_ERROR,
  NGHTTP2_ENHANCE_YOUR_CALM,
  NGHTTP2_FLOW_CONTROL_ERROR,
  NGHTTP2_FRAME_SIZE_ERROR,
  NGHTTP2_HTTP_1_1_REQUIRED,
  NGHTTP2_PROTOCOL_ERROR,
  NGHTTP2_REFUSED_STREAM,
  NGHTTP2_STREAM_CLOSED,
} = constants

/** The server ended the stream, and not with the end of the answer. */
export function resetBy(code: number, progress: Progress): Fault {
  // Once there is a head, all that is known is that the rest will not come.
  if (progress.answered) return truncated(progress)
  const phase = phaseOf(progress)
  switch (code) {
    case NGHTTP2_HTTP_1_1_REQUIRED:
      return {
        code: 'PROTOCOL',
        phase,
        what: 'was refused: the server wants HTTP/1.1 for it, which the mode of this engine does not allow',
      }
    case NGHTTP2_ENHANCE_YOUR_CALM:
      // Node resets a stream with this when a block of fields is larger than it takes.
      return overflowing(progress)
    case NGHTTP2_REFUSED_STREAM:
      return { code: 'RESET', phase, what: 'was refused by the server again and again (REFUSED_STREAM)' }
    default:
      if (BROKEN.has(code)) return unreadable(progress, nameOf(code))
      return {
        code: 'RESET',
        phase,
        what: `was cut off ${phase === 'send' ? 'while it was being sent' : 'before its answer was there'}: the server reset the stream (${nameOf(code)})`,
      }
  }
}

/** The session ended under the stream. */
export function lostWith(fault: Error | undefined, goaway: number | undefined, progress: Progress): Fault {
  const code = codeOf(fault)
  if (code === SILENT) {
    if (progress.answered) return truncated(progress)
    return { code: 'RESET', phase: phaseOf(progress), what: 'was given up: the server does not even answer a PING' }
  }
  // Not even frames could be read.
  if (code === 'ERR_HTTP2_ERROR' && !progress.answered) return unreadable(progress, fault?.message ?? '')
  if (goaway !== undefined && BROKEN.has(goaway) && !progress.answered) return unreadable(progress, nameOf(goaway))
  return brokenOff(progress, isConnectionLoss(fault) ? code : '')
}

/** The server has not said that it opens WebSockets over HTTP/2 (RFC 8441 §3). */
export function noWebSockets(request: HttpRequest): HttpError {
  const { attempt } = request
  const what =
    "opens no WebSocket: its server does not do that over HTTP/2 (RFC 8441); http2({ mode: 'auto' }), undici and http open them over HTTP/1.1"
  return new HttpError('UNSUPPORTED', `${describe(request, attempt)} ${what}.`, {
    phase: 'config',
    request,
    attempt,
    requestWritten: 'no',
  })
}

/** The code of the error with which a session that does not answer is ended. */
export const SILENT = 'SLUICE_SILENT'

/** Codes by which one side says that the other broke the protocol. */
const BROKEN: ReadonlySet<number> = new Set([
  NGHTTP2_PROTOCOL_ERROR,
  NGHTTP2_FLOW_CONTROL_ERROR,
  NGHTTP2_STREAM_CLOSED,
  NGHTTP2_FRAME_SIZE_ERROR,
  NGHTTP2_COMPRESSION_ERROR,
])

function unreadable({ answered }: Progress, detail: string): Fault {
  return {
    code: 'PROTOCOL',
    phase: answered ? 'body' : 'headers',
    what: `was answered with something that is not HTTP/2${detail === '' ? '' : `: ${detail}`}`,
  }
}

const NAMES: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]

/** The name of an error code (RFC 9113 §7). */
function nameOf(code: number): string {
  return NAMES[code] ?? `error ${code}`
}
