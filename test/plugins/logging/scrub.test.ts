import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSensitive } from 'sluice'
import { printable } from '../../../plugins/logging/printable.ts'
import { scrub, scrubBody, scrubQuery, type Secret } from '../../../plugins/logging/scrub.ts'

const secret: Secret = (name, where) => where === 'query' || isSensitive(name)

describe('JSON', () => {
  const SECRET = 'S3CR3T'
  const name = fc.constantFrom('password', 'apiKey', 'refresh_token', 'X-Auth', 'pass\u0077ord')
  const plain = fc.constantFrom('id', 'name', 'a"b', 'c\\d', 'é', '')
  const { tree } = fc.letrec<{ tree: unknown; hidden: unknown }>(tie => ({
    hidden: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom(SECRET, `"${SECRET}`, `${SECRET}\\`, `}${SECRET}`),
      fc.array(tie('hidden'), { maxLength: 2 }),
      fc.dictionary(plain, tie('hidden'), { maxKeys: 2 }),
    ),
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.constantFrom(null, true, '"', '\\', '{"a":'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(plain, tie('tree'), { maxKeys: 3 }),
      fc.dictionary(name, tie('hidden'), { minKeys: 1, maxKeys: 2 }),
      tie('tree').map(value => JSON.stringify(value)),
    ),
  }))

  it('has no value of a secret name left, however it is nested, spaced or cut off', () => {
    fc.assert(
      fc.property(fc.record({ tree }), fc.constantFrom(undefined, 2), fc.nat(), (value, space, cut) => {
        const text = JSON.stringify(value, undefined, space)
        expect(scrubBody(text, secret)).not.toContain('S3CR')
        expect(scrubBody(text.slice(0, cut % (text.length + 1)), secret)).not.toContain('S3CR')
      }),
      { numRuns: 2000 },
    )
  })

  it('is JSON afterwards, and the same where there is no secret', () => {
    fc.assert(
      fc.property(fc.record({ value: fc.jsonValue({ maxDepth: 4 }) }), ({ value }) => {
        const text = JSON.stringify({ data: value, count: 1 })
        fc.pre(!/\/\/[^/]*@/.test(text)) // A user in front of a host is a secret, wherever it stands.
        const safe = scrubBody(text, name => name === 'count')
        expect(JSON.parse(safe)).toEqual({ ...(JSON.parse(text) as object), count: '<redacted:1>' })
      }),
      { examples: [[{ value: '"\\"' }], [{ value: '"\\"\\' }], [{ value: '"a"\n' }]] },
    )
  })
})

describe('text', () => {
  it.each([
    ['see https://ada:pw@api.test/x?a=1&b=2#c now', 'see https://api.test/x?a=<redacted:1>&b=<redacted:1>#c now'],
    ['password=hunter2&x=1', 'password=<redacted:7>&x=1'],
    ['user: ada password = "hunter 2" x', 'user: ada password = <redacted:10> x'],
    ['Authorization: Digest username="a", response="b"', 'Authorization: <redacted:33>'],
    ['<password>x</password><a>y</a>', '<password><redacted:1></password><a>y</a>'],
    ["<input name='csrf-token' value='x'>", '<input name=\'csrf-token\' value="<redacted:3>">'],
    ['got Bearer abcdefgh.ij, twice', 'got Bearer <redacted:11>, twice'],
    ['eyJhbGciOi.eyJzdWIi.c2ln!', '<redacted:24>!'],
    ['what? Nothing to hide = here: 12:30', 'what? Nothing to hide = here: 12:30'],
  ])('%s', (text, safe) => {
    expect(scrub(text, secret)).toBe(safe)
  })

  it('is not changed by being scrubbed twice', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('token=', '?a=b', '"', ':', '&', 'x', ' ', '\n', '<a>', '//u@') }),
        text => {
          const once = scrub(text, () => false)
          expect(scrub(once, () => false)).toBe(once)
        },
      ),
    )
  })

  it('keeps empty values and what has no value in a query', () => {
    expect(scrubQuery('?a=&b&c=d', secret)).toBe('?a=&b&c=<redacted:1>')
  })
})

it.each([
  '"',
  '"token":',
  '"token":{',
  '"token":[[',
  '\\"',
  '"\\"token\\":\\"',
  '<',
  '<a ',
  '<token>',
  '<a name="token" ',
  'eyJ',
  '-eyJ',
  'eyJ.',
  'token=',
  'token: ',
  '?',
  '?a=b&',
  '//',
  '//a@',
  '-----BEGIN A-----',
  '-----BEGIN ',
  'bearer ',
  'a.',
  'value=',
  ' ',
  '\t',
  '{',
  '\\',
])('takes time in proportion to the text: %j', part => {
  const took = (size: number): number => {
    const text = part.repeat(size / part.length)
    const from = performance.now()
    scrubBody(text, secret)
    scrubBody(`{${text}`, secret)
    return performance.now() - from
  }
  took(10_000)
  // Quadratic time would be seconds here.
  expect(took(200_000)).toBeLessThan(1000)
})

it('prints control characters as escapes and cuts what is long', () => {
  expect(printable('a\r\n\t\u0000\u001b\u009b\u2028\u202eb')).toBe('a\\r\\n\\t\\x00\\x1b\\x9b\\u2028\\u202eb')
  expect(printable('äöü €', 3)).toBe('äöü…')
})
