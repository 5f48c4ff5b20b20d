// Five event streams merged into one. Run it: npx node --conditions=sluice-source examples/fan-in/main.ts [urls]
import { setTimeout as pause } from 'node:timers/promises'
import { take } from 'rxjs'
import { createClient } from 'sluice'
import { serve, type ServedRequest } from 'sluice/testing'
import { fanIn } from './fan-in.ts'

const client = createClient()
const given = process.argv.slice(2)
const servers = await Promise.all(
  Array.from({ length: given.length > 0 ? 0 : 5 }, () => serve({ 'GET /ticks': ticks })),
)
const urls = given.length > 0 ? given : servers.map(({ url }) => `${url}ticks`)

await fanIn(client, urls)
  .pipe(take(25))
  .forEach(({ from, data }) => console.log(`${from} ${data}`))
await client.close()
for (const server of servers) {
  await server.until(({ open }) => open === 0)
  await server.close()
}
if (servers.length > 0) console.log(`${servers.length} servers, and no socket is open any more`)

/** A number every few milliseconds. Each third is the last on its connection; the next one goes on behind it. */
function ticks(request: ServedRequest) {
  const after = Number(request.header('last-event-id'))
  async function* body(): AsyncGenerator<string> {
    for (let id = after + 1; id <= after + 3; id++) {
      await pause(20)
      yield `id: ${id}\ndata: tick ${id}\n\n`
    }
  }
  return { headers: { 'content-type': 'text/event-stream' }, body: body() }
}
