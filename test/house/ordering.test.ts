import { expect, it } from 'vitest'
import { filesIn, read } from './files.ts'

const RULES = /^ {2}inside: \{([\s\S]*?)\},?$/m
const RULE = /(\w+):\s*(?:'([^'\n]*)'|"([^"\n]*)")/g

/** The rules of order, as plugins state them. */
function rules(): readonly string[] {
  return filesIn('plugins', '.ts')
    .filter(({ path }) => /^plugins\/[^/]+$/.test(path))
    .flatMap(({ text }) => {
      const name = /^ {2}name: '(\w+)'/m.exec(text)?.[1] ?? ''
      return [...(RULES.exec(text)?.[1] ?? '').matchAll(RULE)].map(
        ([, other = '', single, double]) => `| \`${name}\` | \`${other}\` | ${single ?? double ?? ''} |`,
      )
    })
    .toSorted()
}

it('the page about the order has every rule, with the reason it is refused with', () => {
  const page = read('docs/ordering.md').text
  const rows = page.split('\n').filter(line => /^\| `\w+` \| `\w+` \| /.test(line))
  expect(rules().length).toBeGreaterThan(20)
  expect(rows.map(row => row.replaceAll(/ +/g, ' ')).toSorted()).toEqual(rules())
})

it('names every plugin in the table of scopes', () => {
  const page = read('docs/ordering.md').text
  const missing = filesIn('plugins', '.ts').flatMap(({ path, text }) => {
    const scope = /^ {2}scope: '(\w+)'/m.exec(text)?.[1]
    const name = /^ {2}name: '(\w+)'/m.exec(text)?.[1]
    if (scope === undefined || name === undefined || !/^plugins\/[^/]+$/.test(path)) return []
    const row = page.split('\n').find(line => line.startsWith(`| \`${scope}\` |`))
    return row?.includes(`\`${name}\``) === true ? [] : [`${name} (${scope})`]
  })
  expect(missing).toEqual([])
})
