import { describe, expect, it } from 'vitest'
import { able, declared, table, withTable } from '../../tools/capabilities.ts'
import { read } from './files.ts'

const all = await declared()

describe('what the engines declare', () => {
  it('is what README.md says (npm run capabilities)', () => {
    const { text } = read('README.md')
    expect(withTable(text, table(all))).toBe(text)
  })

  it('is what UNSUPPORTED says of them (npm run capabilities)', () => {
    expect(read('src/able.ts').text).toBe(able(all))
  })

  it('leaves no need without an engine', () => {
    for (const need of [
      'streamingUpload',
      'uploadProgress',
      'duplex',
      'informational',
      'trailers',
      'backPressure',
      'proxies',
    ] as const) {
      expect(all.some(({ capabilities }) => capabilities[need])).toBe(true)
    }
  })

  it('is written nowhere when the page has no place for it', () => {
    expect(() => withTable('no marks', 'x')).toThrow('README.md needs')
  })
})
