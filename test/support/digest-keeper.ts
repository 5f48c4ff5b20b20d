/** The server's side of Digest (RFC 7616), written from the other end: it checks every letter of a proof, and each count once. */
import { createHash } from 'node:crypto'

/** What it asks for. */
export interface KeeperOptions {
  /** Offered in this order. Default SHA-256. */
  readonly algorithms?: readonly string[]
  /** Default `auth`; `false` for RFC 2069. */
  readonly qop?: string | false
  readonly realm?: string
  readonly userhash?: boolean
  /** What else stands in each challenge. */
  readonly more?: string
  /** A nonce may be used so often; one time more it is stale. Default: for ever. */
  readonly uses?: number
  /** Gives each answer the nonce of the next request. */
  readonly nextnonce?: boolean
  /** Whether it proves that it knows the password too; `wrong` proves that it does not. Default `right`. */
  readonly rspauth?: 'right' | 'wrong' | 'none'
  /** A new nonce for each challenge, or always the same one until it is used up. Default `new`. */
  readonly nonces?: 'new' | 'same'
}

/** What it is asked. */
export interface Knock {
  readonly method: string
  readonly target: string
  readonly authorization: string | undefined
  readonly body?: Uint8Array
}

/** What it says: 401 and what it asks for, 200, or 400 for what is no proof at all. */
export interface Verdict {
  readonly status: 200 | 400 | 401
  readonly headers: Record<string, string | string[]>
  /** Why not, for the test. */
  readonly why?: string
}

const HASHES: Record<string, string> = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' }

/** The body of every answer that lets in. */
export const INSIDE = 'inside'

/** Lets in who knows the password. */
export class Keeper {
  readonly username: string = 'ada'
  password: string = 'love"lace, \\ ü'
  readonly #options: KeeperOptions
  readonly #counts = new Map<string, Set<number>>()
  readonly #sessions = new Map<string, string>()
  /** Everything it said, in its order. */
  readonly verdicts: (Verdict & { readonly knock: Knock })[] = []
  #nonce = ''
  #made = 0

  constructor(options: KeeperOptions = {}) {
    this.#options = options
  }

  /** How often each nonce was used well, by their order. */
  get counts(): readonly number[][] {
    return [...this.#counts.values()].map(set => [...set].toSorted((a, b) => a - b)).filter(all => all.length > 0)
  }

  /** Forgets all nonces, as after a restart. */
  forget(): void {
    this.#counts.clear()
    this.#sessions.clear()
    this.#nonce = ''
  }

  ask(knock: Knock): Verdict {
    const verdict = this.#judge(knock)
    this.verdicts.push({ ...verdict, knock })
    return verdict
  }

  #judge({ method, target, authorization, body = new Uint8Array() }: Knock): Verdict {
    if (authorization === undefined) return this.#challenge('nothing')
    if (!authorization.startsWith('Digest ')) return this.#challenge('another scheme')
    const said = new Map(
      [...authorization.slice(7).matchAll(/([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))(?:, |$)/g)].map(
        ([, name = '', quoted, plain]) => [name, quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? ''],
      ),
    )
    const of = (name: string): string => said.get(name) ?? ''
    const { realm = 'r', qop = 'auth', userhash = false, algorithms = ['SHA-256'], uses = Infinity } = this.#options
    const [, name = '', sess] = /^(.*?)(-sess)?$/.exec(of('algorithm').toLowerCase() || 'md5') ?? []
    const bad = (why: string): Verdict => ({ status: 400, headers: {}, why })
    if (!algorithms.some(offered => offered.toLowerCase() === of('algorithm').toLowerCase())) return bad('algorithm')
    const h = (...parts: (string | Uint8Array)[]): string => {
      const hash = createHash(HASHES[name] ?? '')
      for (const part of parts) hash.update(part)
      return hash.digest('hex')
    }
    const octets = Buffer.from(realm, 'latin1')
    const user = userhash ? h(this.username, ':', octets) : this.username
    const given = said.has('username*') ? decodeURIComponent(of('username*').replace("UTF-8''", '')) : of('username')
    if (given !== user) return this.#challenge('username')
    if (of('realm') !== realm || of('uri') !== target || (of('userhash') === 'true') !== userhash) return bad('echo')
    const counts = this.#counts.get(of('nonce'))
    if (counts === undefined) return this.#challenge('nonce', true)
    const secret = h(this.username, ':', octets, `:${this.password}`)
    let key = secret
    if (sess !== undefined) {
      // Computed once, as the letter of §3.4.2 has it.
      key = this.#sessions.get(of('opaque')) ?? h(`${secret}:${of('nonce')}:${of('cnonce')}`)
      this.#sessions.set(of('opaque'), key)
    }
    const int = of('qop') === 'auth-int'
    const covered = (verb: string, bytes: Uint8Array): string =>
      h(int ? `${verb}:${target}:${h(bytes)}` : `${verb}:${target}`)
    const proof = (what: string): string =>
      qop === false
        ? h(`${key}:${of('nonce')}:${what}`)
        : h(`${key}:${of('nonce')}:${of('nc')}:${of('cnonce')}:${of('qop')}:${what}`)
    if (
      qop !== false &&
      (!qop.split(',').includes(of('qop')) || !/^[\da-f]{8}$/.test(of('nc')) || of('cnonce').length < 16)
    )
      return bad('qop')
    if (of('response') !== proof(covered(method, body))) return this.#challenge('password')
    const count = parseInt(of('nc'), 16)
    if (qop !== false && counts.has(count)) return bad('count')
    if (counts.size >= uses) return this.#challenge('used up', true)
    counts.add(qop === false ? counts.size + 1 : count)
    return { status: 200, headers: this.#info(of, proof(covered('', Buffer.from(method === 'HEAD' ? '' : INSIDE)))) }
  }

  #info(of: (name: string) => string, right: string): Record<string, string> {
    const { nextnonce = false, rspauth = 'right' } = this.#options
    const parts = rspauth === 'none' ? [] : [`rspauth="${rspauth === 'right' ? right : right.replaceAll(/./g, '0')}"`]
    if (of('qop') !== '') parts.push(`qop=${of('qop')}`, `nc=${of('nc')}`, `cnonce="${of('cnonce')}"`)
    if (nextnonce) parts.push(`nextnonce=${quoted(this.#fresh())}`)
    return { 'authentication-info': parts.join(', ') }
  }

  #challenge(why: string, stale = false): Verdict {
    const {
      algorithms = ['SHA-256'],
      realm = 'r',
      qop = 'auth',
      userhash = false,
      more = '',
      nonces = 'new',
    } = this.#options
    const known = nonces === 'same' && this.#counts.has(this.#nonce) && why !== 'used up'
    const nonce = known ? this.#nonce : this.#fresh()
    const challenges = algorithms.map(
      algorithm =>
        [
          `Digest realm=${quoted(realm)}`,
          `nonce=${quoted(nonce)}`,
          `opaque="o${nonce.length}${this.#made}"`,
          ...(algorithm === '' ? [] : [`algorithm=${algorithm}`]),
          ...(qop === false ? [] : [`qop="${qop}"`]),
          ...(userhash ? ['userhash=true'] : []),
          ...(stale ? ['stale=true'] : []),
          'charset=UTF-8',
        ].join(', ') + more,
    )
    return { status: 401, headers: { 'www-authenticate': challenges }, why }
  }

  /** With what has to be escaped in it. */
  #fresh(): string {
    this.#nonce = `n"${++this.#made}\\`
    this.#counts.set(this.#nonce, new Set())
    return this.#nonce
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
