import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs, { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Subscription } from 'rxjs'
import { createClient, type Client } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { download, type DownloadEvent, type DownloadOptions } from 'sluice/streams/download'
import { serve, type TestServer } from 'sluice/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Folder, honest, made, MIB, quick, rangeOf, sha256 } from './serving.ts'

const BYTES = made(24 * MIB)
const clientOf = (): Client => createClient({ engine: undici(), plugins: [] })
const children: ChildProcess[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'close')
  }
})

/** Serves the file; of the first request of each range only so many bytes, then silence. */
function stalling(bytes: number, requests: number): Promise<TestServer> {
  return serve({
    '/file': request =>
      honest(request, BYTES, request.index < requests ? { fault: { kind: 'stall', at: 'mid-body', bytes } } : {}),
  })
}

/** Downloads in a process of its own; waits until so much is there. */
async function elsewhere(
  url: string,
  file: string,
  until: number,
  options: DownloadOptions = {},
): Promise<ChildProcess> {
  const program = `
    import { createClient } from 'sluice'
    import { download } from 'sluice/streams/download'
    download(createClient({ plugins: [] }), ${JSON.stringify(url)}, ${JSON.stringify(file)}, ${JSON.stringify({ interval: 0, ...options })})
      .subscribe({
        next: event => process.stdout.write((event.loaded ?? event.type) + '\\n'),
        error: error => process.stdout.write(error.message + '\\n'),
      })`
  const child = spawn(
    process.execPath,
    ['--conditions=sluice-source', '--input-type=module', '--no-warnings', '-e', program],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: new URL('../../..', import.meta.url) },
  )
  children.push(child)
  await new Promise<void>(resolve => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.split('\n').some(line => Number(line) >= until)) resolve()
    })
  })
  return child
}

/** Leaves a download of several ranges when so much is there. */
async function left(client: Client, url: string, folder: Folder, until: number): Promise<void> {
  const call = new Subscription()
  await new Promise<void>((resolve, reject) => {
    call.add(
      download(client, url, folder.file, { ...quick, ranges: 4, keep: true }).subscribe({
        next: event => {
          if (event.type === 'progress' && event.loaded >= until) resolve()
        },
        error: reject,
      }),
    )
  })
  call.unsubscribe()
}

const partOf = (folder: Folder): string => join(folder.path, folder.names.find(name => name.endsWith('.part')) ?? '')
const recordOf = (folder: Folder): string => `${folder.file}.part.json`
const because = (events: readonly DownloadEvent[]): string[] =>
  events.flatMap(event => (event.type === 'resumed' ? ['resumed'] : event.type === 'restarted' ? [event.because] : []))

describe('what was tampered with', () => {
  it('has no holes where the bytes of a range are gone', async () => {
    using folder = new Folder()
    await using server = await stalling(2 * MIB, 4)
    await using client = clientOf()
    await left(client, `${server.url}file`, folder, 7 * MIB)
    truncateSync(partOf(folder), MIB)
    const events = await folder.fill(client, `${server.url}file`)
    expect(sha256(readFileSync(folder.file))).toBe(sha256(BYTES))
    expect(because(events)).toEqual([])
    expect(folder.names).toEqual(['big.iso'])
  })

  it('has no more requests than a download can have', async () => {
    using folder = new Folder()
    await using server = await stalling(2 * MIB, 4)
    await using client = clientOf()
    await left(client, `${server.url}file`, folder, 7 * MIB)
    const record = JSON.parse(readFileSync(recordOf(folder), 'utf8')) as { ranges: number[][] }
    const step = BYTES.length / 1024
    record.ranges = Array.from({ length: 1024 }, (_, at) => [at * step, at * step, (at + 1) * step])
    writeFileSync(recordOf(folder), JSON.stringify(record))
    const before = server.requests.length
    await folder.fill(client, `${server.url}file`)
    expect(server.requests.length - before).toBeLessThan(17)
    expect(sha256(readFileSync(folder.file))).toBe(sha256(BYTES))
  })

  it('is no part of the file, wherever its record was cut', async () => {
    using folder = new Folder()
    const small = made(200_000)
    await using server = await serve({
      '/file': request =>
        honest(request, small, request.index === 0 ? { fault: { kind: 'stall', at: 'mid-body', bytes: 100_000 } } : {}),
    })
    await using client = clientOf()
    await left(client, `${server.url}file`, folder, 50_000)
    const [record, part, bytes] = [readFileSync(recordOf(folder)), partOf(folder), readFileSync(partOf(folder))]
    for (let length = 0; length <= record.length; length++) {
      writeFileSync(part, bytes)
      writeFileSync(recordOf(folder), record.subarray(0, length))
      const events = await folder.fill(client, `${server.url}file`, { overwrite: true })
      expect(because(events)).toEqual(length === record.length ? ['resumed'] : [])
      expect(Buffer.compare(readFileSync(folder.file), small)).toBe(0)
    }
    expect(folder.names).toEqual(['big.iso'])
  })

  it.skipIf(process.platform === 'win32')('holds nobody up where a pipe stands in its place', async () => {
    using folder = new Folder()
    execFileSync('mkfifo', [recordOf(folder)])
    const program = `
      import { read } from ${JSON.stringify(new URL('../../../streams/download/record.ts', import.meta.url).href)}
      console.log(read(${JSON.stringify(folder.file)}))`
    const { stdout, signal } = spawnSync(
      process.execPath,
      ['--conditions=sluice-source', '--input-type=module', '--no-warnings', '-e', program],
      { timeout: 10_000, encoding: 'utf8', cwd: new URL('../../..', import.meta.url) },
    )
    expect([stdout, signal]).toEqual(['undefined\n', null])
    await using server = await serve({ '/file': request => honest(request, BYTES) })
    await using client = clientOf()
    await folder.fill(client, `${server.url}file`)
    expect(folder.names).toEqual(['big.iso'])
  })
})

describe('a disk that is full', () => {
  it('when the record is written leaves nothing of it', async () => {
    using folder = new Folder()
    await using server = await serve({ '/file': request => honest(request, BYTES) })
    await using client = clientOf()
    const full = (): never => {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' })
    }
    vi.spyOn(fs, 'writeSync').mockImplementation(full)
    vi.spyOn(fs, 'writeFileSync').mockImplementation(full)
    syncBuiltinESMExports()
    await expect(folder.fill(client, `${server.url}file`)).rejects.toMatchObject({
      code: 'BODY',
      cause: { code: 'ENOSPC' },
    })
    expect(folder.names).toEqual([])
  })

  it('takes less of a record than it was given, and gets the rest', async () => {
    using folder = new Folder()
    await using server = await stalling(2 * MIB, 4)
    await using client = clientOf()
    const { writeSync } = fs
    vi.spyOn(fs, 'writeSync').mockImplementation(((
      handle: number,
      data: Uint8Array | string,
      from: number | null = 0,
      length?: number,
    ) => {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data
      const at = from ?? 0
      return writeSync(handle, bytes, at, Math.min(length ?? bytes.length - at, 20))
    }) as typeof writeSync)
    syncBuiltinESMExports()
    await left(client, `${server.url}file`, folder, 7 * MIB)
    expect(JSON.parse(readFileSync(recordOf(folder), 'utf8'))).toMatchObject({ ranges: [{}, {}, {}, {}] })
  })
})

it('says so when the directory is gone before the end', async () => {
  using folder = new Folder()
  await using server = await serve({ '/file': request => honest(request, BYTES) })
  await using client = clientOf()
  const call = new Promise((resolve, reject) => {
    download(client, `${server.url}file`, folder.file, { ...quick, ranges: 2 }).subscribe({
      next: event => {
        if (event.type === 'progress' && event.loaded > MIB) rmSync(folder.path, { recursive: true, force: true })
      },
      error: reject,
      complete: () => {
        resolve(undefined)
      },
    })
  })
  await expect(call).rejects.toMatchObject({ code: 'BODY' })
  expect(existsSync(folder.path)).toBe(false)
})

describe('another process', () => {
  it('that is at the same file is left alone, whoever is first', async () => {
    using folder = new Folder()
    await using server = await serve({
      '/file': request =>
        honest(request, BYTES, request.index === 0 ? { fault: { kind: 'stall', at: 'mid-body', bytes: 2 * MIB } } : {}),
    })
    await using client = clientOf()
    const child = await elsewhere(`${server.url}file`, folder.file, MIB)
    const theirs = partOf(folder)
    const events = await folder.fill(client, `${server.url}file`)
    expect(because(events)).toEqual([])
    expect(existsSync(theirs)).toBe(true)
    expect(sha256(readFileSync(folder.file))).toBe(sha256(BYTES))
    child.kill('SIGKILL')
    await once(child, 'close')
  })

  it.skipIf(process.platform !== 'linux')(
    'that only has the number of the one that was killed keeps nobody away',
    async () => {
      using folder = new Folder()
      await using server = await stalling(2 * MIB, 4)
      await using client = clientOf()
      await left(client, `${server.url}file`, folder, 7 * MIB)
      const record = JSON.parse(readFileSync(recordOf(folder), 'utf8')) as object
      writeFileSync(recordOf(folder), JSON.stringify({ ...record, writer: process.ppid }))
      const events = await folder.fill(client, `${server.url}file`)
      expect(because(events)).toEqual(['resumed', 'resumed', 'resumed', 'resumed'])
      expect(folder.names).toEqual(['big.iso'])
    },
  )

  it('that was killed over several ranges is gone on with, each where it was', async () => {
    using folder = new Folder()
    await using server = await stalling(3 * MIB, 4)
    await using client = clientOf()
    const child = await elsewhere(`${server.url}file`, folder.file, 11 * MIB, { ranges: 4 })
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(folder.names).not.toContain('big.iso')
    const events = await folder.fill(client, `${server.url}file`)
    expect(because(events)).toEqual(['resumed', 'resumed', 'resumed', 'resumed'])
    // At most what came since it was last written down is asked for again.
    const asked = server.requests.slice(4).map(request => (rangeOf(request)?.to ?? 0) - (rangeOf(request)?.from ?? 0))
    expect(asked.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(BYTES.length - 8 * MIB)
    expect(sha256(readFileSync(folder.file))).toBe(sha256(BYTES))
    expect(folder.names).toEqual(['big.iso'])
  })

  it('goes on with what this one kept', async () => {
    using folder = new Folder()
    await using server = await stalling(2 * MIB, 4)
    await using client = clientOf()
    await left(client, `${server.url}file`, folder, 7 * MIB)
    await elsewhere(`${server.url}file`, folder.file, BYTES.length)
    while (!existsSync(folder.file)) await sleep(5)
    expect(server.requests.slice(4).map(request => rangeOf(request) !== undefined)).toEqual([true, true, true, true])
    expect(sha256(readFileSync(folder.file))).toBe(sha256(BYTES))
  })
})
