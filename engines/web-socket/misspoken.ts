/** What ws finds wrong with a peer, in the codes of RFC 6455 §7.4.1 and the words of every engine. */
import { codeOf } from '../connector/failure.ts'
import type { Fault } from '../exchange/progress.ts'
import { illegal, tooLong } from './faults.ts'

const TOO_LONG: ReadonlySet<string> = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
])
const PIECES = 'WS_ERR_TOO_MANY_BUFFERED_PARTS'

/** The code the peer is told. */
export function codeFor(error: Error): 1002 | 1007 | 1009 {
  const code = codeOf(error)
  if (TOO_LONG.has(code) || code === PIECES) return 1009
  // What cannot be decompressed has a code of zlib.
  return code === 'WS_ERR_INVALID_UTF8' || !code.startsWith('WS_ERR_') ? 1007 : 1002
}

/** What the exchange fails with. */
export function faultFor(error: Error, maxMessage: number): Fault {
  const code = codeOf(error)
  if (TOO_LONG.has(code)) return tooLong(maxMessage)
  if (code === PIECES)
    return { code: 'TOO_LARGE', phase: 'body', what: 'was sent a message in more pieces than one may have' }
  if (!code.startsWith('WS_ERR_')) return illegal(`a message that cannot be decompressed (${code || error.message})`)
  return illegal(`something that is no WebSocket frame: ${error.message.replace('Invalid WebSocket frame: ', '')}`)
}
