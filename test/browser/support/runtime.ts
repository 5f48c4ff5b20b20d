/** The side of another runtime: what `page.ts` is to a page, over standard input and output. It is bundled for Deno and Bun. */
import process from 'node:process'
import { api } from './page.ts'
import type { ToPage } from './wire.ts'

function toNode(text: string): void {
  process.stdout.write(`${text}\n`)
}

Object.assign(globalThis, { toNode })
toNode(JSON.stringify(api.capabilities('fetch')))

// Of a long line many pieces come, which are put together once.
let rest: string[] = []
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text: string) => {
  const lines = text.split('\n')
  for (const [at, piece] of lines.entries()) {
    rest.push(piece)
    if (at === lines.length - 1) break
    api.hear(JSON.parse(rest.join('')) as readonly ToPage[])
    rest = []
  }
})
// Whoever started it has gone.
process.stdin.on('end', () => process.exit(0))
