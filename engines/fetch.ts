/** The default engine outside of Node: the `fetch` of the platform. */
import {
  callback,
  flag,
  oneOf,
  text,
  WEB_SOCKET,
  type Capabilities,
  type EngineFactory,
  type Reserved,
} from '../src/index.ts'
import { abilitiesOf, type Abilities } from './fetch/abilities.ts'
import type { Setting } from './fetch/call.ts'
import { FetchExchange } from './fetch/exchange.ts'
import { PlatformSocket } from './fetch/socket.ts'
import { PlatformEngine } from './platform/engine.ts'
import { checked } from './platform/options.ts'

/** The options of {@link fetch}. A wrong one throws `HttpError` code `CONFIG`. Those not given are left to the platform. */
export interface FetchOptions {
  /**
   * Called instead of the platform's `fetch`, with a url and an init: to add what only your platform knows, or to send by
   * something of your own. It must heed `init.signal`. Default: `globalThis.fetch`, looked up for each request.
   */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /**
   * What becomes of redirects. `'manual'` gives them to you (and to the plugin `redirect`) where the platform shows them;
   * browsers do not, and a redirect then fails with `UNSUPPORTED`. `'follow'` lets the platform follow them: plugins see
   * the last answer only. Default `'manual'`.
   */
  readonly redirect?: 'manual' | 'follow' | undefined
  /** Whether a browser sends its cookies and takes new ones. Default: the platform's, `'same-origin'` in browsers. */
  readonly credentials?: 'omit' | 'same-origin' | 'include' | undefined
  /** Whether a browser may ask other origins. Default: the platform's, `'cors'` in browsers. */
  readonly mode?: 'cors' | 'same-origin' | undefined
  /** How a browser uses its cache. Default: the platform's, as the headers of answers say. */
  readonly cache?: 'default' | 'no-store' | 'reload' | 'no-cache' | 'force-cache' | undefined
  /** The digest answers must have, as in `sha256-…`; the platform fails those that have not. Default: none. */
  readonly integrity?: string | undefined
  /** Lets a request outlive its page; its body may then have 64 KiB. Default `false`. */
  readonly keepalive?: boolean | undefined
  /** How a browser ranks requests among others. Default `'auto'`. */
  readonly priority?: 'auto' | 'high' | 'low' | undefined
  /** The page a browser names as referrer, or the empty string for none. Default: `'about:client'`, the page itself. */
  readonly referrer?: string | undefined
  /** How much a browser tells of the referrer. Default: the page's policy. */
  readonly referrerPolicy?: ReferrerPolicy | undefined
  /** What a platform is told with a body that is produced while it is sent. Default `'half'`, all that platforms know today. */
  readonly duplex?: 'half' | 'full' | undefined
}

/**
 * Sends requests by the `fetch` of the platform: browsers, workers, Deno, Bun, Node. It is the default engine outside of Node.
 *
 * Use another engine on Node: they time, limit, pool and explain connections, of which a platform tells nothing. What this
 * one can do depends on the platform and stands in its `capabilities`; what it cannot is refused with `UNSUPPORTED`. Every
 * platform decodes bodies by itself, adds headers and keeps its sockets when the engine is closed. A body whose length is
 * not known beforehand is sent as it is produced, which browsers do over HTTP/2 only, some not at all.
 *
 * WebSockets are the platform's too: with no header fields of yours but `accept`, `accept-encoding` and `user-agent`, which it leaves out,
 * with its cookies, its pings and its compression. It does not say why a handshake was refused, and cannot hold a server back:
 * what is 8 MiB ahead of its reader fails with `TOO_LARGE`.
 *
 * Throws `HttpError` code `CONFIG` for an option that is wrong or unknown.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { fetch } from 'sluice/engines/fetch'
 *
 * const client = createClient({ engine: fetch({ credentials: 'include' }), baseUrl: 'https://api.example.com/' })
 * client.get('users/7').subscribe(response => console.log(response.status)) // 200
 * await client.close()
 * ```
 */
export function fetch(given: FetchOptions = {}): EngineFactory {
  const { fetch: own, duplex = 'half', ...passed } = checked('fetch', given, CHECKS)
  const init: RequestInit = Object.assign(Object.create(null) as RequestInit, { redirect: 'manual' }, defined(passed))
  return {
    name: 'fetch',
    create() {
      const abilities = abilitiesOf()
      const opens = typeof globalThis.WebSocket === 'function'
      const setting: Setting = {
        abilities,
        init,
        duplex,
        fetch: own ?? ((url, wanted) => globalThis.fetch(url, wanted)),
      }
      return new PlatformEngine(
        'fetch',
        // Somebody's own `fetch` would not see them.
        capabilitiesOf(abilities, init.redirect === 'follow', opens && own === undefined),
        (request, observer, ended) =>
          request.read(WEB_SOCKET) === undefined
            ? new FetchExchange(request, observer, setting, ended)
            : new PlatformSocket(request, observer, abilities.strict && init.credentials === 'omit', ended),
      )
    },
  }
}

export { fetch as defaultEngine }

const CHECKS = {
  fetch: callback,
  redirect: oneOf('manual', 'follow'),
  credentials: oneOf('omit', 'same-origin', 'include'),
  // What no-cors brings, nobody may look at.
  mode: oneOf('cors', 'same-origin'),
  cache: oneOf('default', 'no-store', 'reload', 'no-cache', 'force-cache'),
  integrity: text,
  keepalive: flag,
  priority: oneOf('auto', 'high', 'low'),
  referrer: text,
  referrerPolicy: oneOf(
    '',
    'no-referrer',
    'no-referrer-when-downgrade',
    'same-origin',
    'origin',
    'strict-origin',
    'origin-when-cross-origin',
    'strict-origin-when-cross-origin',
    'unsafe-url',
  ),
  duplex: oneOf('half', 'full'),
}

/** What a platform with these abilities can do. */
function capabilitiesOf(
  { streams, strict, explains, holdsBack, lenient }: Abilities,
  follows: boolean,
  opens: boolean,
): Capabilities {
  const reserves: Reserved[] = ['headers', 'methods', 'connections']
  if (streams === 'h2') reserves.push('uploads')
  if (strict || follows) reserves.push('redirects')
  if (strict) reserves.push('cookies')
  if (!explains) reserves.push('failures')
  if (lenient) reserves.push('parsing')
  return {
    protocols: strict ? ['h2', 'http/1.1'] : ['http/1.1'],
    streamingUpload: streams !== 'never',
    uploadProgress: streams === 'always',
    duplex: streams === 'always',
    informational: false,
    trailers: false,
    backPressure: holdsBack,
    webSocket: opens,
    decodes: true,
    proxies: false,
    limits: [],
    reserves,
  }
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}
