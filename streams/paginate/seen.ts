/** Which pages were asked for, to find out that one goes round in circles. */
import { withQuery } from '../../src/index.ts'
import type { Change } from '../again/change.ts'

/** Pages that are remembered; the one that was asked for first is forgotten first. */
const MOST = 10_000

/** Remembers the last pages. */
export class Seen {
  readonly #keys = new Set<string>()

  /** Remembers one; false if it was there before. What has no key cannot be compared. */
  add(key: string | undefined): boolean {
    if (key === undefined) return true
    if (this.#keys.has(key)) return false
    const [oldest] = this.#keys
    if (oldest !== undefined && this.#keys.size >= MOST) this.#keys.delete(oldest)
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
