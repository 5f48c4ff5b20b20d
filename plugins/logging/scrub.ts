/** Takes secrets out of texts: values by their names, in the notations in which bodies and headers carry them. */
import { redacted } from '../../src/index.ts'
import { scrubJson } from './scrub-json.ts'

/** Where a name stands. */
export type Place = 'header' | 'query' | 'body'

/** Tells whether the value of a name is a secret. */
export type Secret = (name: string, where: Place) => boolean

/** Takes secrets out of a body, or of the beginning of one. */
export function scrubBody(text: string, secret: Secret): string {
  return scrub(/^\s*["[{]/.test(text) ? scrubJson(text, name => secret(name, 'body')) : text, secret)
}

// Each pattern is tried once a run of the characters it is made of, so that long texts cost no more than their length.
const USERINFO = /(?<=\/\/)[^/?#\s@"'<>\\]*@/g
const QUERY = /\?[^\s"'<>#?\\]+/g
const ELEMENT = /<([\w.:-]{1,64})((?:\s[^<>]{0,512})?)>([^<]*)/g
const TAG = /<[^<>]{1,1024}>/g
const NAMING = /\b(?:name|key|id|property)\s*=\s*["']?([^\s"'>]+)/i
const VALUED = /\b(value|content)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/gi
const NAME = /(?<![\w.%[\]-])([\w.%[\]-]{1,64})[ \t]?([:=])[ \t]?/g
const VALUE_AFTER = { ':': /"[^"]*"?|'[^']*'?|[^\r\n]*/y, '=': /"[^"]*"?|'[^']*'?|[^\s"'<>&;,]*/y } as const
const SCHEME = /\b(bearer|basic|negotiate)( +)([\w.~+/=-]{8,})/gi
const JWT = /(?<![\w-])eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g
const PEM = /-----BEGIN [A-Z ]{1,40}-----[^]*?(?:-----END [A-Z ]{1,40}-----|$)/g

/** Takes secrets out of one line of text: urls, assignments, elements, tokens. */
export function scrub(text: string, secret: Secret): string {
  const isSecret = (name: string): boolean => secret(unescaped(name), 'body')
  const safe = text
    .replace(PEM, whole => redacted(whole))
    .replace(USERINFO, '')
    .replace(QUERY, query => scrubQuery(query, secret))
    .replace(ELEMENT, (whole: string, name: string, attributes: string, value: string) =>
      value !== '' && isSecret(name) ? `<${name}${attributes}>${redacted(value)}` : whole,
    )
    .replace(TAG, tag => (isSecret(NAMING.exec(tag)?.[1] ?? '') ? tag.replace(VALUED, attribute) : tag))
    .replace(SCHEME, (_, name: string, space: string, value: string) => `${name}${space}${redacted(value)}`)
    .replace(JWT, whole => redacted(whole))
  return scrubAssignments(safe, isSecret)
}

function attribute(_: string, name: string, sign: string, value: string): string {
  return `${name}${sign}"${redacted(value)}"`
}

/** `name=value` and `name: value`, of which the second goes on to the end of its line. */
function scrubAssignments(text: string, isSecret: (name: string) => boolean): string {
  let safe = ''
  let at = 0
  const names = new RegExp(NAME)
  for (let found = names.exec(text); found !== null; found = names.exec(text)) {
    const [whole, name = '', sign] = found
    if (!isSecret(name)) continue
    const start = found.index + whole.length
    const values = new RegExp(VALUE_AFTER[sign === ':' ? ':' : '='])
    values.lastIndex = start
    const value = values.exec(text)?.[0] ?? ''
    if (value === '' || isMark(text, start)) continue
    safe += text.slice(at, start) + redacted(value)
    at = names.lastIndex = start + value.length
  }
  return safe + text.slice(at)
}

function isMark(text: string, at: number): boolean {
  return text.startsWith('<redacted:', at)
}

/** Redacts the values of a query, which begins with its question mark. */
export function scrubQuery(query: string, secret: Secret): string {
  return query.replace(/(?<=[?&])([^=&]*)=([^&]+)/g, (whole, name: string, value: string) =>
    secret(unescaped(name), 'query') ? `${name}=${redacted(value)}` : whole,
  )
}

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
