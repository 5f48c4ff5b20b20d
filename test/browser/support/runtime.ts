/** The side of another runtime: what `page.ts` is to a page, over standard input and output. It is bundled for Deno and Bun. */
import process from 'node:process'
import { api } from './page.ts'
import type { ToPage } from './wire.ts'

function toNode(text: string): void {
  process.stdout.write(`${text}\n`)
}

Object.assign(globalThis, { toNode })
toNode(JSON.stringify(api.capabilities('fetch')))

let rest = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text: string) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) api.hear(JSON.parse(line) as readonly ToPage[])
})
// Whoever started it has gone.
process.stdin.on('end', () => process.exit(0))
