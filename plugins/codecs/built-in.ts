/** The codecs that are always there: JSON, text and forms. */
import { config, decodeText, prepareBody, shown } from '../../src/index.ts'
import { codec, type Codec, type MediaType } from './codec.ts'
import { multipart } from './multipart.ts'
import { Refusal } from './refusal.ts'

/** How many fields a form, and how many parts a body of many, may have. `false`: any number. */
export interface FieldLimit {
  readonly maxFields: number | false
}

/** The built-in codecs, the preferred one first. */
export function builtIn(limit: FieldLimit): readonly Codec[] {
  return [JSON_CODEC, TEXT_CODEC, form(limit), multipart(limit)]
}

const JSON_CODEC: Codec = codec({
  types: ['application/json', 'text/json'],
  encode: (value, type) => {
    checkCharset(type)
    // The rules for what JSON can show are those of a call without this plugin.
    return prepareBody(value).body as Uint8Array
  },
  decode: (bytes, type) => {
    if (bytes.length === 0) throw new Refusal('BODY', 'has no body to read as JSON')
    const text = textOf(bytes, type)
    try {
      return JSON.parse(text) as unknown
    } catch {
      // The parser's own message quotes the body, which may hold secrets.
      throw new Refusal('BODY', `is no valid JSON (content-type ${type.type})`)
    }
  },
})

const TEXT_CODEC: Codec = codec({ types: ['text/*'], accept: 0.8, decode: textOf })

/** A form of a url (WHATWG URL §5): each name with its value, or a list of them. */
function form({ maxFields }: FieldLimit): Codec {
  return codec({
    types: ['application/x-www-form-urlencoded'],
    accept: 0.5,
    encode: (value, type) => {
      checkCharset(type)
      return new URLSearchParams(pairsOf(value)).toString()
    },
    decode: (bytes, type) => {
      const text = textOf(bytes, type)
      if (maxFields !== false && hasMore(text, maxFields)) {
        throw new Refusal('TOO_LARGE', `has more than the ${maxFields} fields that maxFields allows`)
      }
      // Without a prototype: a field may have any name. The sign in front keeps a question mark that begins a name.
      const fields = Object.create(null) as Record<string, string | string[]>
      for (const [name, value] of new URLSearchParams(`&${text}`)) {
        const before = fields[name]
        if (before === undefined) fields[name] = value
        else if (typeof before === 'string') fields[name] = [before, value]
        else before.push(value)
      }
      return fields
    },
  })
}

function hasMore(text: string, most: number): boolean {
  let fields = text === '' ? 0 : 1
  for (let at = text.indexOf('&'); at >= 0 && fields <= most; at = text.indexOf('&', at + 1)) fields++
  return fields > most
}

function pairsOf(value: object): string[][] {
  if (Object.prototype.toString.call(value) !== '[object Object]' || Symbol.iterator in value) {
    throw config(`A form must be a plain object of its fields, not ${shown(value)}.`)
  }
  return Object.entries(value as Readonly<Record<string, unknown>>).flatMap(([name, field]) =>
    field === undefined
      ? []
      : (Array.isArray(field) ? (field as unknown[]) : [field]).map(one => [name, fieldText(name, one)]),
  )
}

function fieldText(name: string, value: unknown): string {
  if (!name.isWellFormed()) throw config('A form field has a name with half a surrogate pair.')
  if (typeof value === 'string' && value.isWellFormed()) return value
  if (typeof value === 'boolean' || typeof value === 'bigint' || Number.isFinite(value)) return String(value)
  const what = typeof value === 'string' ? 'a string with half a surrogate pair' : shown(value)
  throw config(
    `The form field ${JSON.stringify(name)} must be text, a number, true or false, or a list of those, not ${what}.`,
  )
}

/** Text by its byte order mark, the charset its type names, or UTF-8. */
function textOf(bytes: Uint8Array, { parameters }: MediaType): string {
  const { charset = '' } = parameters
  try {
    // One without a name is as good as none.
    return decodeText(bytes, charset || undefined)
  } catch (cause) {
    const name = JSON.stringify(charset.slice(0, 40))
    throw new Refusal('BODY', `has the charset ${name}, which this platform cannot decode`, cause)
  }
}

function checkCharset({ type, parameters: { charset = 'utf-8' } }: MediaType): void {
  if (!/^utf-?8$/i.test(charset)) {
    throw config(`Bodies of ${type} are written in UTF-8; leave the charset ${shown(charset)} out of the content-type.`)
  }
}
