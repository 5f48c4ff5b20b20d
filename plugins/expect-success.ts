/** Makes an error of an answer nobody wanted. */
import { definePlugin, derived, LIVE, refused, tapAnswer, type PluginFactory } from '../src/index.ts'
import { refuseLive } from './expect-success/live.ts'

/** Which statuses are a success. */
export interface ExpectSuccessOptions {
  /**
   * The statuses that are a success, as a list or as a function that says so. Default: all below 400.
   * What the function throws fails the call. Throws `CONFIG` for a list with something else than statuses.
   */
  statuses: readonly number[] | ((status: number) => boolean)
}

const DEFAULTS: ExpectSuccessOptions = { statuses: status => status < 400 }

/**
 * Turns answers that are no success into `HttpError` code `STATUS`, with the whole answer as `error.response`. Without
 * it a status is a value. A live answer (`client.stream`) never reaches its reader then; of its body the first 64 KiB
 * are read for the error.
 *
 * @example
 * ```ts
 * import { createClient, isHttpError } from 'sluice'
 * import { expectSuccess } from 'sluice/plugins/expect-success'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [expectSuccess()] })
 * client.get('missing').subscribe({ error: error => console.log(isHttpError(error) && error.response?.status) }) // 404
 * client
 *   .get('missing', { expectSuccess: { statuses: [200, 404] } })
 *   .subscribe(response => console.log(response.ok)) // false
 * ```
 */
export const expectSuccess: PluginFactory<'expectSuccess', ExpectSuccessOptions> = definePlugin({
  name: 'expectSuccess',
  scope: 'call',
  defaults: DEFAULTS,
  check: { statuses: listOrFunction },
  install: () => {
    const judge = derived(({ statuses }: ExpectSuccessOptions) => {
      const succeeds = typeof statuses === 'function' ? statuses : (status: number) => statuses.includes(status)
      return {
        whole: tapAnswer((_, response) => {
          if (response !== undefined && !succeeds(response.status)) throw refused(response)
        }),
        live: refuseLive(succeeds, refused),
      }
    })
    return (request, next, options) => {
      const { whole, live } = judge(options)
      return (request.read(LIVE) ? live : whole)(next(request))
    }
  },
})

function listOrFunction(value: unknown): string | undefined {
  if (typeof value === 'function') return undefined
  const fine = Array.isArray(value) && value.every(one => Number.isInteger(one) && one >= 100 && one <= 999)
  return fine
    ? undefined
    : 'a list of statuses such as [200, 404], or a function that says whether a status is a success'
}
