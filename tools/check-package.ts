/**
 * Checks the package as its users get it: packs a tarball, lints it, unpacks it beside its dependencies and then
 * loads, type-checks and bundles every public entry. Run `npm run build` first.
 */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const root = join(import.meta.dirname, '..')
const work = mkdtempSync(join(tmpdir(), 'sluice-package-'))
const home = join(work, 'node_modules', 'sluice')

function run(title: string, command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { cwd: work, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
    console.log(`checked: ${title}`)
  } catch (failure) {
    const { stdout, stderr } = failure as { stdout: string; stderr: string }
    throw new Error(`${title} failed:\n${stdout}${stderr}`, { cause: failure })
  }
}

/** The public entries, read from the unpacked files the way Node reads `exports`: a pattern is every file it matches. */
function entries(): string[] {
  const { exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string } | null>
  }
  return Object.entries(exports).flatMap(([name, target]) => {
    if (target === null || typeof target === 'string') return []
    if (!name.includes('*')) return existsSync(join(home, target.default)) ? [join('sluice', name)] : []
    const folder = join(home, target.default.slice(0, target.default.indexOf('*')))
    if (!existsSync(folder)) return []
    const files = readdirSync(folder, { withFileTypes: true })
    for (const part of files.filter(file => file.isDirectory())) {
      const hidden = name.replace('*', `${part.name}/*`)
      if (exports[hidden] !== null)
        throw new Error(`parts are private: package.json needs "exports": { "${hidden}": null }`)
    }
    return files
      .map(file => file.name)
      .filter(file => file.endsWith('.js'))
      .map(file => join('sluice', name.replace('*', file.slice(0, -3))))
  })
}

/** The private condition's files do not ship, on purpose; a room that is still empty has nothing to match. */
async function lint(tarball: string): Promise<void> {
  const { buffer } = new Uint8Array(readFileSync(tarball))
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
  const wrong = messages.filter(({ path }) => {
    const room = path[1]?.split('/')[1] ?? '.'
    return !path.includes('sluice-source') && existsSync(join(root, room))
  })
  if (wrong.length > 0) throw new Error(wrong.map(message => formatMessage(message, pkg)).join('\n'))
  console.log('checked: publint')
}

try {
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', work], { cwd: root })
  const tarball = readdirSync(work).find(file => file.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack made no tarball')

  mkdirSync(home, { recursive: true })
  run('unpack', 'tar', '-xzf', tarball, '-C', home, '--strip-components=1')
  // What an install of the package brings, and the types of Node; those we develop with are not there.
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'peerDependencies',
    object
  >
  const installed = [...Object.keys(dependencies), ...Object.keys(peerDependencies)]
  for (const name of ['tslib', ...installed, '@types/node', 'undici-types']) {
    mkdirSync(dirname(join(work, 'node_modules', name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(work, 'node_modules', name), 'dir')
  }
  const all = entries()
  const tool = (...path: string[]): string => join(root, 'node_modules', ...path)

  await lint(join(work, tarball))
  run(
    'are the types wrong',
    process.execPath,
    tool('@arethetypeswrong', 'cli', 'dist', 'index.js'),
    ...[tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii', '--entrypoints'],
    ...all.map(name => relative('sluice', name) || '.'),
  )

  // Angular's packages are linked when an application is built; where none is, its compiler has to be there.
  const compiler = `await import('${pathToFileURL(tool('@angular', 'compiler', 'fesm2022', 'compiler.mjs')).href}')\n`
  writeFileSync(join(work, 'load.mjs'), compiler + all.map(name => `await import('${name}')\n`).join(''))
  run(`Node ${process.version} loads ${all.length} entries`, process.execPath, 'load.mjs')

  writeFileSync(join(work, 'package.json'), '{ "type": "module" }')
  writeFileSync(
    join(work, 'consumer.ts'),
    all.map((name, at) => `import * as e${at} from '${name}'\nexport const u${at}: unknown = e${at}\n`).join(''),
  )
  for (const [version, tsc] of [
    ['6', tool('typescript', 'bin', 'tsc')],
    ['7', tool('typescript7', 'bin', 'tsc')],
  ] as const) {
    for (const [module, resolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ] as const) {
      const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--types', 'node']
      const lib = ['--target', 'es2022', '--lib', 'es2023,dom,dom.iterable,esnext.disposable']
      const how = ['--module', module, '--moduleResolution', resolution]
      run(`TypeScript ${version} × ${resolution}`, process.execPath, tsc, ...flags, ...lib, ...how, 'consumer.ts')
    }
  }

  // What a browser can import must bundle without a single Node built-in; esbuild fails on one it cannot resolve.
  const web = all.filter(name => !/\/(engines\/(undici|http2|http)|streams\/download|stores\/.+|testing)$/.test(name))
  for (const name of web) {
    await build({
      stdin: { contents: `import * as entry from '${name}'; globalThis.entry = entry`, resolveDir: work },
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'esm',
      target: 'es2022',
      logLevel: 'silent',
    }).catch((failure: unknown) => {
      throw new Error(`${name} does not bundle for a browser: ${String(failure)}`)
    })
  }
  console.log(`checked: a browser bundles ${web.length} entries`)
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure)
  process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}
