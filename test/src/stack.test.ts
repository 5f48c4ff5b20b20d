import { describe, expect, it } from 'vitest'
import { edge } from '../../src/edge.ts'
import { definePlugin, type AnyPlugin, type Cookie, type Scope } from '../../src/index.ts'
import { NO_PLUGIN_OPTIONS } from '../../src/prepare.ts'
import { Stack, type Surroundings } from '../../src/stack.ts'
import { NEVER } from 'rxjs'
import { answering } from './scripted-engine.ts'
import { thrown } from './thrown.ts'

// What children and calls make of it is in open-client.test.ts.

const context = (): Surroundings => ({
  onClose: () => undefined,
  engine: answering(),
  baseUrl: undefined,
  monitor: NEVER,
})

function counted(name: string, scope: Scope, log: string[]): AnyPlugin {
  return definePlugin({
    name,
    scope,
    defaults: { tag: 'x' },
    install: () => {
      log.push(name)
      return (request, next) => next(request)
    },
  })()
}
const names = (stack: Stack): string => stack.plugins.map(({ name }) => name).join(' ')

describe('a stack', () => {
  it('installs every plugin once, in the order given', () => {
    const log: string[] = []
    const stack = Stack.of([counted('a', 'call', log), counted('b', 'steer', log)], edge(answering()), context())
    expect([log, names(stack)]).toEqual([['a', 'b'], 'a b'])
  })

  it('is itself when nothing is added', () => {
    const stack = Stack.of([], edge(answering()), context())
    expect(stack.extend([], context())).toBe(stack)
  })

  it('installs only what is new when it is extended, and what is the same plugin keeps its state', () => {
    const log: string[] = []
    const [a, b] = [counted('a', 'call', log), counted('b', 'wire', log)]
    const stack = Stack.of([a, b], edge(answering()), context())
    const extended = stack.extend([a, counted('c', 'steer', log)], context())
    expect([log, names(extended)]).toEqual([['a', 'b', 'c'], 'a c b'])
    expect(names(stack)).toBe('a b')
    expect(extended.installed[0]).toBe(stack.installed[0])
  })

  it('gives a plugin the options of the client when it installs it', () => {
    const seen: object[] = []
    const tagged = definePlugin({
      name: 'tagged',
      scope: 'call',
      defaults: { tag: 'x', other: 1 },
      install: (_, options) => {
        seen.push({ ...options })
        return (request, next) => next(request)
      },
    })
    Stack.of([tagged({ tag: 'y' })], edge(answering()), context())
    expect(seen).toEqual([{ tag: 'y', other: 1 }])
  })

  it('knows what a plugin provides, also where it was inherited, until another takes its place', async () => {
    const keeping = (domain: string): AnyPlugin =>
      definePlugin({
        name: 'keeping',
        scope: 'attempt',
        defaults: {},
        install: ({ provide }) => {
          provide({ cookies: () => Promise.resolve([{ domain } as Cookie]) })
          return (request, next) => next(request)
        },
      })()
    const bare = Stack.of([], edge(answering()), context())
    expect(bare.provided('cookies')).toBeUndefined()
    const stack = bare.extend([keeping('a.test')], context())
    const child = stack.extend([counted('b', 'call', [])], context())
    const other = child.extend([keeping('c.test')], context())
    const of = async (one: Stack) => (await one.provided('cookies')?.('https://x.test/'))?.map(({ domain }) => domain)
    expect([await of(stack), await of(child), await of(other)]).toEqual([['a.test'], ['a.test'], ['c.test']])
  })

  it('has the same options for all calls that give none', () => {
    const stack = Stack.of([counted('a', 'call', [])], edge(answering()), context())
    expect(stack.optionsOf({})).toBe(NO_PLUGIN_OPTIONS)
    expect(stack.optionsOf({ headers: {}, query: {}, params: {}, body: 'x', method: 'GET', a: undefined })).toBe(
      NO_PLUGIN_OPTIONS,
    )
    expect({ ...stack.optionsOf({ a: false }) }).toEqual({ a: false })
  })

  it('does not know names of Object.prototype', () => {
    const stack = Stack.of([], edge(answering()), context())
    for (const name of ['toString', 'constructor', 'hasOwnProperty'])
      expect(thrown(() => stack.optionsOf({ [name]: {} })).code).toBe('CONFIG')
  })
})

describe('an option that may be given alone', () => {
  const check = (value: unknown) => (typeof value === 'string' || value instanceof Object ? undefined : 'a place')
  const AIM: { at: string | URL | readonly string[]; times: number } = { at: 'here', times: 1 }
  const aim = definePlugin({
    name: 'aim',
    scope: 'call',
    defaults: AIM,
    check: { at: check },
    short: 'at',
    install: () => (request, next) => next(request),
  })
  const open = () => Stack.of([aim({ times: 2 }), counted('b', 'call', [])], edge(answering()), context())
  const { href } = new URL('http://a.test/')

  it.each([
    ['a text', 'there', { at: 'there', times: 2 }],
    ['a list', ['x', 'y'], { at: ['x', 'y'], times: 2 }],
    ['a url', new URL(href), { at: new URL(href), times: 2 }],
    ['an object of options', { times: 3 }, { at: 'here', times: 3 }],
  ])('is what %s stands for', (_, given, merged) => {
    expect({ ...open().optionsOf({ aim: given })['aim'] }).toEqual(merged)
  })

  it('is checked like any other', () => {
    for (const given of [7, null, true])
      expect(thrown(() => open().optionsOf({ aim: given })).message).toMatch(/^aim\(\{ at \}\) must be a place, not/)
    expect({ ...open().optionsOf({ aim: false }) }).toEqual({ aim: false })
  })

  it('is had by plugins that say so, and by no other', () => {
    expect(thrown(() => open().optionsOf({ b: 'x' })).message).toBe(
      'The option b must be an object, or false to leave the plugin out of this call, not "x".',
    )
    const { name, scope, install } = counted('c', 'call', [])
    const wrong = { name, scope, install, defaults: {}, short: 'att' }
    expect(thrown(() => definePlugin(wrong as never)).message).toBe(
      'The option a call of c may give alone must be one it has, not "att".',
    )
  })
})
