/** What went wrong with an authorization server, without what it said in a body. */
import { ResponseBodyError, WWWAuthenticateChallengeError } from 'oauth4webapi'
import { describe, HttpError, isHttpError, type HttpRequest } from '../../src/index.ts'
import type { Trail } from './fetching.ts'

/** The codes of RFC 6749 §5.2, RFC 8628 §3.5, RFC 8707 §2 and RFC 9449: what else a server says is not repeated. */
const CODES: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'authorization_pending',
  'slow_down',
  'access_denied',
  'expired_token',
  'invalid_target',
  'invalid_dpop_proof',
  'use_dpop_nonce',
])

/** The `error` of an answer, where it is one of those there are. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof ResponseBodyError && CODES.has(error.error) ? error.error : undefined
}

/**
 * The error of a call that needed a token. What the library says may hold the answer's body, and so tokens: of that nothing
 * is kept but the answer itself, which shows no body.
 */
export function failureOf(error: unknown, { request, response }: Trail, waiting: HttpRequest): HttpError {
  if (isHttpError(error)) return error
  const details = { phase: 'headers', request: request ?? waiting, response } as const
  const what = request === undefined ? 'The authorization server' : `The answer to ${describe(request)}`
  if (response !== undefined && !(response.status === 200 && isConform(error))) {
    const code = codeOf(error)
    const why = code === undefined ? '' : ` (${code})`
    return new HttpError(
      'STATUS',
      `${what} was ${response.status}${why}; there is no token for ${describe(waiting)}.`,
      details,
    )
  }
  if (response !== undefined) {
    return new HttpError('PROTOCOL', `${what} is none of an authorization server: ${sentence(error)}.`, details)
  }
  return new HttpError('CONFIG', `oauth2 cannot ask for a token: ${sentence(error)}.`, { ...details, phase: 'config' })
}

function isConform(error: unknown): boolean {
  return !(error instanceof ResponseBodyError || error instanceof WWWAuthenticateChallengeError)
}

/** The messages of the library name fields, and no values. */
function sentence(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : 'it failed'
}
