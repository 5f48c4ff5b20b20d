import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { locked } from '../../../stores/files/lock.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-lock-'))
  path = join(folder, 'file')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function left(token: string, agoMs: number): Promise<void> {
  await writeFile(`${path}.lock`, token)
  const then = new Date(Date.now() - agoMs)
  await utimes(`${path}.lock`, then, then)
}

describe('a lock', () => {
  it('lets one work, and leaves nothing', async () => {
    let worked = 0
    const work = async (temporary: string): Promise<void> => {
      worked++
      await writeFile(temporary, '')
      await delay(20)
      await rm(temporary)
    }
    await Promise.all([locked(path, work), locked(path, work), locked(path, work)])
    expect([worked, await readdir(folder)]).toEqual([1, []])
  })

  it('is given back when the work fails', async () => {
    await expect(locked(path, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room')
    expect(await readdir(folder)).toEqual([])
  })

  it('of somebody else is respected', async () => {
    await left('0123456789abcdef', 1000)
    await locked(path, () => Promise.reject(new Error('not mine')))
    expect(await readFile(`${path}.lock`, 'utf8')).toBe('0123456789abcdef')
  })

  it('that a killed process left is taken by one of many that find it', async () => {
    for (let round = 0; round < 60; round++) {
      await left('0123456789abcdef', 60_000)
      await writeFile(`${path}.0123456789abcdef.tmp`, 'half')
      let working = 0
      let most = 0
      const work = async (): Promise<void> => {
        most = Math.max(most, ++working)
        await delay(3)
        working--
      }
      await Promise.all(Array.from({ length: 6 }, () => locked(path, work)))
      expect([round, most, await readdir(folder)]).toEqual([round, 1, []])
    }
  })

  it('that another took over in the meantime is left to that one', async () => {
    await locked(path, () => left('fedcba9876543210', 0))
    expect(await readFile(`${path}.lock`, 'utf8')).toBe('fedcba9876543210')
  })
})
