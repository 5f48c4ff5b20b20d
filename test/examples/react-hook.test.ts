import { map, of, type Observable } from 'rxjs'
import { createClient, type Client, type HttpError } from 'sluice'
import { reply, serve, type TestServer } from 'sluice/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { mount, react } from '../../examples/react-hook/stand-in.ts'
import { observableHook } from '../../examples/react-hook/use-observable.ts'
import { run } from './program.ts'

const useObservable = observableHook(react)
let server: TestServer
let client: Client
let shown: string[]
let url: string

beforeEach(async () => {
  server = await serve({
    'GET /slow': { fault: { kind: 'stall', at: 'before-head' } },
    'GET /reset': { fault: { kind: 'reset', at: 'before-head' } },
    'GET /:name': ({ params }) => reply.json(params['name']),
  })
  client = createClient({ baseUrl: server.url, plugins: [] })
  shown = []
})

afterEach(async () => {
  expect(client.inFlight).toBe(0)
  await client.close()
  await server.until(({ open }) => open === 0)
  await server.close()
})

type Screen = ReturnType<typeof mount>

/** Shows what `make` gives for `first`. */
function open(first: string, make = get): Screen {
  url = first
  const component = (): string => {
    const { value, error } = useObservable(() => make(url), [url])
    return error === undefined ? (value ?? 'loading') : (error as HttpError).code
  }
  return mount(component, text => shown.push(text))
}

function show(screen: Screen, next: string): void {
  url = next
  screen.render()
}

function get(name: string): Observable<string> {
  return client.get(name).pipe(map(response => response.json<string>()))
}

function shows(...wanted: readonly string[]): Promise<void> {
  return expect.poll(() => shown, { interval: 1, timeout: 5_000 }).toEqual(wanted)
}

it('runs as a program, and ends by itself', async () => {
  expect(await run('react-hook')).toEqual({
    stdout: 'loading …\nloading …\nuser 2\n1 of 2 requests was cut off\n',
    stderr: '',
    code: 0,
  })
}, 30_000)

it('sends one request, however often its component is rendered', async () => {
  const screen = open('Ada')
  show(screen, 'Ada')
  await shows('loading', 'loading', 'Ada')
  show(screen, 'Ada')
  screen.unmount()
  expect(server.requests).toHaveLength(1)
})

it('shows neither the value nor the error of what was wanted before', async () => {
  const screen = open('Ada')
  await shows('loading', 'Ada')
  show(screen, 'reset')
  await shows('loading', 'Ada', 'loading', 'RESET')
  show(screen, 'Grace')
  await shows('loading', 'Ada', 'loading', 'RESET', 'loading', 'Grace')
  screen.unmount()
})

it('shows at once what an Observable has at once', async () => {
  const screen = open('Ada', name => of(name))
  await shows('loading', 'Ada')
  screen.unmount()
})

const leavings: readonly (readonly [string, (screen: Screen) => void])[] = [
  ['other deps come', screen => show(screen, 'Ada')],
  ['the component goes', screen => screen.unmount()],
]

it.each(leavings)('aborts the request when %s, as the server sees it', async (_, leave) => {
  const screen = open('slow')
  await server.received()
  leave(screen)
  const cut = await server.until(({ requests }) => requests.find(({ brokenAt }) => brokenAt))
  expect(cut).toMatchObject({ target: '/slow', answered: false })
  screen.unmount()
})

it('leaves nothing of what StrictMode begins and ends at the start', async () => {
  // StrictMode runs every effect, cleans up, and runs it again.
  const strict = observableHook({
    ...react,
    useEffect: (effect, deps) =>
      react.useEffect(() => {
        effect()()
        return effect()
      }, deps),
  })
  const component = (): string => strict(() => get('Ada'), []).value ?? 'loading'
  const screen = mount(component, text => shown.push(text))
  await shows('loading', 'Ada')
  screen.unmount()
  expect(server.requests.filter(({ answered }) => answered)).toHaveLength(1)
})
