import type { HttpResponse, Schema } from 'sluice'
import { expectTypeOf, it } from 'vitest'

declare const response: HttpResponse

it('json() is what the caller says, or what the schema says', () => {
  expectTypeOf(response.json()).toEqualTypeOf<unknown>()
  expectTypeOf(response.json<{ a: number }>()).toEqualTypeOf<{ a: number }>()
  const schema: Schema<{ a: Date }> = {
    '~standard': { version: 1, vendor: 'tests', validate: () => ({ value: { a: new Date() } }) },
  }
  expectTypeOf(response.json(schema)).toEqualTypeOf<{ a: Date }>()
})

it('a schema of another library fits when it follows the standard', () => {
  /** The interface as published at standardschema.dev, word for word where it matters. */
  interface StandardSchemaV1<Input = unknown, Output = Input> {
    readonly '~standard': {
      readonly version: 1
      readonly vendor: string
      readonly validate: (value: unknown) =>
        | { readonly value: Output; readonly issues?: undefined }
        | {
            readonly issues: readonly { readonly message: string; readonly path?: readonly PropertyKey[] | undefined }[]
          }
      readonly types?: { readonly input: Input; readonly output: Output } | undefined
    }
  }
  const foreign = null as unknown as StandardSchemaV1<string, { a: number }>
  expectTypeOf(response.json(foreign)).toEqualTypeOf<{ a: number }>()
})
