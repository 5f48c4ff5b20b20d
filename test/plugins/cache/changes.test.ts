import { asyncScheduler } from 'rxjs'
import { createClient, type Client } from 'sluice'
import { mock, type MockAnswer } from 'sluice/engines/mock'
import { cache, memoryCache, type CacheOptions } from 'sluice/plugins/cache'
import { describe, expect, it } from 'vitest'
import { virtually } from '../../support/virtual-time.ts'

const URL_ = 'https://a.test/thing'
const fresh = { 'cache-control': 'max-age=60' }

/** A server whose answer changes with every PUT. */
function world(delay = 0) {
  let version = 0
  return mock(({ request }) => {
    if (request.method !== 'GET') version += 1
    return request.method === 'GET' ? { headers: fresh, body: `version ${version}`, delay } : 204
  })
}

/** Reads and writes at so many milliseconds; what each read was answered. */
function play(
  steps: readonly (readonly [at: number, client: Client, who?: string | undefined, method?: string])[],
): string[] {
  const read: string[] = []
  virtually(({ flush }) => {
    for (const [at, client, who, method = 'GET'] of steps) {
      const headers: Record<string, string> = who === undefined ? {} : { authorization: `Bearer ${who}` }
      asyncScheduler.schedule(() => {
        client.request(method, URL_, { headers }).subscribe(response => {
          if (method === 'GET') read.push(response.text())
        })
      }, at)
    }
    flush()
  })
  return read
}

describe('who reads after a change gets what is true since, when', () => {
  const open = (engine: ReturnType<typeof world>, options: Partial<CacheOptions> = {}): Client =>
    createClient({ engine, plugins: [cache(options)] })

  it('it was made with credentials, and is read without', () => {
    const client = open(world())
    const read = play([
      [0, client],
      [10, client, 'ada', 'PUT'],
      [20, client],
      [30, client],
    ])
    expect(read).toEqual(['version 0', 'version 1', 'version 1'])
  })

  it('it was made by another user of a shared cache', () => {
    const client = open(world(), { shared: true })
    const read = play([
      [0, client],
      [10, client, 'ada', 'PUT'],
      [20, client],
    ])
    expect(read).toEqual(['version 0', 'version 1'])
  })

  it('it was made by another client that uses the same store', () => {
    const engine = world()
    const store = memoryCache()
    const [one, other] = [open(engine, { store }), open(engine, { store })]
    const read = play([
      [0, one],
      [10, other, 'ada', 'PUT'],
      [20, one],
    ])
    expect(read).toEqual(['version 0', 'version 1'])
  })

  it.each([undefined, 'ada'])('another answer is on its way from before, and he is %s', who => {
    const engine = world(100)
    const store = memoryCache()
    const [one, other] = [open(engine, { store }), open(engine, { store })]
    const read = play([
      [0, one, who],
      [50, other, 'ada', 'PUT'],
      [60, one, who],
      [500, one, who],
    ])
    expect(read).toEqual(['version 0', 'version 1', 'version 1'])
  })

  it('so much was changed since that nobody remembers', () => {
    const engine = world(100)
    const client = open(engine)
    virtually(({ flush }) => {
      client.get(URL_).subscribe()
      for (let n = 0; n < 20_001; n++) client.put(n === 0 ? URL_ : `https://a.test/${n}`).subscribe()
      flush()
    })
    const sent = engine.history.length
    virtually(({ flush }) => {
      client.get(URL_).subscribe()
      flush()
    })
    expect(engine.history.length).toBe(sent + 1)
  })
})

describe('a change of which nobody heard how it ended', () => {
  /** Reads, changes, leaves the change after 50 ms, and reads again. */
  function changed(answer: MockAnswer): number {
    const engine = mock(({ request }) => (request.method === 'GET' ? { headers: fresh, body: 'x' } : answer))
    const client = createClient({ engine, plugins: [cache()] })
    virtually(({ flush }) => {
      client.get(URL_).subscribe()
      const change = client.put(URL_, 'x').subscribe({ error: () => {} })
      asyncScheduler.schedule(() => change.unsubscribe(), 50)
      asyncScheduler.schedule(() => client.get(URL_).subscribe(), 100)
      flush()
    })
    return engine.history.filter(({ request }) => request.method === 'GET').length
  }

  it.each<[string, MockAnswer, number]>([
    ['may have been made where the connection broke', { reset: 'headers' }, 2],
    ['may have been made where it was left', { status: 204, delay: 1000 }, 2],
    ['was not made where there was no connection', 'CONNECT', 1],
    ['was not made where the server said no', 409, 1],
    ['was made once it was answered, whatever becomes of the body', { body: 'x'.repeat(9), cut: true }, 2],
  ])('%s', (_, answer, reads) => {
    expect(changed(answer)).toBe(reads)
  })
})
