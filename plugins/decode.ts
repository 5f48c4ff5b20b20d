/** Receives bodies compressed and hands them on as they were before. */
import { CODINGS } from '#zlib'
import { Observable } from 'rxjs'
import { definePlugin, derived, HttpHeaders, listOf, oneOf, size, type PluginFactory } from '../src/index.ts'
import type { Coding } from './decode/inflater.ts'
import { Receiving } from './decode/receiving.ts'

export { ENCODED } from './decode/receiving.ts'

/** What is asked for, and how much may come out of it. */
export interface DecodeOptions {
  /**
   * The codings to ask for in `Accept-Encoding`, the preferred one first; an empty list asks for none. Answers are decoded
   * from all codings the platform knows, asked for or not. Default: `zstd`, `br`, `gzip`, `deflate`, as far as the platform
   * can. Throws `CONFIG` for one it cannot.
   */
  accept: readonly Coding[]
  /** The most bytes a body that is gathered may have after each of its codings. `false`: any number. Default: 67108864 (64 MiB). */
  maxBytes: number | false
  /**
   * The most decoded bytes for each byte received, looked at beyond the first MiB, for live bodies too. `false`: any number.
   * Default: 1000.
   */
  ratio: number | false
}

const DEFAULTS: DecodeOptions = { accept: CODINGS, maxBytes: 64 * 1024 * 1024, ratio: 1000 }

const IDENTITY = HttpHeaders.of({ 'accept-encoding': 'identity' })

/**
 * Asks for compressed answers and decodes them while they arrive: gzip, deflate, br and zstd, up to five on top of each
 * other, within limits of size and ratio. A body that is cut off, corrupt, followed by other bytes, or encoded with
 * something unknown, fails with `BODY` in the phase `decode`; one over a limit with `TOO_LARGE`. `Content-Encoding`,
 * `Content-Length` and digests (RFC 9530) no longer describe what comes out and are taken off; {@link ENCODED} keeps them.
 *
 * An `Accept-Encoding` of your own stays as it is. With a `Range`, `identity` is asked for, because a part of a compressed
 * body cannot be decoded; such a part (206) passes as it is. Leave it out of a call (`decode: false`) to get the bytes as they
 * were sent. Where the engine decodes by itself (`fetch`), it does nothing.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { decode, ENCODED } from 'sluice/plugins/decode'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [decode({ maxBytes: 10_000_000 })] })
 * client.get('compressed').subscribe(({ bytes, request }) => {
 *   console.log(bytes.length, request.read(ENCODED)?.get('content-encoding'))
 * })
 * ```
 */
export const decode: PluginFactory<'decode', DecodeOptions> = definePlugin({
  name: 'decode',
  scope: 'wire',
  defaults: DEFAULTS,
  check: { accept: listOf(oneOf(...CODINGS)), maxBytes: size, ratio: size },
  install: ({ engine }) => {
    if (engine.capabilities.decodes) return (request, next) => next(request)
    const headers = derived(({ accept }: DecodeOptions) =>
      accept.length === 0 ? HttpHeaders.none : HttpHeaders.of({ 'accept-encoding': accept.join(', ') }),
    )
    return (request, next, options) => {
      const filled = request.headers.fill(request.headers.has('range') ? IDENTITY : headers(options))
      const asked = filled === request.headers ? request : request.with({ headers: filled })
      return new Observable(subscriber => next(asked).subscribe(new Receiving(request, options, subscriber)))
    }
  },
})
