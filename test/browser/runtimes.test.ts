import { engineContract } from 'sluice/testing'
import { afterAll, describe, it } from 'vitest'
import { start } from './support/process.ts'

const deno = await start('deno@2.9.6', 'deno', 'run', '--quiet', '--no-config', '--allow-net', '--allow-env')
const bun = await start('bun@1.4.5', 'bun', 'run')

afterAll(async () => {
  await Promise.all([deno.close(), bun.close()])
})

describe.each([
  ['Deno', deno],
  ['Bun', bun],
])('fetch in %s', (_, { factory }) => {
  for (const one of engineContract('fetch', factory, { protocol: 'http/1.1' }))
    if (one.excluded === undefined) it(one.title, () => one.run())
})
