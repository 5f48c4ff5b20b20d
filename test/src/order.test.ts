import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { definePlugin, type AnyPlugin, type Scope } from '../../src/index.ts'
import { arrange, checkOrder } from '../../src/order.ts'
import { SCOPES } from '../../src/plugin.ts'
import { isHttpError } from '../../src/errors.ts'
import { thrown } from './thrown.ts'

function plugin(name: string, scope: Scope, inside: Readonly<Record<string, string>> = {}): AnyPlugin {
  return definePlugin({ name, scope, inside, defaults: {}, install: () => (request, next) => next(request) })()
}
const names = (plugins: readonly AnyPlugin[]): string => plugins.map(({ name }) => name).join(' ')
const check = (...plugins: readonly AnyPlugin[]): void => {
  checkOrder(plugins)
}

const log = plugin('log', 'call')
const redirect = plugin('redirect', 'steer')
const bearer = plugin('bearer', 'steer', { redirect: 'a token must not follow to another origin' })
const timeout = plugin('timeout', 'attempt')
const decode = plugin('decode', 'wire')

describe('the order of a list', () => {
  it('is as it is written when that can work', () => {
    expect(() => {
      check(log, redirect, bearer, timeout, decode)
    }).not.toThrow()
    expect(() => {
      check()
    }).not.toThrow()
  })

  it.each<[string, AnyPlugin[], string]>([
    [
      'an outer scope inside',
      [timeout, log],
      'timeout cannot stand before log: log works once per call, timeout once per send. An order that works: [log, timeout].',
    ],
    [
      'a wire plugin outside',
      [decode, redirect],
      'decode cannot stand before redirect: redirect works on whether and where to send, decode on the bytes of a send. An order that works: [redirect, decode].',
    ],
    [
      'against a stated reason',
      [log, bearer, redirect],
      'bearer cannot stand before redirect: a token must not follow to another origin. An order that works: [log, redirect, bearer].',
    ],
    [
      'the same name twice',
      [log, redirect, log],
      'The plugin log stands twice in the list; give all its options to one.',
    ],
  ])('is refused with its reason and an order that works: %s', (_, list, message) => {
    expect(thrown(() => check(...list))).toMatchObject({ code: 'CONFIG', phase: 'config', message })
  })

  it('is refused when there is none that works', () => {
    const a = plugin('a', 'steer', { b: 'b first' })
    const b = plugin('b', 'steer', { a: 'a first' })
    for (const work of [() => check(a, b), () => check(b, a), () => arrange([a, b])])
      expect(thrown(work).message).toMatch(/^No order of \[[ab], [ab]\] can work: each wants to be inside another\.$/)
  })

  it('names only those that cannot agree', () => {
    const a = plugin('a', 'steer', { b: 'b first' })
    const b = plugin('b', 'steer', { a: 'a first' })
    expect(thrown(() => arrange([log, a, timeout, b, decode])).message).toContain('[a, b]')
  })

  it('is refused when a plugin wants to be inside one of an inner scope', () => {
    const odd = plugin('odd', 'call', { timeout: 'it says so' })
    expect(thrown(() => check(odd, timeout)).message).toBe(
      'No order of [odd, timeout] can work: each wants to be inside another.',
    )
  })

  it('ignores reasons about plugins that are not there', () => {
    expect(() => {
      check(bearer)
    }).not.toThrow()
  })
})

describe('arrange', () => {
  it('puts plugins where they belong and moves the others as little as possible', () => {
    expect(names(arrange([decode, bearer, timeout, log, redirect]))).toBe('log redirect bearer timeout decode')
  })

  it('leaves its argument as it was', () => {
    const list = [timeout, log]
    arrange(list)
    expect(names(list)).toBe('timeout log')
  })

  it('refuses a name twice', () => {
    expect(thrown(() => arrange([log, plugin('log', 'wire')])).message).toMatch(/stands twice/)
  })

  it('always answers an order that passes the check, and a list that passes stays as it is', () => {
    const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const lists = fc
      .record({
        scopes: fc.array(fc.constantFrom(...SCOPES), { minLength: letters.length, maxLength: letters.length }),
        reasons: fc.array(fc.tuple(fc.constantFrom(...letters), fc.constantFrom(...letters)), { maxLength: 6 }),
        order: fc.shuffledSubarray(letters),
      })
      .map(({ scopes, reasons, order }) =>
        order.map(name => {
          const inside = Object.fromEntries(
            reasons.filter(([inner, outer]) => inner === name && outer !== name).map(([, outer]) => [outer, 'because']),
          )
          return plugin(name, scopes[letters.indexOf(name)] ?? 'call', inside)
        }),
      )
    fc.assert(
      fc.property(lists, list => {
        let arranged: AnyPlugin[]
        try {
          arranged = arrange(list)
        } catch (error) {
          expect(isHttpError(error)).toBe(true)
          return
        }
        expect(arranged.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
          list.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
        )
        expect(() => {
          checkOrder(arranged)
        }).not.toThrow()
        expect(names(arrange(arranged))).toBe(names(arranged))
        if (passes(list)) expect(names(arranged)).toBe(names(list))
      }),
      { numRuns: 500 },
    )
  })
})

function passes(list: readonly AnyPlugin[]): boolean {
  try {
    checkOrder(list)
    return true
  } catch {
    return false
  }
}
