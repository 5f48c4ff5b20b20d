/** Digest authentication (RFC 7616) with SHA-256 and MD5: the password does not leave, and what does is good for one nonce. */
import { createHash, randomBytes } from 'node:crypto'
import type { ProxyCredentials } from '../../../src/index.ts'
import type { Challenge } from './challenge.ts'

/** Our names of hashes, the better one last. */
const HASHES: Readonly<Record<string, 'md5' | 'sha256'>> = {
  md5: 'md5',
  'md5-sess': 'md5',
  'sha-256': 'sha256',
  'sha-256-sess': 'sha256',
}

/** A nonce of a proxy, and how often it was used. */
export class Digest {
  readonly strength: number
  readonly nonce: string
  readonly #params: ReadonlyMap<string, string>
  readonly #hash: 'md5' | 'sha256'
  readonly #session: boolean
  readonly #qop: boolean
  #count = 0

  /** `undefined` for what we do not speak. */
  static of({ scheme, params }: Challenge): Digest | undefined {
    if (scheme !== 'digest' || params.get('nonce') === undefined) return undefined
    const hash = HASHES[(params.get('algorithm') ?? 'md5').toLowerCase()]
    const qop = params
      .get('qop')
      ?.toLowerCase()
      .split(/[\t ,]+/)
    return hash === undefined || qop?.includes('auth') === false
      ? undefined
      : new Digest(params, hash, qop !== undefined)
  }

  private constructor(params: ReadonlyMap<string, string>, hash: 'md5' | 'sha256', qop: boolean) {
    this.strength = hash === 'sha256' ? 3 : 2
    this.nonce = params.get('nonce') ?? ''
    this.#params = params
    this.#hash = hash
    this.#session = params.get('algorithm')?.toLowerCase().endsWith('-sess') === true
    this.#qop = qop
  }

  /** The value of `Proxy-Authorization` for one request; `uri` is its target as it is sent. */
  answer({ username, password }: ProxyCredentials, method: string, uri: string, cnonce: string = fresh()): string {
    const realm = this.#params.get('realm') ?? ''
    const count = (++this.#count).toString(16).padStart(8, '0')
    const secret = this.#h(`${username}:${realm}:${password}`)
    const a1 = this.#session ? this.#h(`${secret}:${this.nonce}:${cnonce}`) : secret
    const a2 = this.#h(`${method}:${uri}`)
    const response = this.#h(
      this.#qop ? `${a1}:${this.nonce}:${count}:${cnonce}:auth:${a2}` : `${a1}:${this.nonce}:${a2}`,
    )
    const hashed = this.#params.get('userhash')?.toLowerCase() === 'true'
    const parts = [
      hashed ? `username=${quoted(this.#h(`${username}:${realm}`))}` : named(username),
      `realm=${quoted(realm)}`,
      `nonce=${quoted(this.nonce)}`,
      `uri=${quoted(uri)}`,
      `response="${response}"`,
    ]
    const [algorithm, opaque] = [this.#params.get('algorithm'), this.#params.get('opaque')]
    if (algorithm !== undefined) parts.push(`algorithm=${algorithm}`)
    if (opaque !== undefined) parts.push(`opaque=${quoted(opaque)}`)
    if (this.#qop) parts.push('qop=auth', `nc=${count}`)
    if (this.#qop || this.#session) parts.push(`cnonce="${cnonce}"`)
    if (hashed) parts.push('userhash=true')
    return `Digest ${parts.join(', ')}`
  }

  #h(text: string): string {
    return createHash(this.#hash).update(text).digest('hex')
  }
}

function fresh(): string {
  return randomBytes(16).toString('hex')
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** A name beyond ASCII has a form of its own (RFC 7616 §3.4, RFC 8187), into which nothing can be smuggled. */
function named(username: string): string {
  if (/^[\x20-\x7e]*$/.test(username)) return `username=${quoted(username)}`
  const escaped = encodeURIComponent(username).replaceAll(/['()*]/g, char => `%${char.charCodeAt(0).toString(16)}`)
  return `username*=UTF-8''${escaped}`
}
