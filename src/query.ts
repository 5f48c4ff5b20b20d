/** The query of a url: added to what a url has, encoded as `URLSearchParams` does. */
import { shown } from './check.ts'
import { config } from './errors.ts'

/** A value in a query; a list repeats the name, `undefined` leaves it out. */
export type QueryValue =
  | string
  | number
  | bigint
  | boolean
  | undefined
  | readonly (string | number | bigint | boolean)[]

/** What is added to the query of a url. */
export type Query = Readonly<Record<string, QueryValue>> | URLSearchParams

/** Adds to the query of a url, encoded as `URLSearchParams` does. */
export function withQuery(href: string, query: Query): string {
  const added = query instanceof URLSearchParams ? query : new URLSearchParams(queryPairs(query))
  const text = added.toString()
  if (text === '') return href
  return `${href}${href.includes('?') ? (/[?&]$/.test(href) ? '' : '&') : '?'}${text}`
}

function queryPairs(query: Readonly<Record<string, QueryValue>>): string[][] {
  if (Object.prototype.toString.call(query) !== '[object Object]') {
    throw config(`A query must be an object or URLSearchParams, not ${shown(query)}.`)
  }
  const pairs: string[][] = []
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const item of value as readonly unknown[]) pairs.push([name, queryText(name, item)])
    else if (value !== undefined) pairs.push([name, queryText(name, value)])
  }
  return pairs
}

function queryText(name: string, value: unknown): string {
  if (typeof value === 'string' && value.isWellFormed()) return value
  if (typeof value === 'boolean' || typeof value === 'bigint' || Number.isFinite(value)) return String(value)
  const what = typeof value === 'string' ? 'a string with half a surrogate pair' : shown(value)
  throw config(
    `The query value ${JSON.stringify(name)} must be text, a number, true or false, or a list of those, not ${what}.`,
  )
}
