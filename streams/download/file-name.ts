/** Names that servers give files, made harmless. */
import type { HttpHeaders } from '../../src/index.ts'

/** The most bytes a file system takes for a name, less what a download puts behind it while it runs. */
const MOST_BYTES = 255 - 28
/** Names that are devices on Windows, whatever stands behind a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i
// oxlint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]/g

/**
 * The name a server suggests for what it sends (`Content-Disposition`, RFC 6266), made harmless: never a path, never hidden, never
 * a device, nothing invisible in it, short enough to be a file. `undefined` when nothing is left.
 */
export function nameIn({ headers }: { readonly headers: HttpHeaders }): string | undefined {
  const field = headers.get('content-disposition')
  if (field === undefined) return undefined
  const parameters = parametersOf(field)
  const extended = /^utf-8'[^']*'(.*)$/i.exec(parameters.get('filename*') ?? '')?.[1]
  return harmless(decoded(extended) ?? parameters.get('filename') ?? '')
}

/** RFC 6266 §4.1; the first of two parameters of one name counts. */
function parametersOf(field: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const parameter = /;[ \t]*([!#$%&'*+\-.^_`|~\w]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/g
  for (const [, name = '', quoted, token = ''] of field.matchAll(parameter)) {
    const key = name.toLowerCase()
    if (!found.has(key)) found.set(key, quoted?.replace(/\\(.)/g, '$1') ?? token)
  }
  return found
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function harmless(name: string): string | undefined {
  const last = name.normalize('NFC').split(/[/\\]/).at(-1) ?? ''
  const clean = last
    .replace(INVISIBLE, '')
    .replace(/[<>:"|?*]/g, '_')
    .replace(/^[.\s~-]+|[.\s]+$/g, '')
  const short = shortened(clean).replace(/[.\s]+$/, '')
  if (short === '') return undefined
  return DEVICE.test(short) ? `_${short}` : short
}

/** Cuts a name between characters, before its ending. */
function shortened(name: string): string {
  const size = (text: string): number => new TextEncoder().encode(text).length
  if (size(name) <= MOST_BYTES) return name
  const ending = /\.\w{1,12}$/.exec(name)?.[0] ?? ''
  let kept = ''
  for (const character of name.slice(0, name.length - ending.length)) {
    if (size(kept) + size(character) + ending.length > MOST_BYTES) break
    kept += character
  }
  return kept + ending
}
