import { createClient, definePlugin, identified, IDENTITY, standsFor, type HttpRequest } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { describe, expect, it } from 'vitest'

/** What was noted on a request after so many said who asks. */
function noted(...names: readonly string[]): string | undefined {
  const engine = mock(() => 200)
  const saying = definePlugin({
    name: 'saying',
    scope: 'steer',
    defaults: {},
    install: () => (request, next) => next(names.reduce<HttpRequest>(identified, request)),
  })
  createClient({ engine, plugins: [saying()] })
    .get('https://a.test/')
    .subscribe()
  return engine.history[0]?.request.read(IDENTITY)
}

describe('identified', () => {
  it('adds to what others have noted, and hides none of it', () => {
    expect(noted()).toBeUndefined()
    expect(noted('digest "ada"')).toBe('digest "ada"')
    expect(noted('digest "ada"', 'cookies 7')).toBe('digest "ada"\ncookies 7')
  })

  it('says a name once', () => {
    expect(noted('a', 'b', 'a')).toBe('a\nb')
  })

  it.each([
    [['a\nb'], ['a', 'b']],
    [['a\\nb'], ['a\nb']],
    [['a b'], ['a', 'b']],
    [
      ['a', 'b'],
      ['b', 'a', 'c'],
    ],
  ])('keeps %j apart from %j', (some, others) => {
    expect(noted(...some)).not.toBe(noted(...others))
  })
})

it.each([
  ['digest "ada"', 'Digest', true],
  ['cookies 7\nDIGEST "ada"', 'digest', true],
  ['digest', 'digest', false],
  ['digester x', 'digest', false],
  ['apiKey:digest x', 'digest', false],
  ['cookies digest x', 'digest', false],
])('%j stands for %s: %s', (identity, scheme, stands) => {
  expect(standsFor(identity, scheme)).toBe(stands)
})
