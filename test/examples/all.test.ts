import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { filesIn, read, ROOT } from '../house/files.ts'

/** These are no glances: the tour has chapters, the app of Angular is installed by itself. */
const LARGE = ['angular', 'tour']
/** Takes the place of React, and is no part of what is shown. */
const STAND_IN = 'examples/react-hook/stand-in.ts'

const folders = readdirSync(join(ROOT, 'examples'), { withFileTypes: true }).filter(entry => entry.isDirectory())
const small = folders.map(({ name }) => name).filter(name => !LARGE.includes(name))

it.each(small)('%s has 60 lines at most, is run as it says, and has a test and a row in the README', name => {
  const files = filesIn(`examples/${name}`, '.ts').filter(({ path }) => path !== STAND_IN)
  const lines = files.flatMap(({ text }) => text.trimEnd().split('\n'))
  expect(lines.length).toBeLessThanOrEqual(60)
  const main = read(`examples/${name}/main.ts`).text
  expect(main.slice(0, main.indexOf('import '))).toContain(`node --conditions=sluice-source examples/${name}/main.ts`)
  expect(read('README.md').text).toContain(`| [\`${name}\`](examples/${name}/`)
  expect(read(`test/examples/${name}.test.ts`).text).toMatch(new RegExp(`run\\('${name}'`))
})

it('looks at all of them', () => {
  expect(small.length).toBeGreaterThanOrEqual(8)
})
