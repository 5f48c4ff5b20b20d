/** Examples as who reads them runs them: a program of its own, on the sources. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from '../house/files.ts'

/** What a program left. */
export interface Ran {
  readonly stdout: string
  readonly stderr: string
  /** Its exit code; `undefined` when a signal ended it. */
  readonly code: number | undefined
}

/** A program that runs. */
export interface Running {
  readonly done: Promise<Ran>
  readonly kill: (signal: NodeJS.Signals) => void
}

/** Starts `examples/<name>/main.ts`. One that does not end by itself is killed after 20 s, and has no code. */
export function start(name: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Running {
  const main = join(ROOT, 'examples', name, 'main.ts')
  const options = { timeout: 20_000, killSignal: 'SIGKILL', env: { ...process.env, ...env } } as const
  const { promise, resolve } = Promise.withResolvers<Ran>()
  const child = execFile(
    process.execPath,
    ['--conditions=sluice-source', main, ...args],
    options,
    (error, out, err) => {
      resolve({ stdout: out, stderr: err, code: error === null ? 0 : codeOf(error.code) })
    },
  )
  return { done: promise, kill: signal => child.kill(signal) }
}

/** Runs it to its end. */
export function run(name: string, args?: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ran> {
  return start(name, args, env).done
}

function codeOf(code: unknown): number | undefined {
  return typeof code === 'number' ? code : undefined
}
