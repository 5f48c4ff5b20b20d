/** Sends bodies compressed. */
import { CODINGS, LEVELS, type Coding } from '#deflate'
import {
  callback,
  config,
  count,
  definePlugin,
  optional,
  shown,
  type Check,
  type HttpRequest,
  type PluginFactory,
} from '../src/index.ts'
import { compressible } from './encode/compressible.ts'
import { isDescribed } from './encode/described.ts'
import { Refusals } from './encode/refusals.ts'
import { Sending } from './encode/sending.ts'

export { compressible } from './encode/compressible.ts'

/** What is compressed, and how. */
export interface EncodeOptions {
  /**
   * The coding to send with: `gzip`, `deflate`, `br` or `zstd`, as far as the platform can; browsers have the first two. Default: `gzip`,
   * which most servers know. Throws `CONFIG` for one the platform cannot.
   */
  coding: Coding
  /**
   * The least bytes a body must have; one whose length nobody knows beforehand counts as long. Default: 1024, what fits into one packet
   * with its head: a smaller body arrives no sooner.
   */
  threshold: number
  /**
   * How much time to spend for fewer bytes: 1 to 9 for `gzip` and `deflate`, 0 to 11 for `br`, 1 to 22 for `zstd`. Default: 6, 4 and 3. Throws
   * `CONFIG` for a level the coding has not, and in browsers for any.
   */
  level: number | undefined
  /**
   * Says whether to compress bodies of a media type, given in lower case without parameters, empty where there is none. Default:
   * {@link compressible}, all that is not compressed already.
   */
  types: (type: string) => boolean
}

const DEFAULTS: EncodeOptions = { coding: 'gzip', threshold: 1024, level: undefined, types: compressible }

const coding: Check = value =>
  CODINGS.includes(value as Coding)
    ? undefined
    : `one of ${CODINGS.map(one => JSON.stringify(one)).join(', ') || 'none'}, which is what this platform compresses with`

const plugin: PluginFactory<'encode', EncodeOptions> = definePlugin({
  name: 'encode',
  scope: 'wire',
  inside: {
    decode: 'an answer after which encode sends the body again in another way must not have come to decode',
  },
  defaults: DEFAULTS,
  check: { coding, threshold: count, level: optional(count), types: callback },
  install: ({ engine: { capabilities } }) => {
    const streams = capabilities.streamingUpload && capabilities.reserves?.includes('uploads') !== true
    const refusals = new Refusals()
    return (request, next, options) => {
      const { body } = request
      if (body === undefined || !isWorth(request, options)) return next(request)
      checkLevel(options)
      return new Sending(request, body, next, { coding: options.coding, level: options.level, streams }, refusals).run()
    }
  },
})

/**
 * Sends bodies compressed and says so in `Content-Encoding`. Bytes are compressed before they are sent, and stay as they are where that makes
 * them no smaller; everything else is compressed while it is sent, without a `Content-Length`, and what the compressor holds back
 * is let out when the source is quiet for 100 ms, where the platform can (Node). A body that can be sent again still can.
 *
 * Not touched are bodies below `threshold`, of a type that is compressed already, and those of whose bytes a header says something:
 * `Content-Encoding`, `Content-Length` or `Content-Range` of your own, digests, AWS signatures, Digest with auth-int, uploads by tus.
 *
 * An answer 415 that does not name the coding among those it takes (`Accept-Encoding`) is left, and the body is sent once more: with a coding it
 * names, else as it is. What the origin took is remembered as long as the client lives. A body that can be sent only once is not, and
 * its 415 is the call's; the next one goes without the coding.
 *
 * Do not use it for servers that decode nothing and say 400 or take the bytes as they are: most do unless they were told to; and not
 * for secrets in one body with text that an attacker chooses, over TLS too: the length tells (BREACH).
 *
 * It stands inside of `decode`, which must not see the 415, and around `checksum`, whose digests are those of the bytes that are sent (RFC 9530).
 * `progress` counts the bytes that are sent, too. An engine that cannot send a body of unknown length (browsers) is given
 * compressed bytes where the length was known before. There, servers of other origins have to allow `Content-Encoding` (CORS).
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { encode } from 'sluice/plugins/encode'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [encode({ coding: 'gzip', threshold: 2048 })] })
 * const rows = Array.from({ length: 1000 }, (_, id) => ({ id, name: 'Ada' }))
 * client.post('inflate', rows).subscribe(response => {
 *   console.log(response.text()) // gzip: 23891 bytes
 * })
 * ```
 */
export const encode: PluginFactory<'encode', EncodeOptions> = given => {
  const made = plugin(given)
  checkLevel(made.options)
  return made
}

function isWorth({ headers, body }: HttpRequest, { threshold, types }: EncodeOptions): boolean {
  const length = body?.length ?? Infinity
  if (length === 0 || length < threshold || isDescribed(headers)) return false
  const [type = ''] = (headers.get('content-type') ?? '').toLowerCase().split(';', 1)
  return types(type.trim())
}

function checkLevel({ coding, level }: EncodeOptions): void {
  if (level === undefined) return
  if (LEVELS === undefined) {
    throw config('encode({ level }) must be left out on this platform, which chooses the level by itself.')
  }
  const [lowest, highest] = LEVELS[coding]
  if (level >= lowest && level <= highest) return
  throw config(`encode({ level }) must be from ${lowest} to ${highest} for ${coding}, not ${shown(level)}.`)
}
