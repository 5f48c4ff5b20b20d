/** Checks of option values; each answers what would have been right, or nothing when the value is. */
import { redactUrl } from './redact.ts'

/** Looks at a value and answers with what was wanted instead, or `undefined` when it is fine. */
export type Check = (value: unknown) => string | undefined

/** The longest time a timer of the platform can wait, in milliseconds (24.8 days). */
export const LONGEST = 2_147_483_647

/** Wants a time in milliseconds; 0 is allowed. */
export const milliseconds: Check = value =>
  typeof value === 'number' && value >= 0 && value <= LONGEST
    ? undefined
    : `a number of milliseconds from 0 to ${LONGEST}`

/** Wants a time in milliseconds, or `false` for "no limit". */
export const limit: Check = value =>
  value === false || (typeof value === 'number' && value > 0 && value <= LONGEST)
    ? undefined
    : `a number of milliseconds above 0 and up to ${LONGEST}, or false for no limit`

/** Wants a whole number of at least 0. */
export const count: Check = value =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'a whole number of at least 0'

/** Wants a size in bytes, or `false` for "no limit". */
export const size: Check = value =>
  value === false || (Number.isSafeInteger(value) && (value as number) >= 0)
    ? undefined
    : 'a whole number of bytes of at least 0, or false for no limit'

/** Wants a function. */
export const callback: Check = value => (typeof value === 'function' ? undefined : 'a function')

/** Wants true or false. */
export const flag: Check = value => (typeof value === 'boolean' ? undefined : 'true or false')

/** Wants a text. */
export const text: Check = value => (typeof value === 'string' ? undefined : 'a string')

/** Wants the name of a header field (RFC 9110 §5.6.2). */
export const headerName: Check = value =>
  typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value) ? undefined : 'the name of a header'

/** Wants a list whose items pass `item`. */
export function listOf(item: Check): Check {
  return value => {
    if (!Array.isArray(value)) return 'a list'
    const wrong = value.map(item).find(answer => answer !== undefined)
    return wrong === undefined ? undefined : `a list, each item ${wrong}`
  }
}

/** Wants one of these values. */
export function oneOf(...choices: readonly unknown[]): Check {
  return value => (choices.includes(value) ? undefined : `one of ${choices.map(one => JSON.stringify(one)).join(', ')}`)
}

/** Accepts `undefined` as well: an option that may stay unset. */
export function optional(check: Check): Check {
  return value => (value === undefined ? undefined : check(value))
}

/** Shows a wrong value in an error without showing what a secret is. */
export function shown(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(redactUrl(value))
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return String(value)
}

/** An origin, as in `https://api.example.com`. */
export const origin: Check = value =>
  typeof value === 'string' && /^https?:/.test(value) && URL.parse(value)?.origin === value
    ? undefined
    : "an origin such as 'https://api.example.com', without a path"
