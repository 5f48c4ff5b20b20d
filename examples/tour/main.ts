/**
 * A tour of sluice in the terminal, against a server started for it on loopback.
 *
 *   npm start                   the tour
 *   npm start -- http://…       one GET of that url: status, timings, body
 */
import { getJson, openClient, readsSlowly, retries, shutsDown, switches, timesOut } from './chapters.ts'
import { getOne } from './get-one.ts'
import { openWorld } from './world.ts'

const [url] = process.argv.slice(2)

if (url === undefined) await tour()
else if (!(await getOne(url))) process.exitCode = 1

async function tour(): Promise<void> {
  await using world = await openWorld()
  const http = openClient(world)
  console.log(http.explain())
  await getJson(http)
  await retries(http)
  await timesOut(http)
  await readsSlowly(http, world)
  await switches(http, world)
  await shutsDown(http, world)
}
