/** Reads what a server says of a problem. */
import {
  definePlugin,
  derived,
  DETAILS,
  listOf,
  type Check,
  type HttpErrorDetails,
  type HttpResponse,
  type PluginFactory,
  type Problem,
} from '../src/index.ts'
import { detailsOf } from './problem/details.ts'

/** Which answers describe a problem. */
export interface ProblemOptions {
  /**
   * The media types whose bodies are problem details, without parameters. Default: `application/problem+json`. Add
   * `application/json` for servers that send problem details under that name. Throws `CONFIG` for what is no media type.
   */
  types: readonly string[]
}

const STANDARD: readonly string[] = ['application/problem+json']
const DEFAULTS: ProblemOptions = { types: STANDARD }

const mediaType: Check = value =>
  typeof value === 'string' && /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(value)
    ? undefined
    : 'a media type such as application/problem+json, without parameters'

/**
 * Reads problem details (RFC 9457, `application/problem+json`) of answers that become `STATUS` errors, as `error.problem`, typed.
 * Whoever makes the error does not matter: `expectSuccess`, or a reader of a live answer. It makes none itself; where a status
 * stays a value, {@link problemOf} reads the same from a response.
 *
 * A member of the wrong type counts as missing, `type` is `about:blank` then; relative URIs are resolved against the url of the
 * answer; everything else stays as an extension. A body that is no JSON object, or whose first 64 KiB (of a live answer) are none, is no
 * problem. What a server writes there is neither in the message of the error nor in what logs show of it. The XML form
 * of the RFC is not read: it takes an XML parser, which most platforms lack.
 *
 * It stands once per call (`call`) and works in any order: what it knows travels with the request to whoever makes the error.
 *
 * @example
 * ```ts
 * import { createClient, isHttpError } from 'sluice'
 * import { expectSuccess } from 'sluice/plugins/expect-success'
 * import { problem } from 'sluice/plugins/problem'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [problem(), expectSuccess()] })
 * client.post('orders', { item: 'book', times: 0 }).subscribe({
 *   error: error => console.log(isHttpError(error) && error.problem?.title), // Not enough credit
 * })
 * ```
 */
export const problem: PluginFactory<'problem', ProblemOptions> = definePlugin({
  name: 'problem',
  scope: 'call',
  defaults: DEFAULTS,
  check: { types: listOf(mediaType) },
  install: () => {
    const details = derived(({ types }: ProblemOptions) => {
      const wanted = types.map(type => type.toLowerCase())
      return (response: HttpResponse): HttpErrorDetails =>
        isOf(response, wanted) ? { problem: detailsOf(response) } : {}
    })
    return (request, next, options) => next(request.note(DETAILS, details(options)))
  },
})

/**
 * Reads the problem details of an answer whose status stayed a value; `undefined` when it has none.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { problemOf } from 'sluice/plugins/problem'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/' })
 * client.post('orders', { item: 'book', times: 0 }).subscribe(response => console.log(problemOf(response)?.['balance'])) // 30
 * ```
 */
export function problemOf(response: HttpResponse): Problem | undefined {
  return isOf(response, STANDARD) ? detailsOf(response) : undefined
}

function isOf({ headers }: HttpResponse, types: readonly string[]): boolean {
  const [essence = ''] = (headers.get('content-type') ?? '').split(';', 1)
  return types.includes(essence.trim().toLowerCase())
}
