import { of, type Observable } from 'rxjs'
import { createClient, type HttpResponse } from 'sluice'
import { retry } from 'sluice/plugins/retry'
import { paginate } from 'sluice/streams/paginate'
import { expectTypeOf, it } from 'vitest'

const client = createClient({ plugins: [retry()] })
const items = (page: HttpResponse): { id: number }[] => page.json()

it('emits pages, items, or what a projector makes of them', () => {
  expectTypeOf(paginate(client, 'x')).toEqualTypeOf<Observable<HttpResponse>>()
  expectTypeOf(paginate(client, 'x', { items })).toEqualTypeOf<Observable<{ id: number }>>()
  expectTypeOf(paginate(client, 'x', { items, project: ({ id }) => of(String(id)) })).toEqualTypeOf<
    Observable<string>
  >()
  expectTypeOf(paginate(client, 'x', { project: page => [page.status] })).toEqualTypeOf<Observable<number>>()
})

it('knows the items of a function that says no types', () => {
  const ids = paginate(client, 'users/{id}', {
    params: { id: 7 },
    items: page => page.json<{ id: number }[]>(),
    project: async ({ id }, index) => Promise.resolve(id + index),
    concurrency: 2,
  })
  expectTypeOf(ids).toEqualTypeOf<Observable<number>>()
})

it('takes the options of the call, those of plugins, and the params its url asks for', () => {
  void paginate(client, 'users/{id}', { params: { id: 7 }, retry: { times: 1 }, method: 'POST', body: {} })
  // @ts-expect-error -- the params are missing
  void paginate(client, 'users/{id}')
  // @ts-expect-error -- the params are missing
  void paginate(client, 'users/{id}', { items })
  // @ts-expect-error -- no such option
  void paginate(client, 'x', { retries: 1 })
})
