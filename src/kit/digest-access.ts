/** Kit for authors: Digest (RFC 7616). The password does not leave, and what does is good for one nonce. */
import type { Challenge } from './challenges.ts'

/** The hashes Digest knows, the better one last. */
const ALGORITHMS = ['md5', 'sha-256', 'sha-512-256'] as const

/** A hash of Digest. */
export type DigestAlgorithm = (typeof ALGORITHMS)[number]

/** Begins a hash. Node has them in `node:crypto`, browsers do not. */
export type DigestHashing = (algorithm: DigestAlgorithm) => {
  update(bytes: Uint8Array): unknown
  digest(): Uint8Array
}

/** Whether a proof covers the body (`auth-int`), or only method and target. */
export type DigestQop = 'auth' | 'auth-int'

/** Who wants to be let in. Both go into hashes as UTF-8 in normal form C. */
export interface DigestCredentials {
  readonly username: string
  readonly password: string
}

/** What the proof is for. */
export interface DigestRequest {
  readonly method: string
  /** The target of the request as it is sent. */
  readonly target: string
  /** Has the body covered: its hash in hexadecimal digits, by the hash of the offer. */
  readonly body?: string | undefined
}

/** The proof for one request. */
export interface DigestProof {
  /** The value of `Authorization`, or `Proxy-Authorization`. */
  readonly value: string
  /** What it covers; `undefined` for the form of RFC 2069. */
  readonly qop: DigestQop | undefined
  /** How often its nonce was used, in eight hexadecimal digits, and the client's own nonce: what answers it says the same. */
  readonly nc: string
  readonly cnonce: string
  /** What the other side says in `rspauth` when it knows the password too. `body`: the hash of its answer's, where it says `auth-int`. */
  readonly expected: (body?: string) => string
}

/** What a nonce may bring with it to be said back: nobody lets their request heads be made any longer by others. */
const MOST_ECHOED = 4096

/** What can stand in a field: no line ends, no other control characters. */
const FIELD = /^[\t\x20-\x7e\x80-\xff]*$/

interface Offer {
  readonly algorithm: DigestAlgorithm
  /** The name of the hash as it was offered, missing where it was not. */
  readonly named: string | undefined
  readonly qops: readonly DigestQop[] | undefined
  readonly realm: string
  readonly opaque: string | undefined
  readonly userhash: boolean
  /** The nonce and the client's own the key of a session is made with (§3.4.2); both stay when the nonce changes. */
  readonly session: { readonly nonce: string; readonly cnonce: string } | undefined
}

/** A nonce of somebody, what it came with, and how often it was used. Two proofs of one nonce are never alike. */
export class DigestNonce {
  readonly nonce: string
  /** True when only the nonce before was wrong. */
  readonly stale: boolean
  readonly #offer: Offer
  #count = 0

  /** `undefined` for what is not Digest, or not as we speak it. */
  static of({ scheme, params }: Challenge): DigestNonce | undefined {
    const nonce = params.get('nonce')
    if (scheme !== 'digest' || nonce === undefined) return undefined
    const named = params.get('algorithm')
    const [, hash, sess] = /^(.*?)(-sess)?$/i.exec((named ?? 'md5').toLowerCase()) ?? []
    const algorithm = ALGORITHMS.find(known => known === hash)
    const qops = qopsIn(params.get('qop'))
    const [realm = '', opaque] = [params.get('realm'), params.get('opaque')]
    if (algorithm === undefined || qops?.length === 0 || !isSafe(realm, nonce, opaque ?? '')) return undefined
    const userhash = params.get('userhash')?.toLowerCase() === 'true'
    const session = sess === undefined ? undefined : { nonce, cnonce: fresh() }
    const stale = params.get('stale')?.toLowerCase() === 'true'
    return new DigestNonce(nonce, stale, { algorithm, named, qops, realm, opaque, userhash, session })
  }

  private constructor(nonce: string, stale: boolean, offer: Offer) {
    this.nonce = nonce
    this.stale = stale
    this.#offer = offer
  }

  get algorithm(): DigestAlgorithm {
    return this.#offer.algorithm
  }
  get realm(): string {
    return this.#offer.realm
  }
  /** How good its hash is; more is better. */
  get strength(): number {
    return ALGORITHMS.indexOf(this.#offer.algorithm)
  }
  /** What a proof may cover; `undefined` for somebody who knows RFC 2069 alone. */
  get qops(): readonly DigestQop[] | undefined {
    return this.#offer.qops
  }

  /** True for another offer of the same nonce, which is to be counted on where it is known already. */
  isSame(other: DigestNonce): boolean {
    const { algorithm, realm } = other
    return other.nonce === this.nonce && algorithm === this.algorithm && realm === this.realm
  }

  /** The same with the nonce that is to be used next (`nextnonce`); `undefined` when it cannot be said back. */
  next(nonce: string): DigestNonce | undefined {
    const { realm, opaque = '' } = this.#offer
    return nonce !== '' && isSafe(realm, nonce, opaque) ? new DigestNonce(nonce, false, this.#offer) : undefined
  }

  /** Proves for one request that the password is known. Without a hash of its body the proof is by `auth`. */
  prove(who: DigestCredentials, request: DigestRequest, hashing: DigestHashing, cnonce: string = fresh()): DigestProof {
    const { algorithm, named, qops, realm, opaque, userhash, session } = this.#offer
    const h = (...parts: readonly (string | Uint8Array)[]): string => hashed(hashing(algorithm), parts)
    const username = who.username.normalize()
    const { method, target, body } = request
    const client = session?.cnonce ?? cnonce
    const count = (++this.#count).toString(16).padStart(8, '0')
    const secret = h(username, octets(realm), who.password.normalize())
    const key = session === undefined ? secret : h(secret, octets(session.nonce), client)
    const nonce = octets(this.nonce)
    const qop = qops && qopOf(body)
    const response = (verb: string, hash: string | undefined): string => {
      if (qops === undefined) return h(key, nonce, h(verb, target))
      const covered = hash === undefined ? h(verb, target) : h(verb, target, hash)
      return h(key, nonce, count, client, qopOf(hash), covered)
    }
    const parts = [
      userhash ? `username=${quoted(h(username, octets(realm)))}` : userOf(username),
      `realm=${quoted(realm)}`,
      `nonce=${quoted(this.nonce)}`,
      `uri=${quoted(target)}`,
      `response="${response(method, body)}"`,
    ]
    if (named !== undefined) parts.push(`algorithm=${named}`)
    if (opaque !== undefined) parts.push(`opaque=${quoted(opaque)}`)
    if (qop !== undefined) parts.push(`qop=${qop}`, `nc=${count}`)
    if (qop !== undefined || session !== undefined) parts.push(`cnonce="${client}"`)
    if (userhash) parts.push('userhash=true')
    return { value: `Digest ${parts.join(', ')}`, qop, nc: count, cnonce: client, expected: hash => response('', hash) }
  }
}

/** A hash as Digest writes it. */
export function hexadecimal(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += (byte < 16 ? '0' : '') + byte.toString(16)
  return text
}

function qopOf(hash: string | undefined): DigestQop {
  return hash === undefined ? 'auth' : 'auth-int'
}

/** What is offered that we know; none of it is an empty list, and no list at all is RFC 2069. */
function qopsIn(text: string | undefined): readonly DigestQop[] | undefined {
  const said = text?.toLowerCase().split(/[\t ,]+/)
  return said && (['auth', 'auth-int'] as const).filter(qop => said.includes(qop))
}

function isSafe(...echoed: readonly string[]): boolean {
  const length = echoed.reduce((sum, text) => sum + text.length, 0)
  return length <= MOST_ECHOED && echoed.every(text => FIELD.test(text))
}

const encoder = new TextEncoder()
const COLON = encoder.encode(':')

function hashed(
  hash: { update(bytes: Uint8Array): unknown; digest(): Uint8Array },
  parts: readonly (string | Uint8Array)[],
): string {
  for (const [at, part] of parts.entries()) {
    if (at > 0) hash.update(COLON)
    hash.update(typeof part === 'string' ? encoder.encode(part) : part)
  }
  return hexadecimal(hash.digest())
}

/** What came in a field is hashed as the bytes it came in, whatever they mean. */
function octets(text: string): Uint8Array {
  return Uint8Array.from(text, char => char.charCodeAt(0))
}

/** 128 bits nobody can guess. */
function fresh(): string {
  return hexadecimal(crypto.getRandomValues(new Uint8Array(16)))
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** A name beyond ASCII has a form of its own (RFC 7616 §3.4, RFC 8187), into which nothing can be smuggled. */
function userOf(username: string): string {
  if (/^[\x20-\x7e]*$/.test(username)) return `username=${quoted(username)}`
  const escaped = encodeURIComponent(username.toWellFormed()).replaceAll(
    /['()*]/g,
    char => `%${char.charCodeAt(0).toString(16)}`,
  )
  return `username*=UTF-8''${escaped}`
}
