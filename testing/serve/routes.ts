/** Routes: which reply belongs to which request. */
import type { Reply } from './reply.ts'
import type { ServedRequest } from './request.ts'

/** A reply, or a function that makes one for each request. */
export type Route = Reply | ((request: ServedRequest) => Reply | PromiseLike<Reply>)

/**
 * Routes by pattern: an optional method, then a path in which `:name` stands for one segment and a last `*` for the rest.
 * The first that fits is taken. A HEAD request is also answered by a GET route.
 */
export type Routes = Readonly<Record<string, Route>>

interface Match {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** Makes a function that finds the route of a request. Throws a `TypeError` for a pattern that is none. */
export function router(routes: Routes): (method: string, path: string) => Match | undefined {
  const entries = Object.entries(routes).map(([pattern, route]) => ({ ...parsePattern(pattern), route }))
  return (method, path) => {
    for (const { verb, names, expression, route } of entries) {
      if (verb !== undefined && verb !== method && !(verb === 'GET' && method === 'HEAD')) continue
      const found = expression.exec(path)
      if (found)
        return { route, params: Object.fromEntries(names.map((name, at) => [name, decoded(found[at + 1] ?? '')])) }
    }
    return undefined
  }
}

function parsePattern(pattern: string): { verb: string | undefined; names: string[]; expression: RegExp } {
  const match = /^(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +)?(\/\S*|\*)$/.exec(pattern)
  if (!match) throw new TypeError(`'${pattern}' is no route; write 'GET /users/:id' or '/files/*'`)
  const [, verb, path = ''] = match
  const names: string[] = []
  const source = path.replace(/:([A-Za-z_]\w*)|\*$|[^\w/]/g, (part, name: string | undefined, at: number) => {
    if (part === '*' && at === path.length - 1 && path !== '*') {
      names.push('*')
      return '(.*)'
    }
    if (name === undefined) return `\\${part}`
    names.push(name)
    return '([^/]+)'
  })
  return { verb, names, expression: new RegExp(`^${source}$`, 's') }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
