import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { gate, HttpHeaders, type HeadersInit } from '../../src/headers.ts'
import { thrown } from './thrown.ts'

const lines = (headers: HttpHeaders): string[] => [...headers].map(([name, value]) => `${name}: ${value}`)
const odd = (value: unknown): HeadersInit => value as HeadersInit

describe('HttpHeaders.of', () => {
  it.each<[string, HeadersInit]>([
    ['a record', { Accept: 'text/html', 'X-N': 7 }],
    [
      'pairs',
      [
        ['Accept', 'text/html'],
        ['X-N', '7'],
      ],
    ],
    [
      'a Map',
      new Map([
        ['Accept', 'text/html'],
        ['X-N', '7'],
      ]),
    ],
    ['other headers', HttpHeaders.of({ Accept: 'text/html', 'X-N': 7 })],
  ])('takes %s, in order and case as given', (_, init) => {
    expect(lines(HttpHeaders.of(init))).toEqual(['Accept: text/html', 'X-N: 7'])
  })

  it('takes the headers of the platform', () => {
    expect(lines(HttpHeaders.of(new Headers({ accept: 'text/html' })))).toEqual(['accept: text/html'])
  })

  it('makes one line of each item of a list', () => {
    expect(lines(HttpHeaders.of({ Via: ['1.1 a', '1.1 b'] }))).toEqual(['Via: 1.1 a', 'Via: 1.1 b'])
  })

  it('leaves out what is undefined, and is none for nothing', () => {
    expect(HttpHeaders.of({ accept: undefined })).toBe(HttpHeaders.none)
    expect(HttpHeaders.of(undefined)).toBe(HttpHeaders.none)
  })

  it('drops white space around a value, which is no part of it', () => {
    expect(lines(HttpHeaders.of({ a: ' \tb c\t ', d: ' ', e: ' \u{a0}x' }))).toEqual(['a: b c', 'd: ', 'e: \u{a0}x'])
  })

  it('reads a getter once', () => {
    let reads = 0
    const shifty = {
      get 'x-shifty'() {
        return reads++ === 0 ? 'fine' : 'evil\r\nx: y'
      },
    }
    expect(lines(HttpHeaders.of(shifty))).toEqual(['x-shifty: fine'])
  })
})

describe('a header name', () => {
  it.each([
    '',
    ' a',
    'a b',
    'a:',
    ':authority',
    'a\r',
    'a\n',
    'a\r\nb',
    'a\0',
    'ä',
    '嘊',
    'a"b',
    'a(b)',
    'a,b',
    'a;b',
    'a/b',
    'a[b]',
    'a{b}',
    'a@b',
    'a\u{7f}',
    '\ud800',
  ])('may not be %j', name => {
    for (const work of [
      () => HttpHeaders.of({ [name]: 'v' }),
      () => HttpHeaders.of([[name, 'v']]),
      () => HttpHeaders.none.set(name, 'v'),
      () => HttpHeaders.none.set(name, []),
      () => HttpHeaders.none.append(name, 'v'),
      () => HttpHeaders.none.merge({ [name]: 'v' }),
    ]) {
      expect(thrown(work)).toMatchObject({ code: 'CONFIG', phase: 'config' })
    }
  })

  it.each([[['x']], [7], [null], [{ toString: () => 'x' }], [Object('x')], [Symbol('x')]])(
    'must be a string, not %o',
    name => {
      expect(thrown(() => HttpHeaders.of(odd([[name, 'v']]))).code).toBe('CONFIG')
      expect(thrown(() => HttpHeaders.none.set(name as string, 'v')).code).toBe('CONFIG')
      expect(thrown(() => HttpHeaders.none.append(name as string, 'v')).code).toBe('CONFIG')
    },
  )

  it('may have every character of a token', () => {
    const name = "AZaz09!#$%&'*+-.^_`|~"
    expect(HttpHeaders.of({ [name]: 'v' }).get(name.toLowerCase())).toBe('v')
  })
})

describe('a header value', () => {
  it.each(['a\r\nb: c', 'a\rb', 'a\nb', 'a\0b', '\u{1}', '\u{1b}', '\u{7f}', '€', '嘍嘊', '\ud800', '😀', '\u{100}'])(
    'may not be %j, and is not shown',
    value => {
      const secret = `s3cret${value}s3cret`
      for (const work of [
        () => HttpHeaders.of({ a: secret }),
        () => HttpHeaders.of({ a: ['fine', secret] }),
        () => HttpHeaders.of([['a', secret]]),
        () => HttpHeaders.none.set('a', secret),
        () => HttpHeaders.none.append('a', secret),
      ]) {
        const error = thrown(work)
        expect(error.code).toBe('CONFIG')
        expect(error.message).toMatch(
          /^The value of header "a" has the character U\+[0-9A-F]{4,5} at position [67], .+\.$/,
        )
        expect(error.message).not.toContain('s3cret')
      }
    },
  )

  it.each([
    [null],
    [{ toString: () => 'x' }],
    [new String('x')],
    [() => 'x'],
    [Symbol('x')],
    [[7, { a: 1 }]],
    [[['x']]],
    [new Date(0)],
    [new Set(['x'])],
  ])('must be text or a number, not %o', value => {
    const error = thrown(() => HttpHeaders.of({ a: value as unknown as string }))
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect(error.message).toMatch(/^The value of header "a" must be a string or a number, not .+\.$/)
  })

  it('may have tabs, obs-text and everything that can be seen', () => {
    const value = '\u{21}\t\u{7e}\u{80}\u{ff} é'
    expect(HttpHeaders.of({ a: value }).get('a')).toBe(value)
  })

  it.each([
    [7, '7'],
    [0, '0'],
    [10n, '10'],
    [true, 'true'],
  ])('is made of %o', (given, sent) => {
    expect(HttpHeaders.of({ a: given as number }).get('a')).toBe(sent)
  })
})

describe('what is no headers at all', () => {
  it.each([['accept: text/html'], [7], [null], [true], [[['only-a-name']]], [[null]], [['ab']], [() => ({})]])(
    'is refused: %o',
    init => {
      expect(thrown(() => HttpHeaders.of(odd(init)))).toMatchObject({ code: 'CONFIG' })
    },
  )
})

describe('reading', () => {
  const headers = HttpHeaders.received(['Set-Cookie', 'a=1', 'Vary', 'accept', 'set-cookie', 'b=2', 'VARY', 'origin'])

  it('compares names without case', () => {
    expect(headers.get('vary')).toBe('accept, origin')
    expect(headers.get('VaRy')).toBe('accept, origin')
    expect(headers.has('SET-COOKIE')).toBe(true)
    expect(headers.has('cookie')).toBe(false)
    expect(headers.get('cookie')).toBeUndefined()
  })

  it('keeps every Set-Cookie line by itself', () => {
    expect(headers.getAll('set-cookie')).toEqual(['a=1', 'b=2'])
    expect(headers.getAll('none')).toEqual([])
  })

  it('tells an empty value from a missing field', () => {
    expect(HttpHeaders.of({ a: '' }).get('a')).toBe('')
    expect(HttpHeaders.of({ a: '' }).append('a', '').get('a')).toBe(', ')
  })

  it('counts lines', () => {
    expect(headers.size).toBe(4)
    expect(HttpHeaders.none.size).toBe(0)
  })

  it('takes what an engine received as it is', () => {
    expect(HttpHeaders.received(['x-odd', 'a\u{1}b']).get('x-odd')).toBe('a\u{1}b')
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'knows nothing of %s unless it was sent',
    name => {
      expect(HttpHeaders.none.get(name)).toBeUndefined()
      const received = HttpHeaders.received([name, 'x'])
      expect(received.get(name)).toBe('x')
      expect(Object.getPrototypeOf(received.toJSON())).toBeNull()
      expect(Object.entries(received.toJSON())).toEqual([[name.toLowerCase(), 'x']])
    },
  )
})

describe('changing', () => {
  const headers = HttpHeaders.of([
    ['Accept', 'a'],
    ['X-Two', '1'],
    ['x-two', '2'],
  ])

  it('never changes the headers it started from', () => {
    const before = lines(headers)
    headers.set('accept', 'b')
    headers.append('accept', 'b')
    headers.delete('accept')
    headers.merge({ accept: 'b' })
    headers.filter(() => false)
    expect(lines(headers)).toEqual(before)
  })

  it('sets one line in place of all', () => {
    expect(lines(headers.set('X-TWO', 3))).toEqual(['Accept: a', 'X-TWO: 3'])
  })

  it('sets several lines, or none', () => {
    expect(lines(headers.set('accept', ['b', 'c']))).toEqual(['X-Two: 1', 'x-two: 2', 'accept: b', 'accept: c'])
    expect(headers.set('accept', []).has('accept')).toBe(false)
  })

  it('appends a line', () => {
    expect(headers.append('x-two', 3).getAll('x-two')).toEqual(['1', '2', '3'])
  })

  it('deletes all lines of a name, and is itself when there are none', () => {
    expect(lines(headers.delete('x-TWO'))).toEqual(['Accept: a'])
    expect(headers.delete('other')).toBe(headers)
  })

  it('merges by replacing the names it is given and no others', () => {
    expect(lines(headers.merge({ 'x-two': '9', b: ['1', '2'] }))).toEqual(['Accept: a', 'x-two: 9', 'b: 1', 'b: 2'])
    expect(headers.merge({})).toBe(headers)
  })

  it('fills in what is missing, and is itself when nothing is', () => {
    expect(lines(headers.fill(HttpHeaders.of({ accept: 'b', vary: 'c' })))).toEqual([
      'Accept: a',
      'X-Two: 1',
      'x-two: 2',
      'vary: c',
    ])
    expect(headers.fill(HttpHeaders.of({ accept: 'b' }))).toBe(headers)
    const defaults = HttpHeaders.of({ vary: 'c' })
    expect(HttpHeaders.none.fill(defaults)).toBe(defaults)
  })

  it('filters by name and value', () => {
    expect(lines(headers.filter((_, value) => value !== '1'))).toEqual(['Accept: a', 'x-two: 2'])
  })

  it('cannot be used to change what "none" is', () => {
    expect(() => (HttpHeaders.none.flat as string[]).push('x', 'y')).toThrow(TypeError)
    expect(HttpHeaders.none.size).toBe(0)
  })
})

describe('the gate before the wire', () => {
  it('lets through what was checked when it was made', () => {
    const headers = HttpHeaders.of({ a: 'b' }).append('c', 'd').delete('a')
    expect(gate(headers)).toBe(headers)
    expect(gate(HttpHeaders.none)).toBe(HttpHeaders.none)
  })

  it.each([
    ['a value', ['a', 'b\r\nc: d']],
    ['a name', ['a b', 'c']],
  ])('checks what was received from a peer and is to be sent on: %s', (_, fields) => {
    const received = HttpHeaders.received(fields)
    for (const headers of [
      received,
      received.set('x', 'y'),
      received.append('x', 'y'),
      received.merge({ x: 'y' }),
      received.delete('x'),
      received.filter(() => true),
      HttpHeaders.of({ x: 'y' }).fill(received),
    ]) {
      expect(thrown(() => gate(headers)).code).toBe('CONFIG')
    }
  })

  it('takes headers of a second copy of the package', async () => {
    vi.resetModules()
    const copy = await import('../../src/headers.ts')
    expect(lines(gate(copy.HttpHeaders.of({ a: 'b' })))).toEqual(['a: b'])
  })

  it('sends on what was received and is sound', () => {
    expect(lines(gate(HttpHeaders.received(['ETag', '"1"'])))).toEqual(['ETag: "1"'])
  })

  it('never lets CR, LF or NUL out, whatever the strings and however they came in', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))), pairs => {
        let headers = HttpHeaders.none
        for (const [name, value] of pairs) {
          try {
            headers = headers.append(name, value)
          } catch {
            // Refused, as it may be.
          }
        }
        for (const made of [() => HttpHeaders.received(pairs.flat()), () => headers]) {
          let sent: HttpHeaders
          try {
            sent = gate(made())
          } catch {
            continue
          }
          // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
          expect(sent.flat.join('')).not.toMatch(/[\r\n\0]|[^\0-\xff]/)
        }
      }),
    )
  })
})

describe('headers for people', () => {
  const headers = HttpHeaders.of([
    ['Accept', 'a'],
    ['accept', 'b'],
    ['Authorization', 'Bearer s3cret'],
    ['Set-Cookie', 'sid=s3cret'],
    ['X-Api-Key', 's3cret'],
    ['Location', 'https://ada:s3cret@api.test/cb?code=s3cret'],
    ['Content-Location', '/cb?code=s3cret'],
    ['Referer', 'https://api.test/?token=s3cret'],
  ])

  it('show names in lower case, values joined, secrets by their length', () => {
    expect(headers.toJSON()).toEqual({
      accept: 'a, b',
      authorization: '<redacted:13>',
      'set-cookie': '<redacted:10>',
      'x-api-key': '<redacted:6>',
      location: 'https://api.test/cb?code=<redacted:6>',
      'content-location': '/cb?code=<redacted:6>',
      referer: 'https://api.test/?token=<redacted:6>',
    })
  })

  it('show no secret in JSON and in console.log', () => {
    for (const text of [JSON.stringify(headers), inspect(headers, { depth: 10, showHidden: true })])
      expect(text).not.toContain('s3cret')
  })

  it('show no value that was set as a secret, whatever its name, and whatever is made of them', () => {
    const secret = HttpHeaders.of({ a: 'b' }).setSecret('X-Partner', 's3cret')
    const made = {
      itself: secret,
      with_another: secret.set('c', 'd'),
      with_one_more: secret.append('c', 'd'),
      with_less: secret.delete('a'),
      merged: secret.merge({ c: 'd' }),
      merged_into_others: HttpHeaders.of({ c: 'd' }).merge(secret),
      merged_into_none: HttpHeaders.none.merge(secret),
      filled: secret.fill(HttpHeaders.of({ c: 'd' })),
      filling_others: HttpHeaders.of({ c: 'd' }).fill(secret),
      received: HttpHeaders.received(['c', 'd']).setSecret('x-partner', 's3cret'),
    }
    for (const [name, headers] of Object.entries(made)) {
      expect(headers.get('x-partner'), name).toBe('s3cret')
      expect(headers.toJSON()['x-partner'], name).toBe('<redacted:6>')
      expect([headers.isSecret('X-PARTNER'), headers.isSecret('a')], name).toEqual([true, false])
    }
    expect(HttpHeaders.of({ 'x-partner': 'shown' }).toJSON()['x-partner']).toBe('shown')
  })
})
