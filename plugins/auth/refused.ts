/** Which answers say that a token is no longer taken. */
import { parseChallenges, type ResponseHead } from '../../src/index.ts'

/** What another token would not change (RFC 6750 §3.1, RFC 9449 §9). */
const NOT_THE_TOKEN: ReadonlySet<string | undefined> = new Set([
  'insufficient_scope',
  'invalid_request',
  'use_dpop_nonce',
])

/** True for a 401, unless it says that the token lacks a scope or the request is malformed: a new token is no better. */
export function refusesToken({ status, headers }: ResponseHead): boolean {
  if (status !== 401) return false
  return !parseChallenges(headers.getAll('www-authenticate')).some(
    ({ scheme, params }) => (scheme === 'bearer' || scheme === 'dpop') && NOT_THE_TOKEN.has(params.get('error')),
  )
}
