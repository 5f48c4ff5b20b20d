/** How WebSockets fail, in the words of every engine. Nothing here needs Node. */
import type { Fault } from '../exchange/progress.ts'

/** The connection ended without a goodbye. */
export const BROKEN_OFF: Fault = {
  code: 'RESET',
  phase: 'body',
  what: 'was cut off: the server ended the connection without closing the WebSocket',
}

/** A message is longer than is taken. */
export function tooLong(most: number): Fault {
  return { code: 'TOO_LARGE', phase: 'body', what: `was sent a message of more than ${most} bytes, which is the limit` }
}

/** The peer broke the rules; `how` follows "was sent". */
export function illegal(how: string): Fault {
  return { code: 'PROTOCOL', phase: 'body', what: `was sent ${how}` }
}

/** The server agreed to something else than was asked for; `how` follows "was answered with". */
export function misanswered(how: string): Fault {
  return { code: 'PROTOCOL', phase: 'headers', what: `was answered with ${how}` }
}

/** What is wrong with the sub-protocol a server chose (RFC 6455 §4.1). */
export function protocolFault(chosen: string, offered: readonly string[]): Fault | undefined {
  if (chosen === '' || offered.includes(chosen)) return undefined
  const choice = offered.length === 0 ? 'none was offered' : `only ${offered.join(', ')} was offered`
  return misanswered(`the sub-protocol ${JSON.stringify(chosen.slice(0, 100))}, where ${choice}`)
}
