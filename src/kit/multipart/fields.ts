/** The header fields of a part. */
import { HttpHeaders } from '../../headers.ts'

const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):(.*)$/s
const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: false })

/** Reads header fields, in UTF-8 as browsers write them; `undefined` when a line is none. Folded lines are joined. */
export function partFields(block: Uint8Array): HttpHeaders | undefined {
  const fields: string[] = []
  for (const line of UTF8.decode(block)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')) {
    if (line === '') continue
    const [, name, value] = FIELD.exec(line) ?? []
    if (name === undefined || value === undefined || /[\0\r\n]/.test(value)) return undefined
    fields.push(name, trimmed(value))
  }
  return HttpHeaders.received(fields)
}

/** Without the spaces and tabs around it. Not by a pattern: the time that takes grows with the square of the white space within. */
function trimmed(value: string): string {
  let from = 0
  let end = value.length
  while (isPadding(value.charCodeAt(from))) from++
  while (end > from && isPadding(value.charCodeAt(end - 1))) end--
  return value.slice(from, end)
}

function isPadding(code: number): boolean {
  return code === 0x20 || code === 0x09
}
