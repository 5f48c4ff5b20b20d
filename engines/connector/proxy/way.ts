/** How proxies are called. */
import type { ProxyHop, Route } from '../../../src/index.ts'
import { hostPort } from '../target.ts'

/** Calls a proxy by its name, as in `http://proxy.test:3128`; its credentials are nobody's business. */
export function proxyName({ protocol, host, port }: ProxyHop): string {
  return `${protocol}://${hostPort(host, port)}`
}

/** Calls all of them, in the order in which they are passed. */
export function routeName({ hops }: Route): string {
  return hops.map(proxyName).join(', ')
}
