import type { ParamsOf, ParamValue } from 'sluice'
import { expectTypeOf, it } from 'vitest'

type Simple<T> = { [K in keyof T]: T[K] }

it('the params of a url are read off its type', () => {
  expectTypeOf<Simple<ParamsOf<'users/{id}'>>>().toEqualTypeOf<{ readonly id: ParamValue }>()
  expectTypeOf<Simple<ParamsOf<'{a}/{b}'>>>().toEqualTypeOf<{ readonly a: ParamValue; readonly b: ParamValue }>()
  expectTypeOf<Simple<ParamsOf<'{a,b}'>>>().toEqualTypeOf<{ readonly a: ParamValue; readonly b: ParamValue }>()
  expectTypeOf<Simple<ParamsOf<'{+a}{#b}{.c}{/d}{;e}'>>>().toEqualTypeOf<{
    readonly a: ParamValue
    readonly b: ParamValue
    readonly c: ParamValue
    readonly d: ParamValue
    readonly e: ParamValue
  }>()
  expectTypeOf<Simple<ParamsOf<'{list*}{text:3}'>>>().toEqualTypeOf<{
    readonly list: ParamValue
    readonly text: ParamValue
  }>()
  expectTypeOf<Simple<ParamsOf<'x{?page,size*}{&more:2}'>>>().toEqualTypeOf<{
    readonly page?: ParamValue | undefined
    readonly size?: ParamValue | undefined
    readonly more?: ParamValue | undefined
  }>()
  expectTypeOf<ParamsOf<'users'>>().toEqualTypeOf<unknown>()
})
