/** What a WebSocket of the platform cannot be asked for, and how it breaks. */
import type { HttpRequest } from '../../src/index.ts'
import type { Fault } from '../exchange/progress.ts'
import { unsupported } from '../platform/request.ts'
import { BROKEN_OFF, illegal } from '../web-socket/faults.ts'

/** What of a request no answer depends on: it says what body would be welcome, and a handshake has none. */
const MOOT: ReadonlySet<string> = new Set(['accept', 'accept-encoding', 'user-agent'])

/** Throws for a handshake with what the platform sends not, or always; `bare` where no cookies are to go with it. */
export function checkHandshake(request: HttpRequest, bare: boolean): void {
  for (const [name] of request.headers) {
    if (MOOT.has(name.toLowerCase())) continue
    throw unsupported(
      request,
      'fetch',
      `has the header ${name.toLowerCase()}, which this platform sends with no WebSocket`,
    )
  }
  if (bare)
    throw unsupported(request, 'fetch', 'is to go without cookies, which this platform sends with every WebSocket')
}

/** What a platform that failed a WebSocket by itself says of the reason, where it says one. */
export function whyBroken(code: number): Fault {
  if (code === 1002 || code === 1007) return illegal(`something that this platform refuses (code ${code})`)
  return code === 1009
    ? { code: 'TOO_LARGE', phase: 'body', what: 'was sent a message that is too long for this platform' }
    : BROKEN_OFF
}

/** More was heard than anybody has read. */
export function tooFarAhead(bytes: number): Fault {
  return {
    code: 'TOO_LARGE',
    phase: 'body',
    what: `was sent ${bytes} bytes that nobody has read yet, and this platform cannot hold its server back`,
  }
}
