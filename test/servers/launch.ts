/** Starts real servers on loopback, as somebody without rights, with their files in a folder of their own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, chownSync, constants, existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { certificates } from '../support/certificates.ts'

/** The user servers run as when the tests run as root: the one Debian calls nobody. */
const NOBODY = process.getuid?.() === 0 ? 65_534 : undefined

/** How long a server may take to listen, and to end when it is asked to, in milliseconds. */
const PATIENCE = 10_000

/** The programs, and the Debian packages they come in. */
const PACKAGES = {
  nginx: 'nginx-light',
  apache2: 'apache2',
  haproxy: 'haproxy',
  nghttpd: 'nghttp2-server',
  squid: 'squid',
  tinyproxy: 'tinyproxy',
  danted: 'dante-server libnss-wrapper',
  nghttpx: 'nghttp2-proxy',
} as const

/** How a server is started. */
export interface Recipe {
  readonly program: keyof typeof PACKAGES
  /** How many ports of 127.0.0.1 it needs, or which. */
  readonly ports: number | readonly number[]
  /** Writes what it needs into `folder`, which has `good.crt` and `good.key`, and answers with its arguments. */
  readonly prepare: (folder: string, ports: readonly number[]) => readonly string[] | Promise<readonly string[]>
  /** What its environment has beside ours. Default: nothing. */
  readonly environment?: (folder: string) => Readonly<Record<string, string>>
}

/** A server that runs. */
export interface RealServer extends AsyncDisposable {
  readonly folder: string
  readonly ports: readonly number[]
  /** Sends it a signal; it is the main process, which passes on what concerns its workers. */
  signal(name: NodeJS.Signals): void
  /** What it wrote to a file of its folder so far. */
  read(file: string): Promise<string>
  /** Stops it and removes its folder. */
  close(): Promise<void>
}

/** Starts a server and resolves when it listens on all its ports. Rejects with what it said when it does not. */
export async function launch(recipe: Recipe): Promise<RealServer> {
  const program = find(recipe.program)
  // A port that is free now may be taken a moment later.
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-servers-'))
    try {
      return await launchIn(folder, program, recipe)
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      if (attempt === 3) throw error
    }
  }
}

async function launchIn(
  folder: string,
  program: string,
  { ports: wanted, prepare, environment }: Recipe,
): Promise<RealServer> {
  const { good } = certificates()
  await writeFile(join(folder, 'good.crt'), good.cert)
  await writeFile(join(folder, 'good.key'), good.key)
  const ports = typeof wanted === 'number' ? await freePorts(wanted) : wanted
  const given = await prepare(folder, ports)
  if (NOBODY !== undefined) chownSync(folder, NOBODY, NOBODY)
  chmodSync(folder, 0o755)
  const child = spawn(program, given, {
    cwd: folder,
    env: { ...process.env, ...environment?.(folder) },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(NOBODY === undefined ? {} : { uid: NOBODY, gid: NOBODY }),
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000)
    })
  }
  // The tests end it; it does not keep them from ending, and does not outlive them.
  child.unref()
  const orphaned = (): void => {
    child.kill('SIGTERM')
  }
  process.once('exit', orphaned)
  child.once('exit', () => {
    process.off('exit', orphaned)
  })
  const close = async (): Promise<void> => {
    await end(child)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    for (const port of ports) await listening(child, port)
  } catch (error) {
    await end(child)
    throw new Error(`${program} does not run: ${said.trim()}`, { cause: error })
  }
  return {
    folder,
    ports,
    signal: name => {
      child.kill(name)
    },
    read: file => readFile(join(folder, file), 'utf8'),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Where a program is. Daemons live where the PATH of users does not lead. */
function find(program: keyof typeof PACKAGES): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const path = folders.map(folder => join(folder, program)).find(file => existsSync(file))
  if (path === undefined) {
    throw new Error(`There is no ${program} on this machine; on Debian: apt-get install ${PACKAGES[program]}`)
  }
  accessSync(path, constants.X_OK)
  return path
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports
}

/** Waits until somebody listens on the port, or the process that should has ended. */
async function listening(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + PATIENCE
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended with ${String(child.exitCode)}`)
    if (performance.now() > deadline) throw new Error(`nobody listens on port ${port} after ${PATIENCE} ms`)
    await delay(10)
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const stopWaiting = new AbortController()
  const late = delay(PATIENCE, 'late', { signal: stopWaiting.signal }).catch(() => 'stopped')
  if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL')
  stopWaiting.abort()
  await ended
}
