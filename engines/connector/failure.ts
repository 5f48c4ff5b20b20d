/** Why there is no connection, in words. */
import { describe, HttpError, type HttpRequest } from '../../src/index.ts'
import { responseOf, type Refused } from './proxy/refusal.ts'
import { hostPort } from './target.ts'

/** The parts of connecting, in their order. */
export type ConnectPhase = 'dns' | 'connect' | 'proxy' | 'tls'

/** Why a connection did not come about. */
export interface ConnectFailure {
  readonly code: 'DNS' | 'CONNECT' | 'TLS' | 'PROXY' | 'PROTOCOL' | 'UNSUPPORTED' | 'CONFIG'
  readonly phase: ConnectPhase | 'headers' | 'config'
  /** A clause that can follow "was not sent:". */
  readonly why: string
  readonly cause: unknown
  /** What a proxy said in place of letting the connection through. */
  readonly refused?: Refused | undefined
}

/** The error of a request that waited for this connection. */
export function notConnected(request: HttpRequest, { code, phase, why, cause, refused }: ConnectFailure): HttpError {
  return new HttpError(code, `${describe(request, request.attempt)} was not sent: ${why}.`, {
    phase,
    request,
    attempt: request.attempt,
    requestWritten: 'no',
    reusedConnection: false,
    response: refused && responseOf(refused, request),
    cause,
  })
}

/** The name could not be looked up. */
export function lookupFailed(host: string, cause: unknown): ConnectFailure {
  const why = codeOf(cause) === 'EAI_AGAIN' ? 'the name server gave no answer for' : 'there is no address for'
  return { code: 'DNS', phase: 'dns', why: `${why} ${host}${named(cause)}`, cause }
}

/** The host has addresses, but none of the family of the local address. */
export function noneFits(host: string, localAddress: string): ConnectFailure {
  const why = `${host} has no address that can be reached from ${localAddress}`
  return { code: 'CONNECT', phase: 'connect', why, cause: undefined }
}

/** No address of the host could be reached; `attempts` has one error for every address that was tried. */
export function unreachable(
  target: { readonly host: string; readonly port: number },
  attempts: readonly AddressFailure[],
): ConnectFailure {
  const causes = attempts.map(({ cause }) => cause)
  const tried = attempts.map(
    ({ address, cause }) => `${address} ${WHY_UNREACHABLE[codeOf(cause)] ?? 'failed'}${named(cause)}`,
  )
  const where =
    tried.length === 1 && tried[0]?.startsWith(hostPort(target.host, target.port))
      ? ''
      : `${hostPort(target.host, target.port)} could not be reached, `
  return {
    code: 'CONNECT',
    phase: 'connect',
    why: `${where}${tried.join(', ')}`,
    cause:
      causes.length === 1 ? causes[0] : new AggregateError(causes, `No address of ${target.host} could be reached.`),
  }
}

/** What became of one address. */
export interface AddressFailure {
  /** With its port, or the path of a unix socket. */
  readonly address: string
  readonly cause: unknown
}

const WHY_UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ETIMEDOUT: 'did not answer',
  EHOSTUNREACH: 'has no route to it',
  ENETUNREACH: 'is in a network that cannot be reached',
  EADDRNOTAVAIL: 'cannot be reached from the local address or port',
  ECONNRESET: 'reset the connection',
  EMFILE: 'needs one more open file than this process may have',
  ENFILE: 'needs one more open file than this system may have',
  EACCES: 'may not be connected to by this process',
  EPERM: 'may not be connected to by this process',
  ERR_ACCESS_DENIED: 'may not be connected to by this process',
  ENOENT: 'does not exist',
}

/** The code of a system, TLS or driver error, or the empty string. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}

/** The code of an error in brackets, to end a clause with; nothing when it has none. */
export function named(error: unknown): string {
  const code = codeOf(error)
  return code === '' ? '' : ` (${code})`
}
