/** The places of a browser in which scripts run: a page, a worker, a service worker, all of one origin and with all of sluice. */
import { reply, serve, type Routes, type TestServer } from 'sluice/testing'
import type { Chromium } from './chromium.ts'
import { program } from './program.ts'

/** Where a piece of program can run. */
export const ROOMS = ['page', 'worker', 'service worker'] as const

/** One of them. */
export type Room = (typeof ROOMS)[number]

/** A page with its workers, and the server it came from. */
export interface Rooms extends AsyncDisposable {
  /** Its own origin: what it asks here, no rule stands against. */
  readonly server: TestServer
  /** Runs the body of an async function; `sluice` and `url` (of the server) are known. Its value must be JSON. */
  run<T>(room: Room, body: string): Promise<T>
}

/** What a worker does with what it is told, whichever kind it is. */
const LISTEN = `
  const AsyncFunction = (async () => {}).constructor
  const work = async ({ data: { id, body, url }, source, ports }) => {
    let answer
    try { answer = { value: await new AsyncFunction('url', body)(url) } } catch (error) { answer = { error: String(error) } }
    ports[0].postMessage(answer)
  }
  addEventListener('message', event => (event.waitUntil ?? (promise => promise)).call(event, work(event)))`

/** The page: it passes on what is to be run. */
const PAGE = `<!doctype html><script src="/whole.js"></script><script>
  const AsyncFunction = (async () => {}).constructor
  const worker = new Worker('/worker.js')
  const serviceWorker = navigator.serviceWorker.register('/service.js').then(async () => (await navigator.serviceWorker.ready).active)
  const url = location.origin + '/'
  globalThis.run = async (room, body) => {
    if (room === 'page') return new AsyncFunction('url', body)(url)
    const channel = new MessageChannel()
    const target = room === 'worker' ? worker : await serviceWorker
    const answered = new Promise(resolve => (channel.port1.onmessage = ({ data }) => resolve(data)))
    target.postMessage({ body, url }, [channel.port2])
    const { value, error } = await answered
    if (error !== undefined) throw new Error(error)
    return value
  }
</script>`

/** Opens a page whose origin also serves these routes. */
export async function openRooms(chromium: Chromium, routes: Routes): Promise<Rooms> {
  const whole = await program('whole')
  const script = (body: string): ReturnType<typeof reply.text> => ({
    headers: { 'content-type': 'text/javascript' },
    body,
  })
  const server = await serve({
    ...routes,
    'GET /': { headers: { 'content-type': 'text/html' }, body: PAGE },
    'GET /whole.js': script(whole),
    'GET /worker.js': script(`${whole};${LISTEN}`),
    'GET /service.js': script(`${whole};addEventListener('install', () => skipWaiting());${LISTEN}`),
    'GET /favicon.ico': reply.status(404),
  })
  const page = await chromium.open(server.url, () => undefined)
  return {
    server,
    run: (room, body) => page.evaluate(`run(${JSON.stringify(room)}, ${JSON.stringify(body)})`),
    [Symbol.asyncDispose]: async () => {
      await server.close()
    },
  }
}
