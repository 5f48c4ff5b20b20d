/** What a proxy asks for with 407 (RFC 9110 §11.6.1), as far as we can give it. */
import { valuesOf } from './head.ts'

/** One way to prove who one is, with its parameters; names in lower case. */
export interface Challenge {
  readonly scheme: string
  readonly params: ReadonlyMap<string, string>
}

const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y
const SPACE = /[\t ]*/y
const LISTED = /[\t ,]*/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/y
const TOKEN68 = /[\w.~+/-]+=*(?=[\t ]*(?:,|$))/y

/** Reads all challenges, of several fields and of several in one. What makes no sense ends the field it is in. */
export function challengesOf(fields: readonly string[]): readonly Challenge[] {
  return valuesOf(fields, 'proxy-authenticate').flatMap(value => [...challengesIn(value)])
}

function* challengesIn(text: string): Generator<Challenge> {
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found !== null) at += found[0].length
    return found
  }
  for (;;) {
    take(LISTED)
    const scheme = take(TOKEN)?.[0].toLowerCase()
    if (scheme === undefined) return
    const params = new Map<string, string>()
    const spaced = (take(SPACE)?.[0].length ?? 0) > 0
    // A blob, as of Negotiate, stands in place of parameters.
    if (!spaced || take(TOKEN68) === null)
      readParams(
        params,
        take,
        () => at,
        back => (at = back),
      )
    yield { scheme, params }
  }
}

/** Reads parameters up to the next challenge, which is a token that no `=` follows. */
function readParams(
  params: Map<string, string>,
  take: (pattern: RegExp) => RegExpExecArray | null,
  where: () => number,
  goBack: (at: number) => void,
): void {
  for (;;) {
    const before = where()
    take(LISTED)
    const name = take(TOKEN)?.[0].toLowerCase()
    take(SPACE)
    if (name === undefined || take(EQUALS) === null) {
      goBack(before)
      return
    }
    take(SPACE)
    const value = take(QUOTED)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? take(TOKEN)?.[0]
    if (value === undefined) return
    if (!params.has(name)) params.set(name, value)
  }
}

const EQUALS = /=/y
