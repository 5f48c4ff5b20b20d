import { mock, type MockReply, type PatternParams } from 'sluice/engines/mock'
import { reply } from 'sluice/testing'
import { expectTypeOf, it } from 'vitest'

type NamesOf<Pattern extends string> = keyof PatternParams<Pattern>

it('knows the variables of a pattern', () => {
  expectTypeOf<PatternParams<'GET /users/:id'>>().toEqualTypeOf<{ readonly id: string }>()
  expectTypeOf<PatternParams<'GET https://api.test:8443/users/:id/posts/:post'>>().toEqualTypeOf<{
    readonly id: string
    readonly post: string
  }>()
  expectTypeOf<PatternParams<'/v:major.:minor/files/*'>>().toEqualTypeOf<{
    readonly major: string
    readonly minor: string
    readonly '*': string
  }>()
  expectTypeOf<NamesOf<'GET /users?page=2'>>().toEqualTypeOf<never>()
  expectTypeOf<NamesOf<'*'>>().toEqualTypeOf<never>()
  expectTypeOf<PatternParams<string>>().toEqualTypeOf<Readonly<Record<string, string>>>()
})

it('gives them to the handlers of routes', () => {
  mock({
    'GET /users/:id': ({ params }) => {
      expectTypeOf(params).toEqualTypeOf<{ readonly id: string }>()
      return { body: params.id }
    },
    'GET /files/*': ({ params }) => {
      expectTypeOf(params['*']).toEqualTypeOf<string>()
      return 200
    },
    '*': 404,
  })
  mock().on('GET /users/:id', ({ params }) => ({ body: params.id }))
  mock().once('GET /users/:id', async ({ params }) => ({ body: params.id }))
})

it('refuses replies that cannot be', () => {
  // @ts-expect-error -- a misspelt field
  mock({ 'GET /': { boddy: 'x' } })
  // @ts-expect-error -- TIMEOUT is scripted as a stall
  mock({ 'GET /': 'TIMEOUT' })
  // @ts-expect-error -- no such phase
  mock().enqueue({ stall: 'lunch' })
})

it('takes the replies of the test server where they mean the same', () => {
  expectTypeOf(reply.json({ a: 1 })).toExtend<MockReply>()
  mock({ 'GET /': reply.json({ a: 1 }) })
})

it('takes one function for everything', () => {
  mock(({ params, body }) => {
    expectTypeOf(params).toEqualTypeOf<Readonly<Record<string, string>>>()
    return { body: body.text() }
  })
})
