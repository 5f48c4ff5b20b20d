/**
 * Writes what the engines declare to where people and messages read it: the table in README.md, and src/able.ts, from which
 * `UNSUPPORTED` names engines that can. `npm run capabilities`; a test of the house tells when it is due.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Capabilities, EngineFactory, Need } from 'sluice'

const root = join(import.meta.dirname, '..')

/** The engines in the order of the table; one that is not named here stands behind them. */
const ORDER = ['undici', 'http2', 'http', 'fetch', 'xhr']

/** Sends nothing, so that it can be told to do anything. */
const NOT_SHOWN = ['mock']

/** What an engine that does not run on Node is made with, to say what it can. */
const GIVEN: Readonly<Record<string, object>> = {
  xhr: {
    make() {
      throw new Error('it is only asked what it can')
    },
  },
}

const NEEDS: Readonly<Record<Need, string>> = {
  streamingUpload: 'sends a body while it is produced',
  uploadProgress: 'tells how much of a body was sent',
  duplex: 'delivers the answer while the body is on its way',
  backPressure: 'holds the server back while nobody reads',
  informational: 'tells of 1xx answers',
  trailers: 'tells of trailers',
  webSocket: 'opens WebSockets',
  decodes: 'decodes bodies by itself',
  proxies: 'goes through proxies',
}

/** An engine and what it declares on this platform. */
export interface Declared {
  readonly name: string
  readonly capabilities: Capabilities
}

/** Asks every engine of the house. */
export async function declared(): Promise<readonly Declared[]> {
  const names = readdirSync(join(root, 'engines'))
    .filter(file => file.endsWith('.ts'))
    .map(file => file.slice(0, -3))
    .filter(name => !NOT_SHOWN.includes(name))
    .toSorted((a, b) => placeOf(a) - placeOf(b) || a.localeCompare(b))
  const all: Declared[] = []
  for (const name of names) {
    const file = pathToFileURL(join(root, 'engines', `${name}.ts`)).href
    const room = (await import(file)) as Record<string, ((options?: object) => EngineFactory) | undefined>
    const engine = room[name]?.(GIVEN[name]).create()
    if (engine === undefined) throw new Error(`engines/${name}.ts exports no ${name}`)
    all.push({ name, capabilities: engine.capabilities })
    await engine.destroy()
  }
  return all
}

/** The table of README.md, between its marks. */
export function table(all: readonly Declared[]): string {
  const row = (what: string, cell: (capabilities: Capabilities) => string): string =>
    `| ${what} | ${all.map(({ capabilities }) => cell(capabilities)).join(' | ')} |`
  return [
    `| what it does | ${all.map(({ name }) => `\`${name}\``).join(' | ')} |`,
    `|---|${'---|'.repeat(all.length)}`,
    row('speaks', ({ protocols }) => protocols.join(', ')),
    ...(Object.keys(NEEDS) as Need[]).map(need => row(NEEDS[need], one => (one[need] ? 'yes' : 'no'))),
    row('obeys limits on', ({ limits }) => (limits.length === 0 ? 'nothing' : limits.join(', '))),
    row('leaves to its platform', ({ reserves = [] }) => (reserves.length === 0 ? 'nothing' : reserves.join(', '))),
  ].join('\n')
}

/** The text of src/able.ts. */
export function able(all: readonly Declared[]): string {
  const lines = (Object.keys(NEEDS) as Need[]).map(need => {
    const names = all.filter(({ capabilities }) => capabilities[need]).map(({ name }) => `'${name}'`)
    return `  ${need}: [${names.join(', ')}],`
  })
  return `/** Which of our engines can do what only some can. Written by \`npm run capabilities\` from what the engines declare. */
import type { Need } from './engine.ts'

/** Engines by what they can do on Node, or in a browser where they run only there; named in \`UNSUPPORTED\` errors. */
export const ABLE: Readonly<Record<Need, readonly string[]>> = {
${lines.join('\n')}
}
`
}

/** A page with the table put between its marks. */
export function withTable(page: string, rows: string): string {
  const [before, behind] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (before < 0 || behind < before)
    throw new Error(`README.md needs ${BEGIN} and ${END}, for the table to stand between`)
  return `${page.slice(0, before + BEGIN.length)}\n${rows}\n${page.slice(behind)}`
}

const BEGIN = '<!-- capabilities -->'
const END = '<!-- /capabilities -->'

function placeOf(name: string): number {
  const at = ORDER.indexOf(name)
  return at < 0 ? ORDER.length : at
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const all = await declared()
  const readme = join(root, 'README.md')
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), table(all)))
  writeFileSync(join(root, 'src/able.ts'), able(all))
  console.log(`wrote what ${all.map(({ name }) => name).join(', ')} can`)
}
