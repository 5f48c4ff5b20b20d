import { HttpHeaders, linkTo, parseLinks } from 'sluice'
import { describe, expect, it } from 'vitest'

const plain = (field: string) => parseLinks(field).map(({ target, rels }) => [target, ...rels])

describe('a Link field', () => {
  it('has a target and what it is to the answer', () => {
    expect(parseLinks('<https://api.test/?page=2>; rel="next"')).toEqual([
      { target: 'https://api.test/?page=2', rels: ['next'], anchor: undefined, params: new Map() },
    ])
  })

  it.each([
    [
      'several links',
      '</a>; rel="prev", </b>; rel="next"',
      [
        ['/a', 'prev'],
        ['/b', 'next'],
      ],
    ],
    [
      'several relations in one',
      '</a>; rel="next  LAST\thttps://rels.test/x"',
      [['/a', 'next', 'last', 'https://rels.test/x']],
    ],
    [
      'commas and semicolons in urls',
      '</a?ids=1,2;3>; rel=next, </b>; rel=prev',
      [
        ['/a?ids=1,2;3', 'next'],
        ['/b', 'prev'],
      ],
    ],
    [
      'commas, semicolons and quotes in quotes',
      String.raw`</a>; title="a, b; \"c\" <d>"; rel="next", </b>; rel=prev`,
      [
        ['/a', 'next'],
        ['/b', 'prev'],
      ],
    ],
    [
      'white space wherever it may stand',
      '  </a> \t;\trel = "next" ;  , </b>;rel=prev ',
      [
        ['/a', 'next'],
        ['/b', 'prev'],
      ],
    ],
    ['parameters without a value', '</a>; crossorigin; rel=next', [['/a', 'next']]],
    ['names in any case', '</a>; REL=Next', [['/a', 'next']]],
    [
      'empty elements of the list',
      ', ,</a>; rel=next,, </b>; rel=prev,',
      [
        ['/a', 'next'],
        ['/b', 'prev'],
      ],
    ],
    ['an empty target: the answer itself', '<>; rel=next', [['', 'next']]],
    ['the first rel of two', '</a>; rel=next; rel=prev', [['/a', 'next']]],
  ])('may have %s', (_, field, expected) => {
    expect(plain(field)).toEqual(expected)
  })

  it.each([
    ['', []],
    ['nothing', []],
    ['</a', []],
    ['</a>', []],
    ['</a>; rel=""', []],
    ['</a>; rel', []],
    ['</a>; rel=next, oops, </b>; rel=prev', [['/a', 'next']]],
    ['</a>; rel=next oops </b>; rel=prev', [['/a', 'next', 'oops', '</b>']]],
    ['</a>; rel="next', [['/a', 'next']]],
    ['</a>; rel="next\\', [['/a', 'next\\']]],
    ['</a>; =x; rel=next', [['/a', 'next']]],
    ['</a>x; rel=next', []],
  ])('that is broken gives what can be read: %s', (field, expected) => {
    expect(plain(field)).toEqual(expected)
  })

  it('has other parameters, the first of a name, and a decoded title before a plain one', () => {
    const [link] = parseLinks(
      `</a>; rel=next; Type="text/html"; type=b; title="EUR"; title*=UTF-8'en'%e2%82%ac%20rates; x*=latin1''%a3; y*=utf-8''%ff`,
    )
    expect(link?.params).toEqual(
      new Map([
        ['type', 'text/html'],
        ['title', '€ rates'],
      ]),
    )
  })

  it('is read in a time that grows with its length only', () => {
    for (const evil of [
      '<',
      '<>;'.repeat(30_000),
      `</a>; rel="${'\\'.repeat(60_000)}`,
      `</a>${' ;'.repeat(30_000)}`,
      ','.repeat(60_000),
    ]) {
      const began = performance.now()
      parseLinks(evil)
      expect(performance.now() - began).toBeLessThan(250)
    }
  })
})

describe('linkTo', () => {
  const answer = (...links: string[]) => ({
    url: 'https://api.test/v1/items?page=1',
    headers: HttpHeaders.received(links.flatMap(link => ['Link', link])),
  })

  it.each([
    ['</v1/items?page=2>; rel=next', 'https://api.test/v1/items?page=2'],
    ['<?page=2>; rel=next', 'https://api.test/v1/items?page=2'],
    ['<more>; rel="last next"', 'https://api.test/v1/more'],
    ['<//other.test/x>; rel=next', 'https://other.test/x'],
    ['<https://other.test/x>; rel=NEXT', 'https://other.test/x'],
    ['</a>; rel=prev', undefined],
    ['<https://[>; rel=next', undefined],
  ])('resolves %s', (link, expected) => {
    expect(linkTo(answer(link), 'next')).toBe(expected)
  })

  it('looks at all lines of the field and takes the first that fits', () => {
    expect(linkTo(answer('</a>; rel=prev', '</b>; rel=next, </c>; rel=next'), 'Next')).toBe('https://api.test/b')
  })

  it('passes by links that are about something else', () => {
    expect(linkTo(answer('</a>; rel=next; anchor="/other", </b>; rel=next'), 'next')).toBe('https://api.test/b')
    expect(linkTo(answer('</a>; rel=next; anchor="#part"'), 'next')).toBeUndefined()
    expect(linkTo(answer('</a>; rel=next; anchor="?page=1"'), 'next')).toBe('https://api.test/a')
  })

  it('takes raw bytes for UTF-8 where they are', () => {
    expect(linkTo(answer('</\xc3\xa9?q=\xc3\xa9>; rel=next'), 'next')).toBe('https://api.test/%C3%A9?q=%C3%A9')
    expect(linkTo(answer('</\xe9>; rel=next'), 'next')).toBe('https://api.test/%C3%A9')
  })

  it('knows nothing where there is no field', () => {
    expect(linkTo(answer(), 'next')).toBeUndefined()
  })
})
