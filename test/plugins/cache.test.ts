import { describe, expect, it } from 'vitest'
import { cases } from './cache/cases.ts'
import { play, type As } from './cache/play.ts'

/** By what users can be told apart. */
const ways: readonly (readonly [string, As])[] = [
  ['Authorization', user => ({ headers: { authorization: `Bearer ${user}` } })],
  ['Cookie', user => ({ headers: { cookie: `session=${user}` } })],
  ['an api key', user => ({ headers: { 'x-api-key': user } })],
  [
    'a signature that differs every time, beside an identity that is the same for all',
    user => ({ identity: 'apiKey:1', headers: { authorization: `Signature keyId="${user}"` } }),
  ],
  [
    'an identity, behind a Digest that differs every time',
    user => ({ identity: `digest ${user}`, headers: { authorization: 'Digest x' } }),
  ],
]

it('there are at least 150 cases, each with a name of its own', () => {
  expect(cases.length).toBeGreaterThanOrEqual(150)
  expect(new Set(cases.map(({ group, name, reply }) => `${group} ${name} ${JSON.stringify(reply)}`)).size).toBe(
    cases.length,
  )
})

describe.each(cases)('$group $name', one => {
  it(`is answered: ${one.want}`, () => {
    const { want, answers } = play(one)
    expect(want).toBe(one.want)
    const [first, last] = [answers.get('')?.[0], answers.get('')?.at(-1)]
    if (one.want === 'origin' || one.want === '504') return
    expect(last?.text()).toBe(one.method === 'HEAD' ? '' : first?.text())
    expect(last?.headers.get('age')).toMatch(/^\d+$/)
  })

  it('shows nobody what was meant for somebody else', () => {
    for (const [way, as] of ways) {
      const { answers } = play(one, ['Ada', 'Bob'], as)
      for (const [user, others] of [
        ['Ada', 'Bob'],
        ['Bob', 'Ada'],
      ] as const) {
        const own = answers.get(user) ?? []
        expect(own.length, way).toBeGreaterThan(0)
        for (const { bytes } of own) expect(new TextDecoder().decode(bytes), way).not.toContain(others)
      }
    }
  })
})
