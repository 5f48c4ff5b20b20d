/** Reads and writes bodies by what they are said to be. */
import {
  definePlugin,
  derived,
  listOf,
  LIVE,
  optional,
  size,
  VALUE_READER,
  type Check,
  type PluginFactory,
} from '../src/index.ts'
import { codec, type Codec } from './codecs/codec.ts'
import { Negotiation } from './codecs/negotiation.ts'
import { mediaRange, mediaType } from './codecs/ranges.ts'

export type { Part } from '../src/index.ts'
export { codec, type Codec, type MediaType } from './codecs/codec.ts'

/** Which codecs there are, what is asked for and what is sent. */
export interface CodecsOptions {
  /** Codecs beside the built-in ones; they are looked at first, so that one for a built-in type replaces it. Default: none. */
  add: readonly Codec[]
  /**
   * What to ask for: media types, possibly with a weight (`text/csv;q=0.5`), one or a list. An empty list asks for nothing. Default:
   * the types of all codecs by their weights. An `Accept` the call has itself stays. Throws `CONFIG` for what is no media type.
   */
  accept: string | readonly string[] | undefined
  /** The media type a plain value is sent as when the call has no `Content-Type`. Default: `application/json`. Throws `CONFIG` for one that no codec writes. */
  send: string
  /** The most fields of a form and parts of a multipart answer; more fail with `TOO_LARGE`. `false`: any number. Default: 1000. */
  maxFields: number | false
}

const DEFAULTS: CodecsOptions = { add: [], accept: undefined, send: 'application/json', maxFields: 1000 }

const isCodec: Check = value => {
  try {
    codec(value as Codec)
    return undefined
  } catch {
    return 'a codec, as codec({ types, encode, decode }) makes them'
  }
}

const ranges: Check = value => (Array.isArray(value) ? listOf(mediaRange)(value) : mediaRange(value))

/**
 * Negotiates what bodies are. Asks for what it can read (`Accept`, by weights), reads `response.value()` by the `Content-Type` of
 * the answer, and writes a plain object or list given as a body as what the `Content-Type` of the call says.
 *
 * Built in: JSON; text (`text/*`, read only) by byte order mark, charset or as UTF-8; urlencoded forms, as an object without a
 * prototype whose repeated names have lists; `multipart/*` (read only), as a list of `Part`, not deeper. Others, as CBOR, MessagePack or XML, are a
 * {@link codec} each. A codec for `application/json` also reads and writes `application/…+json`, one by exact name goes first.
 *
 * An answer of a type nobody reads fails with `BODY` when its `value()` is asked for, naming what there is; `bytes`, `text()` and `json()` do not
 * care. A value that no codec writes fails with `CONFIG` before anything is sent. Strings, bytes, forms and streams are sent as they are. Live
 * answers are left to their readers. You do not need it where all is JSON.
 *
 * It stands once per call (`call`), inside of `defaultRequest`, which may choose a type too.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { codec, codecs } from 'sluice/plugins/codecs'
 *
 * // Stands for a library, as for CBOR or MessagePack.
 * const csv = codec({
 *   types: ['text/csv'],
 *   accept: 0.9,
 *   decode: bytes => new TextDecoder().decode(bytes).split('\n').map(line => line.split(';')),
 * })
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [codecs({ add: [csv] })] })
 * client.get('table').subscribe(response => console.log(response.value<string[][]>()[1])) // [ '7', 'Ada' ]
 * client
 *   .post('echo', { name: 'Ada', tag: ['a', 'b'] }, { codecs: { send: 'application/x-www-form-urlencoded' } })
 *   .subscribe(({ request }) => console.log(request.headers.get('content-type'))) // application/x-www-form-urlencoded
 * ```
 */
export const codecs: PluginFactory<'codecs', CodecsOptions> = definePlugin({
  name: 'codecs',
  scope: 'call',
  inside: { defaultRequest: 'an accept or a content-type that it adds says what to read and write' },
  defaults: DEFAULTS,
  check: { add: listOf(isCodec), accept: optional(ranges), send: mediaType, maxFields: size },
  values: true,
  install: (_, options) => {
    const negotiation = derived((wishes: CodecsOptions) => new Negotiation(wishes))
    // A wrong type to send is a mistake of the client, not of its first call.
    negotiation(options)
    return (request, next, wishes) => {
      const negotiated = negotiation(wishes)
      const encoded = negotiated.encoded(request)
      const headers = request.read(LIVE) ? encoded.headers : encoded.headers.fill(negotiated.accept)
      const asked = headers === encoded.headers ? encoded : encoded.with({ headers })
      return next(asked.note(VALUE_READER, negotiated.read))
    }
  },
})
