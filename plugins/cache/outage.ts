/** Whether a server cannot answer, so that something stale is better than nothing (RFC 5861 §4). */
import { isHttpError, isTransient, type ErrorCode } from '../../src/index.ts'

const OUT_OF_ORDER: ReadonlySet<number> = new Set([500, 502, 503, 504])
const UNREACHABLE: ReadonlySet<ErrorCode> = new Set([
  'DNS',
  'CONNECT',
  'PROXY',
  'TIMEOUT',
  'RESET',
  'PROTOCOL',
  'BODY',
  'CIRCUIT_OPEN',
  'RATE_LIMITED',
])

/** True for a status that says so. */
export function isOutOfOrder(status: number): boolean {
  return OUT_OF_ORDER.has(status)
}

/** True for an error that says so; not for the end of the client, a mistake, or a certificate nobody should trust. */
export function isOutage(error: unknown): boolean {
  return isTransient(error) || (isHttpError(error) && UNREACHABLE.has(error.code))
}
