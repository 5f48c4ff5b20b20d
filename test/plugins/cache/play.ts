/** Plays a case in virtual time, and tells who answered. */
import { asyncScheduler } from 'rxjs'
import { createClient, definePlugin, HttpHeaders, IDENTITY, type HttpResponse, type MonitorEvent } from 'sluice'
import { mock, type MockAnswer, type MockReply, type MockRequest } from 'sluice/engines/mock'
import { cache, type CacheStore } from 'sluice/plugins/cache'
import { virtually } from '../../support/virtual-time.ts'
import { START, type Case, type Want } from './cases.ts'

/** Puts on what says in whose name a request goes. */
export type As = (user: string) => { readonly headers?: Readonly<Record<string, string>>; readonly identity?: string }

/** What became of the second request. */
export interface Played {
  readonly want: Want | 'nothing'
  /** Both answers of each user, in order. */
  readonly answers: ReadonlyMap<string, readonly HttpResponse[]>
  /** What was asked of the server. */
  readonly asked: readonly string[]
}

const named = definePlugin({
  name: 'named',
  scope: 'steer',
  defaults: { identity: '' },
  install:
    () =>
    (request, next, { identity }) =>
      next(identity === '' ? request : request.note(IDENTITY, identity)),
})

/** Plays one case for all users at once, through one client. */
export function play(one: Case, users: readonly string[] = [''], as: As = () => ({}), store?: CacheStore): Played {
  const url = 'https://a.test/thing'
  const answers = new Map<string, HttpResponse[]>()
  const notices = new Map<string, string[]>()
  const heard = new Map<string, readonly string[]>()
  const seen = new Map<string, number>()
  const asked: string[] = []
  const engine = mock(asking => {
    const { request } = asking
    const user = request.headers.get('x-user') ?? ''
    asked.push(`${request.method} ${request.url}`)
    if (request.headers.has('x-between')) return one.between?.reply ?? 200
    const count = (seen.get(user) ?? 0) + 1
    seen.set(user, count)
    return answerOf(one, asking, user, count)
  })
  const client = createClient({
    engine,
    plugins: [named(), cache({ ...one.options, ...(store === undefined ? {} : { store }) })],
  })
  const watched = client.monitor.subscribe((event: MonitorEvent) => {
    if (event.type !== 'notice' && event.type !== 'response') return
    const of = users[(event.request.id - 1) % users.length] ?? ''
    // What comes after an answer is done in the background.
    if (event.type === 'response') heard.set(of, notices.get(of) ?? [])
    else notices.set(of, [...(notices.get(of) ?? []), event.name])
  })
  virtually(({ flush }) => {
    const send = (user: string, method: string, path: string, headers: Case['ask'], seconds: number): void => {
      asyncScheduler.schedule(
        () => {
          const { headers: credentials = {}, identity = '' } = as(user)
          const all = HttpHeaders.of(headers ?? {}).merge({ 'x-user': user, ...credentials })
          client.request(method, new URL(path, url), { headers: all, named: { identity } }).subscribe({
            next: response => answers.set(user, [...(answers.get(user) ?? []), response]),
            error: () => {},
          })
        },
        (START + seconds) * 1000,
      )
    }
    const after = one.after ?? 10
    for (const user of users) send(user, 'GET', '/thing', one.ask, 0)
    if (one.between !== undefined) {
      const { method, path = '/thing' } = one.between
      for (const user of users) send(user, method, path, { 'x-between': 'yes' }, after / 2)
    }
    for (const user of users) send(user, one.method ?? 'GET', one.path ?? '/thing', one.again, after)
    flush()
  })
  watched.unsubscribe()
  client.cancel()
  const first = users[0] ?? ''
  return {
    want: whoAnswered(answers.get(first)?.at(-1), heard.get(first) ?? [], seen.get(first) ?? 0),
    answers,
    asked,
  }
}

function answerOf(one: Case, { request }: MockRequest, user: string, count: number): MockAnswer {
  const reply = { headers: { 'cache-control': 'max-age=60' }, ...one.reply }
  const body = reply.status === 204 || reply.status === 304 ? undefined : `answer ${count} to ${user}`
  if (count === 1) return { ...reply, body }
  const { origin = 'same' } = one
  if (origin === 'RESET') return 'RESET'
  if (typeof origin === 'object') return { body, ...origin }
  const headers = received(reply.headers)
  const { headers: asked } = request
  const etag = headers.get('etag')
  const modified = headers.get('last-modified')
  const holds = asked.has('if-none-match')
    ? asked.get('if-none-match') === etag
    : asked.has('if-modified-since') && asked.get('if-modified-since') === modified
  if (origin === 'changed' || !holds) return { ...reply, body, delay: 0 }
  const confirmed = Object.entries(one.confirm ?? {}).reduce(
    (all, [name, value]) => (value === '' ? all.delete(name) : all.set(name, value)),
    headers.delete('age').delete('date'),
  )
  return { status: 304, headers: confirmed }
}

function received(given: MockReply['headers']): HttpHeaders {
  const pairs = given !== undefined && Symbol.iterator in given ? [...given] : Object.entries(given ?? {})
  return HttpHeaders.received(pairs.flat().map(String))
}

function whoAnswered(response: HttpResponse | undefined, notices: readonly string[], seen: number): Want | 'nothing' {
  if (response === undefined) return 'nothing'
  if (response.status === 504 && seen === 1) return '504'
  const last = notices.findLast(name => ['hit', 'stale', 'revalidated', 'miss', 'validating'].includes(name))
  return last === 'hit' || last === 'stale' || last === 'revalidated' ? last : 'origin'
}
