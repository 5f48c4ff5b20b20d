import { hash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs'
import { createClient, recommended, type Client } from 'sluice'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { reply, serve, type Reply, type TestServer } from 'sluice/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { mirror } from '../../examples/mirror/mirror.ts'
import { run, start } from './program.ts'

const SIZE = 300_000

let folder: string
let client: Client
let server: TestServer
/** What the server has, and what it says of it. */
let files: Record<string, string>
let listed: { path: string; sha256: string }[]
/** Whether files stop after their first third until they are let go, one by one. */
let held: boolean
let waiting: (() => void)[]
/** How many files are being sent, and how many at most. */
let serving: number
let most: number

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-mirror-'))
  held = false
  waiting = []
  serving = most = 0
  server = await serve({
    'GET /index.json': () => reply.json(listed),
    'GET /ping': reply.text('pong'),
    'GET /files/*': ({ params, headers }) => file(files[params['*'] ?? ''], headers['range']),
  })
  client = createClient({ baseUrl: server.url, plugins: recommended(expectSuccess()) })
})

afterEach(async () => {
  await client.close()
  await server.until(({ open }) => open === 0)
  await server.close()
  await rm(folder, { recursive: true })
})

function has(...names: readonly string[]): void {
  files = Object.fromEntries(names.map(name => [name, name.repeat(SIZE / name.length)]))
  listed = Object.entries(files).map(([path, text]) => ({ path, sha256: hash('sha256', text) }))
}

function file(text: string | undefined, range: string | undefined): Reply {
  if (text === undefined) return reply.status(404)
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
  const headers = { etag: `"${hash('sha256', text)}"`, 'content-length': text.length - from }
  if (from === 0) return { headers, body: inThirds(text) }
  const contentRange = `bytes ${from}-${text.length - 1}/${text.length}`
  return { status: 206, headers: { ...headers, 'content-range': contentRange }, body: text.slice(from) }
}

/** Counts as being sent until its last byte is about to be: only then can the next one be asked for. */
async function* inThirds(text: string): AsyncGenerator<string> {
  most = Math.max(most, ++serving)
  yield text.slice(0, SIZE / 3)
  if (held) await new Promise<void>(resolve => waiting.push(resolve))
  serving -= 1
  yield text.slice(SIZE / 3)
}

const on = (path: string): Promise<string> => readFile(join(folder, path), 'utf8')

function asked(): readonly (readonly [string, string | undefined])[] {
  const requests = server.requests.filter(({ target }) => target.startsWith('/files/'))
  return requests.map(({ target, headers }) => [target.slice('/files/'.length), headers['range']])
}

/** What is in the folder, parts left out. */
async function copied(): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const found = names.filter(entry => entry.isFile()).map(entry => relative(folder, join(entry.parentPath, entry.name)))
  return found.filter(name => files[name] !== undefined).toSorted()
}

/** Resolves when so many bytes of unfinished files are in the folder. */
function parts(bytes: number): Promise<void> {
  const sizes = async (): Promise<number> => {
    const names = await readdir(folder)
    const all = await Promise.all(names.map(name => stat(join(folder, name))))
    return all.reduce((sum, { size }) => sum + size, 0)
  }
  return expect.poll(sizes, { interval: 5, timeout: 10_000 }).toBeGreaterThanOrEqual(bytes)
}

it('runs as a program, and ends by itself', async () => {
  const { stdout, stderr, code } = await run('mirror', [], { TMPDIR: folder })
  expect(stdout.split('\n').toSorted()).toEqual(['', ...Array.from('abcdefgh', name => `${name} done `)])
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
}, 30_000)

it.each([1, 4, 6])('asks for %i files at a time, as the server counts them', async atATime => {
  has(...'abcdefghij')
  held = true
  const done = lastValueFrom(mirror(client, folder, atATime))
  for (let released = 0; released <= 10 - atATime; released++) {
    await expect.poll(() => waiting.length, { interval: 1, timeout: 5_000 }).toBe(atATime)
    // What was to be asked for by now has been: it would have come before this.
    await firstValueFrom(client.get('ping'))
    expect(asked()).toHaveLength(atATime + released)
    waiting.shift()?.()
  }
  held = false
  for (const letGo of waiting) letGo()
  await done
  expect(most).toBe(atATime)
  expect(await copied()).toEqual([...'abcdefghij'])
})

it('goes on with what a killed run left, and leaves alone what is there', async () => {
  has('a', 'in/b')
  await lastValueFrom(mirror(client, folder))
  has('a', 'in/b', 'c')
  held = true
  const program = start('mirror', [server.url, folder])
  await parts(SIZE + SIZE / 3)
  program.kill('SIGKILL')
  expect(await program.done).toMatchObject({ code: undefined })
  held = false
  expect(await run('mirror', [server.url, folder])).toEqual({ stdout: 'c resumed \nc done \n', stderr: '', code: 0 })
  expect(asked().slice(2)).toEqual([
    ['c', undefined],
    ['c', `bytes=${SIZE / 3}-`],
  ])
  expect(await on('c')).toBe(files['c'])
  expect(await copied()).toEqual(['a', 'c', 'in/b'])
}, 30_000)

it('ends all downloads when it is left, and the next run goes on with them', async () => {
  has('a', 'b', 'c')
  held = true
  const left = mirror(client, folder).subscribe()
  await parts(SIZE)
  left.unsubscribe()
  await server.until(({ requests }) => requests.filter(({ brokenAt }) => brokenAt !== undefined).length === 3)
  await parts(SIZE)
  held = false
  const events = await lastValueFrom(mirror(client, folder).pipe(toArray()))
  const resumed = events.filter(({ type }) => type === 'resumed')
  expect(resumed.map(({ path }) => path).toSorted()).toEqual(['a', 'b', 'c'])
  expect(await on('b')).toBe(files['b'])
})

it('asks again for a file that is another one now', async () => {
  has('a', 'b')
  await lastValueFrom(mirror(client, folder))
  await writeFile(join(folder, 'b'), 'somebody else was here')
  await lastValueFrom(mirror(client, folder))
  expect(asked().slice(2)).toEqual([['b', undefined]])
  expect(await on('b')).toBe(files['b'])
})

const failing: readonly (readonly [string, () => void, object])[] = [
  ['is not what the list says', () => (files['b'] = 'x'.repeat(SIZE)), { code: 'BODY' }],
  ['is not there', () => delete files['b'], { code: 'STATUS' }],
  [
    'would be outside of the folder',
    () => (listed[1] = { path: '../b', sha256: hash('sha256', 'b') }),
    { message: '../b leads out of the folder.' },
  ],
  [
    'would be the folder itself',
    () => (listed[1] = { path: '.', sha256: hash('sha256', 'b') }),
    { message: '. leads out of the folder.' },
  ],
]

it.each(failing)('copies the others when one %s', async (_, breaks, error) => {
  has('a', 'b', 'c')
  breaks()
  const events = await lastValueFrom(mirror(client, folder).pipe(toArray()))
  expect(events.filter(({ type }) => type === 'failed')).toMatchObject([{ error }])
  expect(await copied()).toEqual(['a', 'c'])
  expect(await readdir(join(folder, '..'))).not.toContain('b')
})

it('asks for names as they are, and says so when one cannot be had', async () => {
  has('a b?.txt', 'c#%2F{x}', 'd')
  delete files['d']
  const { stdout, code } = await run('mirror', [server.url, folder])
  expect(await copied()).toEqual(['a b?.txt', 'c#%2F{x}'])
  expect(stdout).toContain('d failed HttpError: ')
  expect(code).toBe(1)
}, 30_000)

it('says what is wrong with the list', async () => {
  listed = []
  const elsewhere = createClient({ baseUrl: `${server.url}elsewhere/`, plugins: recommended(expectSuccess()) })
  await expect(lastValueFrom(mirror(elsewhere, folder))).rejects.toMatchObject({ code: 'STATUS' })
  await elsewhere.close()
})
