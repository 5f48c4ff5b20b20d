/** The chapters of the tour, each a few lines of sluice against the server of `world.ts`. */
import { concatMap, from, lastValueFrom, of, switchMap, tap, timer, type Observable } from 'rxjs'
import { createClient, isHttpError, type Client, type OptionsOf, type StreamingResponse } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import type { TestServer } from 'sluice/testing'
import { chapter, client as says, say, server as saw, size, trouble } from './terminal.ts'

type TourClient = Client<OptionsOf<ReturnType<typeof redirect | typeof retry | typeof timeout>>>

/** The client of the whole tour; its type knows the options of its plugins. */
export function openClient(world: TestServer): TourClient {
  return createClient({ engine: undici(), baseUrl: world.url, plugins: [redirect(), retry({ times: 4 }), timeout()] })
}

/** A request is an Observable. */
export async function getJson(http: TourClient): Promise<void> {
  chapter(1, 'A request is an Observable')
  say("http.get('users/{id}', { params: { id: 1 } }) does nothing until it is subscribed to.")
  const response = await lastValueFrom(http.get('users/{id}', { params: { id: 1 } }))
  const { connected = 0, firstByte = 0, done = 0 } = response.timings
  says(`${response.status} ${JSON.stringify(response.json())}`)
  says(`connected after ${ms(connected)}, first byte after ${ms(firstByte)}, done after ${ms(done)}`)
}

/** What goes wrong for a moment is asked again. */
export async function retries(http: TourClient): Promise<void> {
  chapter(2, 'What fails for a moment is asked again')
  say("http.events('flaky') shows everything that happens in the call.")
  await lastValueFrom(
    http.events('flaky').pipe(
      tap(event => {
        if (event.type === 'notice') trouble(`retrying in ${ms(Number(event.detail['delay']))}`)
        if (event.type === 'response') says(`${event.response.status} ${event.response.text()}`)
      }),
    ),
  )
}

/** A limit says what it limits. */
export async function timesOut(http: TourClient): Promise<void> {
  chapter(3, 'A limit says which one it was')
  say("http.get('silent', { timeout: { headers: 300 }, retry: false })")
  const call = http.get('silent', { timeout: { headers: 300 }, retry: false })
  await lastValueFrom(call).catch((error: unknown) => {
    if (!isHttpError(error)) throw error
    trouble(`${error.code} in phase ${error.phase ?? '?'}: ${error.message}`)
  })
}

/** A slow reader slows the server down. */
export async function readsSlowly(http: TourClient, world: TestServer): Promise<void> {
  chapter(4, 'A slow reader slows the server down')
  say('64 MiB are on offer; the reader takes a chunk every 100 ms and leaves after a second.')
  const sent = (): number => world.connections.reduce((sum, { bytesOut }) => sum + bytesOut, 0)
  const before = sent()
  await lastValueFrom(
    http
      .stream('movie', response => slowly(response))
      .pipe(
        tap(read => {
          saw(`sent ${size(sent() - before).padStart(9)}, the client read ${size(read).padStart(9)}`)
        }),
      ),
  )
  saw('the connection is closed: the reader has left')
}

async function* slowly(response: StreamingResponse): AsyncGenerator<number> {
  let read = 0
  for (let taken = 0; taken < 10; taken++) {
    read += (await response.read())?.length ?? 0
    if (taken % 3 === 0) yield read
    await lastValueFrom(timer(100))
  }
}

/** switchMap really aborts. */
export async function switches(http: TourClient, world: TestServer): Promise<void> {
  chapter(5, 'switchMap aborts what nobody waits for any more')
  say("Somebody types 'a', 'ad', 'ada', faster than the server answers.")
  const typed: Observable<string> = from(['a', 'ad', 'ada']).pipe(
    concatMap((text, at) => (at === 0 ? of(text) : timer(60).pipe(switchMap(() => of(text))))),
  )
  const found = await lastValueFrom(
    typed.pipe(
      tap(q => {
        says(`search for '${q}'`)
      }),
      switchMap(q => http.get('search', { query: { q } })),
    ),
  )
  const cut = world.requests.filter(({ target, answered }) => target.startsWith('/search') && !answered).length
  saw(`${cut} requests were cut off at the socket`)
  says(`${found.status} ${found.text()}`)
}

/** Closing waits for what runs. */
export async function shutsDown(http: TourClient, world: TestServer): Promise<void> {
  chapter(6, 'Closing waits for what runs, then leaves nothing behind')
  const running = lastValueFrom(http.get('report'))
  await world.until(({ requests }) => requests.some(({ target }) => target === '/report'))
  say(`http.close({ drain: 2000 }) while ${http.inFlight} call is running`)
  const [report] = await Promise.all([running, http.close({ drain: 2000 })])
  says(`the report came: ${report.text()}`)
  await lastValueFrom(http.get('report')).catch((error: unknown) => {
    if (isHttpError(error)) trouble(`${error.code}: ${error.message}`)
  })
  await world.until(({ open }) => open === 0)
  saw('no socket is open any more')
}

function ms(milliseconds: number): string {
  return `${Math.round(milliseconds)} ms`
}
