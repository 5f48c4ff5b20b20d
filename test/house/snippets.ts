/** The examples in pages and docstrings, as programs that can be run. */
import { filesIn, read, ROOMS, type SourceFile } from './files.ts'

/** One example and where it stands. */
export interface Snippet {
  /** `README.md:12`. */
  readonly place: string
  readonly code: string
  /** What the example says it prints: the comments behind its console.log lines, in order. */
  readonly prints: readonly string[]
}

/** Every ```ts block of the pages and of the docstrings of what is shipped. */
export function snippets(): readonly Snippet[] {
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md'].map(read)
  const docs = filesIn('docs', '.md')
  const sources = ROOMS.flatMap(room => filesIn(room, '.ts'))
  return [...pages, ...docs, ...sources].flatMap(blocks)
}

function blocks(file: SourceFile): readonly Snippet[] {
  const found: Snippet[] = []
  const lines = file.text.split('\n').map(line => (file.path.endsWith('.ts') ? line.replace(/^\s*\* ?/, '') : line))
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== '```ts') continue
    const end = lines.indexOf('```', at + 1)
    const code = lines.slice(at + 1, end).join('\n')
    const prints = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, printed]) => printed ?? '')
    found.push({ place: `${file.path}:${at + 1}`, code, prints })
    at = end
  }
  return found
}
