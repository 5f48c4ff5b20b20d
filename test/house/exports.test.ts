import { describe, expect, it } from 'vitest'
import { filesIn, read, ROOMS } from './files.ts'

const EXPORT = /^export (?:declare )?(?:abstract )?(?:async )?(?:const|function\*?|class|interface|type|let) (\w+)/

describe.each(ROOMS)('the room %s', room => {
  it('says what every export is for', () => {
    const silent = filesIn(room, '.ts').flatMap(({ path, text }) => {
      const lines = text.split('\n')
      return lines.flatMap((line, at) => {
        const name = EXPORT.exec(line)?.[1]
        return name === undefined || lines[at - 1]?.trimEnd().endsWith('*/') || isOverload(lines, at, name)
          ? []
          : [`${path}: ${name}`]
      })
    })
    expect(silent).toEqual([])
  })

  it('begins every file with a sentence about it', () => {
    const silent = filesIn(room, '.ts').filter(({ text }) => !text.startsWith('/**') && !text.startsWith('#!'))
    expect(silent.map(({ path }) => path)).toEqual([])
  })
})

it('names files in kebab-case', () => {
  const names = ROOMS.flatMap(room => filesIn(room, '.ts')).map(({ path }) => path)
  expect(names.filter(path => !/^[a-z0-9-]+(?:\/[a-z0-9-]+)+(?:\.test|\.test-d)?\.ts$/.test(path))).toEqual([])
})

it('has a plugin in each file of plugins/, under the camelCase of its name', () => {
  for (const { path, text } of filesIn('plugins', '.ts').filter(file => /^plugins\/[^/]+$/.test(file.path))) {
    expect(text, path).toMatch(new RegExp(`export (?:const|function) ${camelCase(path)}\\b`))
  }
})

it('mirrors every plugin, engine and core file in a test', () => {
  const tests = new Set(filesIn('test', '.ts').map(({ path }) => path))
  const wanted = [...filesIn('plugins', '.ts'), ...filesIn('engines', '.ts')]
    .map(({ path }) => path)
    .filter(path => /^\w+\/[^/]+$/.test(path))
  expect(wanted.filter(path => !tests.has(`test/${path.replace(/\.ts$/, '.test.ts')}`))).toEqual([])
})

it('has the version of package.json on top of the changelog', () => {
  const { version } = JSON.parse(read('package.json').text) as { version: string }
  expect(/^## (\S+)/m.exec(read('CHANGELOG.md').text)?.[1]).toBe(version)
})

function isOverload(lines: readonly string[], at: number, name: string): boolean {
  return lines.slice(0, at).some(line => EXPORT.exec(line)?.[1] === name)
}

function camelCase(path: string): string {
  const name = path.replace(/^.*\//, '').replace(/\.ts$/, '')
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}
