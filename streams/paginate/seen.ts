/** Which pages were asked for, to find out that one goes round in circles. */
import { withQuery } from '../../src/index.ts'
import type { Change } from '../again/change.ts'

/** Pages that are remembered; the one that was asked for first is forgotten first. */
const MOST = 10_000
/** How long they may be together, in characters: what is in them is chosen by the server. */
const LONGEST = 4 * 1024 * 1024

/** Remembers the last pages. */
export class Seen {
  readonly #keys = new Set<string>()
  #length = 0

  /** Remembers one; false if it was there before. What has no key cannot be compared. */
  add(key: string | undefined): boolean {
    if (key === undefined) return true
    if (this.#keys.has(key)) return false
    this.#length += key.length
    for (const oldest of this.#keys) {
      if (this.#keys.size < MOST && this.#length <= LONGEST) break
      this.#keys.delete(oldest)
      this.#length -= oldest.length
    }
    this.#keys.add(key)
    return true
  }
}

/** What two pages that are the same have in common; `undefined` for those that cannot be told apart. */
export function keyOf(next: URL | Change): string | undefined {
  if (next instanceof URL) return next.href
  const { query, params, headers, body } = next
  if (headers !== undefined || (body !== undefined && typeof body !== 'string' && !isPlain(body))) return undefined
  return JSON.stringify([query === undefined ? '' : withQuery('', query), params, body], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}

/** What is sent as JSON shows all it has; a form or a stream does not. */
function isPlain(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false
  const prototype: unknown = Object.getPrototypeOf(body)
  return Array.isArray(body) || prototype === Object.prototype || prototype === null
}
