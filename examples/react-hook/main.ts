// A React hook for requests. Run it: npx node --conditions=sluice-source examples/react-hook/main.ts
import { map } from 'rxjs'
import { createClient } from 'sluice'
import { reply, serve } from 'sluice/testing'
import { mount, react } from './stand-in.ts'
import { observableHook } from './use-observable.ts'

const server = await serve({
  'GET /users/:id': ({ params }) => reply.json(`user ${params['id'] ?? ''}`, { delay: 50 }),
})
const client = createClient({ baseUrl: server.url })
const useObservable = observableHook(react)

let id = 1
const screen = mount(User, text => console.log(text))
await server.received(1)
id = 2
screen.render()
// Waits for the request that still runs.
await client.close()
screen.unmount()
console.log(`${server.requests.filter(({ brokenAt }) => brokenAt !== undefined).length} of 2 requests was cut off`)
await server.close()

/** For each id a request, aborted when another id is wanted. */
function User(): string {
  const user = () => client.get('users/{id}', { params: { id } }).pipe(map(response => response.json<string>()))
  const { value, error } = useObservable(user, [id])
  return error === undefined ? (value ?? 'loading …') : 'something went wrong'
}
