// A directory, mirrored. Run it: npx node --conditions=sluice-source examples/mirror/main.ts [url folder]
import { hash } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { createClient, recommended } from 'sluice'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { reply, serve } from 'sluice/testing'
import { mirror } from './mirror.ts'

const files = new Map(Array.from('abcdefgh', name => [name, name.repeat(100_000)]))
const server = await serve({
  'GET /index.json': reply.json(Array.from(files, ([path, text]) => ({ path, sha256: hash('sha256', text) }))),
  'GET /files/:name': ({ params }) => reply.text(files.get(params['name'] ?? '') ?? ''),
})
const [url = server.url, folder = await mkdtemp(`${tmpdir()}/mirror-`)] = process.argv.slice(2)
const client = createClient({ baseUrl: url, plugins: recommended(expectSuccess()) })
await mirror(client, folder).forEach(event => {
  if (event.type === 'failed') process.exitCode = 1
  if (event.type !== 'progress') console.log(event.path, event.type, event.type === 'failed' ? event.error : '')
})
await client.close()
await server.close()
