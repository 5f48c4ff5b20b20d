import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Params } from '../../src/params.ts'
import { expand } from '../../src/template.ts'
import { thrown } from './thrown.ts'

// The variables of RFC 6570 §3.2.
const params: Params = {
  count: ['one', 'two', 'three'],
  dom: ['example', 'com'],
  dub: 'me/too',
  hello: 'Hello World!',
  half: '50%',
  var: 'value',
  who: 'fred',
  base: 'http://example.com/home/',
  path: '/foo/bar',
  list: ['red', 'green', 'blue'],
  keys: { semi: ';', dot: '.', comma: ',' },
  v: '6',
  x: '1024',
  y: '768',
  empty: '',
  empty_keys: [],
  undef: undefined,
}

/** What the RFC lets vanish and we refuse, so that a forgotten id never asks for the whole collection. */
const REFUSED = Symbol('refused')

const examples: Readonly<Record<string, readonly (readonly [template: string, expanded: string | typeof REFUSED])[]>> =
  {
    '§1.2 level 1–4': [
      ['{var}', 'value'],
      ['{hello}', 'Hello%20World%21'],
      ['{+var}', 'value'],
      ['{+hello}', 'Hello%20World!'],
      ['{+path}/here', '/foo/bar/here'],
      ['here?ref={+path}', 'here?ref=/foo/bar'],
      ['X{#var}', 'X#value'],
      ['X{#hello}', 'X#Hello%20World!'],
      ['map?{x,y}', 'map?1024,768'],
      ['{x,hello,y}', '1024,Hello%20World%21,768'],
      ['{+x,hello,y}', '1024,Hello%20World!,768'],
      ['{+path,x}/here', '/foo/bar,1024/here'],
      ['{#x,hello,y}', '#1024,Hello%20World!,768'],
      ['{#path,x}/here', '#/foo/bar,1024/here'],
      ['X{.var}', 'X.value'],
      ['X{.x,y}', 'X.1024.768'],
      ['{/var}', '/value'],
      ['{/var,x}/here', '/value/1024/here'],
      ['{;x,y}', ';x=1024;y=768'],
      ['{;x,y,empty}', ';x=1024;y=768;empty'],
      ['{?x,y}', '?x=1024&y=768'],
      ['{?x,y,empty}', '?x=1024&y=768&empty='],
      ['?fixed=yes{&x}', '?fixed=yes&x=1024'],
      ['{&x,y,empty}', '&x=1024&y=768&empty='],
      ['{var:3}', 'val'],
      ['{var:30}', 'value'],
      ['{list}', 'red,green,blue'],
      ['{list*}', 'red,green,blue'],
      ['{keys}', 'semi,%3B,dot,.,comma,%2C'],
      ['{keys*}', 'semi=%3B,dot=.,comma=%2C'],
      ['{+path:6}/here', '/foo/b/here'],
      ['{#path:6}/here', '#/foo/b/here'],
      ['X{.var:3}', 'X.val'],
      ['{/var:1,var}', '/v/value'],
      ['{;hello:5}', ';hello=Hello'],
      ['{?var:3}', '?var=val'],
      ['{&var:3}', '&var=val'],
    ],
    '§3.2.1 variable expansion': [
      ['{count}', 'one,two,three'],
      ['{count*}', 'one,two,three'],
      ['{/count}', '/one,two,three'],
      ['{/count*}', '/one/two/three'],
      ['{;count}', ';count=one,two,three'],
      ['{;count*}', ';count=one;count=two;count=three'],
      ['{?count}', '?count=one,two,three'],
      ['{?count*}', '?count=one&count=two&count=three'],
      ['{&count*}', '&count=one&count=two&count=three'],
    ],
    '§3.2.2 simple string expansion': [
      ['{var}', 'value'],
      ['{hello}', 'Hello%20World%21'],
      ['{half}', '50%25'],
      ['O{empty}X', 'OX'],
      ['O{undef}X', REFUSED],
      ['{x,y}', '1024,768'],
      ['{x,hello,y}', '1024,Hello%20World%21,768'],
      ['?{x,empty}', '?1024,'],
      ['?{x,undef}', REFUSED],
      ['?{undef,y}', REFUSED],
      ['{var:3}', 'val'],
      ['{var:30}', 'value'],
      ['{list}', 'red,green,blue'],
      ['{list*}', 'red,green,blue'],
      ['{keys}', 'semi,%3B,dot,.,comma,%2C'],
      ['{keys*}', 'semi=%3B,dot=.,comma=%2C'],
    ],
    '§3.2.3 reserved expansion': [
      ['{+var}', 'value'],
      ['{+hello}', 'Hello%20World!'],
      ['{+half}', '50%25'],
      ['{base}index', 'http%3A%2F%2Fexample.com%2Fhome%2Findex'],
      ['{+base}index', 'http://example.com/home/index'],
      ['O{+empty}X', 'OX'],
      ['O{+undef}X', REFUSED],
      ['{+path}/here', '/foo/bar/here'],
      ['here?ref={+path}', 'here?ref=/foo/bar'],
      ['up{+path}{var}/here', 'up/foo/barvalue/here'],
      ['{+x,hello,y}', '1024,Hello%20World!,768'],
      ['{+path,x}/here', '/foo/bar,1024/here'],
      ['{+path:6}/here', '/foo/b/here'],
      ['{+list}', 'red,green,blue'],
      ['{+list*}', 'red,green,blue'],
      ['{+keys}', 'semi,;,dot,.,comma,,'],
      ['{+keys*}', 'semi=;,dot=.,comma=,'],
    ],
    '§3.2.4 fragment expansion': [
      ['{#var}', '#value'],
      ['{#hello}', '#Hello%20World!'],
      ['{#half}', '#50%25'],
      ['foo{#empty}', 'foo#'],
      ['foo{#undef}', REFUSED],
      ['{#x,hello,y}', '#1024,Hello%20World!,768'],
      ['{#path,x}/here', '#/foo/bar,1024/here'],
      ['{#path:6}/here', '#/foo/b/here'],
      ['{#list}', '#red,green,blue'],
      ['{#list*}', '#red,green,blue'],
      ['{#keys}', '#semi,;,dot,.,comma,,'],
      ['{#keys*}', '#semi=;,dot=.,comma=,'],
    ],
    '§3.2.5 label expansion': [
      ['{.who}', '.fred'],
      ['{.who,who}', '.fred.fred'],
      ['{.half,who}', '.50%25.fred'],
      ['www{.dom*}', 'www.example.com'],
      ['X{.var}', 'X.value'],
      ['X{.empty}', 'X.'],
      ['X{.undef}', REFUSED],
      ['X{.var:3}', 'X.val'],
      ['X{.list}', 'X.red,green,blue'],
      ['X{.list*}', 'X.red.green.blue'],
      ['X{.keys}', 'X.semi,%3B,dot,.,comma,%2C'],
      ['X{.keys*}', 'X.semi=%3B.dot=..comma=%2C'],
      ['X{.empty_keys}', 'X'],
      ['X{.empty_keys*}', 'X'],
    ],
    '§3.2.6 path segment expansion': [
      ['{/who}', '/fred'],
      ['{/who,who}', '/fred/fred'],
      ['{/half,who}', '/50%25/fred'],
      ['{/who,dub}', '/fred/me%2Ftoo'],
      ['{/var}', '/value'],
      ['{/var,empty}', '/value/'],
      ['{/var,undef}', REFUSED],
      ['{/var,x}/here', '/value/1024/here'],
      ['{/var:1,var}', '/v/value'],
      ['{/list}', '/red,green,blue'],
      ['{/list*}', '/red/green/blue'],
      ['{/list*,path:4}', '/red/green/blue/%2Ffoo'],
      ['{/keys}', '/semi,%3B,dot,.,comma,%2C'],
      ['{/keys*}', '/semi=%3B/dot=./comma=%2C'],
    ],
    '§3.2.7 path-style parameter expansion': [
      ['{;who}', ';who=fred'],
      ['{;half}', ';half=50%25'],
      ['{;empty}', ';empty'],
      ['{;v,empty,who}', ';v=6;empty;who=fred'],
      ['{;v,bar,who}', REFUSED],
      ['{;x,y}', ';x=1024;y=768'],
      ['{;x,y,empty}', ';x=1024;y=768;empty'],
      ['{;x,y,undef}', REFUSED],
      ['{;hello:5}', ';hello=Hello'],
      ['{;list}', ';list=red,green,blue'],
      ['{;list*}', ';list=red;list=green;list=blue'],
      ['{;keys}', ';keys=semi,%3B,dot,.,comma,%2C'],
      ['{;keys*}', ';semi=%3B;dot=.;comma=%2C'],
    ],
    '§3.2.8 form-style query expansion': [
      ['{?who}', '?who=fred'],
      ['{?half}', '?half=50%25'],
      ['{?x,y}', '?x=1024&y=768'],
      ['{?x,y,empty}', '?x=1024&y=768&empty='],
      ['{?x,y,undef}', '?x=1024&y=768'],
      ['{?undef}', ''],
      ['{?var:3}', '?var=val'],
      ['{?list}', '?list=red,green,blue'],
      ['{?list*}', '?list=red&list=green&list=blue'],
      ['{?keys}', '?keys=semi,%3B,dot,.,comma,%2C'],
      ['{?keys*}', '?semi=%3B&dot=.&comma=%2C'],
      ['{?empty_keys*}', ''],
    ],
    '§3.2.9 form-style query continuation': [
      ['{&who}', '&who=fred'],
      ['{&half}', '&half=50%25'],
      ['?fixed=yes{&x}', '?fixed=yes&x=1024'],
      ['{&x,y,empty}', '&x=1024&y=768&empty='],
      ['{&x,y,undef}', '&x=1024&y=768'],
      ['{&var:3}', '&var=val'],
      ['{&list}', '&list=red,green,blue'],
      ['{&list*}', '&list=red&list=green&list=blue'],
      ['{&keys}', '&keys=semi,%3B,dot,.,comma,%2C'],
      ['{&keys*}', '&semi=%3B&dot=.&comma=%2C'],
    ],
  }

describe.each(Object.entries(examples))('RFC 6570 %s', (_, rows) => {
  it.each(rows.map(([template, expanded]) => ({ template, expanded })))(
    '$template becomes $expanded',
    ({ template, expanded }) => {
      if (expanded !== REFUSED) {
        expect(expand(template, params)).toBe(expanded)
        return
      }
      const error = thrown(() => expand(template, params))
      expect(error.code).toBe('CONFIG')
      expect(error.message).toMatch(
        /^The template ".+" needs a value for "(?:undef|bar)": pass \{ params: \{ \w+: … \} \}\.$/,
      )
    },
  )
})

describe('the values of params', () => {
  it.each([
    [7, '7'],
    [0, '0'],
    [true, 'true'],
    [9007199254740993n, '9007199254740993'],
    ['ä €', '%C3%A4%20%E2%82%AC'],
    ['😀', '%F0%9F%98%80'],
    ["a!'()*b", 'a%21%27%28%29%2Ab'],
    ['-._~', '-._~'],
    ['%2F', '%252F'],
    ['\r\n', '%0D%0A'],
    ['{x}', '%7Bx%7D'],
  ])('%o is written as %s', (value, expected) => {
    expect(expand('{v}', { v: value as string })).toBe(expected)
  })

  it.each([
    ['%2Fa%zz%', '%2Fa%25zz%25'],
    [":/?#[]@!$&'()*+,;=", ":/?#[]@!$&'()*+,;="],
    ['"<>\\^`{|}', '%22%3C%3E%5C%5E%60%7B%7C%7D'],
  ])('%o is written reserved as %s', (value, expected) => {
    expect(expand('{+v}', { v: value })).toBe(expected)
  })

  it('count characters, not code units, for a prefix', () => {
    expect(expand('{v:2}', { v: '😀😀😀' })).toBe('%F0%9F%98%80%F0%9F%98%80')
  })

  it('may have empty members in an association', () => {
    expect(expand('{;keys*}', { keys: { a: '', b: 1 } })).toBe(';a;b=1')
    expect(expand('{?keys*}', { keys: { a: '', b: 1 } })).toBe('?a=&b=1')
    expect(expand('{keys*}', { keys: { a: '', b: 1 } })).toBe('a=,b=1')
  })

  it('may have empty items in a list', () => {
    expect(expand('{;list*}', { list: ['', 'b'] })).toBe(';list;list=b')
    expect(expand('{?list*}', { list: ['', 'b'] })).toBe('?list=&list=b')
    expect(expand('{/list*}', { list: ['', 'b'] })).toBe('//b')
  })

  it.each([
    [null],
    [Number.NaN],
    [Infinity],
    [() => 'x'],
    [Symbol('x')],
    [new Date(0)],
    [new Map([['a', 1]])],
    [new Set(['a'])],
    [Object('boxed')],
    [['a', null]],
    [['a', undefined]],
    [['a', ['b']]],
    [['a', {}]],
    [{ a: null }],
    [{ a: {} }],
    [{ a: ['b'] }],
    [Promise.resolve('x')],
    ['\ud800'],
    [['\udfff']],
  ])('may not be %o', value => {
    for (const template of ['{v}', '{?v}', '{+v*}']) {
      const error = thrown(() => expand(template, { v: value as string }))
      expect(error.code).toBe('CONFIG')
      expect(error.message).toMatch(/"v"/)
    }
  })

  it.each([[null], ['id'], [7], [() => ({ id: 7 })]])('must come in an object, not %o', values => {
    expect(thrown(() => expand('{id}', values as unknown as Params)).message).toMatch(
      /^The params of the template "\{id\}" must be an object, not .+\.$/,
    )
  })

  it('are not shown in an error, nor is a secret that the template itself holds', () => {
    const error = thrown(() => expand('https://ada:s3cret@api.test/{v}?k=s3cret', { v: 's3cret\ud800' }))
    expect(error.message).toBe(
      'The value of "v" in the template "https://api.test/{v}?k=<redacted:6>" must be text, a number, true or false, or a list or a plain object of those, not a string with half a surrogate pair.',
    )
  })

  it('are not taken from a prototype', () => {
    expect(thrown(() => expand('{toString}', {})).code).toBe('CONFIG')
    expect(thrown(() => expand('{__proto__}', {})).code).toBe('CONFIG')
    expect(thrown(() => expand('{id}', Object.create({ id: 7 }) as Params)).code).toBe('CONFIG')
    expect(expand('{?toString}', {})).toBe('')
  })
})

describe('a malformed template', () => {
  it.each([
    '{}',
    '{',
    'a{b',
    'a{b}c}',
    '{a}{',
    '{{a}}',
    '{a b}',
    '{a-b}',
    '{a,}',
    '{,a}',
    '{=a}',
    '{!a}',
    '{@a}',
    '{|a}',
    '{+}',
    '{a:}',
    '{a:0}',
    '{a:10000}',
    '{a:-1}',
    '{a:x}',
    '{a**}',
    '{a*:3}',
    '{.a..b}',
    '{a.}',
  ])('is refused: %s', template => {
    const error = thrown(() => expand(template, { a: 'x', b: 'y' }))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toMatch(/\.$/)
  })

  it('is refused for a prefix of a list or an association (§2.4.1)', () => {
    expect(thrown(() => expand('{list:3}', params)).code).toBe('CONFIG')
    expect(thrown(() => expand('{keys:3}', params)).code).toBe('CONFIG')
  })

  it('is not one with dots or escapes in a name', () => {
    expect(expand('{a.b}-{a%20b}-{_}', { 'a.b': 1, 'a%20b': 2, _: 3 })).toBe('1-2-3')
  })

  it('is found in linear time', () => {
    const start = performance.now()
    for (const bad of [
      '{'.repeat(100_000),
      `{${'a'.repeat(100_000)}`,
      `{${'a.'.repeat(50_000)}}`,
      `{${'a,'.repeat(50_000)}}`,
    ])
      thrown(() => expand(bad, { a: 1 }))
    expect(performance.now() - start).toBeLessThan(1_500)
  })
})

describe('dot segments', () => {
  it.each<[string, Params]>([
    ['users/{id}', { id: '..' }],
    ['users/{id}', { id: '.' }],
    ['users/{id}/posts', { id: '..' }],
    ['{id}', { id: '..' }],
    ['.{ext}', { ext: '.' }],
    ['{a}{b}', { a: '.', b: '.' }],
    ['.{a}', { a: '' }],
    ['{.a}', { a: '' }],
    ['x{/list*}', { list: ['a', '..', 'b'] }],
    ['{+path}', { path: 'a/../../b' }],
    ['{+path}', { path: '%2e%2E' }],
    ['{+path}', { path: '.%2e' }],
    ['{+path}', { path: 'a/%2e' }],
    ['%2e{a}', { a: '.' }],
    ['./{id}', { id: '..' }],
    ['{+a}/../{id}', { a: '..?', id: 'x' }],
    ['{+a}/../{id}', { a: '..#', id: 'x' }],
  ])('cannot come from a value: %s', (template, values) => {
    const error = thrown(() => expand(template, values))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toContain("'..'")
  })

  it.each<[string, Params, string]>([
    ['../{id}', { id: 'x' }, '../x'],
    ['./a', {}, './a'],
    ['{id}', { id: '...' }, '...'],
    ['{id}', { id: 'a..b' }, 'a..b'],
    ['{id}', { id: '%2e%2e' }, '%252e%252e'],
    ['a{?q}', { q: '../..' }, 'a?q=..%2F..'],
    ['a?q={+q}', { q: 'x/../y' }, 'a?q=x/../y'],
    ['a#{+q}', { q: 'x/../y' }, 'a#x/../y'],
  ])('may stand in a template and in a query: %s', (template, values, expected) => {
    expect(expand(template, values)).toBe(expected)
  })

  it('never move a url out of the path its template gives it', () => {
    const unit = fc.constantFrom('.', '/', '\\', '%2e', '%2E', '%2f', '?', '#', '@', ':', 'a', '\t', '%')
    fc.assert(
      fc.property(fc.string({ unit }), fc.string({ unit }), (a, b) => {
        let url: URL
        try {
          url = new URL(expand('at/{a}/in/{b}/end', { a, b }), 'https://api.test/base/')
        } catch {
          return
        }
        expect(url.origin).toBe('https://api.test')
        expect(url.pathname).toMatch(/^\/base\/at\/[^/]*\/in\/[^/]*\/end$/)
      }),
    )
  })
})
