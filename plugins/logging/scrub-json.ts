/** Redacts values of JSON by their names, also when its end is missing or it is not quite JSON. */
import { redacted } from '../../src/index.ts'

/** How deep JSON in strings of JSON is looked into. */
const DEEPEST = 3

/** Replaces the values of secret names by marks; everything else stays as it was written. */
export function scrubJson(text: string, secret: (name: string) => boolean, depth = 0): string {
  let safe = ''
  let at = 0
  for (;;) {
    const open = text.indexOf('"', at)
    if (open < 0) return safe + text.slice(at)
    const close = endOfString(text, open)
    const raw = text.slice(open + 1, close - 1)
    const value = startOfValue(text, close)
    if (value === undefined) {
      // No name, so a value: it may hold JSON itself.
      const end = close > text.length ? '' : '"'
      safe +=
        text.slice(at, open) + (raw.includes('\\"') ? `"${inner(raw, secret, depth)}${end}` : text.slice(open, close))
      at = close
    } else if (secret(unquoted(raw))) {
      const end = endOfValue(text, value)
      safe += `${text.slice(at, value)}"${redacted(text.slice(value, end).replace(/^"|"$/g, ''))}"`
      at = end
    } else {
      safe += text.slice(at, value)
      at = value
    }
  }
}

/** JSON within a string: its quotes have one backslash more at every depth. */
function inner(raw: string, secret: (name: string) => boolean, depth: number): string {
  if (depth === DEEPEST) return redacted(raw)
  const text = raw.replace(/\\(["\\])/g, '$1')
  const safe = scrubJson(text, secret, depth + 1)
  // What holds no secret stays as it was written: other escapes, and the half of one at the end, do not come back.
  return safe === text ? raw : safe.replace(/["\\]/g, '\\$&')
}

/** The position behind the quote that ends a string, or behind the end of the text and one more. */
function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return text.length + 1
}

/** Where the value begins, if what ends at `at` is a name. */
function startOfValue(text: string, at: number): number | undefined {
  const colon = skipSpace(text, at)
  return text[colon] === ':' ? skipSpace(text, colon + 1) : undefined
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\r\n'.includes(text[at] ?? '')) at++
  return at
}

/** The position behind a value, however deep it is; without its end, that of the text. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '"') {
      at = endOfString(text, at) - 1
      if (depth === 0) return Math.min(at + 1, text.length)
    } else if ('{['.includes(character)) depth++
    else if ('}]'.includes(character)) {
      if (depth === 0) return at
      if (--depth === 0) return at + 1
    } else if (depth === 0 && (character === ',' || (at > start && /\s/.test(character)))) return at
  }
  return text.length
}

function unquoted(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    return raw
  }
}
