/** Shows how a client is built, for people. */
import { SCOPES, type AnyPlugin } from './plugin.ts'
import { isSensitive, redactUrl } from './redact.ts'

/** What there is to show of a client. */
export interface Explained {
  readonly baseUrl: string | undefined
  /** Missing until the default plugins are loaded. */
  readonly plugins: readonly AnyPlugin[] | undefined
  /** Missing until the default engine is loaded. */
  readonly engine: string | undefined
}

const GATHER = '  ──────── whole bodies are gathered here; stream() passes them live ────────'

/** Draws the way of a request, from the caller down to the engine. */
export function explain({ baseUrl, plugins, engine }: Explained): string {
  const lines = [`client ${baseUrl === undefined ? 'without a base url' : redactUrl(baseUrl)}`]
  if (plugins === undefined) lines.push('  recommended(), loaded with the first request')
  for (const scope of SCOPES) {
    if (scope === 'wire') lines.push(GATHER)
    for (const plugin of plugins ?? [])
      if (plugin.scope === scope) lines.push(`  ${scope.padEnd(8)} ${plugin.name}${describeOptions(plugin.options)}`)
  }
  lines.push(`  engine   ${engine ?? "the platform's default, loaded with the first request"}`)
  return lines.join('\n')
}

function describeOptions(options: object): string {
  const known = Object.entries(options as Record<string, unknown>)
    .filter(([name, value]) => ['number', 'boolean', 'string'].includes(typeof value) && !isSensitive(name))
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? JSON.stringify(redactUrl(value)) : String(value)}`)
  return known.length === 0 ? '' : ` { ${known.join(', ')} }`
}
