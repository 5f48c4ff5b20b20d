import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { readLines, writeLines } from '../../../stores/files/journal-lines.ts'

const RECORDS = [{ a: 1 }, { text: 'line\nend \u00e4 \u{1f36a}' }, { empty: '' }]

describe('lines of a journal', () => {
  it('come back as they were written', () => {
    expect(readLines(writeLines(RECORDS))).toEqual(RECORDS)
    expect(readLines('')).toEqual([])
  })

  it('cut off at any character are those that were whole', () => {
    const file = writeLines(RECORDS)
    const ends = RECORDS.map((_, at) => writeLines(RECORDS.slice(0, at + 1)).length)
    for (let cut = 0; cut <= file.length; cut++) {
      const whole = ends.filter(end => end <= cut).length
      expect(readLines(file.slice(0, cut))).toEqual(RECORDS.slice(0, whole))
      expect(readLines(file.slice(0, cut) + writeLines([{ next: 1 }])).at(-1)).toEqual({ next: 1 })
    }
  })

  it('are told from any other text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(readLines(`${text}\n`)).toEqual([])
        expect(readLines(`${text}${writeLines(RECORDS)}${text}`)).toEqual(RECORDS)
      }),
    )
  })

  it.each(['00000000 ', '0000000 {}', 'zzzzzzzz {}', '00000000 {}', ' ', '00000000'])('are not %j', text => {
    expect(readLines(`${text}\n`)).toEqual([])
  })
})
