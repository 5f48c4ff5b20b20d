/** What can be said when a WebSocket is closed (RFC 6455 §7.4). Nothing here needs Node. */
import { HttpError, shown } from '../../src/index.ts'

/** How long a peer may take to say goodbye, in milliseconds. */
export const FAREWELL = 3000

/** What fits into a control frame beside the code. */
const MOST = 123

const encoder = new TextEncoder()

/** Throws `CONFIG` for what cannot be said. */
export function checkGoodbye(code: number | undefined, reason: string): void {
  if (code === undefined ? reason !== '' : !isCode(code))
    throw wrong(
      `A WebSocket is closed with a code from 1000 to 1014 that may be sent, or one from 3000 to 4999, not with ${shown(code)}; 1000 is the usual one.`,
    )
  const size = encoder.encode(reason).length
  if (size > MOST) throw wrong(`The reason to close a WebSocket has ${size} bytes, and ${MOST} are possible.`)
}

/** 1004 means nothing yet; 1005 and 1006 say that no code came, which nobody can say of themselves. */
function isCode(code: number): boolean {
  if (!Number.isInteger(code)) return false
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999)
}

function wrong(message: string): HttpError {
  return new HttpError('CONFIG', message, { phase: 'config' })
}
