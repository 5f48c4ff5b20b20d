/** Asks what MSW answers, by a client and by its `fetch`. Prints both answers. */
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { firstValueFrom } from 'rxjs'
import { createClient, recommended } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { toFetch } from 'sluice/fetch'

const world = setupServer(
  http.get('https://api.test/users/:id', ({ params }) => HttpResponse.json({ id: params['id'] })),
)
world.listen()
const client = createClient({ engine: fetch(), plugins: recommended() })
const one = (await firstValueFrom(client.get('https://api.test/users/7'))).json()
const other: unknown = await (await toFetch(client)('https://api.test/users/8')).json()
console.log(JSON.stringify([one, other]))
await client.close()
world.close()
process.exit()
