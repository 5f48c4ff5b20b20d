import type { HttpEvent, HttpResponse } from 'sluice'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { reply } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { clientOf, errorOf, now } from './client.ts'

describe('the events of an exchange', () => {
  const eventsOf = (api: MockEngine, options: object = {}): HttpEvent[] => {
    const events: HttpEvent[] = []
    clientOf(api)
      .events('', options)
      .subscribe(event => events.push(event))
    return events
  }

  it('are those of a real engine', () => {
    const api = mock({
      'GET /': {
        body: 'hi',
        informational: [{ status: 103, headers: { link: '</a.css>' } }],
        trailers: { 'x-sum': '1' },
      },
    })
    const events = eventsOf(api)
    expect(events.map(({ type }) => type)).toEqual(['connection', 'sent', 'informational', 'response'])
    expect(events[2]).toMatchObject({ status: 103 })
    const last = events[3]
    expect(last?.type === 'response' && last.response.trailers.get('x-sum')).toBe('1')
  })

  it('tell of a connection as the reply says', () => {
    const api = mock({ 'GET /': { connection: { protocol: 'h2', reused: true } } })
    const [first, , last] = eventsOf(api)
    expect(first).toMatchObject({ connection: { id: 1, protocol: 'h2', reused: true } })
    expect(last).toMatchObject({ response: { httpVersion: '2', connection: { id: 1 } } })
  })
})

describe('a reply', () => {
  it('sends text and bytes as they are and everything else as JSON', () => {
    const api = mock()
    const client = clientOf(api)
    const sent = (body: string | Uint8Array | object | number | boolean | null): HttpResponse => {
      api.enqueue({ body })
      return now(client.get(''))
    }
    expect(sent('text').headers.toJSON()).toEqual({ 'content-length': '4' })
    expect([...sent(Uint8Array.of(0, 255)).bytes]).toEqual([0, 255])
    for (const value of [{ a: [1] }, [1, 2], 7, false, null]) {
      const response = sent(value)
      expect(response.json()).toEqual(value)
      expect(response.headers.get('content-type')).toBe('application/json')
    }
  })

  it('may be one that was written for the test server', () => {
    const api = mock({ 'GET /': reply.json({ a: 1 }, { status: 201 }), 'GET /old': reply.redirect('/', { delay: 0 }) })
    expect(now(clientOf(api).get('')).json()).toEqual({ a: 1 })
    expect(now(clientOf(api).get('old')).headers.get('location')).toBe('/')
  })

  it('keeps headers as given: their order, their case, and several lines of one name', () => {
    const headers = [
      ['Set-Cookie', 'a=1'],
      ['X-Number', 7],
      ['Set-Cookie', 'b=2'],
    ] as const
    const response = now(clientOf(mock({ '*': { headers } })).get(''))
    expect([...response.headers]).toEqual([
      ['Set-Cookie', 'a=1'],
      ['X-Number', '7'],
      ['Set-Cookie', 'b=2'],
      ['content-length', '0'],
    ])
  })

  it.each([204, 304])('with status %d has no body', status => {
    const response = now(clientOf(mock({ '*': { status, body: 'x' } })).get(''))
    expect(response.bytes).toHaveLength(0)
    expect(response.headers.has('content-length')).toBe(false)
  })

  it('that is used again is not changed by who changed what it was given', () => {
    const client = clientOf(mock({ '*': { body: Uint8Array.of(1, 2) } }))
    now(client.get('')).bytes.fill(9)
    expect([...now(client.get('')).bytes]).toEqual([1, 2])
  })

  it('of fewer bytes than it announces is truncated: BODY', () => {
    const error = errorOf(clientOf(mock({ '*': { body: 'abc', headers: { 'content-length': 10 } } })).get(''))
    expect(error).toMatchObject({ code: 'BODY', phase: 'body', message: /cut off after 3 of 10 bytes/ })
  })

  it('of more bytes than it announces is not HTTP: PROTOCOL', () => {
    const error = errorOf(clientOf(mock({ '*': { body: 'abc', headers: { 'content-length': 2 } } })).get(''))
    expect(error).toMatchObject({ code: 'PROTOCOL', phase: 'body' })
  })

  it.each([
    [{ boddy: 1 }, /has no "boddy"; what is to be sent as JSON goes into \{ body/],
    [{ status: 99 }, /status a whole number from 200 to 599, not 99/],
    [{ delay: -1 }, /delay a number of milliseconds/],
    [{ stall: 'lunch' }, /stall one of "queue"/],
    [{ stall: 'body', cut: true }, /one of stall, reset and cut/],
    [{ body: 'abc', cut: true, after: 3 }, /cannot break off after 3 bytes: its body has no more than 3/],
    [{ after: 3 }, /after how many bytes only with cut/],
    [{ body: 'a', chunks: ['b'] }, /a body or chunks, not both/],
    [{ body: new Blob(['a']) }, /cannot have a Blob as body/],
    [{ body: Promise.resolve(1) }, /cannot have a Promise as body/],
    [{ chunks: 'abc' }, /chunks a list of strings/],
    [{ informational: [{ status: 200 }] }, /informational a list/],
    [{ headers: { 'a b': '1' } }, /is not a header name/],
    ['TIMEOUT', /for TIMEOUT and BODY write \{ stall/],
    [undefined, /cannot be undefined/],
  ])('such as %j is refused when it is said', (reply, message) => {
    expect(() => mock().enqueue(reply as never)).toThrow(message)
    expect(errorOf(clientOf(mock({ '*': () => reply as never })).get(''))).toMatchObject({ code: 'CONFIG', message })
  })
})
