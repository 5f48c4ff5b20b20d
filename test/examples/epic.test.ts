import { Subject, type Subscription } from 'rxjs'
import { createClient, recommended, type Client } from 'sluice'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { reply, serve, type TestServer } from 'sluice/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { searchEpic, type Action } from '../../examples/epic/search-epic.ts'
import { run } from './program.ts'

let server: TestServer
let http: Client
let actions: Subject<Action>
let out: Action[]
let epic: Subscription

/** Answers at once, but a search for `slow` never. */
beforeEach(async () => {
  server = await serve({
    'GET /search': ({ query }) => {
      const text = query.get('q') ?? ''
      if (text === 'slow') return { fault: { kind: 'stall', at: 'before-head' } }
      return text === '' ? reply.status(404) : reply.json([text])
    },
  })
  http = createClient({ baseUrl: server.url, plugins: recommended(expectSuccess()) })
  actions = new Subject()
  out = []
  epic = searchEpic(actions, undefined, { http }).subscribe(action => out.push(action))
})

afterEach(async () => {
  epic.unsubscribe()
  expect(http.inFlight).toBe(0)
  await http.close()
  await server.until(({ open }) => open === 0)
  await server.close()
})

/** Resolves when the server has been asked. */
async function search(text: string): Promise<void> {
  const at = server.requests.length + 1
  actions.next({ type: 'search', text })
  await server.received(at)
}

async function says(...wanted: readonly Action[]): Promise<void> {
  await expect.poll(() => out, { interval: 1, timeout: 5_000 }).toEqual(wanted)
}

it('runs as a program, and ends by itself', async () => {
  expect(await run('epic')).toEqual({
    stdout: "{ type: 'found', names: [ 'Ada Lovelace' ] }\n2 of 3 requests were cut off\n",
    stderr: '',
    code: 0,
  })
}, 30_000)

it('cuts a search off when the next one comes, as the server sees it', async () => {
  await search('slow')
  await search('Ada')
  await says({ type: 'found', names: ['Ada'] })
  const [cut, answered] = server.requests
  await server.until(() => cut?.brokenAt)
  expect(cut).toMatchObject({ answered: false, status: undefined })
  expect(answered).toMatchObject({ answered: true, brokenAt: undefined })
})

it('hears the next search after one that failed', async () => {
  await search('')
  await says({ type: 'failed', why: 'STATUS' })
  await search('Ada')
  await says({ type: 'failed', why: 'STATUS' }, { type: 'found', names: ['Ada'] })
})

const leavings: readonly (readonly [string, () => void])[] = [
  ['the action leave comes', () => actions.next({ type: 'leave' })],
  ['the store lets go of the epic', () => epic.unsubscribe()],
]

it.each(leavings)('cuts a search off when %s', async (_, leave) => {
  await search('slow')
  leave()
  const cut = await server.until(({ requests }) => requests.find(({ brokenAt }) => brokenAt))
  expect(cut.answered).toBe(false)
  expect(out).toEqual([])
})
