/** What a caller of `fetch` asks for, judged by the platform's own `Request`, and what a client is told of it. */
import type { Body } from '../../src/index.ts'
import { uploadOf } from './upload.ts'

/** What the platform's `fetch` takes first. */
export type FetchInput = Parameters<typeof globalThis.fetch>[0]
/** What it takes second. */
export type FetchInit = Parameters<typeof globalThis.fetch>[1]

/** A request as the standard sees it. */
export interface Outgoing {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  readonly redirect: RequestRedirect
  readonly integrity: string
  readonly signal: AbortSignal
  /** Reads what there is to know of the body; called once. */
  readonly body: () => Body | Promise<Body>
}

/** Stands for a body that is known: `Request` then makes no stream of it, and adds no `Content-Type`. */
const KNOWN = new Uint8Array(0)

/** Fields that belong to the connection, which browsers drop without a word (Fetch §2.2.2, "forbidden request-header"). */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** What a cache is to do, as caches are told over HTTP (Fetch §4.6, "HTTP-network-or-cache fetch"). */
const CACHE_CONTROL: Readonly<Record<string, string>> = {
  'no-store': 'no-store, no-cache',
  reload: 'no-cache',
  'no-cache': 'max-age=0',
  'force-cache': 'max-stale',
  'only-if-cached': 'only-if-cached, max-stale',
}

/** Checks what was asked for. Throws `TypeError`, as the platform words it. */
export function requestOf(input: FetchInput, init: FetchInit): Outgoing {
  const given = init?.body
  const known = given !== undefined && given !== null && !(given instanceof ReadableStream)
  const request = new Request(input, known ? knownIn(init) : init)
  const { url, method, redirect, integrity, signal, body } = request
  return {
    url,
    method,
    redirect,
    integrity,
    signal,
    headers: headersOf(request),
    body: () => (known ? bodyOf(given) : body === null ? undefined : uploadOf(body)),
  }
}

/** An init may be an object of some class: what it inherits counts too. */
function knownIn(init: FetchInit): RequestInit {
  return Object.create(init ?? null, { body: { value: KNOWN } }) as RequestInit
}

function headersOf({ headers, cache }: Request): [string, string][] {
  const fields = [...headers].filter(([name]) => !OF_THE_CONNECTION.has(name))
  if (!headers.has('accept')) fields.push(['accept', '*/*'])
  const directives = CACHE_CONTROL[cache]
  if (directives !== undefined && !headers.has('cache-control')) fields.push(['cache-control', directives])
  return fields
}

/** A body that `fetch` takes means the same to a client; what it does not know is sent as text (Web IDL). */
function bodyOf(given: unknown): Body {
  const taken =
    ArrayBuffer.isView(given) ||
    given instanceof ArrayBuffer ||
    given instanceof Blob ||
    given instanceof FormData ||
    given instanceof URLSearchParams ||
    // Node's own `fetch` takes these beside what the standard names.
    (typeof given === 'object' && given !== null && Symbol.asyncIterator in given)
  return taken ? (given as Body) : String(given)
}
