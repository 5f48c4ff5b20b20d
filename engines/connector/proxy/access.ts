/** Getting past a proxy that wants to know who one is: what it was told, what it asked for, and when to give up. */
import { createHash } from 'node:crypto'
import {
  DigestNonce,
  parseChallenges,
  type Challenge,
  type DigestHashing,
  type ProxyChallenge,
  type ProxyCredentials,
  type ProxyHop,
  type Route,
} from '../../../src/index.ts'
import { valuesOf } from './head.ts'
import { proxyName } from './way.ts'

/** How often a request is repeated for the sake of a proxy, whatever the proxy says. */
const MOST_REPEATS = 3

/** Asks for Basic: the password itself, which the proxy may then read. */
const BASIC = 'basic'

type Scheme = typeof BASIC | DigestNonce

const HASHES = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' } as const
const hashing: DigestHashing = algorithm => createHash(HASHES[algorithm])

/** What is known of one proxy of one route. Learned once, for all requests that go this way. */
class Access {
  readonly hop: ProxyHop
  readonly #ask: Route['ask']
  credentials: ProxyCredentials | undefined
  /** Basic goes unasked, as it does everywhere: else every tunnel and every upload would begin with a refusal. */
  scheme: Scheme = BASIC
  #asking: Promise<ProxyCredentials | undefined> | undefined

  constructor(hop: ProxyHop, ask: Route['ask']) {
    this.hop = hop
    this.#ask = ask
    this.credentials = hop.credentials
  }

  get canAsk(): boolean {
    return this.#ask !== undefined
  }

  /** Takes over what is asked for. A nonce that is known is counted on: others use it at this moment. */
  learn(wanted: Scheme): void {
    const { scheme } = this
    if (scheme === BASIC || wanted === BASIC || !scheme.isSame(wanted)) this.scheme = wanted
  }

  /** Asks for credentials; whoever comes while that goes on waits for the same answer. */
  async ask(challenges: readonly Challenge[], refused: boolean): Promise<boolean> {
    const challenge: ProxyChallenge = {
      proxy: proxyName(this.hop),
      realm: challenges.find(({ params }) => params.has('realm'))?.params.get('realm'),
      schemes: [...new Set(challenges.map(({ scheme }) => scheme))],
      refused,
    }
    const asking = (this.#asking ??= Promise.resolve(this.#ask?.(challenge)))
    try {
      const answer = await asking
      if (answer !== undefined) this.credentials = answer
      return answer !== undefined
    } finally {
      if (this.#asking === asking) this.#asking = undefined
    }
  }
}

/** By the route itself: whoever goes another way knows nothing of it, however alike the two are as text. */
const KNOWN = new WeakMap<Route, readonly Access[]>()

function accessOf(route: Route, at: number): Access {
  let all = KNOWN.get(route)
  if (all === undefined) KNOWN.set(route, (all = route.hops.map(hop => new Access(hop, route.ask))))
  const access = all[at]
  if (access === undefined) throw new RangeError(`The route has no proxy number ${at}.`)
  return access
}

/** What was sent last. */
interface Sent {
  readonly credentials: ProxyCredentials | undefined
  readonly scheme: Scheme
}

/** One request, or one tunnel, that wants to be let through. */
export class Admission {
  readonly #access: Access
  #sent: Sent | undefined
  #repeats = 0
  #asked = false
  /** Nonces that came in answer to this very request: one of those that is refused was not too old. */
  readonly #fresh = new Set<string>()

  constructor(route: Route, at: number) {
    this.#access = accessOf(route, at)
  }

  /** The proxy that is to let it through. */
  get hop(): ProxyHop {
    return this.#access.hop
  }

  /** The value of `Proxy-Authorization`; `target` is that of the request as it is sent. */
  authorization(method: string, target: string): string | undefined {
    const { credentials, scheme } = this.#access
    this.#sent = { credentials, scheme }
    if (credentials === undefined) return undefined
    if (scheme !== BASIC) return scheme.prove(credentials, { method, target }, hashing).value
    return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
  }

  /** The proxy said 407: whether to send again, with what {@link authorization} then says. Rejects with what `ask` throws. */
  async refused(fields: readonly string[]): Promise<boolean> {
    if (++this.#repeats > MOST_REPEATS) return false
    const challenges = parseChallenges(valuesOf(fields, 'proxy-authenticate'))
    const [wanted, challenge] = best(challenges)
    const sent = this.#sent
    if (wanted === undefined || sent === undefined) return false
    const access = this.#access
    const worth = access.credentials !== undefined && this.#isNews(sent, wanted, challenge)
    access.learn(wanted)
    if (wanted !== BASIC) this.#fresh.add(wanted.nonce)
    if (worth) return true
    if (this.#asked || !access.canAsk) return false
    this.#asked = true
    return access.ask(challenges, sent.credentials !== undefined)
  }

  /** Whether the proxy would be told something that it does not know yet. */
  #isNews({ credentials, scheme }: Sent, wanted: Scheme, challenge: Challenge | undefined): boolean {
    if (credentials !== this.#access.credentials) return true
    if (wanted === BASIC) return scheme !== BASIC
    if (scheme === BASIC) return true
    if (challenge?.params.get('stale')?.toLowerCase() === 'true') return true
    return !this.#fresh.has(scheme.nonce)
  }
}

/** The safest of what is asked for that we speak. */
function best(challenges: readonly Challenge[]): [Scheme | undefined, Challenge | undefined] {
  let found: [Scheme | undefined, Challenge | undefined] = [undefined, undefined]
  for (const challenge of challenges) {
    const scheme = challenge.scheme === BASIC ? BASIC : digestOf(challenge)
    if (scheme !== undefined && strengthOf(scheme) > strengthOf(found[0])) found = [scheme, challenge]
  }
  return found
}

function strengthOf(scheme: Scheme | undefined): number {
  return scheme === undefined ? 0 : scheme === BASIC ? 1 : 2 + scheme.strength
}

/** A proof that covers bodies is for servers: a proxy is asked before there is one. */
function digestOf(challenge: Challenge): DigestNonce | undefined {
  const digest = DigestNonce.of(challenge)
  return digest?.qops?.includes('auth') === false ? undefined : digest
}
