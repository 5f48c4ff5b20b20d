import { describe, expect, it } from 'vitest'
import { definePlugin, type AnyPlugin } from '../../src/index.ts'
import { checkPlugins, SCOPES } from '../../src/plugin.ts'
import { thrown } from './thrown.ts'

const fine = definePlugin({
  name: 'fine',
  scope: 'call',
  defaults: {},
  install: () => (request, next) => next(request),
})

describe('a list of plugins', () => {
  it('holds plugins', () => {
    expect(() => {
      checkPlugins([fine()])
    }).not.toThrow()
  })

  it.each([
    [[fine(), fine], 'plugins[1] is a function and no plugin; call it to make a plugin, as in retry().'],
    [[undefined], 'plugins[0] is undefined and no plugin; make plugins with definePlugin().'],
    [[false], 'plugins[0] is false and no plugin; make plugins with definePlugin().'],
    [[null], 'plugins[0] is null and no plugin; make plugins with definePlugin().'],
    [[{ name: 'x' }], 'plugins[0] is an object and no plugin; make plugins with definePlugin().'],
    [[{ ...fine(), scope: 'somewhere' }], 'plugins[0] is an object and no plugin; make plugins with definePlugin().'],
    [fine(), 'Plugins must be given as a list, not as an object.'],
    [null, 'Plugins must be given as a list, not as null.'],
  ])('refuses %o', (list, message) => {
    const error = thrown(() => {
      checkPlugins(list as unknown as AnyPlugin[])
    })
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config', message })
  })
})

describe('scopes', () => {
  it('go from the user to the wire', () => {
    expect(SCOPES).toEqual(['call', 'steer', 'attempt', 'wire'])
  })
})
