// A long job, followed by long-polling. Run it: npx node --conditions=sluice-source examples/job/main.ts
import { createClient, recommended } from 'sluice'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { reply, serve } from 'sluice/testing'
import { runJob } from './job.ts'

const notes = ['reading', 'sorting', 'writing', 'report.pdf']
const server = await serve({
  'POST /jobs': reply.status(202, { headers: { location: '/jobs/7' } }),
  // Answers when the job has come further than the client knows: here, after 200 ms.
  'GET /jobs/7': ({ query }) => {
    const version = Number(query.get('after') ?? 0) + 1
    const state = version === notes.length ? 'done' : 'running'
    return reply.json({ version, state, note: notes[version - 1] }, { delay: 200 })
  },
})
const client = createClient({ baseUrl: server.url, plugins: recommended(expectSuccess()) })
await runJob(client, { report: 2025 }).forEach(({ state, note }) => console.log(`${state}: ${note}`))
console.log(`${server.requests.length} requests`)
await client.close()
await server.close()
