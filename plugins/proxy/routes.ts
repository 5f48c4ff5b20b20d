/** Routes that stay the same objects, for connections are shared by route. */
import { firstValueFrom } from 'rxjs'
import { HttpError, type ProxyChallenge, type ProxyCredentials, type Route } from '../../src/index.ts'
import type { Way } from './choice.ts'
import { answerOf } from './later.ts'
import type { CredentialsAnswer, ProxyOptions } from './options.ts'
import { checkedCredentials } from './server.ts'

/** Routes that are remembered; the one that was not wanted for longest is forgotten first, and its connections with it. */
const MOST_ROUTES = 256

/** The routes of a client. */
export class Routes {
  readonly #routes = new Map<string, Route>()
  readonly #numbers = new WeakMap<object, number>()
  #count = 0

  /** The route of a way; undefined for the direct one. */
  of(way: Way, { tunnel, tls, ask }: Pick<ProxyOptions, 'tunnel' | 'tls' | 'ask'>): Route | undefined {
    if (way.length === 0) return undefined
    const hops = way.map(({ protocol, host, port, credentials }) => [protocol, host, port, credentials])
    const key = JSON.stringify([hops, tunnel, this.#number(tls), this.#number(ask)])
    const route = this.#routes.get(key) ?? {
      hops: way.map(server => server.over(tls)),
      tunnel,
      ask: ask && ((challenge: ProxyChallenge) => credentialsOf(ask, challenge)),
    }
    this.#routes.delete(key)
    this.#routes.set(key, route)
    if (this.#routes.size > MOST_ROUTES) this.#routes.delete(this.#routes.keys().next().value ?? '')
    return route
  }

  #number(object: object | undefined): number {
    if (object === undefined) return 0
    const number = this.#numbers.get(object) ?? ++this.#count
    this.#numbers.set(object, number)
    return number
  }
}

async function credentialsOf(
  ask: (challenge: ProxyChallenge) => CredentialsAnswer,
  challenge: ProxyChallenge,
): Promise<ProxyCredentials | undefined> {
  const given = await firstValueFrom(answerOf(ask(challenge)), { defaultValue: undefined })
  const where = 'What proxy({ ask }) answered'
  if (given === undefined) return undefined
  if (typeof given !== 'object' || (given as object | null) === null) {
    throw new HttpError('CONFIG', `${where} must be { username, password }, or undefined to give up.`, {
      phase: 'config',
    })
  }
  return checkedCredentials(given, challenge.proxy.startsWith('socks5:') ? 'socks5' : 'http', where)
}
