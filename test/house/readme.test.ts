import { expect, it } from 'vitest'
import { filesIn, read } from './files.ts'

const readme = read('README.md').text
const errors = read('src/errors.ts').text

it('has a row for every plugin, with the scope it has', () => {
  const rows = rowsOf('plugins')
  const files = filesIn('plugins', '.ts').filter(({ path }) => /^plugins\/[^/]+$/.test(path))
  expect(rows.map(({ path }) => path).toSorted()).toEqual(files.map(({ path }) => path).toSorted())
  for (const { path, text } of files) {
    const scope = /^ {2}scope: '(\w+)'/m.exec(text)?.[1] ?? 'all'
    expect(`${path}: ${rows.find(row => row.path === path)?.cells[1] ?? 'no row'}`).toBe(`${path}: ${scope}`)
  }
})

it('has a row for every engine', () => {
  const files = filesIn('engines', '.ts').filter(({ path, text }) => /^engines\/[^/]+$/.test(path) && isEngine(text))
  expect(
    rowsOf('engines')
      .map(({ path }) => path)
      .toSorted(),
  ).toEqual(files.map(({ path }) => path).toSorted())
})

it('has a row for everything that reads or makes streams', () => {
  const files = filesIn('streams', '.ts').filter(({ path }) => /^streams\/[^/]+$/.test(path))
  expect([...new Set(rowsOf('streams').map(({ path }) => path))].toSorted()).toEqual(
    files.map(({ path }) => path).toSorted(),
  )
})

it('has a row for every door', () => {
  const files = filesIn('interop', '.ts').filter(({ path }) => /^interop\/[^/]+$/.test(path))
  expect([...new Set(rowsOf('interop').map(({ path }) => path))].toSorted()).toEqual(
    files.map(({ path }) => path).toSorted(),
  )
})

it('has a row for everything that keeps', () => {
  const files = filesIn('stores', '.ts').filter(({ path }) => /^stores\/[^/]+$/.test(path))
  expect(
    rowsOf('stores')
      .map(({ path }) => path)
      .toSorted(),
  ).toEqual(files.map(({ path }) => path).toSorted())
})

it('names every error code and every phase of a timeout', () => {
  const codes = [...(/export type ErrorCode =([\s\S]*?)\n\n/.exec(errors)?.[1] ?? '').matchAll(/'(\w+)'/g)]
  expect(codes.length).toBeGreaterThan(10)
  const table = readme.slice(readme.indexOf('| code | means |'))
  for (const [, code] of codes) expect(table).toContain(`\`${code ?? ''}\``)
})

interface Row {
  readonly path: string
  readonly cells: readonly string[]
}

function rowsOf(room: string): readonly Row[] {
  return readme.split('\n').flatMap(line => {
    const path = new RegExp(`^\\| \\[\`\\w+\`\\]\\((${room}/[^)]+)\\) \\|`).exec(line)?.[1]
    return path === undefined
      ? []
      : [
          {
            path,
            cells: line
              .split('|')
              .slice(1, -1)
              .map(cell => cell.trim()),
          },
        ]
  })
}

/** The shared parts of engines stand beside them. */
function isEngine(text: string): boolean {
  return /\bEngineFactory\b|\bextends Engine\b/.test(text)
}
