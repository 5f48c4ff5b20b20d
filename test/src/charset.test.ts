import { describe, expect, it } from 'vitest'
import { charsetOf, decodeText } from '../../src/charset.ts'

const TEXT = 'ä€𝄞'
const points = [...TEXT].map(character => character.codePointAt(0) ?? 0)

function utf32(littleEndian: boolean, all: readonly number[] = points): Uint8Array {
  const view = new DataView(new ArrayBuffer(all.length * 4))
  for (const [at, point] of all.entries()) view.setUint32(at * 4, point, littleEndian)
  return new Uint8Array(view.buffer)
}

function utf16(littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(TEXT.length * 2))
  for (let at = 0; at < TEXT.length; at++) view.setUint16(at * 2, TEXT.charCodeAt(at), littleEndian)
  return new Uint8Array(view.buffer)
}

const utf8 = new TextEncoder().encode(TEXT)
const marked = (mark: readonly number[], bytes: Uint8Array): Uint8Array => Uint8Array.from([...mark, ...bytes])

describe('decodeText', () => {
  it.each<[string, Uint8Array, string | undefined]>([
    ['UTF-8', utf8, undefined],
    ['UTF-8 by label', utf8, 'UTF-8'],
    ['UTF-8 with its mark', marked([0xef, 0xbb, 0xbf], utf8), undefined],
    ['UTF-8 with its mark and a label that is wrong', marked([0xef, 0xbb, 0xbf], utf8), 'iso-8859-1'],
    ['UTF-16LE by label', utf16(true), 'utf-16le'],
    ['UTF-16BE by label', utf16(false), 'utf-16be'],
    ['UTF-16LE by its mark', marked([0xff, 0xfe], utf16(true)), undefined],
    ['UTF-16BE by its mark', marked([0xfe, 0xff], utf16(false)), undefined],
    ['UTF-16BE by its mark, with the label of both', marked([0xfe, 0xff], utf16(false)), 'utf-16'],
    ['UTF-16BE by its mark, with a label that is wrong', marked([0xfe, 0xff], utf16(false)), 'klingon'],
    ['UTF-32LE by label', utf32(true), 'UTF-32LE'],
    ['UTF-32BE by label', utf32(false), 'utf-32be'],
    ['UTF-32 by label, highest byte first', utf32(false), 'utf-32'],
    ['UTF-32LE by its mark', marked([0xff, 0xfe, 0, 0], utf32(true)), undefined],
    ['UTF-32BE by its mark', marked([0, 0, 0xfe, 0xff], utf32(false)), undefined],
    ['UTF-32BE by its mark, with the label of both', marked([0, 0, 0xfe, 0xff], utf32(false)), 'utf-32'],
    ['a view into a larger buffer', marked([1, 2, 3], utf8).subarray(3), undefined],
    ['UTF-32 in a view into a larger buffer', marked([1, 2, 3], utf32(true)).subarray(3), 'utf-32le'],
  ])('reads %s', (_, bytes, label) => {
    expect(decodeText(bytes, label)).toBe(TEXT)
  })

  it.each<[string, Uint8Array, string | undefined, string]>([
    ['nothing', new Uint8Array(0), undefined, ''],
    ['a mark and nothing else', Uint8Array.of(0xef, 0xbb, 0xbf), undefined, ''],
    ['half a mark', Uint8Array.of(0xef, 0xbb), undefined, '\ufffd'],
    ['bytes that are no UTF-8', Uint8Array.of(0xff), undefined, '\ufffd'],
    ['UTF-32 that is cut off', utf32(true, [97, 98]).subarray(0, 6), 'utf-32le', 'a\ufffd'],
    ['UTF-32 beyond Unicode', utf32(true, [0x110000, 97]), 'utf-32le', '\ufffda'],
    ['UTF-32 with half a pair', utf32(true, [0xd834, 97]), 'utf-32le', '\ufffda'],
  ])('makes of %s what can be made', (_, bytes, label, expected) => {
    expect(decodeText(bytes, label)).toBe(expected)
  })

  it('reads long UTF-32', () => {
    const long = Array.from({ length: 100_000 }, () => 0x1d11e)
    expect(decodeText(utf32(true, long), 'utf-32le')).toBe('𝄞'.repeat(100_000))
  })

  it('throws for a charset nobody knows', () => {
    expect(() => decodeText(utf8, 'klingon')).toThrow(RangeError)
  })
})

describe('charsetOf', () => {
  it.each<[string | undefined, string | undefined]>([
    [undefined, undefined],
    ['text/plain', undefined],
    ['text/plain; charset=UTF-8', undefined],
    ['text/plain;charset="iso-8859-1"', 'iso-8859-1'],
    ['text/plain; xcharset=utf-16', undefined],
  ])('of %s', (type, expected) => {
    expect(charsetOf(type)).toBe(expected)
  })
})
