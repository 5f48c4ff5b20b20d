/** The files of the house, as the tests about the house read them. */
import { readFileSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the project. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url))

/** The rooms whose files are shipped. */
export const ROOMS = ['src', 'plugins', 'engines', 'streams', 'stores', 'interop', 'testing', 'cli'] as const

/** A file by its path from the root, with forward slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** All files below a folder with this ending; none when there is no such folder. */
export function filesIn(folder: string, ending: string): readonly SourceFile[] {
  let names: readonly string[]
  try {
    names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  } catch {
    return []
  }
  return names
    .filter(name => name.endsWith(ending))
    .map(name =>
      read(
        relative(ROOT, join(ROOT, folder, name))
          .split(sep)
          .join('/'),
      ),
    )
    .toSorted((a, b) => a.path.localeCompare(b.path))
}

/** One file. */
export function read(path: string): SourceFile {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') }
}

/** What a file imports or exports from, static and dynamic. */
export function importsOf({ text }: SourceFile): readonly string[] {
  const code = withoutComments(text)
  const found = code.matchAll(
    /(?:^|[\n;}])\s*(?:import|export)\s[^'"`;]*?from\s*'([^']+)'|(?:^|\n)\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g,
  )
  return [...found].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}
