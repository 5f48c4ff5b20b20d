// A service of NestJS that owns a client. Run it: npx node --conditions=sluice-source examples/nest-service/main.ts
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs'
import { reply, serve } from 'sluice/testing'
import { UsersService } from './users-service.ts'

const server = await serve({
  'GET /users/changes': { headers: { 'content-type': 'text/event-stream' }, body: changes() },
  'GET /users/:id': ({ params }) => reply.json({ id: Number(params['id']), name: 'Ada' }, { delay: 100 }),
})
const users = new UsersService(server.url)

// What Nest does: it subscribes to what controllers return …
const told = lastValueFrom(users.changes().pipe(toArray()))
const found = firstValueFrom(users.find(7))
await server.until(({ requests }) => requests.length === 2 && requests[0]?.bytesOut)
// … and ends its modules when the process is asked to stop.
await users.onModuleDestroy()
console.log('found', await found, 'and heard', await told)
await server.until(({ open }) => open === 0)
console.log('the server sees no socket any more')
await server.close()

/** Tells one thing, and then nothing for ever. */
async function* changes(): AsyncGenerator<string> {
  yield 'data: 7 was renamed\n\n'
  await new Promise(() => {})
}
