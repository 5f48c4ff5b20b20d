import { Subject } from 'rxjs'
import { createClient } from 'sluice'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { marbles, serve } from 'sluice/testing'
import { expect, it } from 'vitest'
import { typeahead } from '../../examples/typeahead/typeahead.ts'
import { run } from './program.ts'

it('runs as a program, whose server stops searching for what nobody waits for', async () => {
  const { stdout, stderr, code } = await run('typeahead')
  expect(stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^stopped searching for a before \w+$/),
    'searched for ade',
    "found [ 'Adele' ]",
  ])
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
}, 30_000)

it('asks when nobody has typed for 100 ms, and for the same text once', () => {
  marbles(({ api, hot, expectObservable, expectExchanges }) => {
    const client = createClient({ engine: api, plugins: [], baseUrl: 'https://api.test/' })
    api.on('GET /search', { body: ['Ada'], delay: 20 })
    const typed = hot('a 49ms b 49ms c 149ms d 49ms c 149ms e', { a: 'a', b: 'ad', c: 'ada', d: 'adal', e: 'ada' })
    expectObservable(typeahead(client, typed), '^ 600ms !').toBe('220ms f', { f: ['Ada'] })
    expectExchanges().toBe('200ms ^ 19ms |')
  })
})

it('leaves a search for the next one', () => {
  marbles(({ api, hot, expectObservable, expectExchanges }) => {
    const client = createClient({ engine: api, plugins: [], baseUrl: 'https://api.test/' })
    api.on('GET /search', ({ query }) => ({ body: [query.get('q')], delay: 200 }))
    const typed = hot('a 149ms b', { a: 'a', b: 'ad' })
    expectObservable(typeahead(client, typed), '^ 600ms !').toBe('450ms f', { f: ['ad'] })
    expectExchanges().toBe('100ms ^ 149ms !', '250ms ^ 199ms |')
  })
})

it('goes on after a search that failed', () => {
  marbles(({ api, hot, expectObservable }) => {
    const client = createClient({ engine: api, plugins: [expectSuccess()], baseUrl: 'https://api.test/' })
    api.enqueue(500).enqueue({ body: ['Ada'] })
    const typed = hot('a 199ms b', { a: 'a', b: 'ad' })
    expectObservable(typeahead(client, typed), '^ 600ms !').toBe('300ms f', { f: ['Ada'] })
  })
})

it('cuts a search off, as the server sees it, when the next one comes and when nobody looks any more', async () => {
  await using server = await serve({ 'GET /search': { fault: { kind: 'stall', at: 'before-head' } } })
  await using client = createClient({ baseUrl: server.url })
  const cut = (): readonly string[] => server.requests.filter(({ brokenAt }) => brokenAt).map(({ target }) => target)
  const typed = new Subject<string>()
  const screen = typeahead(client, typed).subscribe()
  typed.next('a')
  await server.received(1)
  typed.next('ad')
  await server.received(2)
  await server.until(() => cut().length === 1)
  expect(cut()).toEqual(['/search?q=a'])
  screen.unsubscribe()
  await server.until(() => cut().length === 2)
  expect(server.requests).toHaveLength(2)
})
