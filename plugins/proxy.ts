/** Sends requests through proxies: one, by rule, as the environment says, or as a function does. */
import { switchMap } from 'rxjs'
import { callback, definePlugin, flag, optional, type Given, type PluginFactory } from '../src/index.ts'
import { environment, rules, tls, url } from './proxy/checks.ts'
import { resolved } from './proxy/deciding.ts'
import type { ProxyOptions } from './proxy/options.ts'
import { Plans } from './proxy/plan.ts'
import { tryInOrder } from './proxy/trying.ts'

export type {
  CredentialsAnswer,
  Environment,
  ProxyAnswer,
  ProxyChain,
  ProxyChoice,
  ProxyOptions,
  ProxyPem,
  ProxyTls,
  ProxyUrl,
  ProxyWay,
} from './proxy/options.ts'

const defaults: ProxyOptions = {
  url: undefined,
  rules: {},
  resolve: undefined,
  env: false,
  loopback: false,
  tunnel: false,
  tls: undefined,
  ask: undefined,
}

const define = definePlugin({
  name: 'proxy',
  scope: 'attempt',
  defaults,
  check: {
    url,
    rules,
    resolve: optional(callback),
    env: environment,
    loopback: flag,
    tunnel: flag,
    tls,
    ask: optional(callback),
  },
  short: 'url',
  install: () => {
    const plans = new Plans()
    return (request, next, options) => {
      const plan = plans.of(options)
      const { origin } = request
      if (options.resolve === undefined || plan.staysHere(origin))
        return tryInOrder(request, next, plan.decided(origin))
      return resolved(request, options.resolve, plan).pipe(switchMap(ways => tryInOrder(request, next, ways)))
    }
  },
})

/** What says where to go. A call that says any of it is not to be overruled by what the client says of the others. */
const SOURCES = ['url', 'rules', 'resolve', 'env'] as const

type Source = (typeof SOURCES)[number]

/**
 * Sends requests through proxies: HTTP proxies (`http://`, `https://`) and SOCKS5 (`socks5://`, names are looked up by the proxy), one
 * or two behind each other. `https://` goes through a tunnel of which the proxy sees the host alone; `http://` is sent to an HTTP
 * proxy in absolute form unless `tunnel` says otherwise. Works on the engines `undici`, `http2` and `http`; others refuse with
 * `UNSUPPORTED`.
 *
 * The way is decided again for every attempt of a `retry` and each hop of a `redirect`. Of several ways the next is tried when a
 * proxy cannot be reached; what an HTTP proxy answered, and a server that could not prove who it is, end the call. User and
 * password are for that proxy alone and never shown. This machine (`localhost`, 127.0.0.0/8, ::1) is spoken to directly, unless
 * `loopback: true`.
 *
 * A call says it with a url, `proxy: 'http://proxy.test:3128'`, with options, or goes directly: `proxy: false`. What a call
 * says about where to go replaces all that the client says.
 *
 * Errors have the code `PROXY`, with the proxy's answer in `error.response` where there was one.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { proxy } from 'sluice/plugins/proxy'
 *
 * const client = createClient({
 *   plugins: [proxy({ rules: { '*.internal, 10.0.0.0/8': false }, url: 'http://ada:s%40cret@proxy.test:3128' })],
 * })
 * // A server on this machine is not asked by way of a proxy.
 * client.get('https://api.example.com/users/7').subscribe(response => console.log(response.status)) // 200
 * client.get('https://api.example.com/users/7', { proxy: false }).subscribe()
 * ```
 */
export const proxy: PluginFactory<'proxy', ProxyOptions, 'url'> = given => {
  const plugin = define(given)
  const merge = (said: object): ProxyOptions => {
    const merged = plugin.merge(said)
    const sources = SOURCES.filter(
      source => Object.hasOwn(said, source) && (said as Given<ProxyOptions>)[source] !== undefined,
    )
    return sources.length === 0 ? merged : alone(merged, sources)
  }
  // Copied with what keeps its options, a password in a url among them, out of logs.
  const all = Object.getOwnPropertyDescriptors(plugin)
  return Object.freeze(
    Object.defineProperties({}, { ...all, merge: { value: merge, enumerable: true } }) as typeof plugin,
  )
}

/**
 * Sends requests through the proxies of the environment, as other programs do: `http_proxy` and `https_proxy` by the scheme of the url,
 * else `all_proxy`; not to what `no_proxy` lists. Lower case counts before upper case, and `HTTP_PROXY` does not count in a CGI
 * program, where anybody may set it with a header. Read once, before the first request; where there is no environment nothing happens.
 *
 * The same as `proxy({ env: true })`, with other options beside. Throws `CONFIG` when the environment names a proxy that cannot be used.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { proxyFromEnv } from 'sluice/plugins/proxy'
 *
 * const client = createClient({ plugins: [proxyFromEnv({ rules: { '*.internal': false } })] })
 * client.get('https://api.example.com/users/7').subscribe(response => console.log(response.status)) // 200
 * ```
 */
export function proxyFromEnv(options: Given<ProxyOptions> = {}): ReturnType<typeof proxy> {
  return proxy({ ...options, env: Object.hasOwn(options, 'env') ? (options.env ?? true) : true })
}

/** What a call says of where to go, and nothing of what the client says of it. */
function alone(merged: ProxyOptions, said: readonly Source[]): ProxyOptions {
  const silent = SOURCES.filter(source => !said.includes(source))
  return Object.freeze({ ...merged, ...Object.fromEntries(silent.map(source => [source, defaults[source]])) })
}
