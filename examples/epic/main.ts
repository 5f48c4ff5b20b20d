// An epic whose switchMap cuts requests off. Run it: npx node --conditions=sluice-source examples/epic/main.ts
import { firstValueFrom, Subject } from 'rxjs'
import { createClient, recommended } from 'sluice'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { reply, serve } from 'sluice/testing'
import { searchEpic, type Action } from './search-epic.ts'

const server = await serve({
  'GET /search': ({ query }) => reply.json([`${query.get('q') ?? ''} Lovelace`], { delay: 50 }),
})
const http = createClient({ baseUrl: server.url, plugins: recommended(expectSuccess()) })

// As much of a store as an epic sees.
const actions = new Subject<Action>()
const answers = firstValueFrom(searchEpic(actions, undefined, { http }))
for (const [at, text] of ['A', 'Ad', 'Ada'].entries()) {
  actions.next({ type: 'search', text })
  await server.received(at + 1)
}
console.log(await answers)
console.log(`${server.requests.filter(({ brokenAt }) => brokenAt !== undefined).length} of 3 requests were cut off`)
await http.close()
await server.close()
