import { describe, expect, it } from 'vitest'
import { Linked, LinkedList } from '../../src/linked.ts'

class Item extends Linked<Item> {
  readonly name: string

  constructor(name: string) {
    super()
    this.name = name
  }
}

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(name => new Item(name)) as [Item, Item, Item, Item]

function listOf(...items: readonly Item[]): LinkedList<Item> {
  const list = new LinkedList<Item>()
  for (const item of items) list.add(item)
  return list
}

function shown(list: LinkedList<Item>): string {
  const names = [...list].map(({ name }) => name).join('')
  expect(list.size).toBe(names.length)
  expect(list.first?.name).toBe(names === '' ? undefined : names[0])
  return names
}

describe('LinkedList', () => {
  it('keeps the order in which they came, unless one is put first', () => {
    const list = listOf(a, b)
    list.addFirst(c)
    list.add(d)
    expect(shown(list)).toBe('cabd')
  })

  it.each([
    ['the first', a, 'bcd'],
    ['one in the middle', b, 'acd'],
    ['the last', d, 'abc'],
  ])('lets %s go', (_, one, left) => {
    const list = listOf(a, b, c, d)
    expect([list.delete(one), list.delete(one), list.has(one)]).toEqual([true, false, false])
    expect([one.before, one.after, one.list]).toEqual([undefined, undefined, undefined])
    expect(shown(list)).toBe(left)
    list.add(one)
    expect(shown(list)).toBe(`${left}${one.name}`)
  })

  it('can be emptied and filled again', () => {
    const list = listOf(a)
    list.delete(a)
    expect(shown(list)).toBe('')
    list.addFirst(b)
    list.add(c)
    expect(shown(list)).toBe('bc')
  })

  it('takes them from the list they were in', () => {
    const one = listOf(a, b, c)
    const other = listOf(d)
    other.add(b)
    other.addFirst(c)
    expect([shown(one), shown(other)]).toEqual(['a', 'cdb'])
    expect([one.delete(b), one.has(b), other.has(b)]).toEqual([false, false, true])
  })
})
