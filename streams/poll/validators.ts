/** What an answer can be recognised by, so that a server need not send it again (RFC 9110 §13). */
import { HttpHeaders } from '../../src/index.ts'
import type { Asked, Call } from '../again/asked.ts'

const CONDITIONS = [
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
] as const
/** What can be sent back as it came. */
const SENDABLE = /^[\x21-\x7e\x80-\xff][\x20-\x7e\x80-\xff]*$/

/** Remembers the validators of the last answer. */
export class Validators {
  #held = HttpHeaders.none

  /** Remembers those of this answer; none where it came from elsewhere, as the next one may come from another place with the same. */
  hear({ response, redirected }: Asked): void {
    const fields: [string, string][] = []
    for (const [field, condition] of [
      ['etag', 'if-none-match'],
      ['last-modified', 'if-modified-since'],
    ] as const) {
      const value = response.headers.get(field)
      if (value !== undefined && SENDABLE.test(value)) fields.push([condition, value])
    }
    this.#held = redirected ? HttpHeaders.none : HttpHeaders.of(fields)
  }

  /** The call, asking for what is new only. */
  on(call: Call): Call {
    return this.#held.size === 0 ? call : { ...call, headers: HttpHeaders.of(call.headers).merge(this.#held) }
  }
}

/** True for a call that can be made conditional: it reads, and has no conditions of its own. */
export function canBeConditional({ method = 'GET', headers }: Call): boolean {
  const said = HttpHeaders.of(headers)
  return /^(?:get|head)$/i.test(method) && !CONDITIONS.some(name => said.has(name))
}
