/** When two requests are one and the same. */
import {
  ATTEMPT,
  DEADLINE,
  DISCARD,
  REPORT,
  type Handler,
  type HttpHeaders,
  type HttpRequest,
  type Token,
} from '../../src/index.ts'

/** A request as it came to dedupe. */
export interface Asked {
  readonly request: HttpRequest
  /** What sends it; another one where a child client has other plugins further in. */
  readonly next: Handler
  /** Headers that do not count. */
  readonly ignore: readonly string[]
  readonly group: string
}

/** Whether `late` can take the answer to `first`. */
export function alike(first: Asked, late: Asked): boolean {
  const one = first.request
  const other = late.request
  return (
    one.url === other.url &&
    one.method === other.method &&
    first.group === late.group &&
    first.next === late.next &&
    sameHeaders(one.headers, other.headers, late.ignore) &&
    sameOptions(one.options, other.options) &&
    sameNotes(one, other)
  )
}

function sameHeaders(one: HttpHeaders, other: HttpHeaders, ignore: readonly string[]): boolean {
  if (one === other || equal(one.flat, other.flat)) return true
  return equal(normalised(one, ignore), normalised(other, ignore))
}

/** Names have neither case nor, among each other, an order; the lines of one name have (RFC 9110 §5.3). */
function normalised(headers: HttpHeaders, ignore: readonly string[]): readonly (readonly [string, string])[] {
  const ignored = new Set(ignore.map(name => name.toLowerCase()))
  return [...headers]
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !ignored.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
}

type Options = HttpRequest['options']

/** Options of any plugin count, because it may stand further in; those for dedupe itself have been heard. */
function sameOptions(one: Options, other: Options): boolean {
  if (one === other) return true
  const { dedupe: _, ...rest } = one
  const { dedupe: __, ...others } = other
  return equal(rest, others)
}

/** What tells of one call and not of what is asked; each who waits has its own. */
export const PERSONAL: ReadonlySet<unknown> = new Set<unknown>([ATTEMPT, DEADLINE, DISCARD, REPORT])

/** Notes may mean anything to those further in, in whose name a request goes among them. */
function sameNotes(one: HttpRequest, other: HttpRequest): boolean {
  if (one.notes === other.notes) return true
  return covered(one, other) && covered(other, one)
}

function covered(one: HttpRequest, other: HttpRequest): boolean {
  for (let at = one.notes; at !== undefined; at = at.older) {
    const token = at.token as Token<unknown>
    if (!PERSONAL.has(token) && !equal(one.read(token), other.read(token))) return false
  }
  return true
}

/** Lists and plain objects nested deeper than this are taken for different: nobody's options are. */
const DEEPEST = 8

/** Compares plain values by what is in them, all else by identity. */
function equal(one: unknown, other: unknown, depth = 0): boolean {
  if (Object.is(one, other)) return true
  if (depth > DEEPEST || !isPlain(one) || !isPlain(other) || Array.isArray(one) !== Array.isArray(other)) return false
  const keys = Object.keys(one)
  return (
    keys.length === Object.keys(other).length &&
    keys.every(key => Object.hasOwn(other, key) && equal(one[key], other[key], depth + 1))
  )
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const parent: unknown = Object.getPrototypeOf(value)
  return parent === null || parent === Object.prototype || Array.isArray(value)
}
