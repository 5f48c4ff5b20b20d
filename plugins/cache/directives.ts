/** `Cache-Control` as it is written (RFC 9111 §5.2): names without case, arguments as tokens or in quotes. */
import type { HttpHeaders } from '../../src/index.ts'

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const QUOTED = String.raw`"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)"`
const ELEMENT = new RegExp(`[ \\t]*(?:(${TOKEN})(?:=(?:(${TOKEN})|${QUOTED}))?)?[ \\t]*(,|$)`, 'y')

/** More than anybody writes. */
const LONGEST = 8 * 1024

/** Times beyond this are as good as for ever (RFC 9111 §1.2.2), in seconds. */
const FOREVER = 2_147_483_648

/** True for `Pragma: no-cache`, which counts where there is no `Cache-Control` (RFC 9111 §5.4). */
export function pragmaForbids(headers: HttpHeaders): boolean {
  return /(?:^|,)\s*no-cache\s*(?:,|$)/i.test(headers.get('pragma') ?? '')
}

/** The directives of one message. */
export class CacheControl {
  static readonly none: CacheControl = new CacheControl('')

  /** False for what does not follow the grammar: nobody can tell what it forbids. */
  readonly valid: boolean
  readonly #arguments = new Map<string, readonly (string | undefined)[]>()

  constructor(text: string) {
    this.valid = text.length <= LONGEST && this.#read(text)
  }

  /** The names, in lower case. */
  get names(): Iterable<string> {
    return this.#arguments.keys()
  }

  has(name: string): boolean {
    return this.#arguments.has(name)
  }

  /** The seconds of a directive; `NaN` when they are missing, no number, or said twice and differently. */
  seconds(name: string): number | undefined {
    const given = this.#arguments.get(name)
    if (given === undefined) return undefined
    const [first] = given
    const clear = first !== undefined && /^\d+$/.test(first) && given.every(other => other === first)
    return clear ? Math.min(Number(first), FOREVER) : NaN
  }

  /** True for a directive without an argument, as in `max-stale`. */
  bare(name: string): boolean {
    return this.#arguments.get(name)?.every(argument => argument === undefined) === true
  }

  #read(text: string): boolean {
    ELEMENT.lastIndex = 0
    for (;;) {
      const element = ELEMENT.exec(text)
      if (element === null) return false
      const [, name, token, quoted, end] = element
      if (name !== undefined) this.#add(name.toLowerCase(), token ?? quoted?.replace(/\\(.)/gs, '$1'))
      if (end === '') return true
    }
  }

  #add(name: string, argument: string | undefined): void {
    this.#arguments.set(name, [...(this.#arguments.get(name) ?? []), argument])
  }
}
