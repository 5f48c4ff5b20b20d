/** Which header fields chose an answer, and whether another request would get the same one (RFC 9111 §4.1). */
import { isSensitive, type HttpHeaders } from '../../src/index.ts'
import { fingerprint } from '../hashing/fingerprint.ts'

/** More would be a server that wants no cache. */
const MOST = 32
const NAME = /^[!#$%&'+\-.^_`|~0-9A-Za-z]+$/
/** Fields known to be lists: white space around their commas says nothing. Of other fields nobody knows (RFC 9111 §4.1). */
const LIST = /^accept(?:-(?:encoding|language|charset))?$/
/** Those of them whose values are compared without case. */
const CASELESS = /^accept-(?:encoding|language|charset)$/

/** The names in `Vary`, in lower case and order; `undefined` when no other request can be told to get the same answer. */
export function varyNames(header: string | undefined): readonly string[] | undefined {
  if (header === undefined) return []
  const names = new Set<string>()
  for (const part of header.split(',', MOST * 4)) {
    const name = part.trim().toLowerCase()
    if (name !== '') names.add(name)
  }
  const list = [...names].toSorted()
  return list.length > MOST || header.length > 4_096 || !list.every(name => NAME.test(name)) ? undefined : list
}

/** Name, value, name, value … of the fields of a request that chose its answer; a field that was missing is `null`. */
export function varied(names: readonly string[], headers: HttpHeaders): (string | null)[] {
  return names.flatMap(name => [name, valueOf(name, headers)])
}

/** True when a request has the same values. */
export function matches(fields: readonly (string | null)[], headers: HttpHeaders): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (valueOf(fields[at] ?? '', headers) !== fields[at + 1]) return false
  }
  return true
}

function valueOf(name: string, headers: HttpHeaders): string | null {
  const value = headers.get(name)
  if (value === undefined) return null
  if (isSensitive(name) || headers.isSecret(name)) return fingerprint(value)
  if (!LIST.test(name) || value.includes('"')) return value
  const plain = value.replace(/[ \t]*,[ \t]*/g, ',').trim()
  return CASELESS.test(name) ? plain.toLowerCase() : plain
}
