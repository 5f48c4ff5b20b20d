import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
  appendFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { firstValueFrom } from 'rxjs'
import { createClient, isHttpError, type Cookie } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { cookies, CookieJar } from 'sluice/plugins/cookies'
import { cookieFile } from 'sluice/stores/cookie-file'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const A = 'https://a.test/'
const WRITING = fileURLToPath(new URL('cookie-file/writing.ts', import.meta.url))

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-cookies-'))
  path = join(folder, 'cookies')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A jar that has read the file. */
async function opened(session = false, at = path): Promise<CookieJar> {
  const jar = new CookieJar({ store: cookieFile(at, { session }) })
  await jar.load()
  return jar
}

const shown = (jar: Iterable<Cookie>): string => [...jar].map(({ name, value }) => `${name}=${value}`).join('; ')

/** What a jar that reads the file now has. */
const kept = async (at = path): Promise<string> => shown(await opened(true, at))

function jarWith(...lines: readonly string[]): CookieJar {
  const jar = new CookieJar()
  for (const line of lines) jar.set(line, A)
  return jar
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'nothing',
    (error: unknown) => error,
  )
}

describe('a cookie file', () => {
  it('has nothing before anything was set, and is not made by reading', async () => {
    expect(await kept()).toBe('')
    expect(await readdir(folder)).toEqual([])
  })

  it('keeps a jar, all of each cookie', async () => {
    const jar = await opened()
    jar.set('a=1; Max-Age=1000; Secure; HttpOnly; SameSite=Strict; Path=/p', A)
    jar.set('b=\u00c3\u00a0 "x"; Max-Age=1000; Domain=a.test', A)
    jar.set('=nameless; Max-Age=1000', A)
    await jar.save()
    expect([...(await opened())]).toEqual([...jar])
  })

  it('keeps what was set last, and not what was removed', async () => {
    const jar = await opened()
    for (const line of ['a=1', 'b=1', 'a=2', 'c=1']) jar.set(`${line}; Max-Age=1000`, A)
    jar.delete('b', A)
    await jar.save()
    jar.set('c=; Max-Age=0', A)
    await jar.save()
    expect(await kept()).toBe('a=2')
  })

  it('keeps no cookies of a session, unless asked to', async () => {
    const jar = await opened()
    jar.set('a=1; Max-Age=1000', A)
    jar.set('b=1', A)
    await jar.save()
    expect(await kept()).toBe('a=1')
    jar.set('a=s3cret', A)
    await jar.save()
    expect(await kept()).toBe('')
    expect(await readFile(path, 'utf8')).not.toContain('s3cret')
    const all = await opened(true)
    all.set('a=session', A)
    await all.save()
    expect(await kept()).toBe('a=session')
  })

  it('goes with a client: read by its first request, written when it is closed', async () => {
    const open = () => {
      const engine = mock({ 'GET /in': { headers: { 'set-cookie': 'a=1; Path=/; Max-Age=1000' } }, '*': {} })
      return { engine, client: createClient({ engine, plugins: [cookies({ store: cookieFile(path) })] }) }
    }
    const first = open()
    await firstValueFrom(first.client.get(`${A}in`))
    await first.client.close()
    const second = open()
    await firstValueFrom(second.client.get(A))
    expect(second.engine.history[0]?.request.headers.get('cookie')).toBe('a=1')
    await second.client.close()
  })

  it('is for its owner alone, also where it was not before', async () => {
    const mode = async (): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)
    const jar = await opened()
    jar.set('a=1; Max-Age=1000', A)
    await jar.save()
    expect(await mode()).toBe('600')
    await chmod(path, 0o644)
    jar.set('a=2; Max-Age=1000', A)
    await jar.save()
    expect([await mode(), await kept()]).toEqual(['600', 'a=2'])
  })

  it('makes folders that are missing, and follows a link', async () => {
    const deep = join(folder, 'x', 'y', 'cookies')
    const jar = await opened(false, deep)
    jar.set('a=1; Max-Age=1000', A)
    await jar.save()
    await symlink(deep, path)
    const linked = await opened()
    for (let round = 0; round < 60; round++) {
      linked.set(`a=${round}${'x'.repeat(1500)}; Max-Age=1000`, A)
      await linked.save()
    }
    expect([await kept(deep), await kept()]).toEqual([shown(linked), shown(linked)])
    expect((await stat(deep)).size).toBeLessThan(70_000)
    expect(await readdir(folder)).toEqual(['cookies', 'x'])
  })

  it('is not touched when it is something else', async () => {
    for (const [at, content] of [
      'hello',
      '# Netscape HTTP Cookie File\n',
      '{"cookies":[]}',
      '\n',
      'sluice cookies 2\n',
    ].entries()) {
      const other = join(folder, `other${at}`)
      await writeFile(other, content)
      const error = await failure(opened(false, other))
      expect([isHttpError(error) && error.code, await readFile(other, 'utf8')]).toEqual(['CONFIG', content])
      expect(String(error)).toContain(`other${at} does not begin with "sluice cookies 1"`)
      expect(String(error)).not.toContain(folder)
    }
  })

  it('is not touched when it is something else, also by who writes before reading', async () => {
    await writeFile(path, 'hello\n', { mode: 0o644 })
    const jar = CookieJar.fromJSON(jarWith('a=1; Max-Age=1000').toJSON(), { store: cookieFile(path) })
    const error = await failure(jar.save())
    expect([isHttpError(error) && error.code, await readFile(path, 'utf8')]).toEqual(['CONFIG', 'hello\n'])
    expect((await stat(path)).mode & 0o777).toBe(0o644)
    await writeFile(path, 'sluice cookies 1\n')
    await jar.save()
    expect(await kept()).toBe('a=1')
  })

  it('that cannot be read or written fails as the file system says', async () => {
    expect(await failure(opened(false, folder))).toMatchObject({ code: 'EISDIR' })
    const jar = await opened()
    await writeFile(join(folder, 'file'), '')
    expect(await failure(opened(false, join(folder, 'file', 'cookies')))).toMatchObject({
      code: expect.stringMatching(/ENOTDIR|EEXIST/) as string,
    })
    jar.set('a=1; Max-Age=1000', A)
    await jar.save()
    await rm(path)
    await rm(folder, { recursive: true })
    jar.set('b=1; Max-Age=1000', A)
    await jar.save()
    expect(await kept()).toBe('b=1')
  })

  it.each<readonly [string, () => unknown]>([
    ['no path', () => cookieFile('')],
    ['a path that is none', () => cookieFile(7 as unknown as string)],
    ['an option nobody knows', () => cookieFile('x', { sessions: true } as object)],
    ['options that are none', () => cookieFile('x', true as unknown as object)],
    ['a flag that is none', () => cookieFile('x', { session: 1 as unknown as boolean })],
  ])('refuses %s', (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'CONFIG' }) as Error)
  })
})

describe('what is left of a cookie file', () => {
  it('that is cut off at any byte is what was whole before it', async () => {
    const jar = await opened()
    const states: { readonly size: number; readonly all: string }[] = [{ size: 0, all: '' }]
    for (let at = 0; at < 6; at++) {
      jar.set(`c${at % 4}=${at}\u00e4; Max-Age=1000`, A)
      await jar.save()
      states.push({ size: (await stat(path)).size, all: shown(jar) })
    }
    const { size } = await stat(path)
    for (let cut = size; cut >= 0; cut--) {
      await truncate(path, cut)
      const expected = states.findLast(state => state.size <= cut)?.all
      expect([cut, await kept()]).toEqual([cut, expected])
    }
  })

  it('that is cut off at any byte is written on behind it', async () => {
    const jar = await opened()
    jar.set('a=1; Max-Age=1000', A)
    jar.set('b=1; Max-Age=1000', A)
    await jar.save()
    const whole = await readFile(path)
    for (let cut = 0; cut <= whole.length; cut += 7) {
      await writeFile(path, whole.subarray(0, cut))
      const before = await kept()
      const again = await opened()
      again.set('c=1; Max-Age=1000', A)
      await again.save()
      expect([cut, await kept()]).toEqual([cut, before === '' ? 'c=1' : `${before}; c=1`])
    }
  })

  it('that has wrong bytes anywhere is the rest', async () => {
    const jar = await opened()
    for (const name of ['a', 'b', 'c']) {
      jar.set(`${name}=1; Max-Age=1000`, A)
      await jar.save()
    }
    const whole = await readFile(path)
    const all = new Set(['a=1; b=1; c=1', 'b=1; c=1', 'a=1; c=1', 'a=1; b=1'])
    for (let at = 0; at < whole.length; at += 3) {
      const wrong = Buffer.from(whole)
      wrong[at] = (wrong[at] ?? 0) ^ 1
      await writeFile(path, wrong)
      const found = await kept()
      expect([at, all.has(found)]).toEqual([at, true])
    }
    await writeFile(path, whole)
    await appendFile(path, 'deadbeef {"at":1}\n00000000 nonsense\n\0\0\0\n')
    expect(await kept()).toBe('a=1; b=1; c=1')
  })

  it('by a process that was killed at any moment is what it had saved', async () => {
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, ['--conditions=sluice-source', WRITING, path, `k${round}x`, '5'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let saved = 0
      for await (const dots of child.stdout) {
        saved += (dots as Buffer).length
        if (saved > 20 * round) child.kill('SIGKILL')
      }
      const found = new Map([...(await opened(true))].map(({ name, value }) => [name, parseInt(value, 10)]))
      for (let at = 0; at < Math.min(5, saved); at++) {
        const last = Math.floor((saved - 1 - at) / 5)
        expect([at, found.get(`k${round}x${at}`)]).toEqual([at, expect.toBeOneOf([last, last + 1])])
      }
    }
    const jar = await opened(true)
    jar.set('after=1', A)
    await jar.save()
    expect(await kept()).toContain('after=1')
  }, 30_000)
})

describe('several processes', () => {
  it('that write at once lose nothing, whoever compacts', async () => {
    const names = ['p', 'q', 'r']
    const children = names.map(name =>
      spawn(process.execPath, ['--conditions=sluice-source', WRITING, path, name, '8', '20'], { stdio: 'ignore' }),
    )
    const codes = await Promise.all(children.map(child => once(child, 'exit').then(([code]) => code as unknown)))
    expect(codes).toEqual([0, 0, 0])
    const found = [...(await opened(true))].map(({ name, value }) => `${name}=${parseInt(value, 10)}`)
    expect(found.toSorted()).toEqual(names.flatMap(name => Array.from({ length: 8 }, (_, at) => `${name}${at}=19`)))
    expect((await stat(path)).size).toBeLessThan(200_000)
    expect(await readdir(folder)).toEqual(['cookies'])
  }, 30_000)

  it('see the later change of a cookie that two have set', async () => {
    const [one, two] = [await opened(), await opened()]
    one.set('a=1; Max-Age=1000', A)
    await one.save()
    two.set('a=2; Max-Age=1000', A)
    await two.save()
    expect([await kept(), shown(one)]).toEqual(['a=2', 'a=1'])
  })

  it('leave a file alone while another compacts it, and clear away what a killed one left', async () => {
    const jar = await opened()
    const write = async (): Promise<number> => {
      for (let round = 0; round < 60; round++) {
        jar.set(`a=${round}${'x'.repeat(2000)}; Max-Age=1000`, A)
        await jar.save()
      }
      return (await stat(path)).size
    }
    await writeFile(`${path}.lock`, '0123456789abcdef')
    await writeFile(`${path}.0123456789abcdef.tmp`, 'half a f')
    expect(await write()).toBeGreaterThan(100_000)
    expect((await readdir(folder)).length).toBe(3)
    const long = new Date(Date.now() - 60_000)
    await utimes(`${path}.lock`, long, long)
    await write()
    expect(await write()).toBeLessThan(200_000)
    expect(await readdir(folder)).toEqual(['cookies'])
    expect(await kept()).toBe(shown(jar))
  })
})
