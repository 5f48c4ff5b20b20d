/** Kit for plugin authors: what somebody asks for who wants to know who one is (RFC 9110 §11). */

/** One way to prove who one is, as it was offered. */
export interface Challenge {
  /** Its name in lower case, as in `basic`, `bearer`, `digest`. */
  readonly scheme: string
  /** The blob that stands in place of parameters, as of Negotiate. */
  readonly token68: string | undefined
  /** By names in lower case; of a name that stands twice the first. Values without their quotes. */
  readonly params: ReadonlyMap<string, string>
}

const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y
const SPACE = /[\t ]*/y
const LISTED = /[\t ,]*/y
const EQUALS = /=/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/y
const TOKEN68 = /[\w.~+/-]+=*(?=[\t ]*(?:,|$))/y

/**
 * Reads the challenges of all the `WWW-Authenticate` or `Proxy-Authenticate` fields of an answer, several in one field too
 * (RFC 9110 §11.6.1), in their order. What makes no sense ends the field it is in; what stands before it counts. Never throws.
 *
 * Whom to answer is another question: only the origin the credentials belong to.
 *
 * @example
 * ```ts
 * import { parseChallenges } from 'sluice'
 *
 * const [first, second] = parseChallenges(['Digest realm="a \\"b\\"", nonce="n,1", Basic realm="c"'])
 * console.log(first?.scheme, first?.params.get('nonce'), second?.params.get('realm')) // digest n,1 c
 * ```
 */
export function parseChallenges(fields: readonly string[]): readonly Challenge[] {
  return fields.flatMap(challengesIn)
}

/** Reads the parameters of `Authentication-Info` or `Proxy-Authentication-Info` (RFC 7615). Never throws. */
export function parseAuthParams(fields: readonly string[]): ReadonlyMap<string, string> {
  const params = new Map<string, string>()
  for (const field of fields) readParams(params, new Scanner(field))
  return params
}

function challengesIn(text: string): readonly Challenge[] {
  const scanner = new Scanner(text)
  const found: Challenge[] = []
  for (;;) {
    scanner.take(LISTED)
    const scheme = scanner.take(TOKEN)?.[0].toLowerCase()
    if (scheme === undefined) return found
    const params = new Map<string, string>()
    const spaced = (scanner.take(SPACE)?.[0].length ?? 0) > 0
    const token68 = spaced ? scanner.take(TOKEN68)?.[0] : undefined
    if (token68 === undefined) readParams(params, scanner)
    found.push({ scheme, token68, params })
  }
}

/** Reads parameters up to the next challenge, which is a token that no `=` follows. */
function readParams(params: Map<string, string>, scanner: Scanner): void {
  for (;;) {
    const before = scanner.at
    scanner.take(LISTED)
    const name = scanner.take(TOKEN)?.[0].toLowerCase()
    scanner.take(SPACE)
    if (name === undefined || scanner.take(EQUALS) === null) {
      scanner.at = before
      return
    }
    scanner.take(SPACE)
    const value = scanner.take(QUOTED)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? scanner.take(TOKEN)?.[0]
    if (value === undefined) return
    if (!params.has(name)) params.set(name, value)
  }
}

/** A text, and how far it was read. */
class Scanner {
  at = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.#text)
    if (found !== null) this.at += found[0].length
    return found
  }
}
