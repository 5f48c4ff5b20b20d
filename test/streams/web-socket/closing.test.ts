import { NEVER, Subject } from 'rxjs'
import { createClient } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { webSocket } from 'sluice/streams/web-socket'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { over, talk } from './talk.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
const texts = (heard: readonly string[]): string[] => heard.map(line => line.replace(/^\d+ /, ''))

describe('a client that is closed', () => {
  it('says goodbye with 1001 and waits for the answer', async () => {
    const { client, api, heard, socket, states } = talk({ reconnect: true }, { readDelay: 20, webSocket: [] })
    await pass(10)
    socket.next('a')
    const closed = client.close()
    await pass(39)
    expect(client.inFlight).toBe(1)
    await pass(1)
    expect(await closed).toEqual({ cut: [] })
    expect(api.history[0]?.webSocket).toMatchObject({ messages: ['a'], close: { code: 1001, reason: '' } })
    expect(texts(heard)).toEqual(['|'])
    expect(texts(states)).toEqual(['closed', 'connecting', 'open', 'closing', 'closed'])
  })

  it('says goodbye as soon as a handshake that is on its way is through', async () => {
    const { client, api, heard } = talk({}, { delay: 50, webSocket: [] })
    const closed = client.close()
    await pass(60)
    expect(await closed).toEqual({ cut: [] })
    expect(api.history[0]?.webSocket?.close).toEqual({ code: 1001, reason: '' })
    expect(texts(heard)).toEqual(['|'])
  })

  it('cuts a peer that does not answer when its patience is over', async () => {
    const { client, heard } = talk({}, peer => peer.stall())
    await pass(10)
    const closed = client.close({ drain: 100 })
    await pass(100)
    expect((await closed).cut).toHaveLength(1)
    expect(texts(heard)).toEqual(['CANCELLED'])
  })

  it('ends one that waits for its next connection', async () => {
    const { client, heard, api } = talk({ reconnect: { first: 60_000 } }, [{ close: 1001 }])
    await pass(10)
    await client.close()
    await pass(0)
    expect(texts(heard)).toEqual(['|'])
    expect(api.history).toHaveLength(1)
  })

  it('ends one that comes back while others are still running', async () => {
    vi.spyOn(Math, 'random').mockReturnValueOnce(0.5)
    const { client, heard, api } = talk({ reconnect: { first: 100 } }, [{ close: 1001 }])
    api.on('/other', { stall: 'headers' })
    await pass(10)
    const other = client.get('other').subscribe()
    const closed = client.close()
    await pass(100)
    expect(texts(heard)).toEqual(['|'])
    other.unsubscribe()
    await closed
  })

  it('is no place for a new one', async () => {
    const client = over(mock())
    await client.close()
    const errors: unknown[] = []
    webSocket(client, 'x', { reconnect: true }).subscribe({ error: (error: unknown) => errors.push(error) })
    expect(errors).toMatchObject([{ code: 'CLOSED' }])
  })

  it('waits for what is still being done with messages', async () => {
    const work = new Subject<string>()
    const { client, heard } = talk({ project: () => work, concurrency: 2 }, ['a'])
    await pass(10)
    const closed = client.close()
    await pass(10)
    await closed
    expect(heard).toEqual([])
    work.next('done')
    work.complete()
    expect(texts(heard)).toEqual(['done', '|'])
  })
})

describe('a client that is cancelled', () => {
  it('ends it with CANCELLED, without a goodbye', async () => {
    const { client, heard, said } = talk({ reconnect: true }, [])
    await pass(10)
    client.cancel()
    expect(texts(heard)).toEqual(['CANCELLED'])
    expect(said()).toEqual([['no goodbye']])
    await client.join()
  })

  it('ends what is done with messages too', async () => {
    const { client, heard } = talk({ project: () => NEVER }, ['a'])
    await pass(10)
    client.cancel()
    await pass(0)
    expect(texts(heard)).toEqual(['CANCELLED'])
  })
})

it('the call is counted while it lives, and reported as completed', async () => {
  const api = mock({ '*': { webSocket: [10, { close: 1000 }] } })
  const client = createClient({ engine: api, plugins: [] })
  const reports: string[] = []
  client.monitor.subscribe(({ type }) => reports.push(type))
  webSocket(client, 'https://api.test/').subscribe()
  expect(client.inFlight).toBe(1)
  await pass(20)
  expect(client.inFlight).toBe(0)
  expect(reports).toEqual(expect.arrayContaining(['created', 'response', 'completed']))
  expect(reports).not.toContain('cancelled')
})
