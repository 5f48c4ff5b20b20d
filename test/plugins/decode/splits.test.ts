import fc from 'fast-check'
import { lastValueFrom, toArray } from 'rxjs'
import { expect, it } from 'vitest'
import { createClient } from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { decode } from 'sluice/plugins/decode'
import { encode, ENCODINGS, joined, named, sample, type Encoding } from './encoded.ts'

const BODY = sample(300)

async function decoded(answer: MockReply): Promise<Uint8Array> {
  const client = createClient({ engine: mock({ '*': answer }), plugins: [decode()] })
  // Live, so that every piece goes through the streams and nothing is decoded on the spot.
  return joined(...(await lastValueFrom(client.stream('https://api.test/', response => response).pipe(toArray()))))
}

it.each(ENCODINGS)('%s is decoded the same wherever it is split in two', async encoding => {
  const body = encode(encoding, BODY)
  const headers = { 'content-encoding': named(encoding) }
  for (let at = 0; at <= body.length; at++) {
    const bytes = await decoded({ headers, chunks: [body.slice(0, at), body.slice(at)] })
    if (Buffer.compare(bytes, BODY) !== 0) throw new Error(`split at ${at}`)
  }
})

it('any codings on top of each other are decoded the same in any pieces, with any pauses', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...ENCODINGS), { minLength: 1, maxLength: 4 }),
      fc.uint8Array({ minLength: 1, maxLength: 5000 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 400 })),
      fc.infiniteStream(fc.constantFrom(0, 0, 0, 0, 0, 1)),
      async (encodings: Encoding[], bytes, sizes, pauses) => {
        const body = encodings.reduce<Uint8Array>((inner, encoding) => encode(encoding, inner), bytes)
        const chunks: (Uint8Array | number)[] = []
        for (let at = 0; at < body.length;) {
          const size = Number(sizes.next().value)
          chunks.push(body.slice(at, at + size))
          const pause = Number(pauses.next().value)
          if (pause > 0) chunks.push(pause)
          at += size
        }
        const headers = { 'content-encoding': encodings.map(named).join(',') }
        expect(Buffer.compare(await decoded({ headers, chunks }), bytes)).toBe(0)
      },
    ),
    { numRuns: 150 },
  )
})

it('a changed byte is an error or changes nothing but the body, and never a hang', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ENCODINGS),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (encoding, position, flip) => {
        const body = encode(encoding, BODY)
        const at = position % body.length
        body[at] = (body[at] ?? 0) ^ flip
        const outcome = await decoded({ headers: { 'content-encoding': named(encoding) }, chunks: [body] }).then(
          bytes => bytes,
          (error: unknown) => error,
        )
        if (!(outcome instanceof Uint8Array)) expect(outcome).toMatchObject({ phase: 'decode' })
        // These have a checksum, so a body that is wrong is always noticed.
        else if (encoding === 'gzip' || encoding === 'deflate') expect(Buffer.compare(outcome, BODY)).toBe(0)
      },
    ),
    { numRuns: 400 },
  )
})
