import { lastValueFrom, toArray } from 'rxjs'
import { createClient, recommended, type Client } from 'sluice'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { reply, serve, type Reply, type TestServer } from 'sluice/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runJob, type Job } from '../../examples/job/job.ts'
import { run } from './program.ts'

let client: Client
let server: TestServer
/** What the server answers to who knows of so many versions; otherwise it says nothing. */
let states: Reply[]

beforeEach(async () => {
  states = []
  server = await serve({
    'POST /jobs': async request =>
      (await request.text()) === '{"report":2025}'
        ? reply.status(202, { headers: { location: 'jobs/7' } })
        : reply.json({ why: 'no report' }, { status: 422 }),
    'GET /jobs/7': ({ query }) =>
      states[Number(query.get('after') ?? 0)] ?? { fault: { kind: 'stall', at: 'before-head' } },
  })
  client = createClient({ baseUrl: server.url, plugins: recommended(expectSuccess()) })
})

afterEach(async () => {
  expect(client.inFlight).toBe(0)
  await client.close()
  await server.until(({ open }) => open === 0)
  await server.close()
})

function tells(version: number, state: Job['state']): Job {
  const job = { version, state, note: `note ${version}` }
  states[version - 1] = reply.json(job)
  return job
}

function targets(): readonly string[] {
  return server.requests.map(({ method, target }) => `${method} ${target}`)
}

it('runs as a program, and asks no more often than there is news', async () => {
  expect(await run('job')).toEqual({
    stdout: 'running: reading\nrunning: sorting\nrunning: writing\ndone: report.pdf\n5 requests\n',
    stderr: '',
    code: 0,
  })
}, 30_000)

it.each(['done', 'failed'] as const)('tells of each state until it is %s, and asks no more', async last => {
  const wanted = [tells(1, 'running'), tells(2, 'running'), tells(3, last)]
  expect(await lastValueFrom(runJob(client, { report: 2025 }).pipe(toArray()))).toEqual(wanted)
  expect(targets()).toEqual(['POST /jobs', 'GET /jobs/7', 'GET /jobs/7?after=1', 'GET /jobs/7?after=2'])
})

it('goes on behind what it knows when a connection breaks', async () => {
  const first = tells(1, 'running')
  states[1] = { fault: { kind: 'reset', at: 'before-head' } }
  const told: Job[] = []
  const done = runJob(client, { report: 2025 }).forEach(job => told.push(job))
  await server.received(3)
  const last = tells(2, 'done')
  await done
  expect(told).toEqual([first, last])
  expect(new Set(targets())).toEqual(new Set(['POST /jobs', 'GET /jobs/7', 'GET /jobs/7?after=1']))
})

it('stops waiting when it is left, as the server sees it', async () => {
  tells(1, 'running')
  const waiting = runJob(client, { report: 2025 }).subscribe()
  await server.received(3)
  waiting.unsubscribe()
  const cut = await server.until(({ requests }) => requests.find(({ brokenAt }) => brokenAt))
  expect(cut).toMatchObject({ target: '/jobs/7?after=1', answered: false })
})

it('waits for no job that was not taken', async () => {
  await expect(lastValueFrom(runJob(client, {}))).rejects.toMatchObject({ code: 'STATUS' })
  expect(targets()).toEqual(['POST /jobs'])
})
