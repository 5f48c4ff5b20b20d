/** What one request has otherwise than the one before. */
import {
  type Body,
  config,
  type HeadersInit,
  HttpHeaders,
  type Params,
  type Query,
  type QueryValue,
  shown,
} from '../../src/index.ts'
import type { Call } from './asked.ts'

/** What is changed of the options of a call for its next request. */
export interface Change {
  /** Replaces what the query of the call says under these names, and leaves the rest. */
  readonly query?: Query | undefined
  /** Replaces the params of the same names. */
  readonly params?: Params | undefined
  /** Replaces the headers of the same names. */
  readonly headers?: HeadersInit | undefined
  /** Replaces the body. */
  readonly body?: Body
}

const NAMES: readonly string[] = ['query', 'params', 'headers', 'body']

/** Makes the options of the next request. `who` returned the change, as in `longPoll({ next })`; throws `CONFIG` for what is none. */
export function changed(call: Call, change: Change, who: string): Call {
  if (typeof change !== 'object' || (change as object | null) === null || Array.isArray(change)) {
    throw config(`${who} must return an object such as { query: { since: 7 } }, not ${shown(change)}.`)
  }
  const unknown = Object.keys(change).find(name => !NAMES.includes(name))
  if (unknown !== undefined) {
    throw config(`${who} returned ${JSON.stringify(unknown)}; what it returns can have ${NAMES.join(', ')}.`)
  }
  const { query, params, headers, body } = Object.assign(Object.create(null) as Change, change)
  return {
    ...call,
    ...(query === undefined ? {} : { query: merged(call.query, query) }),
    ...(params === undefined ? {} : { params: { ...call.params, ...params } }),
    ...(headers === undefined ? {} : { headers: HttpHeaders.of(call.headers).merge(headers) }),
    ...(body === undefined ? {} : { body }),
  }
}

function merged(said: Query | undefined, added: Query): Query {
  if (said === undefined) return added
  if (!(said instanceof URLSearchParams) && !(added instanceof URLSearchParams)) return { ...said, ...added }
  const result: Record<string, QueryValue> = Object.create(null) as Record<string, QueryValue>
  return Object.assign(result, record(said), record(added))
}

function record(query: Query): Readonly<Record<string, QueryValue>> {
  if (!(query instanceof URLSearchParams)) return query
  return Object.fromEntries([...new Set(query.keys())].map(name => [name, query.getAll(name)]))
}
