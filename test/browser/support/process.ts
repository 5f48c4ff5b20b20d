/** Another runtime, from the npm registry, with the fetch engine in it. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Capabilities, EngineFactory } from '../../../src/index.ts'
import { program } from './program.ts'
import { Channel, remote } from './remote.ts'
import type { ToNode } from './wire.ts'

/** A runtime that was started. */
export interface Runtime {
  readonly capabilities: Capabilities
  /** Its fetch engine as one that a client in Node can use. */
  readonly factory: EngineFactory
  close(): Promise<void>
}

/** Starts a program of an npm package, as in `start('deno@2.9.6', 'deno', 'run', '--allow-net')`. */
export async function start(npmPackage: string, command: string, ...args: string[]): Promise<Runtime> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-runtime-'))
  const file = join(folder, 'program.mjs')
  await writeFile(file, await program('runtime'))
  const child = spawn('npm', ['exec', '--yes', `--package=${npmPackage}`, '--', command, ...args, file], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const gone = new Promise<void>(resolve => child.once('close', () => resolve()))
  child.stdin.on('error', () => {})
  const channel = new Channel(messages => {
    child.stdin.write(`${JSON.stringify(messages)}\n`)
  })
  const first = Promise.withResolvers<string>()
  let hear = (line: string): void => {
    hear = text => {
      channel.hear(JSON.parse(text) as ToNode)
    }
    first.resolve(line)
  }
  createInterface(child.stdout).on('line', line => {
    hear(line)
  })
  void gone.then(() => {
    first.reject(new Error(`${command} has ended`))
  })
  const capabilities = JSON.parse(await first.promise) as Capabilities
  return {
    capabilities,
    factory: remote(channel, 'fetch', capabilities),
    async close() {
      child.stdin.end()
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}
