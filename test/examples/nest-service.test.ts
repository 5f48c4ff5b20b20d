import { firstValueFrom, lastValueFrom, tap, toArray } from 'rxjs'
import { reply, serve, type TestServer } from 'sluice/testing'
import { expect, it } from 'vitest'
import { UsersService } from '../../examples/nest-service/users-service.ts'
import { run } from './program.ts'

async function* renames(): AsyncGenerator<string> {
  yield 'data: 7 was renamed\n\n'
  await new Promise(() => {})
}

function world(): Promise<TestServer> {
  return serve({
    'GET /users/changes': () => ({ headers: { 'content-type': 'text/event-stream' }, body: renames() }),
    'GET /users/7': reply.json({ id: 7, name: 'Ada' }, { delay: 150 }),
    'GET /users/8': reply.status(404),
  })
}

it('runs as a program, and ends by itself', async () => {
  const { stdout, stderr, code } = await run('nest-service')
  expect(stdout).toBe(
    "found { id: 7, name: 'Ada' } and heard [ { data: '7 was renamed' } ]\nthe server sees no socket any more\n",
  )
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
}, 30_000)

it('asks when Nest subscribes to what a controller returned, and not before', async () => {
  await using server = await world()
  const users = new UsersService(server.url)
  const found = users.find(7)
  expect(server.connections).toEqual([])
  expect(await firstValueFrom(found)).toEqual({ id: 7, name: 'Ada' })
  await expect(firstValueFrom(users.find(8))).rejects.toMatchObject({ code: 'STATUS' })
  expect(server.requests.map(({ target }) => target)).toEqual(['/users/7', '/users/8'])
  await users.onModuleDestroy()
})

it('lets calls end when the module ends, completes event streams, takes no more, and leaves no socket', async () => {
  await using server = await world()
  const users = new UsersService(server.url)
  const { promise: heard, resolve: hears } = Promise.withResolvers<unknown>()
  const changes = lastValueFrom(users.changes().pipe(tap(hears), toArray()))
  const found = firstValueFrom(users.find(7))
  await Promise.all([server.received(2), heard])
  await users.onModuleDestroy()
  expect(await found).toEqual({ id: 7, name: 'Ada' })
  expect(await changes).toEqual([{ data: '7 was renamed' }])
  await expect(firstValueFrom(users.find(7))).rejects.toMatchObject({ code: 'CLOSED' })
  await server.until(({ open }) => open === 0)
  expect(server.requests).toHaveLength(2)
})

it('ends the connection behind an event stream when the browser leaves, while the service lives on', async () => {
  await using server = await world()
  const users = new UsersService(server.url)
  const { promise: heard, resolve: hears } = Promise.withResolvers<unknown>()
  const browser = users.changes().subscribe(hears)
  await heard
  browser.unsubscribe()
  const cut = await server.until(({ requests }) => requests.find(({ brokenAt }) => brokenAt))
  expect(cut).toMatchObject({ target: '/users/changes', answered: false })
  expect(await firstValueFrom(users.find(7))).toMatchObject({ name: 'Ada' })
  await users.onModuleDestroy()
})
