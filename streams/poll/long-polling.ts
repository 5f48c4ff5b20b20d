/** Requests that a server answers when it has something to tell. */
import { HttpError, isHttpError, shown, type Client, type Phase, type Url } from '../../src/index.ts'
import type { Asked, Call } from '../again/asked.ts'
import { changed } from '../again/change.ts'
import type { Cursor, LongPollOptions } from './options.ts'
import { LEAST, Repeating, type Repeated } from './repeating.ts'

/** {@link LongPollOptions}, checked. */
export type LongPolled = Repeated & Pick<LongPollOptions, 'cursor' | 'next' | 'from'> & { readonly spacing: number }

/** Asks again as soon as there was something new, with the cursor of the last answer. */
export class LongPolling extends Repeating {
  readonly #call: Call
  readonly #options: LongPolled
  #cursor: Cursor | undefined
  /** Whether the last answer had something new: then there may be more, at once. */
  #moved = false

  constructor(client: Client, url: Url, call: Call, options: LongPolled) {
    super(client, url, options)
    this.#call = call
    this.#options = options
    this.#cursor = options.from
  }

  protected override call(): Call {
    this.#moved = false
    if (this.#cursor === undefined) return this.#call
    return changed(this.#call, this.#options.next(this.#cursor), 'longPoll({ next })')
  }

  protected override hear({ response }: Asked): void {
    const cursor: unknown = this.#options.cursor(response)
    if (cursor === undefined || cursor === null || cursor === this.#cursor) return
    const wanted = isCursor(cursor)
    if (wanted !== undefined) {
      throw new HttpError('CONFIG', `longPoll({ cursor }) must return ${wanted}, not ${shown(cursor)}.`, {
        phase: 'config',
        request: response.request,
        response,
      })
    }
    this.#cursor = cursor as Cursor
    this.#moved = true
  }

  protected override isSilence(error: unknown): boolean {
    if (!isHttpError(error)) return false
    if (error.code === 'TIMEOUT') return QUIET.has(error.phase)
    return error.code === 'STATUS' && (error.response?.status === 408 || error.response?.status === 504)
  }

  protected override pause(): number {
    return this.left(this.#moved ? LEAST : this.#options.spacing)
  }
}

/** The limits that end a wait for an answer. */
const QUIET: ReadonlySet<Phase | undefined> = new Set(['headers', 'idle', 'attempt'] as const)

/** Wants what can be compared and sent: two objects are never the same, and would always count as something new. */
export function isCursor(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value))
    ? undefined
    : 'a string, a number or a bigint'
}
