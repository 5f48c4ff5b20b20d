import { concatMap, delay, from, lastValueFrom, of, toArray } from 'rxjs'
import { createClient } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { chunks } from 'sluice/streams/chunks'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { thrown } from '../src/thrown.ts'
import { bytesOf, readAll, readUntilError } from './reading/answers.ts'

describe('chunks', () => {
  it('are the bytes as they came', async () => {
    expect(await readAll(chunks(), ['ab', 'c'])).toEqual([bytesOf('ab'), bytesOf('c')])
  })

  it('come one after the other when they are projected, large ones in pieces', async () => {
    const large = new Uint8Array(150 * 1024).map((_, at) => at)
    const sizes: number[] = []
    const got = await readAll(
      chunks(bytes => {
        sizes.push(bytes.length)
        return of(bytes).pipe(delay(0))
      }),
      ['ab', large],
    )
    expect(sizes).toEqual([2, 64 * 1024, 64 * 1024, 22 * 1024])
    expect(Buffer.concat(got.slice(1))).toEqual(Buffer.from(large))
  })

  it('of an answer that is no success are not read as such', async () => {
    expect((await readUntilError(chunks(), ['no'], { status: 503 })).error).toMatchObject({ code: 'STATUS' })
    expect(await readAll(chunks(), [], { status: 204 })).toEqual([])
  })

  it('have the options of all readers', () => {
    expect(thrown(() => chunks({ maxLine: 1 } as never)).message).toBe(
      'chunks() has no option "maxLine". It has project, concurrency.',
    )
  })

  it('are every byte a server sends', async () => {
    await using server = await serve({ 'GET /': reply.bytes(3_000_001) })
    await using client = createClient({ engine: undici(), plugins: [] })
    const sizes = client.stream(server.url, chunks()).pipe(
      concatMap(bytes => from([bytes.length])),
      toArray(),
    )
    expect((await lastValueFrom(sizes)).reduce((sum, size) => sum + size, 0)).toBe(3_000_001)
  })
})
