import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { count, definePlugin, milliseconds, text, type Handler, type Scope } from '../../src/index.ts'
import { thrown } from './thrown.ts'

const install = () => (request: Parameters<Handler>[0], next: Handler) => next(request)
const knock = definePlugin({
  name: 'knock',
  scope: 'call',
  inside: { door: 'one cannot knock on nothing' },
  defaults: { times: 3, wait: 10, greeting: undefined as string | undefined, apiKey: '' },
  check: { times: count, wait: milliseconds, apiKey: text },
  install,
})

describe('a plugin', () => {
  it('is what its author said, with the options of its user over the defaults', () => {
    const plugin = knock({ times: 5 })
    expect(plugin).toMatchObject({
      name: 'knock',
      scope: 'call',
      inside: { door: 'one cannot knock on nothing' },
      install,
    })
    expect({ ...plugin.options }).toEqual({ times: 5, wait: 10, greeting: undefined, apiKey: '' })
    expect({ ...knock().options }).toEqual({ times: 3, wait: 10, greeting: undefined, apiKey: '' })
  })

  it('cannot be changed afterwards, nor can its options', () => {
    const given = { times: 5 }
    const plugin = knock(given)
    given.times = 6
    expect(plugin.options.times).toBe(5)
    expect(Object.isFrozen(plugin)).toBe(true)
    expect(Object.isFrozen(plugin.options)).toBe(true)
    expect(Object.isFrozen(plugin.merge({ times: 1 }))).toBe(true)
  })

  it('is shown without its options, which may be secret', () => {
    const plugin = knock({ apiKey: 'hunter2', greeting: 'hunter2' })
    expect(inspect(plugin, { depth: 9, showHidden: true })).not.toContain('hunter2')
    expect(JSON.parse(JSON.stringify([plugin]))).toEqual([{ name: 'knock', scope: 'call', inside: plugin.inside }])
  })

  it('merges defaults ← client ← call, and undefined leaves what was there', () => {
    const plugin = knock({ times: 5, wait: undefined })
    expect({ ...plugin.merge({ wait: 20, times: undefined }) }).toEqual({
      times: 5,
      wait: 20,
      greeting: undefined,
      apiKey: '',
    })
    expect(plugin.options.wait).toBe(10)
  })

  it('has options that inherit nothing', () => {
    expect(Object.getPrototypeOf(knock().options)).toBeNull()
    expect(Object.getPrototypeOf(knock().merge({}))).toBeNull()
  })

  it('has no reasons of order when its author gave none', () => {
    expect(definePlugin({ name: 'bare', scope: 'wire', defaults: {}, install })().inside).toEqual({})
  })
})

describe('a wrong option', () => {
  const wrong: readonly (readonly [options: object, message: string])[] = [
    [{ tims: 3 }, 'knock has no option "tims". Did you mean "times"?'],
    [{ zzz: 3 }, 'knock has no option "zzz". It has times, wait, greeting, apiKey.'],
    [{ toString: () => 'x' }, 'knock has no option "toString". It has times, wait, greeting, apiKey.'],
    [{ times: -1 }, 'knock({ times }) must be a whole number of at least 0, not -1.'],
    [{ wait: Number.NaN }, 'knock({ wait }) must be a number of milliseconds from 0 to 2147483647, not NaN.'],
    [{ wait: -1 }, 'knock({ wait }) must be a number of milliseconds from 0 to 2147483647, not -1.'],
    [{ wait: 1e15 }, 'knock({ wait }) must be a number of milliseconds from 0 to 2147483647, not 1000000000000000.'],
    [{ wait: '5' }, 'knock({ wait }) must be a number of milliseconds from 0 to 2147483647, not "5".'],
    [{ apiKey: 53553 }, 'knock({ apiKey }) must be a string, not what was given (a value of type number).'],
  ]

  it.each(wrong)('%o is refused when the plugin is made and when a call gives it', (options, message) => {
    expect(thrown(() => knock(options)).message).toBe(message)
    const error = thrown(() => knock().merge(options))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config', message })
  })

  it.each<[unknown]>([[null], [5], ['times'], [true]])('%o is refused, because options are an object', options => {
    for (const work of [() => knock(options as object), () => knock().merge(options as object)])
      expect(thrown(work).message).toMatch(/^The options of knock must be an object, not .+\.$/)
  })

  it('is refused by a plugin that has none', () => {
    const bare = definePlugin({ name: 'bare', scope: 'call', defaults: {}, install })
    const extra: object = { x: 1 }
    expect(thrown(() => bare(extra)).message).toBe('bare has no option "x". It has no options.')
  })
})

describe('definePlugin', () => {
  it.each(['', 'a b', 'a-b', '7a', '__proto__', 'headers', 'query', 'params', 'body', 'method', 7, undefined])(
    'refuses the name %j, under which a call could give no options',
    name => {
      const error = thrown(() => definePlugin({ name: name as string, scope: 'call', defaults: {}, install }))
      expect(error.code).toBe('CONFIG')
      expect(error.message).toMatch(
        /^A plugin cannot have the name .+; its options are given by it, as in get\(url, .+\.$/,
      )
    },
  )

  it.each([
    [{ scope: 'calls' as Scope }, 'The scope of odd must be call, steer, attempt, wire, not "calls".'],
    [{ scope: undefined as unknown as Scope }, 'The scope of odd must be call, steer, attempt, wire, not undefined.'],
    [{ install: undefined as never }, 'install of odd must be a function, not undefined.'],
    [{ defaults: undefined as never }, 'The defaults of odd must be an object that lists its options, not undefined.'],
  ])('refuses %o', (part, message) => {
    expect(thrown(() => definePlugin({ name: 'odd', scope: 'call', defaults: {}, install, ...part })).message).toBe(
      message,
    )
  })
})
