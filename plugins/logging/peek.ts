/** The beginning of a body, kept while it passes, and what of it can be shown. */
import { concat, type HttpHeaders } from '../../src/index.ts'
import { printable } from './printable.ts'
import { scrubBody, type Secret } from './scrub.ts'

/** A body as it is logged. */
export interface LoggedBody {
  /** How many bytes there were. */
  readonly bytes: number
  /** Its beginning, without secrets and control characters; missing for what is no text. */
  readonly text?: string
  /** True when there is more than `text` shows. */
  readonly cut?: boolean
}

const TEXTUAL =
  /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml)\b|application\/(?:x-www-form-urlencoded|x-ndjson|javascript|graphql|yaml)\b)|\+(?:json|xml)\b/i

/** Keeps the first bytes of a body and counts the others. */
export class Peek {
  readonly #most: number
  readonly #kept: Uint8Array[] = []
  #size = 0
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  /** How many bytes have passed. */
  get bytes(): number {
    return this.#bytes
  }

  /** Looks at bytes that pass. What is kept is copied, for a slice would hold the whole block they are in. */
  see(bytes: Uint8Array): void {
    this.#bytes += bytes.length
    const room = this.#most - this.#size
    if (room <= 0 || bytes.length === 0) return
    const some = bytes.slice(0, room)
    this.#kept.push(some)
    this.#size += some.length
  }

  /** What can be shown of it, by the headers it came with. */
  show(headers: HttpHeaders, secret: Secret): LoggedBody {
    const bytes = this.#bytes
    const cut = this.#size < bytes
    if (this.#size === 0 || (headers.get('content-encoding') ?? 'identity') !== 'identity') return { bytes }
    const text = decode(concat(this.#kept), headers.get('content-type'), cut)
    if (text === undefined) return { bytes }
    const shown = printable(scrubBody(text, secret), Infinity)
    return cut ? { bytes, text: shown, cut } : { bytes, text: shown }
  }
}

/** Reads text; `undefined` for what is said to be something else, or looks like it. */
function decode(bytes: Uint8Array, type: string | undefined, cut: boolean): string | undefined {
  if (type !== undefined && !TEXTUAL.test(type)) return undefined
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type ?? '')?.[1] ?? 'utf-8'
  try {
    const text = new TextDecoder(charset, { fatal: type === undefined }).decode(bytes, { stream: cut })
    // oxlint-disable-next-line no-control-regex -- a NUL is what binary data has and text has not
    return type === undefined && /[\u0000-\u0008]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
