import { firstValueFrom } from 'rxjs'
import { createClient } from 'sluice'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { expect, it } from 'vitest'

const clientOf = (engine: MockEngine) => createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })

it('answers a route with its variables before subscribe() returns', () => {
  const api = mock({ 'GET /users/:id': ({ params }) => ({ body: { id: params.id } }) })
  const seen: unknown[] = []
  clientOf(api)
    .get('users/7')
    .subscribe(response => seen.push(response.json()))
  expect(seen).toEqual([{ id: '7' }])
  expect(api.history[0]).toMatchObject({ outcome: 'completed', status: 200, route: 'GET /users/:id', delivered: 10 })
})

it('pulls an upload chunk by chunk and hands it to the handler', async () => {
  const api = mock({ 'POST /up': ({ body }) => ({ body: `${body.chunks.length}:${body.text()}` }) })
  async function* source() {
    yield 'a'
    yield 'b'
  }
  const response = await firstValueFrom(clientOf(api).post('up', source()))
  expect(response.text()).toBe('2:ab')
})
