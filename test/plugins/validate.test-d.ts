import { firstValueFrom, map, type Observable } from 'rxjs'
import { createClient, recommended, type Client, type HttpResponse, type Schema } from 'sluice'
import { validate } from 'sluice/plugins/validate'
import { describe, expectTypeOf, it } from 'vitest'

interface User {
  readonly name: string
}
declare const User: Schema<User>
declare const Fault: Schema<{ code: number }>

const client = createClient({ plugins: recommended(validate({ errors: { default: Fault } })) })

describe('the value of an answer', () => {
  it('has the type of the schema of its call, with every verb', () => {
    const schema = { schema: User }
    expectTypeOf(client.get('a', { validate: schema })).toEqualTypeOf<Observable<HttpResponse<User>>>()
    expectTypeOf(client.delete('a', { validate: schema })).toEqualTypeOf<Observable<HttpResponse<User>>>()
    expectTypeOf(client.post('a', {}, { validate: schema })).toEqualTypeOf<Observable<HttpResponse<User>>>()
    expectTypeOf(client.put('a', {}, { validate: schema })).toEqualTypeOf<Observable<HttpResponse<User>>>()
    expectTypeOf(client.patch('a', {}, { validate: schema })).toEqualTypeOf<Observable<HttpResponse<User>>>()
    expectTypeOf(client.query('a', {}, { validate: schema })).toEqualTypeOf<Observable<HttpResponse<User>>>()
    expectTypeOf(client.request('GET', 'a', { validate: schema })).toEqualTypeOf<Observable<HttpResponse<User>>>()
    const names = client.get('users/{id}', { params: { id: 7 }, validate: schema }).pipe(map(r => r.value().name))
    expectTypeOf(names).toEqualTypeOf<Observable<string>>()
  })

  it('has the type of a schema written in place, with an input of another type', () => {
    const parsed = client.get('a', { validate: { schema: made<{ id: number }>() } })
    expectTypeOf(parsed).toEqualTypeOf<Observable<HttpResponse<{ id: number }>>>()
  })

  it('is unknown without one, and where the plugin is left out', () => {
    expectTypeOf(client.get('a')).toEqualTypeOf<Observable<HttpResponse>>()
    expectTypeOf(client.get('a', { validate: false })).toEqualTypeOf<Observable<HttpResponse>>()
    expectTypeOf(client.get('a', { validate: { errors: { 422: Fault } } })).toEqualTypeOf<Observable<HttpResponse>>()
    expectTypeOf(
      createClient()
        .get('a')
        .pipe(map(r => r.value())),
    ).toEqualTypeOf<Observable<unknown>>()
  })

  it('can be asserted, or made by another schema', () => {
    declareResponse(response => {
      expectTypeOf(response.value()).toEqualTypeOf<User>()
      expectTypeOf(response.value<number>()).toEqualTypeOf<number>()
      expectTypeOf(response.value(Fault)).toEqualTypeOf<{ code: number }>()
      expectTypeOf(response.json()).toEqualTypeOf<unknown>()
    })
  })

  it('is at least what those want who take any answer', async () => {
    const any = async (response: HttpResponse): Promise<number> => response.status
    await any(await firstValueFrom(client.get('a', { validate: { schema: User } })))
    const plain: Client = client
    expectTypeOf(plain.get('a')).toEqualTypeOf<Observable<HttpResponse>>()
  })
})

describe('options', () => {
  it('do not compile when they are wrong', () => {
    // @ts-expect-error -- misspelt: shema
    void client.get('a', { validate: { shema: User } })
    // @ts-expect-error -- no schema
    void client.get('a', { validate: { schema: (value: unknown) => value } })
    // @ts-expect-error -- a schema alone could be taken for options
    void client.get('a', { validate: User })
    // @ts-expect-error -- misspelt: retyr
    void client.get('a', { validate: { schema: User }, retyr: {} })
    // @ts-expect-error -- no status
    void client.get('a', { validate: { errors: { '4x': Fault } } })
    // @ts-expect-error -- not installed
    void createClient({ plugins: [] }).get('a', { validate: { schema: User } })
    void client.get('a', { validate: { errors: { 422: Fault, '4xx': Fault, default: Fault } } })
  })
})

declare function declareResponse(use: (response: HttpResponse<User>) => void): void

declare function made<T>(): Schema<T> & { readonly '~standard': { readonly types?: { input: string; output: T } } }
