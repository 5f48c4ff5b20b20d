/** What a header field says behind its semicolons (RFC 9110 §5.6.6). */

/** The parameters by lower-case name; of two with one name the first counts. */
export function parametersOf(value: string | undefined): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const [, name = '', quoted, token] of (value ?? '').matchAll(PARAMETER)) {
    const key = name.toLowerCase()
    if (!parameters.has(key)) parameters.set(key, quoted === undefined ? (token ?? '') : unescaped(quoted))
  }
  return parameters
}

/** Decodes what tells its charset (RFC 8187), such as `UTF-8''na%C3%AFve.txt`; `undefined` when it cannot be decoded. */
export function extended(value: string | undefined): string | undefined {
  const [, charset, text = ''] = /^(utf-8|iso-8859-1)'[^']*'(.*)$/i.exec(value ?? '') ?? []
  if (charset === undefined) return undefined
  try {
    if (/^utf/i.test(charset)) return decodeURIComponent(text)
    return text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  } catch {
    return undefined
  }
}

/**
 * The last step of a path, whoever's separators it has; `undefined` when nothing is left that could name a file. Control characters are
 * left out.
 */
export function fileName(value: string | undefined): string | undefined {
  // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
  const text = value?.replace(/[\0-\x1f\x7f-\x9f]/g, '').replace(/^.*[/\\]/s, '')
  // The drive of a Windows path whose backslashes got lost.
  const name = text?.replace(/^[a-z]:/i, '').trim()
  return name === undefined || name === '' || name === '.' || name === '..' ? undefined : name
}

const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g

/** Only quotes and backslashes are escaped: all other backslashes are those of a path, which some send as it is. */
function unescaped(quoted: string): string {
  return quoted.replace(/\\(["\\])/g, '$1')
}
