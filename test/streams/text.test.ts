import fc from 'fast-check'
import { text } from 'sluice/streams/text'
import { describe, expect, it } from 'vitest'
import { thrown } from '../src/thrown.ts'
import { bytesOf, cut, CUTS, oneByOne, readAll, readUntilError } from './reading/answers.ts'

const all = async (...given: Parameters<typeof readAll>): Promise<string> => (await readAll(...given)).join('')

describe('text', () => {
  it('comes as it comes, and never as nothing', async () => {
    expect(await readAll(text(), ['ab', '', 'c'])).toEqual(['ab', 'c'])
    expect(await readAll(text(), [])).toEqual([])
  })

  it('is the same however its bytes are cut, and no character is', async () => {
    const bytes = fc.oneof(
      fc.string({ unit: 'grapheme' }).map(bytesOf),
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.constantFrom(0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0x41)).map(list => Uint8Array.from(list)),
    )
    await fc.assert(
      fc.asyncProperty(bytes, CUTS, async (whole, cuts) => {
        const expected = new TextDecoder().decode(whole)
        const pieces = await readAll(text(), cut(whole, cuts))
        expect(pieces.join('')).toBe(expected)
        expect(pieces.every(piece => piece.isWellFormed())).toBe(true)
        expect(await all(text(), oneByOne(whole))).toBe(expected)
      }),
    )
  })

  it.each([
    ['text/plain; charset=iso-8859-1', Uint8Array.of(0xe4), 'ä'],
    ['text/plain; charset=UTF-16LE; x=y', Uint8Array.of(0xff, 0xfe, 0x3d, 0xd8, 0x00, 0xde), '😀'],
    ['text/plain;charset="shift_jis"', Uint8Array.of(0x83, 0x65), 'テ'],
    ['text/plain', Uint8Array.of(0xef, 0xbb, 0xbf, 0xc3, 0xa4), 'ä'],
  ])('has the charset of the answer (%s)', async (type, bytes, expected) => {
    for (const pieces of [[bytes], oneByOne(bytes)])
      expect(await readAll(text(), pieces, { headers: { 'content-type': type } })).toEqual([expected])
  })

  it('has a stand-in for what is no text, or fails there', async () => {
    const pieces = [bytesOf('a'), Uint8Array.of(0xe2, 0x82)]
    expect(await all(text(), pieces)).toBe('a\ufffd')
    const { got, error } = await readUntilError(text({ fatal: true }), pieces)
    expect(got).toEqual(['a'])
    expect(error).toMatchObject({
      code: 'BODY',
      phase: 'decode',
      message: 'The text of the answer to GET https://api.test/users is not utf-8.',
    })
  })

  it('in a charset that nobody knows cannot be read', async () => {
    const { error } = await readUntilError(text(), ['a'], {
      headers: { 'content-type': 'text/plain; charset=klingon' },
    })
    expect(error).toMatchObject({
      code: 'BODY',
      message:
        'The text of the answer to GET https://api.test/users has the charset "klingon", which this platform cannot decode.',
    })
  })

  it('may be projected', async () => {
    expect(
      await readAll(
        text(async (piece, index) => `${index}${piece}`),
        ['a', 'b'],
      ),
    ).toEqual(['0a', '1b'])
  })

  it('refuses options it has not', () => {
    expect(thrown(() => text({ charset: 'x' } as never)).message).toBe(
      'text() has no option "charset". It has project, concurrency, fatal.',
    )
  })
})
