/** Answers as `Response` objects. */

/** What a `Response` made by its constructor does not know. */
interface Facts {
  readonly url: string
  readonly redirected: boolean
}

const FACTS = new WeakMap<Response, Facts>()

/** Statuses whose answer has no body (Fetch §2.2.3). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])

/** A `Response` that came from somewhere. */
class Incoming extends Response {
  override get url(): string {
    return FACTS.get(this)?.url ?? super.url
  }

  override get redirected(): boolean {
    return FACTS.get(this)?.redirected ?? super.redirected
  }

  override get type(): ResponseType {
    return 'basic'
  }

  override clone(): Response {
    const copy = super.clone()
    const facts = FACTS.get(this)
    if (facts === undefined) return copy
    Object.setPrototypeOf(copy, Incoming.prototype)
    FACTS.set(copy, facts)
    return copy
  }
}

/** What an answer is made of. */
export interface Parts extends Facts {
  readonly status: number
  readonly statusText: string
  readonly headers: Iterable<readonly [string, string]>
}

/** Tells whether an answer can have a body at all. */
export function hasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && !WITHOUT_BODY.has(status)
}

/** Makes a `Response`. Throws `RangeError` for a status that cannot be in one. */
export function responseOf(
  { status, statusText, headers, url, redirected }: Parts,
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
): Response {
  const fields = new Headers()
  for (const [name, value] of headers) fields.append(name, value)
  // A reason phrase may hold what the constructor does not take; it means nothing (RFC 9112 §4).
  const text = /^[\t\x20-\x7e\x80-\xff]*$/.test(statusText) ? statusText : ''
  const response = new Incoming(body, { status, statusText: text, headers: fields })
  FACTS.set(response, { url, redirected })
  return response
}
