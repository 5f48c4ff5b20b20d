/** Bounds how much memory an answer can take. */
import { map } from 'rxjs'
import {
  definePlugin,
  describe,
  HttpError,
  LIVE,
  size,
  type HttpEvent,
  type HttpRequest,
  type PluginFactory,
  type ResponseHead,
} from '../src/index.ts'

/** How many bytes a body may have. */
export interface BodyLimitOptions {
  /** The most bytes of a body that is gathered. `false`: any number. Default: 67108864 (64 MiB). */
  maxBytes: number | false
  /** The most bytes of a body that is read while it arrives (`client.stream`). Default: `false`, any number. */
  live: number | false
}

const DEFAULTS: BodyLimitOptions = { maxBytes: 64 * 1024 * 1024, live: false }

/**
 * Fails an answer with `TOO_LARGE` as soon as its body is larger than allowed: at the head when `Content-Length` says so,
 * else at the first byte too many. Nothing more is received then. Stand it before `decode` to count decoded bytes.
 *
 * @example
 * ```ts
 * import { createClient, isHttpError } from 'sluice'
 * import { bodyLimit } from 'sluice/plugins/body-limit'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [bodyLimit({ maxBytes: 1_000_000 })] })
 * client
 *   .get('users/7', { bodyLimit: { maxBytes: 4 } })
 *   .subscribe({ error: error => console.log(isHttpError(error) && error.code) }) // TOO_LARGE
 * ```
 */
export const bodyLimit: PluginFactory<'bodyLimit', BodyLimitOptions> = definePlugin({
  name: 'bodyLimit',
  scope: 'wire',
  defaults: DEFAULTS,
  check: { maxBytes: size, live: size },
  install: () => (request, next, options) => {
    const limit = request.read(LIVE) ? options.live : options.maxBytes
    if (limit === false) return next(request)
    let received = 0
    return next(request).pipe(
      map((event: HttpEvent) => {
        if (event.type === 'chunk') {
          received += event.bytes.length
          if (received > limit) throw tooLarge(request, limit)
        } else if (event.type === 'head' && event.unread !== true) {
          const announced = bodyLength(event.head)
          if (announced > limit) throw tooLarge(request, limit, announced)
        }
        return event
      }),
    )
  },
})

/** What `Content-Length` says of a body that will come; answers without one may carry the header too (RFC 9110 §8.6). */
function bodyLength({ status, headers, request }: ResponseHead): number {
  if (request.method === 'HEAD' || status === 204 || status === 304) return 0
  return Number(headers.get('content-length') ?? 0)
}

function tooLarge(request: HttpRequest, limit: number, announced?: number): HttpError {
  const { attempt } = request
  const what =
    announced === undefined ? `has more than the ${limit} bytes` : `has ${announced} bytes, more than the ${limit}`
  return new HttpError(
    'TOO_LARGE',
    `The answer to ${describe(request, attempt)} ${what} that bodyLimit allows; allow more, or read it with client.stream().`,
    { phase: 'body', request, attempt, requestWritten: 'yes' },
  )
}
