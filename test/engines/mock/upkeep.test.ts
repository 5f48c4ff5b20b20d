import { firstValueFrom } from 'rxjs'
import { HttpError } from 'sluice'
import { mock, type MockReply } from 'sluice/engines/mock'
import { describe, expect, it } from 'vitest'
import { clientOf, errorOf, failure, now } from './client.ts'

describe('verify()', () => {
  it('is content when everything was used', () => {
    const api = mock({ 'GET /never': 200 }).once('GET /', 200).enqueue(200)
    now(clientOf(api).get(''))
    now(clientOf(api).get(''))
    api.verify()
  })

  it('says what is left over', () => {
    const api = mock().on('GET /a', 200, { times: 2 }).once('GET /b', 200)
    const client = clientOf(api)
    api.enqueue({ stall: 'headers' })
    client.get('slow').subscribe()
    errorOf(client.get('unknown'))
    now(client.get('a'))
    api.enqueue(200)
    expect(() => {
      api.verify()
    }).toThrow(
      'Not everything went as the mock was told: 1 queued reply was not used; ' +
        "'GET /a' was asked for 1 of 2 times; 'GET /b' was asked for 0 of 1 times; " +
        'GET https://api.test/unknown was not mocked; GET https://api.test/slow still runs (headers).',
    )
  })
})

describe('reset()', () => {
  it('forgets everything but the first routes, and ends what runs', async () => {
    const api = mock({ 'GET /': 200 }).on('GET /', 201).enqueue({ stall: 'headers' }, 500)
    const left = failure(clientOf(api).get(''))
    api.reset()
    expect(await left).toMatchObject({ code: 'CANCELLED', message: /the mock engine was reset/ })
    expect(api.history).toEqual([])
    expect(now(clientOf(api).get('')).status).toBe(200)
    api.verify()
  })

  it('opens a mock that was closed', async () => {
    const api = mock({ '*': 200 })
    await api.close()
    api.reset()
    expect(now(clientOf(api).get('')).status).toBe(200)
  })
})

describe('the end of a mock', () => {
  it('waits, when it is closed, for what runs, and takes nothing more', async () => {
    const answer = Promise.withResolvers<MockReply>()
    const api = mock({ 'GET /': () => answer.promise })
    const running = firstValueFrom(clientOf(api).get(''))
    let closed = false
    const closing = api.close().then(() => {
      closed = true
    })
    expect(await failure(clientOf(api).get(''))).toMatchObject({ code: 'CLOSED', requestWritten: 'no' })
    expect(closed).toBe(false)
    answer.resolve({ body: 'done' })
    expect((await running).text()).toBe('done')
    await closing
    expect(api.inFlight).toBe(0)
  })

  it('fails what runs, when it is destroyed, with the reason given', async () => {
    const api = mock({ '*': { stall: 'headers' } })
    const left = failure(clientOf(api).get(''))
    await api.destroy(new HttpError('CANCELLED', 'enough'))
    expect(await left).toMatchObject({ code: 'CANCELLED', message: 'enough', request: { url: 'https://api.test/' } })
    expect(api.inFlight).toBe(0)
    expect(api.history[0]).toMatchObject({ outcome: 'failed', phase: 'headers' })
  })

  it('belongs to who made it: a client that is closed leaves it open', async () => {
    const api = mock({ '*': 200 })
    await clientOf(api).close()
    expect(now(clientOf(api).get('')).status).toBe(200)
  })
})

describe('options', () => {
  it('that nobody understands are refused', () => {
    expect(() => mock({}, { nam: 'x' } as object)).toThrow('mock has no option "nam"; it has name, capabilities.')
    expect(() => mock().on('*', 200, { time: 1 } as object)).toThrow('on has no option "time"; it has times.')
  })
})

describe('capabilities', () => {
  it('are all there but decoding, and can be taken away to see a client refuse', () => {
    expect(mock().capabilities).toMatchObject({ duplex: true, decodes: false })
    const api = mock({}, { name: 'weak', capabilities: { trailers: false } })
    expect(api).toMatchObject({ name: 'weak', capabilities: { trailers: false, duplex: true } })
  })
})
