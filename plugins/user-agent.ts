/** Says who is asking. */
import { definePlugin, derived, HttpHeaders, VERSION, type PluginFactory } from '../src/index.ts'

/** What the client calls itself. */
export interface UserAgentOptions {
  /**
   * The value of `User-Agent`. Default: `sluice/<version>`, and in a browser nothing, for the browser says who it is.
   * Throws `CONFIG` for an empty text and for what cannot be a header value.
   */
  value: string | undefined
}

const DEFAULTS: UserAgentOptions = { value: inBrowser() ? undefined : `sluice/${VERSION}` }

/**
 * Sends `User-Agent` with every request that does not have the header. Name your own program, as RFC 9110 §10.1.5 asks:
 * a server operator who sees trouble then knows whom to ask.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { userAgent } from 'sluice/plugins/user-agent'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [userAgent({ value: 'ledger/2.1' })] })
 * client.get('users/7').subscribe(({ request }) => console.log(request.headers.get('user-agent'))) // ledger/2.1
 * ```
 */
export const userAgent: PluginFactory<'userAgent', UserAgentOptions> = definePlugin({
  name: 'userAgent',
  scope: 'attempt',
  defaults: DEFAULTS,
  check: { value: product },
  install: () => {
    const added = derived(({ value }: UserAgentOptions) => HttpHeaders.of({ 'user-agent': value }))
    // Most requests of a client have the same headers when they come by here: none, or those of `defaultRequest`.
    const fill = derived((options: UserAgentOptions, headers: HttpHeaders) => headers.fill(added(options)))
    return (request, next, options) => {
      const filled = fill(options, request.headers)
      return next(filled === request.headers ? request : request.with({ headers: filled }))
    }
  },
})

function product(value: unknown): string | undefined {
  const sendable = typeof value === 'string' && /^[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*$/.test(value)
  return sendable ? undefined : 'a text such as "ledger/2.1" that can be sent as a header'
}

/** Every browser calls itself Mozilla; Node, Deno and Bun have a `navigator` too and go by their own names. */
function inBrowser(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: unknown } }
  return typeof navigator?.userAgent === 'string' && navigator.userAgent.startsWith('Mozilla/')
}
