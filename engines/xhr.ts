/** An engine for browsers that can tell how much of an upload was sent: `XMLHttpRequest`. */
import { callback, flag, HttpError, type Capabilities, type EngineFactory } from '../src/index.ts'
import { PlatformEngine } from './platform/engine.ts'
import { checked } from './platform/options.ts'
import { XhrExchange } from './xhr/exchange.ts'

/** The options of {@link xhr}. A wrong one throws `HttpError` code `CONFIG`. */
export interface XhrOptions {
  /** Whether cookies go to other origins too, and come from there. Default `false`. */
  readonly withCredentials?: boolean | undefined
  /** Makes what sends one request. Default: `() => new XMLHttpRequest()`. */
  readonly make?: (() => XMLHttpRequest) | undefined
}

/**
 * Sends requests by `XMLHttpRequest`, for the one thing that `fetch` cannot do in a browser: telling how much of a body was
 * sent. Such requests are announced to other origins by a preflight.
 *
 * Use `fetch()` for everything else: here the body of an answer comes when all of it is there, redirects are followed by
 * the platform, and a body has to have a length known beforehand.
 *
 * Throws `HttpError` code `CONFIG` for an option that is wrong or unknown, and `UNSUPPORTED` where there is no
 * `XMLHttpRequest`, as in a service worker and on Node.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { fetch } from 'sluice/engines/fetch'
 * import { xhr } from 'sluice/engines/xhr'
 * import { progress } from 'sluice/plugins/progress'
 *
 * const inBrowser = 'XMLHttpRequest' in globalThis
 * const client = createClient({ engine: inBrowser ? xhr() : fetch(), plugins: [progress()] })
 * client.events('https://api.example.com/files', { method: 'POST', body: new Blob(['a file']) }).subscribe(event => {
 *   if (event.type === 'progress' && event.way === 'up') console.log(event.loaded, event.total, event.done)
 * })
 * await client.close()
 * ```
 */
export function xhr(given: XhrOptions = {}): EngineFactory {
  const { withCredentials = false, make } = checked('xhr', given, CHECKS)
  return {
    name: 'xhr',
    create() {
      if (make === undefined && (globalThis.XMLHttpRequest as unknown) === undefined) throw missing()
      const setting = { withCredentials, make: make ?? (() => new XMLHttpRequest()) }
      return new PlatformEngine(
        'xhr',
        CAPABILITIES,
        (request, observer, ended) => new XhrExchange(request, observer, setting, ended),
      )
    },
  }
}

const CHECKS = { withCredentials: flag, make: callback }

const CAPABILITIES: Capabilities = {
  protocols: ['h2', 'http/1.1'],
  streamingUpload: false,
  uploadProgress: true,
  duplex: false,
  informational: false,
  trailers: false,
  backPressure: false,
  webSocket: false,
  decodes: true,
  proxies: false,
  limits: [],
  reserves: ['headers', 'methods', 'redirects', 'cookies', 'connections', 'failures', 'parsing'],
}

function missing(): HttpError {
  return new HttpError(
    'UNSUPPORTED',
    'This platform has no XMLHttpRequest; use fetch() of sluice/engines/fetch, or undici() on Node.',
    { phase: 'config' },
  )
}
