/** The order of plugins: checked against what each says of itself, never changed behind the user's back. */
import { HttpError } from './errors.ts'
import { checkPlugins, SCOPES, type AnyPlugin } from './plugin.ts'

/** Checks a list as the user wrote it. Throws `CONFIG` with the reason and an order that works. */
export function checkOrder(plugins: readonly AnyPlugin[]): void {
  checkPlugins(plugins)
  const problem = duplicate(plugins) ?? misplaced(plugins)
  if (problem === undefined) return
  throw new HttpError('CONFIG', problem, { phase: 'config' })
}

/** Puts plugins where they belong, moving each as little as possible. Throws `CONFIG` when no order can work. */
export function arrange<P extends AnyPlugin>(plugins: readonly P[]): P[] {
  checkPlugins(plugins)
  const twice = duplicate(plugins)
  if (twice !== undefined) throw new HttpError('CONFIG', twice, { phase: 'config' })
  const waiting = plugins.toSorted((a, b) => rank(a) - rank(b))
  const placed: P[] = []
  while (waiting.length > 0) {
    const at = waiting.findIndex(plugin => !waiting.some(other => mustContain(other, plugin)))
    if (at < 0)
      throw new HttpError('CONFIG', `No order of ${names(knot(waiting))} can work: each wants to be inside another.`, {
        phase: 'config',
      })
    placed.push(...waiting.splice(at, 1))
  }
  return placed
}

/** Of those that wait, the ones that wait for each other. */
function knot(waiting: readonly AnyPlugin[]): readonly AnyPlugin[] {
  const waitedFor = waiting.filter(outer => waiting.some(inner => mustContain(outer, inner)))
  return waitedFor.length === waiting.length ? waiting : knot(waitedFor)
}

function duplicate(plugins: readonly AnyPlugin[]): string | undefined {
  const seen = new Set<string>()
  for (const { name } of plugins) {
    if (seen.has(name)) return `The plugin ${name} stands twice in the list; give all its options to one.`
    seen.add(name)
  }
  return undefined
}

function misplaced(plugins: readonly AnyPlugin[]): string | undefined {
  for (const [at, inner] of plugins.entries()) {
    for (const outer of plugins.slice(0, at)) {
      const reason = reasonAgainst(outer, inner)
      if (reason !== undefined) {
        return `${outer.name} cannot stand before ${inner.name}: ${reason}. An order that works: ${names(arrange(plugins))}.`
      }
    }
  }
  return undefined
}

/** Why `outer` must not stand before `inner`, if so. */
function reasonAgainst(outer: AnyPlugin, inner: AnyPlugin): string | undefined {
  if (rank(outer) > rank(inner))
    return `${inner.name} works ${MEANING[inner.scope]}, ${outer.name} ${MEANING[outer.scope]}`
  return Object.hasOwn(outer.inside, inner.name) ? outer.inside[inner.name] : undefined
}

const MEANING = {
  call: 'once per call',
  steer: 'on whether and where to send',
  attempt: 'once per send',
  wire: 'on the bytes of a send',
} as const

function mustContain(outer: AnyPlugin, inner: AnyPlugin): boolean {
  return outer !== inner && (rank(outer) < rank(inner) || Object.hasOwn(inner.inside, outer.name))
}

function rank(plugin: AnyPlugin): number {
  return SCOPES.indexOf(plugin.scope)
}

function names(plugins: readonly AnyPlugin[]): string {
  return `[${plugins.map(({ name }) => name).join(', ')}]`
}
