/** Problem details out of a body, by the rules of RFC 9457 §3.1: a member of the wrong type is as good as none. */
import type { HttpResponse, Problem } from '../../src/index.ts'

/** Reads the body as problem details; `undefined` when it is no JSON object. */
export function detailsOf(response: HttpResponse): Problem | undefined {
  const members = objectOf(response)
  if (members === undefined) return undefined
  const { type, title, status, detail, instance, ...extensions } = members
  const known = {
    type: uri(type, response.url) ?? 'about:blank',
    title: text(title),
    status: statusOf(status),
    detail: text(detail),
    instance: uri(instance, response.url),
  }
  // Without a prototype: an extension may have any name.
  const problem = Object.assign(Object.create(null) as Problem, extensions)
  return Object.freeze(Object.assign(problem, present(known)))
}

/** The members the body itself has, and none of a prototype. */
function objectOf(response: HttpResponse): Record<string, unknown> | undefined {
  let value: unknown
  try {
    value = response.json()
  } catch {
    // Empty, cut off at 64 KiB, or not what its type says: then the status is all there is.
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.assign(Object.create(null) as Record<string, unknown>, value)
}

function present(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function statusOf(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 999 ? (value as number) : undefined
}

/** An absolute URI stays as it was written, for it is compared as text; a relative one is resolved (RFC 9457 §3.1.1). */
function uri(value: unknown, base: string): string | undefined {
  if (typeof value !== 'string') return undefined
  return URL.canParse(value) ? value : URL.parse(value, base)?.href
}
