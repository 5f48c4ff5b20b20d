/** Joins the logs of both sides: an id that travels with every request. */
import { callback, definePlugin, headerName, type PluginFactory } from '../src/index.ts'

/** Which header carries the id, and where ids come from. */
export interface RequestIdOptions {
  /** The header that carries the id. Default: `x-request-id`. Throws `CONFIG` for what is no header name. */
  header: string
  /**
   * Makes an id. Default: a random UUID. What it throws, and an id that cannot be a header value, fails the call.
   */
  generate: () => string
}

const DEFAULTS: RequestIdOptions = { header: 'x-request-id', generate: uuid }

/**
 * Sends an id with every call, so that logs on both sides can be joined: the same in all attempts, another for the
 * next call. A call that has the header already keeps its own. It is no secret and must not be used as one.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { requestId } from 'sluice/plugins/request-id'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [requestId()] })
 * client.get('users/7').subscribe(({ request }) => console.log(request.headers.get('x-request-id')))
 * ```
 */
export const requestId: PluginFactory<'requestId', RequestIdOptions> = definePlugin({
  name: 'requestId',
  scope: 'call',
  defaults: DEFAULTS,
  check: { header: headerName, generate: callback },
  install:
    () =>
    (request, next, { header, generate }) =>
      next(request.headers.has(header) ? request : request.header(header, generate())),
})

/** RFC 9562 §5.4. Pages served over plain http have no `crypto.randomUUID`, but they have random bytes. */
function uuid(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
