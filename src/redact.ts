/** Keeps secrets out of whatever a person or a log may read. */

const SENSITIVE = /auth|cookie|token|secret|key|passw|session|signature|credential|jwt|assertion/i

/** What was redacted before stays as it is. */
const MARK = /^<redacted:\d+>$/

/** Tells whether a header or field of this name holds something that must not be shown. */
export function isSensitive(name: string): boolean {
  return SENSITIVE.test(name)
}

/** Replaces a secret by a mark that keeps only its length: `<redacted:6>`. */
export function redacted(value: string): string {
  return `<redacted:${value.length}>`
}

/**
 * Makes a url safe to show: user, password and fragment are dropped, query values are redacted,
 * names stay. What cannot be parsed is cut before its query.
 */
export function redactUrl(url: string, shown: readonly string[] = []): string {
  if (!/[?#@]/.test(url)) return url
  const bare = url.replace(/^([a-z][a-z0-9+.-]*:)?([/\\]*)[^/?#\\]*@/i, '$1$2').replace(/#.*$/s, '')
  const start = bare.indexOf('?')
  if (start < 0) return bare
  const query = bare
    .slice(start + 1)
    .split('&')
    .map(pair => redactPair(pair, shown))
  return `${bare.slice(0, start)}?${query.join('&')}`
}

function redactPair(pair: string, shown: readonly string[]): string {
  const [name = '', value] = split(pair)
  const bare = value === undefined || shown.includes(name) || MARK.test(value)
  return bare ? pair : `${name}=${redacted(value)}`
}

function split(pair: string): readonly string[] {
  const at = pair.indexOf('=')
  return at < 0 ? [pair] : [pair.slice(0, at), pair.slice(at + 1)]
}

/** Lets Node's `console.log` and `util.inspect` show the objects of a class as their `toJSON()` does. */
export function inspectAsJson(prototype: { toJSON(): unknown }): void {
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: { toJSON(): unknown }) {
      return this.toJSON()
    },
  })
}
