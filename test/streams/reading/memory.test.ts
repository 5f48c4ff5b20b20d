import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { ROOT } from '../../house/files.ts'

// The 2 GiB of `npm run soak:streams` are 256 MiB here.
it('takes no memory to have lines projected: what passes does not stay', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=sluice-source', join(ROOT, 'bench/pass.ts'), 'undici'],
    { env: { ...process.env, SIZE: String(256 * 1024 ** 2) }, timeout: 60_000 },
  )
  const grown = /^undici: memory grew by (-?[\d.]+) MiB while 256 MiB passed/.exec(stdout)?.[1]
  expect(Number(grown)).toBeLessThan(32)
}, 60_000)
