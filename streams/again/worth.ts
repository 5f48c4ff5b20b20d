/** What is worth connecting again for, and how long the other side asks to wait before that. */
import { isHttpError, isTransient, retryAfter } from '../../src/index.ts'

/**
 * True for an ending that may be another one the next time: what `retry` would repeat, any timeout, a rule that lets go after a
 * while, and the statuses 408, 425, 429 and 500 to 599 but 501 and 505. Unlike `retry` it may have years: whatever ends
 * by itself is worth a wait.
 */
export function worthAnotherTry(error: unknown): boolean {
  if (!isHttpError(error)) return false
  switch (error.code) {
    case 'STATUS':
      return PASSING.has(error.response?.status ?? 0) || isServers(error.response?.status ?? 0)
    case 'TIMEOUT':
    case 'CIRCUIT_OPEN':
    case 'RATE_LIMITED':
      return true
    default:
      return isTransient(error)
  }
}

const PASSING: ReadonlySet<number> = new Set([408, 425, 429])
/** Not implemented, and a version of HTTP it does not speak: neither changes by waiting. */
const LASTING: ReadonlySet<number> = new Set([501, 505])

function isServers(status: number): boolean {
  return status >= 500 && status <= 599 && !LASTING.has(status)
}

/** Milliseconds the server, or a rule of ours, asks to wait before the next try; 0 when nobody asked. */
export function askedToWait(error: unknown): number {
  if (!isHttpError(error)) return 0
  return error.retryAfterMs ?? (error.response === undefined ? undefined : retryAfter(error.response.head)) ?? 0
}
