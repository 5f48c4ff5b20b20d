import { describe, expect, it } from 'vitest'
import { note, read, Token } from '../../src/token.ts'

describe('Token', () => {
  const COLOUR = new Token<string>('colour', 'grey')

  it('falls back when nothing was noted', () => {
    expect(read(undefined, COLOUR)).toBe('grey')
    expect(read(undefined, new Token<string>('bare'))).toBeUndefined()
  })

  it('reads the newest note and leaves the older ones as they were', () => {
    const older = note(undefined, COLOUR, 'red')
    const newer = note(older, COLOUR, 'blue')
    expect(read(newer, COLOUR)).toBe('blue')
    expect(read(older, COLOUR)).toBe('red')
  })

  it('does not take a token of the same name for itself', () => {
    expect(read(note(undefined, new Token<string>('colour'), 'red'), COLOUR)).toBe('grey')
  })

  it('tells a noted undefined from nothing noted', () => {
    const MAYBE = new Token<string | undefined>('maybe', 'fallback')
    expect(read(note(undefined, MAYBE, undefined), MAYBE)).toBeUndefined()
  })
})
