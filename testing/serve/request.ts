/** A request as a handler sees it. */
import type { RequestAccount } from './account.ts'
import type { RequestHead } from './request-head.ts'
import type { RequestBody } from './request-body.ts'
import { pathOf, queryOf } from './target.ts'

/** What a route that is a function is given. */
export interface ServedRequest {
  readonly method: string
  /** The request target exactly as it was sent. */
  readonly target: string
  /** The path of the target, not decoded. */
  readonly path: string
  /** What `:name` and `*` of the pattern stand for, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly httpVersion: '1.0' | '1.1' | '2'
  /** Lower-case names; lines of one name are joined. */
  readonly headers: Readonly<Record<string, string>>
  /** Name, value, name, value … exactly as they were sent. */
  readonly rawHeaders: readonly string[]
  /** The value of a header, whatever its case; empty when it was not sent. */
  header(name: string): string
  /** The body as it arrives. Iterating is what reads it, so a slow loop makes the client wait. */
  readonly body: AsyncIterable<Uint8Array>
  /** Reads the whole body. Rejects when it is longer than the option `keepBody`. */
  bytes(): Promise<Uint8Array>
  /** Reads the whole body as UTF-8. */
  text(): Promise<string>
  /** Reads the whole body as JSON. */
  json<T = unknown>(): Promise<T>
  /** How many requests came before this one on the whole server. */
  readonly index: number
  /** The account of this request, kept up to date. */
  readonly account: RequestAccount
  /** Is aborted when the connection ends: what an endless body of your own should listen to. */
  readonly gone: AbortSignal
}

/** What a request is shown to a handler from. */
export interface RequestParts {
  readonly head: RequestHead
  readonly body: RequestBody
  readonly account: RequestAccount
  readonly index: number
  readonly gone: AbortSignal
}

/** Shows a handler the request, with what the pattern of its route found in the path. */
export function servedRequest(parts: RequestParts, params: Readonly<Record<string, string>>): ServedRequest {
  const { head, body, account, index, gone } = parts
  const text = async (): Promise<string> => new TextDecoder().decode(await body.bytes())
  return {
    method: head.method,
    target: head.target,
    path: pathOf(head.target),
    params,
    query: queryOf(head.target),
    httpVersion: head.httpVersion,
    headers: head.headers,
    rawHeaders: head.rawHeaders,
    header: name => head.headers[name.toLowerCase()] ?? '',
    body,
    bytes: () => body.bytes(),
    text,
    json: async <T>() => JSON.parse(await text()) as T,
    index,
    account,
    gone,
  }
}
