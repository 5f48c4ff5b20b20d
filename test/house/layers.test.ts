import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesIn, importsOf, ROOMS, type SourceFile } from './files.ts'

/** Standards that plugins leave to well-kept libraries. */
const LIBRARIES = [
  '@noble/hashes',
  '@smithy/signature-v4',
  'content-type',
  'http-cache-semantics',
  'oauth4webapi',
  'structured-headers',
  'tough-cookie',
]

/** What each room may import beside its own parts. */
const ALLOWED: Readonly<Record<(typeof ROOMS)[number], (wanted: string, file: SourceFile) => boolean>> = {
  src: wanted => wanted === 'rxjs' || wanted.startsWith('src/') || ['#default-engine', '#recommended'].includes(wanted),
  plugins: (wanted, file) =>
    ['rxjs', 'src/index.ts', '#deflate', '#hashing', '#zlib'].includes(wanted) ||
    LIBRARIES.some(name => wanted === name || wanted.startsWith(`${name}/`)) ||
    // What all plugins that prove who one is, and all that compute digests, have in common.
    /^plugins\/(?:auth|hashing)\//.test(wanted) ||
    ownPart(wanted, file) ||
    (wanted.startsWith('node:') && file.path.includes('/node-')) ||
    (file.path === 'plugins/recommended.ts' && wanted.startsWith('plugins/')),
  engines: (wanted, file) =>
    ['src/index.ts', 'undici', 'http2-wrapper', 'hpagent', 'ws'].includes(wanted) ||
    wanted.startsWith('node:') ||
    /^engines\/(?:connector|exchange|platform|pool|web-socket)\//.test(wanted) ||
    // Where a server chooses between HTTP/2 and HTTP/1.1, the parts of both engines meet.
    (/^engines\/(?:http2|negotiation|undici)\b/.test(file.path) &&
      /^engines\/(?:http2|negotiation|undici)\//.test(wanted)) ||
    ownPart(wanted, file),
  streams: (wanted, file) =>
    ['rxjs', 'src/index.ts', 'eventsource-parser'].includes(wanted) ||
    // What all readers and all that connect again have in common.
    /^streams\/(?:reading|again)\//.test(wanted) ||
    (wanted.startsWith('node:') && /^streams\/download\b/.test(file.path)) ||
    ownPart(wanted, file),
  // A store keeps what a plugin gives it; of the plugin it knows the interface.
  stores: (wanted, file) =>
    ['rxjs', 'src/index.ts'].includes(wanted) ||
    /^plugins\/[^/]+\.ts$/.test(wanted) ||
    wanted.startsWith('node:') ||
    // What all that keep something have in common.
    /^stores\/(?:files|keeping)\//.test(wanted) ||
    ownPart(wanted, file),
  interop: wanted => !/^(?:testing|cli|test)\//.test(wanted),
  testing: wanted => !/^(?:cli|test|vitest)\b/.test(wanted),
  cli: wanted => !/^(?:test|vitest)\b/.test(wanted),
}

describe.each(ROOMS)('the room %s', room => {
  it('imports only from rooms further in', () => {
    const wrong = filesIn(room, '.ts').flatMap(file =>
      importsOf(file)
        .map(wanted => (wanted.startsWith('.') ? posix.join(posix.dirname(file.path), wanted) : wanted))
        .filter(wanted => !ALLOWED[room](wanted, file))
        .map(wanted => `${file.path} imports ${wanted}`),
    )
    expect(wrong).toEqual([])
  })
})

it('runs unbuilt on the oldest Node we support, which does not know `using`', () => {
  const code = /^\s*(?:await )?using \w+ =/m
  expect(ROOMS.flatMap(room => filesIn(room, '.ts')).filter(({ text }) => code.test(text))).toEqual([])
  expect(code.test('  await using server = x')).toBe(true)
})

it('reads imports of every form, so that the tests above can fail', () => {
  const text =
    "import { a } from 'a'\nimport type {\n  b,\n} from 'b'\nexport * from 'c'\nimport 'd'\nconst e = await import('e')\n// import { f } from 'f'\n"
  expect(importsOf({ path: 'x.ts', text })).toEqual(['a', 'b', 'c', 'd', 'e'])
})

/** `plugins/decode.ts` may import `plugins/decode/…`, and those each other. */
function ownPart(wanted: string, { path }: SourceFile): boolean {
  const [room, name] = path.replace(/\.ts$/, '').split('/')
  return wanted.startsWith(`${room ?? ''}/${name ?? ''}/`)
}
