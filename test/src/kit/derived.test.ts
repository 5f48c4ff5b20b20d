import { derived } from 'sluice'
import { describe, expect, it } from 'vitest'

describe('derived', () => {
  it('makes something once while the options are the same object, and anew when they are not', () => {
    const made: string[] = []
    const make = derived(({ tag }: { tag: string }) => {
      made.push(tag)
      return { tag }
    })
    const client = { tag: 'client' }
    const first = make(client)
    expect(make(client)).toBe(first)
    expect(make({ tag: 'call' }).tag).toBe('call')
    expect(make(client).tag).toBe('client')
    expect(made).toEqual(['client', 'call', 'client'])
  })

  it('is made anew when the other thing it is made of changes', () => {
    const made: string[] = []
    const make = derived(({ tag }: { tag: string }, other: string) => {
      made.push(tag + other)
      return tag + other
    })
    const client = { tag: 'client ' }
    expect([make(client, 'a'), make(client, 'a'), make(client, 'b'), make({ tag: 'call ' }, 'b')]).toEqual([
      'client a',
      'client a',
      'client b',
      'call b',
    ])
    expect(made).toEqual(['client a', 'client b', 'call b'])
  })

  it('keeps undefined too', () => {
    let made = 0
    const make = derived(() => {
      made++
    })
    const options = {}
    make(options)
    make(options)
    expect(made).toBe(1)
  })

  it('does not keep what could not be made', () => {
    let made = 0
    const make = derived(() => {
      if (++made === 1) throw new Error('not yet')
      return 'made'
    })
    const options = {}
    expect(() => make(options)).toThrow('not yet')
    expect(make(options)).toBe('made')
  })
})
