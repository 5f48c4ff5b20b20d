import fc from 'fast-check'
import { parseAuthParams, parseChallenges, type Challenge } from 'sluice'
import { describe, expect, it } from 'vitest'

const plain = (all: readonly Challenge[]): unknown[] =>
  all.map(({ scheme, token68, params }) => [scheme, token68 ?? Object.fromEntries(params)])

describe('challenges', () => {
  it.each<[string, string[], unknown[]]>([
    ['nothing', [], []],
    ['an empty field', [''], []],
    ['one', ['Basic realm="a b"'], [['basic', { realm: 'a b' }]]],
    [
      'several fields',
      ['Negotiate', 'NTLM', 'basic Realm=x'],
      [
        ['negotiate', {}],
        ['ntlm', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    [
      'several in one field',
      ['Digest realm="r", nonce="a,b=\\"c\\"", qop="auth,auth-int" , Basic realm="x", charset="UTF-8"'],
      [
        ['digest', { realm: 'r', nonce: 'a,b="c"', qop: 'auth,auth-int' }],
        ['basic', { realm: 'x', charset: 'UTF-8' }],
      ],
    ],
    [
      'the example of RFC 9110 §11.6.1',
      ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'],
      [
        ['basic', { realm: 'simple' }],
        ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
      ],
    ],
    [
      'a blob',
      ['Negotiate YII==, Basic realm="x"'],
      [
        ['negotiate', 'YII=='],
        ['basic', { realm: 'x' }],
      ],
    ],
    ['a blob at the end', ['NTLM TlRMTVNTUAAC'], [['ntlm', 'TlRMTVNTUAAC']]],
    ['spaces around what belongs together', ['Basic realm = "x"'], [['basic', { realm: 'x' }]]],
    ['a name twice: the first one counts', ['Basic realm="x", realm="y"'], [['basic', { realm: 'x' }]]],
    ['an empty quote', ['Basic realm=""'], [['basic', { realm: '' }]]],
    ['escapes', [String.raw`Basic realm="a\\b\"c\d"`], [['basic', { realm: 'a\\b"cd' }]]],
    [
      'a quote with what looks like another',
      ['Basic realm="x, Digest nonce=y"'],
      [['basic', { realm: 'x, Digest nonce=y' }]],
    ],
    ['empty members', [', ,Basic realm="x",, '], [['basic', { realm: 'x' }]]],
    ['what makes no sense behind what does', ['Basic realm="x", =, Digest'], [['basic', { realm: 'x' }]]],
    ['what makes no sense in one field, and another', ['=', 'Basic realm="x"'], [['basic', { realm: 'x' }]]],
    ['an open quote', ['Basic realm="x'], [['basic', {}]]],
    ['a quote that is open behind an escape', ['Basic realm="x\\"'], [['basic', {}]]],
    [
      'a name of every prototype',
      ['Basic __proto__=x, constructor=y'],
      [['basic', { ['__proto__']: 'x', constructor: 'y' }]],
    ],
    ['bytes beyond ASCII', ['Basic realm="\xc3\xa4"'], [['basic', { realm: '\xc3\xa4' }]]],
  ])('are read from %s', (_, fields, expected) => {
    expect(plain(parseChallenges(fields))).toEqual(expected)
  })

  it('are read in no time, however long they are', () => {
    const before = performance.now()
    for (const piece of ['Basic ', 'a="', ',', '\\"', 'x=y,', ' ', '=', 'a ', 'a= ', '"', 'a/'])
      parseChallenges([piece.repeat(60_000 / piece.length), `Basic ${piece.repeat(60_000 / piece.length)}`])
    expect(performance.now() - before).toBeLessThan(1000)
  })

  it('never throw, whatever a server writes', () => {
    const pieces = fc.constantFrom('Basic', 'Digest', ' ', ',', '=', '"', '\\', '\t', 'realm', 'x', '\xe4', '==', ';')
    fc.assert(
      fc.property(fc.array(fc.array(pieces).map(all => all.join(''))), fields => {
        for (const { scheme } of parseChallenges(fields)) expect(scheme).toMatch(/^[!#$%&'*+.^_`|~\w-]+$/)
        parseAuthParams(fields)
      }),
    )
  })

  it('come out as they were written', () => {
    const token = fc.stringMatching(/^[a-z][a-z\d!#$&.^_`|~-]{0,8}$/)
    const value = fc.string({ unit: fc.constantFrom('a', 'B', '"', '\\', ',', '=', ' ', '\t', '\xfc') })
    const challenge = fc.record({
      scheme: token,
      params: fc.array(fc.tuple(token, value), { minLength: 1, maxLength: 4 }),
    })
    const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
    fc.assert(
      fc.property(fc.array(challenge), all => {
        const field = all
          .map(
            ({ scheme, params }) => `${scheme} ${params.map(([name, text]) => `${name}=${quoted(text)}`).join(', ')}`,
          )
          .join(', ')
        // Of a name that stands twice the first counts.
        const expected = all.map(({ scheme, params }) => [scheme, [...new Map(params.toReversed())].toSorted()])
        expect(parseChallenges([field]).map(({ scheme, params }) => [scheme, [...params].toSorted()])).toEqual(expected)
      }),
    )
  })
})

it('parameters stand without a scheme in Authentication-Info', () => {
  const params = parseAuthParams(['nextnonce="n, \\"2\\"", qop=auth,', 'rspauth="ab" , NC=00000001'])
  expect(Object.fromEntries(params)).toEqual({ nextnonce: 'n, "2"', qop: 'auth', rspauth: 'ab', nc: '00000001' })
})
