/** Notices when a body is not what its sender meant. */
import { switchMap, type Observable } from 'rxjs'
import {
  definePlugin,
  flag,
  oneOf,
  optional,
  staged,
  type HttpEvent,
  type HttpRequest,
  type PluginFactory,
} from '../src/index.ts'
import { WANTED, type DigestAlgorithm } from './checksum/digest-fields.ts'
import { summed, summedLater } from './checksum/summing.ts'
import { Verifying, type Sight } from './checksum/verifying.ts'

/** Options of `checksum`. Bad input throws `CONFIG`. */
export interface ChecksumOptions {
  /**
   * The algorithm by which request bodies get a `Content-Digest`; `false` for none. A field the call has stays as it is. A body that is produced
   * while it is sent is read twice, once for the digest; where it can be read only once, the request fails with `UNSUPPORTED`. Default `sha-256`.
   */
  readonly request: DigestAlgorithm | false
  /**
   * `verify` holds answers to the digests they come with; `require` fails those with a body and no digest that could be verified; `false` does not
   * look. Default `verify`.
   */
  readonly response: 'verify' | 'require' | false
  /** Asks for digests with `Want-Content-Digest`. Default: yes, but not in a browser, where an unusual header costs a preflight. */
  readonly want: boolean | undefined
}

const DEFAULTS: ChecksumOptions = { request: 'sha-256', response: 'verify', want: undefined }

/**
 * Sends the digest of every request body along (`Content-Digest`, RFC 9530), and verifies answers that come with one: `Content-Digest` and
 * `Repr-Digest`, in the head or in trailers, by the strongest of SHA-512 and SHA-256. An answer that does not match is an error, `BODY` in the phase
 * `body` as one that was cut off, and `retry` asks for it again; a live body was read by then, and its stream ends with the error.
 *
 * Other algorithms (MD5, SHA-1, CRC32C, …) prove nothing and are ignored, and so is a field that cannot be read. A `Repr-Digest` is not verified on a
 * part (206), because it is that of the whole. Digests in trailers count where `Trailer` announced them, with `require` always. Where the engine
 * decodes by itself (`fetch`, `xhr`), a compressed answer cannot be verified. Whatever was not verified is told by a `notice` event named
 * `unverified`; what was, by one named `verified`.
 *
 * It protects against broken disks, caches and proxies, not against a server or whoever can change its answers: they change the digest too. Leave it
 * out where TLS and a length are enough; a digest costs about as much as decrypting.
 *
 * It stands innermost, further in than `decode` and `encode`: digests are those of the coded bytes, as they are on the wire.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { checksum } from 'sluice/plugins/checksum'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [checksum()] })
 * client.post('echo', 'hello').subscribe(response => {
 *   const { headers } = response.json<{ headers: Record<string, string> }>()
 *   console.log(headers['content-digest']) // sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:
 * })
 * ```
 */
export const checksum: PluginFactory<'checksum', ChecksumOptions> = definePlugin({
  name: 'checksum',
  scope: 'wire',
  inside: {
    decode: 'the digest of an answer is that of the coded bytes, which decode takes away',
    encode: 'the digest of a request is that of the coded bytes, which encode makes',
  },
  defaults: DEFAULTS,
  check: {
    request: oneOf('sha-256', 'sha-512', false),
    response: oneOf('verify', 'require', false),
    want: optional(flag),
  },
  install: ({ engine }) => {
    const { decodes, reserves } = engine.capabilities
    // Only a browser keeps cookies to itself, and with them what else another origin does not expose.
    const hides = reserves?.includes('cookies') === true
    const sight: Sight = { decodes, hides: decodes && hides }
    return (request, next, { request: algorithm, response, want = !hides }) => {
      const verified = (asked: HttpRequest): Observable<HttpEvent> => {
        if (response === false) return next(asked)
        const wanting = want && !asked.headers.has('want-content-digest')
        const events = next(wanting ? asked.header('want-content-digest', WANTED) : asked)
        return staged(out => new Verifying(request, response === 'require', sight, out))(events)
      }
      const { body, headers } = request
      if (algorithm === false || body === undefined || headers.has('content-digest')) return verified(request)
      if (body instanceof Uint8Array) return verified(summed(request, body, algorithm))
      return summedLater(request, body, algorithm).pipe(switchMap(verified))
    }
  },
})
