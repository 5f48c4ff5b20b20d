/** Whether the server knows the password too: mutual authentication (RFC 7616 §3.5). */
import { lengthOf, type DigestAlgorithm, type DigestProof, type Outcome } from '../../src/index.ts'
import { hashOf } from './entity.ts'

const NOTHING: ReadonlyMap<string, string> = new Map()

/** What was said of this proof: an answer that was kept on the way speaks of the one it was given for (RFC 7616 §3.5). */
export function saidOf({ nc, cnonce }: DigestProof, info: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const same = (info.get('cnonce') ?? cnonce) === cnonce && (info.get('nc') ?? nc).toLowerCase() === nc
  return same ? info : NOTHING
}

/**
 * False when a server says `rspauth` and it is wrong. One that says nothing proves nothing, and need not. A proof that covers the body
 * is looked at where the body is there as it was sent: whole, of the length that was announced.
 */
export function isProven(
  info: ReadonlyMap<string, string>,
  { response }: Outcome,
  { expected, qop }: DigestProof,
  algorithm: DigestAlgorithm,
): boolean {
  const said = info.get('rspauth')?.toLowerCase()
  if (said === undefined) return true
  if ((info.get('qop')?.toLowerCase() ?? qop) !== 'auth-int') return said === expected()
  if (response === undefined) return true
  const { bytes, request } = response
  const asSent = request.method === 'HEAD' || lengthOf(response.head) === bytes.length
  return !asSent || said === expected(hashOf(bytes, algorithm))
}
