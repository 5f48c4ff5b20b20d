import { definePlugin, milliseconds, type AnyPlugin, type HttpRequest, type OptionsOf, type Plugin } from 'sluice'
import { expectTypeOf, it } from 'vitest'

const DEFAULTS: { times: number; wait: number | false } = { times: 3, wait: 10 }
const knock = definePlugin({
  name: 'knock',
  scope: 'call',
  inside: { door: 'one cannot knock on nothing' },
  defaults: DEFAULTS,
  check: { wait: milliseconds },
  install: context => {
    expectTypeOf(context.onClose).toBeCallableWith(() => Promise.resolve())
    return (request, next, options) => {
      expectTypeOf(request).toEqualTypeOf<HttpRequest>()
      expectTypeOf(options).toEqualTypeOf<{ times: number; wait: number | false }>()
      return next(request)
    }
  },
})

it('a plugin has the name and the options its author gave', () => {
  const plugin = knock({ wait: false })
  expectTypeOf(plugin).toEqualTypeOf<Plugin<'knock', { times: number; wait: number | false }>>()
  expectTypeOf(plugin).toExtend<AnyPlugin>()
  expectTypeOf<OptionsOf<typeof plugin>>().toEqualTypeOf<{
    readonly knock?:
      | { readonly times?: number | undefined; readonly wait?: number | false | undefined }
      | false
      | undefined
  }>()
})

it('the options of a list are those of all of it', () => {
  type Options = OptionsOf<ReturnType<typeof knock> | Plugin<'other', { on: boolean }>>
  expectTypeOf<keyof Options>().toEqualTypeOf<'knock' | 'other'>()
})

it('an author cannot say what does not fit', () => {
  const install = knock().install
  // @ts-expect-error -- there is no such scope
  definePlugin({ name: 'a', scope: 'calls', defaults: {}, install })
  definePlugin({
    name: 'a',
    scope: 'call',
    defaults: { times: 1 },
    // @ts-expect-error -- a check of an option it does not have
    check: { wait: milliseconds },
    install: () => (request, next) => next(request),
  })
  definePlugin({
    name: 'a',
    scope: 'call',
    defaults: {},
    // @ts-expect-error -- an interceptor answers with an Observable
    install: () => () => 7,
  })
})

it('an option that may be given alone is part of what a call can say', () => {
  const AIM: { at: string | false | { readonly deep: string }; times: number } = { at: 'here', times: 1 }
  const aim = definePlugin({
    name: 'aim',
    scope: 'call',
    defaults: AIM,
    short: 'at',
    install: () => (request, next) => next(request),
  })
  type Said = OptionsOf<ReturnType<typeof aim> | ReturnType<typeof knock>>
  expectTypeOf<{ aim: 'there' }>().toExtend<Said>()
  expectTypeOf<{ aim: { times: 2; at: { deep: 'x' } } }>().toExtend<Said>()
  expectTypeOf<{ aim: false }>().toExtend<Said>()
  expectTypeOf<{ aim: 7 }>().not.toExtend<Said>()
  expectTypeOf<{ aim: { deep: 'x' } }>().not.toExtend<{ readonly [K in keyof Said]: Said[K] }>()
  expectTypeOf<{ knock: 'x' }>().not.toExtend<Said>()
  // @ts-expect-error -- an option it does not have
  definePlugin({ name: 'a', scope: 'call', defaults: { at: 1 }, short: 'to', install: aim().install })
})
