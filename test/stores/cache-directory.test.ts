import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import fc from 'fast-check'
import { firstValueFrom, lastValueFrom } from 'rxjs'
import { createClient, recommended } from 'sluice'
import { cache, type CacheStore } from 'sluice/plugins/cache'
import { cacheDirectory } from 'sluice/stores/cache-directory'
import { reply, serve } from 'sluice/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { bytes, cacheStoreContract, FOREVER, keep, KEY, kept, only, textOf } from './cache-contract.ts'

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'sluice-cache-'))
  folders.push(made)
  return made
}

/** Every file below a folder, by its path from there. */
async function files(path: string): Promise<readonly string[]> {
  const all = await readdir(path, { recursive: true, withFileTypes: true })
  return all.filter(one => !one.isDirectory()).map(({ parentPath, name }) => join(parentPath, name))
}

async function theFile(path: string): Promise<string> {
  const [file, ...others] = await files(path)
  if (file === undefined || others.length > 0) throw new Error(`not one file: ${String(file)}, ${others.join(', ')}`)
  return file
}

describe('as a store', () => {
  cacheStoreContract(async () => cacheDirectory(join(await folder(), 'not', 'there'), { maxEntry: 100_000 }))
})

describe('the directory', () => {
  it('is for its owner alone, and tells nothing by its names', async () => {
    const path = join(await folder(), 'cache')
    const store = cacheDirectory(path)
    await keep(store, 'hello', { key: 'GET https://api.test/secret?token=1', variant: 'accept: secret' })
    const file = await theFile(path)
    expect(file).toMatch(/v1.[0-9a-f]{2}.[0-9a-f]{64}\.[0-9a-f]{64}$/)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    for (const one of [path, join(path, 'v1'), join(file, '..')]) expect((await stat(one)).mode & 0o777).toBe(0o700)
    const writer = await store.begin(KEY, '', { until: FOREVER })
    const all = await files(path)
    expect(all.join(' ')).not.toMatch(/secret|token|api/)
    for (const one of all) expect((await stat(one)).mode & 0o777).toBe(0o600)
    writer?.abort()
    await store.close?.()
    expect(await files(path)).toEqual([file])
  })

  it('is closed to others where it was open to them', async () => {
    const path = await folder()
    await mkdir(join(path, 'v1'))
    await chmod(join(path, 'v1'), 0o777)
    await keep(cacheDirectory(path), 'a')
    expect((await stat(join(path, 'v1'))).mode & 0o777).toBe(0o700)
  })

  it('keeps nothing and reads nothing where it is a link to somewhere else', async () => {
    const [path, elsewhere] = [await folder(), await folder()]
    await keep(cacheDirectory(elsewhere), 'planted')
    await symlink(join(elsewhere, 'v1'), join(path, 'v1'))
    const store = cacheDirectory(path)
    expect(await kept(store)).toEqual([])
    expect(await store.begin(KEY, '', { until: FOREVER })).toBeUndefined()
  })

  it('is there for the next one who opens it', async () => {
    const path = await folder()
    const first = cacheDirectory(path)
    await keep(first, 'one', { variant: 'a', meta: { n: 1 } })
    await keep(first, 'two', { variant: 'b' })
    await first.close?.()
    expect(await kept(cacheDirectory(path))).toEqual(['two', 'one'])
  })

  it('tells each process that shares it what the others have learned of an entry', async () => {
    const path = await folder()
    const [one, other] = [cacheDirectory(path), cacheDirectory(path)]
    await keep(one, 'x', { meta: { n: 0 } })
    for (let n = 1; n < 50; n++) {
      const { id, meta } = await only(one)
      expect(meta['n']).toBe(n === 1 ? 0 : n - 1)
      // The second file may get the number of the first one, which is gone.
      for (let again = 0; again < 2; again++) await other.update(KEY, id, { until: FOREVER, n })
    }
  })

  it('holds no handle that is not used', async () => {
    const path = await folder()
    const store = cacheDirectory(path)
    for (let n = 0; n < 20; n++) await keep(store, 'x', { key: `${n}` })
    const entries = (await Promise.all(Array.from({ length: 20 }, async (_, n) => store.list(`${n}`)))).flat()
    await Promise.all(entries.map(async entry => entry.body()))
    const writer = await store.begin(KEY, '', { until: FOREVER })
    writer?.abort()
    await store.close?.()
    const held = (await readdir('/proc/self/fd', { withFileTypes: true })).length
    await keep(store, 'x')
    expect((await readdir('/proc/self/fd', { withFileTypes: true })).length).toBe(held)
    expect((await files(path)).filter(name => name.includes('writing'))).toEqual([])
  })

  it('gives the same description as long as nothing changes', async () => {
    const store = cacheDirectory(await folder())
    await keep(store, 'x')
    const first = await only(store)
    await first.body()
    expect((await only(store)).meta).toBe(first.meta)
    await store.update(KEY, first.id, { until: FOREVER, n: 1 })
    expect((await only(store)).meta).not.toBe(first.meta)
  })
})

describe('several that share it', () => {
  it('see what the others keep, change and remove', async () => {
    const path = await folder()
    const [one, other] = [cacheDirectory(path), cacheDirectory(path)]
    await keep(one, 'a', { variant: 'a' })
    expect(await kept(other)).toEqual(['a'])
    await keep(other, 'longer', { variant: 'a', meta: { n: 1 } })
    expect(await kept(one)).toEqual(['longer'])
    const { id } = await only(one)
    await one.update(KEY, id, { until: FOREVER, n: 22 })
    expect((await only(other)).meta).toEqual({ until: FOREVER, n: 22 })
    await one.remove(KEY)
    expect(await kept(other)).toEqual([])
  })

  it('get the answer that was listed or none, when it is replaced in between', async () => {
    const path = await folder()
    const [one, other] = [cacheDirectory(path), cacheDirectory(path)]
    await keep(one, 'old!!')
    const entry = await only(other)
    await keep(one, 'new!!')
    expect(await textOf(entry)).toBeUndefined()
    expect(await kept(other)).toEqual(['new!!'])
  })
})

describe('what is not as it was written', () => {
  const META = { until: FOREVER, etag: '"1"' }

  it('at any byte is not served, and is removed', async () => {
    const path = await folder()
    await keep(cacheDirectory(path), 'the body', { meta: META })
    const file = await theFile(path)
    const whole = await readFile(file)
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
      await writeFile(file, flipped)
      const store = cacheDirectory(path)
      const [entry] = await store.list(KEY)
      // What is known of it is checked by itself, before anybody decides by it.
      if (entry !== undefined) expect(entry.meta).toEqual(META)
      expect(await textOf(entry)).toBeUndefined()
      expect(await files(path)).toEqual([])
    }
  })

  it('because it was cut at any byte is not served, and is removed', async () => {
    const path = await folder()
    await keep(cacheDirectory(path), 'the body', { meta: META })
    const file = await theFile(path)
    const whole = await readFile(file)
    for (let length = 0; length < whole.length; length++) {
      await writeFile(file, whole.subarray(0, length))
      const [entry] = await cacheDirectory(path).list(KEY)
      expect(await textOf(entry)).toBeUndefined()
      expect(await files(path)).toEqual([])
    }
    await writeFile(file, Buffer.concat([whole, Buffer.from('more')]))
    expect(await kept(cacheDirectory(path))).toEqual([undefined])
    await writeFile(file, whole)
    expect(await kept(cacheDirectory(path))).toEqual(['the body'])
  })

  it('is found out after it was listed', async () => {
    const path = await folder()
    const store = cacheDirectory(path)
    await keep(store, 'the body')
    const entry = await only(store)
    const file = await theFile(path)
    const whole = await readFile(file)
    const { mtime } = await stat(file)
    await writeFile(file, whole.fill(0, whole.length - 36, whole.length - 33))
    await utimes(file, mtime, mtime)
    expect(await textOf(entry)).toBeUndefined()
    expect(await kept(store)).toEqual([])
  })

  it('because it is under the name of another key is not served', async () => {
    const path = await folder()
    const store = cacheDirectory(path)
    await keep(store, 'mine', { key: 'mine' })
    const mine = await theFile(path)
    const content = await readFile(mine)
    await keep(store, 'theirs', { key: 'theirs' })
    const theirs = (await files(path)).find(name => name !== mine) ?? ''
    await writeFile(theirs, content)
    expect(await kept(store, 'theirs')).toEqual([])
    expect(await kept(store, 'mine')).toEqual(['mine'])
  })

  it('hides nothing else of its key, be it a directory or garbage of any kind', async () => {
    const path = await folder()
    await keep(cacheDirectory(path), 'good')
    const good = await theFile(path)
    const bad = good.replace(/.{64}$/, '0'.repeat(64))
    await mkdir(bad)
    await writeFile(join(good, '..', 'README'), 'not ours')
    expect(await kept(cacheDirectory(path))).toEqual(['good'])
    await rm(bad, { recursive: true })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async garbage => {
        await writeFile(bad, garbage)
        expect(await kept(cacheDirectory(path))).toEqual(['good'])
        await expect(stat(bad)).rejects.toThrow('ENOENT')
      }),
      { numRuns: 50 },
    )
  })

  it('because a hostile size stands in it takes no memory', async () => {
    const path = await folder()
    const store = cacheDirectory(path, { maxEntry: 1000 })
    await keep(store, 'x')
    const file = await theFile(path)
    const whole = await readFile(file)
    whole.writeUInt32BE(0xff_ff_ff_ff, 8)
    await writeFile(file, whole)
    expect(await kept(store)).toEqual([])
    await keep(cacheDirectory(path), [new Uint8Array(2000)])
    expect(await kept(store)).toEqual([])
  })
})

describe('room', () => {
  it('is made by removing what was not used for the longest time', async () => {
    const store = cacheDirectory(await folder(), { maxBytes: 100_000 })
    const there = async (): Promise<string> => {
      const all = await Promise.all([...'abcdefgh'].map(async key => ((await store.list(key)).length > 0 ? key : '')))
      return all.join('')
    }
    for (const key of 'abcd') await keep(store, [new Uint8Array(20_000)], { key })
    await (await only(store, 'a')).body()
    await keep(store, [new Uint8Array(20_000)], { key: 'e' })
    // All five do not fit, with what describes them: those not used for the longest time go, until a tenth is free.
    expect(await there()).toBe('acde')
    await keep(store, [new Uint8Array(50_000)], { key: 'f' })
    expect(await there()).toBe('ef')
  })

  it('is not kept for what was only looked at', async () => {
    const path = await folder()
    await keep(cacheDirectory(path), 'x')
    const file = await theFile(path)
    await utimes(file, 1, (await stat(file)).mtime)
    const entry = await only(cacheDirectory(path))
    expect((await stat(file)).atimeMs).toBe(1000)
    await entry.body()
    expect((await stat(file)).atimeMs).toBeGreaterThan(1000)
  })

  it('is what all together may take, whoever writes', async () => {
    const path = await folder()
    const maxBytes = 200_000
    const stores = Array.from({ length: 4 }, () => cacheDirectory(path, { maxBytes }))
    for (let n = 0; n < 100; n++) await keep(stores[n % 4] as CacheStore, [new Uint8Array(5_000)], { key: `${n}` })
    const sizes = await Promise.all((await files(path)).map(async file => (await stat(file)).size))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    expect(total).toBeLessThan(maxBytes * 1.5)
    expect(total).toBeGreaterThan(maxBytes * 0.5)
  })

  it('is not there for a body that is larger than all', async () => {
    const store = cacheDirectory(await folder(), { maxBytes: 1000 })
    await expect(keep(store, [new Uint8Array(1001)])).rejects.toThrow('larger than 1000 bytes')
  })

  it('is counted when entries are replaced and removed', async () => {
    const path = await folder()
    const store = cacheDirectory(path, { maxBytes: 100_000 })
    await keep(store, 'first', { key: 'first' })
    for (let n = 0; n < 50; n++) await keep(store, [new Uint8Array(30_000)])
    for (let n = 0; n < 50; n++) {
      await keep(store, [new Uint8Array(30_000)], { key: 'other' })
      await store.remove('other')
    }
    expect(await kept(store, 'first')).toEqual(['first'])
  })
})

describe('a file system that refuses', () => {
  it.each([
    ['a file where the directory should be', (path: string) => writeFile(path, 'x')],
    ['a file where ours should be', async (path: string) => mkdir(path).then(() => writeFile(join(path, 'v1'), 'x'))],
    ['a link that leads to itself', (path: string) => symlink(path, path)],
  ])('because of %s keeps nothing, and nothing fails', async (_, make) => {
    const path = join(await folder(), 'cache')
    await make(path)
    const store = cacheDirectory(path)
    expect(await kept(store)).toEqual([])
    expect(await store.begin(KEY, '', { until: FOREVER })).toBeUndefined()
    await store.close?.()
    // Once it can be used, it is.
    await rm(path, { recursive: true, force: true })
    await keep(store, 'x')
    expect(await kept(store)).toEqual(['x'])
  })

  it('to write on gives the entry up', async () => {
    const path = await folder()
    const { stdout } = await ended(
      spawn('/bin/sh', [
        '-c',
        `trap '' XFSZ; ulimit -f 40; exec "$0" "$@"`,
        process.execPath,
        await script('full'),
        path,
      ]),
    )
    expect(stdout).toBe('kept small; large: EFBIG; kept small again')
    expect((await files(path)).filter(name => name.includes('writing'))).toEqual([])
    expect(await kept(cacheDirectory(path), 'large')).toEqual([])
    expect(await kept(cacheDirectory(path), 'small')).toEqual(['x'])
  })

  it('because the directory was taken away makes it anew', async () => {
    const path = await folder()
    const store = cacheDirectory(path)
    await keep(store, 'a')
    await rm(path, { recursive: true })
    expect(await kept(store)).toEqual([])
    await keep(store, 'b')
    expect(await kept(store)).toEqual(['b'])
  })

  it('because the entry on its way was taken away gives it up', async () => {
    const path = await folder()
    const store = cacheDirectory(path)
    const writer = await store.begin(KEY, '', { until: FOREVER })
    await writer?.write(bytes('x'))
    await rm(await theFile(path))
    await expect((async () => writer?.commit())()).rejects.toThrow('ENOENT')
    expect(await kept(store)).toEqual([])
  })
})

describe('what a process that is gone was writing', () => {
  it('is removed when the directory is used again, and what others write is not', async () => {
    const path = await folder()
    const store = cacheDirectory(path)
    const writer = await store.begin(KEY, '', { until: FOREVER })
    const mine = await theFile(path)
    const gone = spawn(process.execPath, ['-e', ''])
    await once(gone, 'exit')
    const name = (pid: number): string => join(path, 'v1', `writing-${pid}-${crypto.randomUUID()}`)
    const [theirs, old, living] = [name(gone.pid ?? 0), name(process.ppid), name(process.ppid)]
    for (const file of [theirs, old, living]) await writeFile(file, 'half')
    await utimes(old, 1, 1)
    await kept(cacheDirectory(path))
    expect((await files(path)).toSorted()).toEqual([mine, living].toSorted())
    await writer?.write(bytes('x'))
    await writer?.commit()
    expect(await kept(store)).toEqual(['x'])
  })

  it('is removed also when it had the number this process has, as in a container', async () => {
    const path = await folder()
    const store = cacheDirectory(path)
    const writer = await store.begin(KEY, '', { until: FOREVER })
    const mine = await theFile(path)
    const theirs = join(path, 'v1', `writing-${process.pid}-${crypto.randomUUID()}`)
    await writeFile(theirs, 'half')
    const before = Date.now() / 1000 - process.uptime() - 1
    await utimes(theirs, before, before)
    await kept(cacheDirectory(path))
    expect(await files(path)).toEqual([mine])
    writer?.abort()
    await store.close?.()
  })

  it('is never served, at whatever moment it was killed', async () => {
    const path = await folder()
    let served = 0
    let pending = 0
    const writing = await script('writing')
    for (let round = 0; round < 15; round++) {
      const children = Array.from({ length: 4 }, (_, n) =>
        spawn(process.execPath, [writing, path, `${round * 1000 + n * 97}`]),
      )
      await Promise.all(children.map((child, n) => killed(child, 1 + ((round * 7 + n * 13) % 41))))
      pending += (await files(path)).filter(name => name.includes('writing')).length
      const store = cacheDirectory(path, { maxBytes: 2_000_000 })
      for (let key = 0; key < 7; key++) {
        for (const entry of await store.list(`key ${key}`)) {
          const { n, size } = entry.meta as unknown as { readonly n: number; readonly size: number }
          const body = await entry.body()
          // Nobody writes any more: what is listed is whole.
          expect(body?.length).toBe(size)
          expect(entry.size).toBe(size)
          expect(body?.every(byte => byte === n % 251)).toBe(true)
          expect([`${n % 3}`, n % 7]).toEqual([entry.variant, key])
          served++
        }
      }
      await keep(store, 'still works', { key: 'mine' })
      expect(await kept(store, 'mine')).toEqual(['still works'])
      expect((await files(path)).filter(name => name.includes('writing'))).toEqual([])
    }
    expect(served).toBeGreaterThan(100)
    // Some were killed in the middle of writing.
    expect(pending).toBeGreaterThan(5)
  }, 120_000)
})

/** A child process of ours in one file, so that it begins at once. */
const script = async (name: string): Promise<string> => {
  const outfile = join(await folder(), `${name}.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL(`cache-directory/${name}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    conditions: ['sluice-source'],
    logLevel: 'silent',
  })
  return outfile
}

/** Kills a child at the nth of the steps it tells of, and after one commit at least. */
async function killed(child: ChildProcess, steps: number): Promise<void> {
  let told = ''
  const exit = once(child, 'exit')
  child.stdout?.on('data', (more: Buffer) => {
    told += more.toString()
    if (told.length >= steps && told.includes('.')) child.kill('SIGKILL')
  })
  const [, signal] = (await exit) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
}

async function ended(child: ChildProcess): Promise<{ readonly stdout: string }> {
  let stdout = ''
  child.stdout?.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr?.pipe(process.stderr)
  const [code] = (await once(child, 'close')) as [number | null]
  expect(code).toBe(0)
  return { stdout }
}

describe('options', () => {
  it.each([
    [['', {}], 'cacheDirectory() must be given the path of a directory, not "".'],
    [['a\0b', {}], 'cacheDirectory() must be given the path of a directory'],
    [[7, {}], 'cacheDirectory() must be given the path of a directory, not 7.'],
    [['a', { maxBytes: 0 }], 'cacheDirectory({ maxBytes }) must be a whole number of bytes above 0, not 0.'],
    [['a', { maxEntry: 1.5 }], 'cacheDirectory({ maxEntry }) must be a whole number of bytes above 0, not 1.5.'],
    [['a', { maxbytes: 1 }], 'cacheDirectory has no option "maxbytes". It has maxBytes, maxEntry.'],
    [['a', 7], 'The options of cacheDirectory must be an object, not 7.'],
  ])('%j are refused', (given, message) => {
    expect(() => cacheDirectory(...(given as Parameters<typeof cacheDirectory>))).toThrow(message)
  })

  it('make nothing by themselves', async () => {
    const path = join(await folder(), 'cache')
    cacheDirectory(path)
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })
})

describe('under a cache', () => {
  it('keeps the answers of one process for the next, live ones too', async () => {
    await using server = await serve({
      'GET /a': reply.text('hello', { headers: { 'cache-control': 'max-age=60' } }),
      'GET /b': reply.bytes(300_000, { headers: { 'cache-control': 'max-age=60' } }),
    })
    const path = await folder()
    for (let n = 0; n < 3; n++) {
      await using client = createClient({
        baseUrl: server.url,
        plugins: recommended(cache({ store: cacheDirectory(path) })),
      })
      expect((await firstValueFrom(client.get('a'))).text()).toBe('hello')
      let size = 0
      await lastValueFrom(
        client.stream('b', async function* (response) {
          for await (const piece of response) size += piece.length
          yield size
        }),
      )
      expect(size).toBe(300_000)
    }
    expect(server.requests.map(({ target }) => target)).toEqual(['/a', '/b'])
  })

  it('that cannot keep anything is no error of a request', async () => {
    await using server = await serve({ 'GET /a': reply.text('hello', { headers: { 'cache-control': 'max-age=60' } }) })
    const path = join(await folder(), 'file')
    await writeFile(path, 'x')
    await using client = createClient({
      baseUrl: server.url,
      plugins: recommended(cache({ store: cacheDirectory(path) })),
    })
    for (let n = 0; n < 2; n++) expect((await firstValueFrom(client.get('a'))).text()).toBe('hello')
    expect(server.requests).toHaveLength(2)
  })

  it('asks again for what was cut', async () => {
    await using server = await serve({
      'GET /a': reply.text('hello', { headers: { 'cache-control': 'max-age=60', etag: '"1"' } }),
    })
    const path = await folder()
    const ask = async (): Promise<string> => {
      await using client = createClient({
        baseUrl: server.url,
        plugins: recommended(cache({ store: cacheDirectory(path) })),
      })
      return (await firstValueFrom(client.get('a'))).text()
    }
    expect(await ask()).toBe('hello')
    const file = await theFile(path)
    await truncate(file, (await stat(file)).size - 1)
    expect([await ask(), await ask()]).toEqual(['hello', 'hello'])
    expect(server.requests).toHaveLength(2)
  })
})
