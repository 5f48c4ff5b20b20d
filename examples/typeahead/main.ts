// A typeahead whose server stops searching, too. Run it: npx node --conditions=sluice-source examples/typeahead/main.ts
import { setTimeout as pause } from 'node:timers/promises'
import { from, lastValueFrom } from 'rxjs'
import { createClient, recommended } from 'sluice'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { serve, type ServedRequest } from 'sluice/testing'
import { typeahead } from './typeahead.ts'

const NAMES = ['Ada', 'Adele', 'Barbara', 'Grace']
const server = await serve({ 'GET /search': search })
const client = createClient({ baseUrl: server.url, plugins: recommended(expectSuccess()) })

console.log('found', await lastValueFrom(typeahead(client, from(keys()))))
await client.close()
await server.close()

/** Somebody types `a`, waits, and goes on when the server is in the middle of it. */
async function* keys(): AsyncGenerator<string> {
  yield 'a'
  await server.received()
  await pause(120)
  yield 'ad'
  yield 'ade'
}

/** Looks at one name every 50 ms, and stops when nobody waits for it any more. */
async function search({ query, gone }: ServedRequest) {
  const q = query.get('q') ?? ''
  const found: string[] = []
  for (const name of NAMES) {
    await pause(50)
    if (gone.aborted) {
      console.log(`stopped searching for ${q} before ${name}`)
      return {}
    }
    if (name.toLowerCase().startsWith(q)) found.push(name)
  }
  console.log(`searched for ${q}`)
  return { body: found }
}
