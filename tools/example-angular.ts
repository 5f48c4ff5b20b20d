/**
 * Builds the Angular application of examples/angular as a user would: from the package that is published, with an install of its
 * own. Serves it and prints its url; with `--check`, drives it in Chromium instead and keeps pictures in docs/images.
 *
 *   npm run example:angular [-- --check]
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '..')
const app = join(root, 'examples', 'angular')
const packed = join(app, '.sluice')
const check = process.argv.includes('--check')

function run(title: string, folder: string, command: string, ...args: string[]): void {
  const start = performance.now()
  try {
    execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
  } catch (failure) {
    const { stdout, stderr } = failure as { stdout: string; stderr: string }
    console.error(`${title} failed:\n${stdout}${stderr}`)
    process.exit(1)
  }
  console.log(`${title}: ${((performance.now() - start) / 1_000).toFixed(0)} s`)
}

mkdirSync(packed, { recursive: true })
run('the package', root, 'npm', 'run', 'build')
run('packing it', root, 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', packed)
const tarball = readdirSync(packed).find(file => file.endsWith('.tgz')) ?? ''
// With --no-save the manifest of the example stays as it is, whatever the package's version.
run('the packages of Angular', app, 'npm', 'install', '--no-save', '--ignore-scripts', join(packed, tarball))
run('the application', app, process.execPath, join('node_modules', '@angular', 'cli', 'bin', 'ng.js'), 'build')

const server = spawn(process.execPath, [join('server', 'main.ts')], { cwd: app, stdio: ['ignore', 'pipe', 'inherit'] })
const [url] = (await once(createInterface(server.stdout), 'line')) as [string]
console.log(url)
if (check) {
  const driven = spawn(process.execPath, [join('tools', 'drive-angular.ts'), url], { cwd: root, stdio: 'inherit' })
  const [code] = (await once(driven, 'exit')) as [number]
  server.kill()
  process.exitCode = code
}
