/** Signs requests as Amazon's services, and those who speak their language, want it. */
import { defer } from 'rxjs'
import {
  config,
  definePlugin,
  describe,
  listOf,
  oneOf,
  optional,
  origin,
  type Check,
  type HttpRequest,
  type PluginFactory,
} from '../src/index.ts'
import { atHome } from './auth/home.ts'
import { Credentials } from './sigv4/credentials.ts'
import type { SigV4Options } from './sigv4/options.ts'
import type { Scope } from './sigv4/signer.ts'
import { Signing } from './sigv4/signing.ts'

export type { AwsCredentials, SigV4Options } from './sigv4/options.ts'

const DEFAULTS: SigV4Options = {
  region: undefined,
  service: undefined,
  credentials: undefined,
  origins: undefined,
  payload: 'signed',
}

const part: Check = value =>
  typeof value === 'string' && /^[\w*.-]+$/.test(value) ? undefined : 'a name of letters, digits, hyphens and dots'

const credentials: Check = value =>
  typeof value === 'function' || (typeof value === 'object' && value !== null)
    ? undefined
    : 'an object with accessKeyId and secretAccessKey, or a function that gives one'

/**
 * Signs every request with AWS Signature Version 4, by `@smithy/signature-v4`, which has to be installed beside sluice: Amazon's services, S3 and what
 * speaks its protocol (MinIO, R2, Ceph), API Gateway with IAM.
 *
 * Signed are method, url, body and all headers that nobody changes on the way. The url is sent as it is signed: everything but letters, digits and
 * `-._~` percent-encoded. A refusal (400, 401, 403) whose `Date` is more than four minutes from ours means that a clock is wrong: the request is sent once
 * more with the server's, which is kept for the client. A request that has an `Authorization`, or a signature in its url, is left alone.
 *
 * The signature stays at home: requests to other origins than `origins`, and those another origin redirected, go unsigned. Errors never show a key.
 *
 * Do not use it in a page with keys of your own: whoever has the page has them.
 *
 * It stands inside of `redirect`, `retry` and `resume`, because each send is signed anew, with its own url, headers and time. Compressing comes after it:
 * `encode` leaves signed bodies alone.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { sigv4 } from 'sluice/plugins/sigv4'
 *
 * const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
 * const client = createClient({
 *   baseUrl: 'https://api.example.com/',
 *   plugins: [sigv4({ region: 'eu-central-1', service: 's3', credentials })],
 * })
 * client.get('echo').subscribe(response => {
 *   const { headers } = response.json<{ headers: Record<string, string> }>()
 *   console.log(headers['authorization']?.split(' ')[0]) // AWS4-HMAC-SHA256
 * })
 * ```
 */
export const sigv4: PluginFactory<'sigv4', SigV4Options> = definePlugin({
  name: 'sigv4',
  scope: 'steer',
  inside: {
    redirect: 'each hop is signed for where it goes',
    retry: 'each attempt is signed with its own time',
    resume: 'each continuation asks for another range, which is signed',
  },
  defaults: DEFAULTS,
  check: {
    region: optional(part),
    service: optional(part),
    credentials: optional(credentials),
    origins: optional(listOf(origin)),
    payload: oneOf('signed', 'streaming', 'unsigned'),
  },
  install: context => {
    const skews = new Map<string, number>()
    const known = new WeakMap<object, Credentials>()
    const keep = (given: NonNullable<SigV4Options['credentials']>): Credentials => {
      const made = known.get(given) ?? new Credentials(given)
      known.set(given, made)
      return made
    }
    return (request, next, options) => {
      if (isSigned(request) || !atHome(request, options.origins, 'sigv4', context)) return next(request)
      const kept = keep(given(request, options, 'credentials'))
      const scope: Scope = { region: given(request, options, 'region'), service: given(request, options, 'service') }
      const parts = { next, scope, payload: options.payload, credentials: kept, skews }
      return defer(() => (kept.includes(request) ? next(request) : new Signing(request, parts).run()))
    }
  },
})

/** Somebody has signed it, in the header or in the url. */
function isSigned({ headers, target }: HttpRequest): boolean {
  return headers.has('authorization') || /[?&]x-amz-signature=/i.test(target)
}

function given<Name extends 'region' | 'service' | 'credentials'>(
  request: HttpRequest,
  options: SigV4Options,
  name: Name,
): NonNullable<SigV4Options[Name]> {
  const value = options[name]
  if (value !== undefined) return value
  throw config(
    `sigv4 needs the ${name} to sign ${describe(request)}; give sigv4({ region, service, credentials }), or leave it out of the call: { sigv4: false }.`,
  )
}
