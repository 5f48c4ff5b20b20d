/** Patterns of routes: `'GET /users/:id'`, `'https://api.test/files/*'`, `'*'`. */
import { HttpError } from '../../src/index.ts'

/** The variables of a pattern, as far as it is known when the program is compiled. */
export type PatternParams<Pattern extends string> = string extends Pattern
  ? Readonly<Record<string, string>>
  : { readonly [Name in NamesOf<PathOf<Pattern>>]: string }

type PathOf<Pattern extends string> = Pattern extends `${string}://${infer Rest}`
  ? Rest extends `${string}/${infer Path}`
    ? Path
    : ''
  : Pattern

type NamesOf<Path extends string> = Path extends `${infer Before}:${infer Rest}`
  ? NamesOf<Before> | NameOf<Rest> | NamesOf<Rest>
  : Path extends `${string}/*`
    ? '*'
    : never

type NameOf<Rest extends string> = Rest extends `${infer Name}${'/' | '.' | '-' | '?' | ':'}${string}`
  ? NameOf<Name>
  : Rest

/** Tells whether a request fits, and what its variables are. */
export interface Pattern {
  readonly text: string
  readonly method: string | undefined
  readonly origin: string | undefined
  /** The path, in segments, as written. */
  readonly path: string
  match(method: string, url: URL): Readonly<Record<string, string>> | undefined
}

/** Reads a pattern. Throws `CONFIG` for one that could never fit. */
export function parsePattern(text: string): Pattern {
  const [, method, origin, path = '', query] = PATTERN.exec(text) ?? []
  if (path === '') {
    throw new HttpError(
      'CONFIG',
      `${JSON.stringify(text)} is no route of a mock; write 'GET /users/:id', 'POST https://api.test/files/*', '/health' or '*'.`,
      { phase: 'config' },
    )
  }
  const home = origin === undefined ? undefined : URL.parse(origin)?.origin
  const names: string[] = []
  const expression = expressionOf(path, names)
  const wanted = [...new URLSearchParams(query)]
  return {
    text,
    method,
    origin: home,
    path,
    match(asked, url) {
      if (method !== undefined && method !== asked && !(method === 'GET' && asked === 'HEAD')) return undefined
      if (home !== undefined && home !== url.origin) return undefined
      if (!wanted.every(([name, value]) => url.searchParams.getAll(name).includes(value))) return undefined
      const found = expression.exec(url.pathname)
      if (found === null) return undefined
      return Object.fromEntries(names.map((name, at) => [name, decoded(found[at + 1] ?? '')]))
    },
  }
}

const PATTERN = /^(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +)?(?:(https?:\/\/[^/?#\s]+))?(\/[^?#\s]*|\*)(?:\?([^#\s]*))?$/

function expressionOf(path: string, names: string[]): RegExp {
  if (path === '*') return /^/
  const source = path.replace(/:([A-Za-z_]\w*)|\*$|[^\w/]/g, (part, name: string | undefined, at: number) => {
    if (part === '*' && at === path.length - 1) {
      names.push('*')
      return '(.*)'
    }
    if (name === undefined) return `\\${part}`
    names.push(name)
    return '([^/]+)'
  })
  return new RegExp(`^${source}$`, 's')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
