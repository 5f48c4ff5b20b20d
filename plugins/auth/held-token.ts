/** A token in hand: what is sent of it, and when another one is due. */
import { clock, config, HttpHeaders, own } from '../../src/index.ts'

/** A token, and when it expires where that is known. */
export interface Token {
  readonly token: string
  /** When it expires, in milliseconds since the epoch. */
  readonly expiresAt?: number | undefined
  /** In how many milliseconds from now it expires, in place of `expiresAt`. */
  readonly expiresIn?: number | undefined
}

/** What is to be known about a token that comes in. */
export interface Origin {
  /** For whom, in errors. */
  readonly plugin: string
  /** How it is sent: `Bearer`, `DPoP`. */
  readonly scheme: string
  /** True for one that was just got, and not kept by the user. */
  readonly fresh: boolean
  readonly expires: ((token: string) => number | undefined) | undefined
}

/** True for what can stand in a field. */
export function isSendable(token: unknown): token is string {
  return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)
}

/** A token in hand. */
export class HeldToken {
  readonly value: string
  /** How it is sent. */
  readonly headers: HttpHeaders
  /** Milliseconds since the epoch; `Infinity` when it is not known. */
  readonly expiresAt: number
  /** True for one that was just got, and not kept by the user. */
  readonly fresh: boolean
  /** How long it was to live when it came, in milliseconds, where it was fresh. */
  readonly #lifetime: number

  constructor(given: Token, { plugin, scheme, fresh, expires }: Origin) {
    const { token, expiresAt, expiresIn } = own(given)
    if (!isSendable(token)) {
      throw config(
        `${plugin} was given a token that cannot be sent; it must be visible ASCII characters without spaces.`,
      )
    }
    const now = clock.now()
    this.value = token
    this.fresh = fresh
    this.headers = HttpHeaders.of({ authorization: `${scheme} ${token}` })
    this.expiresAt =
      checked(plugin, 'expiresAt', expiresAt) ??
      later(now, checked(plugin, 'expiresIn', expiresIn)) ??
      checked(plugin, 'expires()', (expires ?? expiryOf)(token)) ??
      Infinity
    this.#lifetime = fresh ? this.expiresAt - now : Infinity
  }

  /**
   * True when another one is to be got, `ahead` milliseconds before it expires. One that was just got is used for half of
   * its life in any case, and to the end when it came expired: then one of the clocks is wrong, and every next one would be
   * the same.
   */
  due(ahead: number | false): boolean {
    if (ahead === false || this.expiresAt === Infinity || this.#lifetime <= 0) return false
    return clock.now() >= this.expiresAt - Math.min(ahead, this.#lifetime / 2)
  }

  get expired(): boolean {
    return clock.now() >= this.expiresAt
  }
}

function later(now: number, ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : now + ms
}

function checked(plugin: string, name: string, value: number | undefined): number | undefined {
  if (value === undefined || (typeof value === 'number' && !Number.isNaN(value))) return value
  throw config(`${name} of a token of ${plugin} must be a number of milliseconds, not of type ${typeof value}.`)
}

/** When a JWT expires (RFC 7519 §4.1.4); `undefined` for what is none, or does not say. */
function expiryOf(token: string): number | undefined {
  const [, payload, , more] = token.split('.')
  if (payload === undefined || more !== undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), char => char.charCodeAt(0))
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as unknown
    if (typeof claims !== 'object' || claims === null || !Object.hasOwn(claims, 'exp')) return undefined
    const { exp } = claims as { readonly exp: unknown }
    return typeof exp === 'number' ? exp * 1_000 : undefined
  } catch {
    // Three parts with dots in between are not always a JWT.
    return undefined
  }
}
