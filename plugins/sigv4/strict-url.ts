/**
 * Urls of which there is one way to write them. What is signed is the url as the service reads it, and services read differently what may be written
 * encoded or not (`(`, `+`, `%7E`): so it is sent in the form in which it is signed.
 */
import { config, describe, type HttpRequest } from '../../src/index.ts'

/** A url, and what it is made of. */
export interface StrictUrl {
  readonly url: string
  /** All but letters, digits and `-._~/` percent-encoded, once. */
  readonly path: string
  /** Decoded, the values of a name in their order. */
  readonly query: Readonly<Record<string, string[]>>
}

/** Writes the url of a request the strict way. Throws `CONFIG` for a query that is not UTF-8, and for the name `__proto__` in one. */
export function strictUrl(request: HttpRequest): StrictUrl {
  const { origin, target } = request
  const at = target.indexOf('?')
  const path = (at < 0 ? target : target.slice(0, at)).split('/').map(strict).join('/')
  const query: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  const written: string[] = []
  for (const pair of at < 0 ? [] : target.slice(at + 1).split('&')) {
    if (pair === '') continue
    const [name, value] = halves(pair).map(half => strict(half.replaceAll('+', '%20')))
    written.push(value === undefined ? (name ?? '') : `${name ?? ''}=${value}`)
    const key = decoded(request, name ?? '')
    if (key === '__proto__') throw unnameable(request)
    ;(query[key] ??= []).push(decoded(request, value ?? ''))
  }
  return { url: `${origin}${path}${written.length === 0 ? '' : `?${written.join('&')}`}`, path, query }
}

function halves(pair: string): string[] {
  const at = pair.indexOf('=')
  return at < 0 ? [pair] : [pair.slice(0, at), pair.slice(at + 1)]
}

function strict(text: string): string {
  return text.replace(/%([0-9a-f]{2})|[^\w.~-]/gi, (char, hex?: string) => {
    const code = hex === undefined ? char.charCodeAt(0) : Number.parseInt(hex, 16)
    const plain = String.fromCharCode(code)
    return /[\w.~-]/.test(plain) ? plain : `%${code.toString(16).toUpperCase().padStart(2, '0')}`
  })
}

function decoded(request: HttpRequest, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw config(`${describe(request)} has a query that cannot be signed; it must be UTF-8, percent-encoded.`)
  }
}

/** The library would lose it. */
function unnameable(request: HttpRequest): Error {
  return config(
    `${describe(request)} cannot be signed with a query parameter of the name __proto__; give it another one.`,
  )
}
