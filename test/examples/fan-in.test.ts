import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createClient, type Client } from 'sluice'
import { reply, serve, type Reply, type Routes, type TestServer } from 'sluice/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fanIn } from '../../examples/fan-in/fan-in.ts'
import { run } from './program.ts'

let client: Client
let servers: TestServer[]
let news: string[]

beforeEach(() => {
  client = createClient()
  servers = []
  news = []
})

afterEach(async () => {
  await client.close()
  for (const server of servers) {
    await server.until(({ open }) => open === 0)
    await server.close()
  }
})

/** Says `text`, and then nothing for ever. */
const saying = (text: string): Reply => ({
  headers: { 'content-type': 'text/event-stream' },
  body: (async function* () {
    yield text
    await new Promise(() => {})
  })(),
})

async function start(route: Routes[string]): Promise<string> {
  const server = await serve({ 'GET /news': route })
  servers.push(server)
  return `${server.url}news`
}

/** Listens to all, and writes down who said what, a server by its place in the list. */
function listen(urls: readonly string[]): { unsubscribe: () => void } {
  return fanIn(client, urls).subscribe({
    next: ({ from, data }) => news.push(`${urls.indexOf(from)} ${data}`),
    complete: () => news.push('over'),
  })
}

function hears(...wanted: readonly string[]): Promise<void> {
  return expect.poll(() => news.toSorted(), { interval: 1, timeout: 5_000 }).toEqual(wanted)
}

it('runs as a program: five servers, all connected again, each tick once and in its order', async () => {
  const { stdout, stderr, code } = await run('fan-in')
  const lines = stdout.trimEnd().split('\n')
  expect(lines.pop()).toBe('5 servers, and no socket is open any more')
  expect(lines).toHaveLength(25)
  const ticks = Map.groupBy(lines, line => line.split(' ')[0])
  expect(ticks.size).toBe(5)
  for (const [url, own] of ticks) expect(own).toEqual(own.map((_, at) => `${url ?? ''} tick ${at + 1}`))
  expect(lines.some(line => line.endsWith('tick 4'))).toBe(true)
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
}, 30_000)

it('hears five at the same time, and closes all connections when it is left', async () => {
  const urls = await Promise.all([1, 2, 3, 4, 5].map(id => start(() => saying(`data: ${id}\n\n`))))
  const listening = listen(urls)
  await hears('0 1', '1 2', '2 3', '3 4', '4 5')
  listening.unsubscribe()
  for (const server of servers) {
    expect(await server.closed()).toMatchObject({ closedBy: expect.stringMatching(/^client/) as string })
    expect(server.requests).toHaveLength(1)
  }
  expect(client.inFlight).toBe(0)
})

it('asks a server that broke off for what came meanwhile, while the others go on', async () => {
  const breaking = await start(request =>
    request.header('last-event-id') === '1'
      ? saying('id: 2\ndata: second\n\n')
      : { ...saying('id: 1\ndata: first\n\n'), fault: { kind: 'fin', at: 'mid-body', bytes: 19 } },
  )
  const listening = listen([breaking, await start(() => saying('data: steady\n\n'))])
  await hears('0 first', '0 second', '1 steady')
  listening.unsubscribe()
  expect(servers.map(({ requests }) => requests.length)).toEqual([2, 1])
})

const refusals: readonly (readonly [string, Reply, string])[] = [
  ['has no such stream', reply.status(404), 'is lost: STATUS'],
  ['sends something else', reply.text('data: hello\n\n'), 'is lost: BODY'],
]

it.each(refusals)('tells of a server that %s, and hears the others', async (_, answer, told) => {
  const listening = listen([await start(answer), await start(() => saying('data: steady\n\n'))])
  await hears(`0 ${told}`, '1 steady')
  listening.unsubscribe()
})

it('hears the others while one cannot be reached', async () => {
  const port = await closedPort()
  const listening = listen([`http://127.0.0.1:${port}/news`, await start(() => saying('data: steady\n\n'))])
  await hears('1 steady')
  listening.unsubscribe()
  expect(client.inFlight).toBe(0)
})

it('is over when all servers have no more to say', async () => {
  listen([await start(reply.status(204)), await start(reply.status(204))])
  await hears('over')
})

async function closedPort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}
