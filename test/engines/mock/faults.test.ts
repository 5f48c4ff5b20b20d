import { HttpError } from 'sluice'
import { mock, type MockAnswer, type MockFailure, type MockReply } from 'sluice/engines/mock'
import { describe, expect, it } from 'vitest'
import { hear, requestTo, type Heard } from './drive.ts'

const get = requestTo('https://api.test/a')
const put = requestTo('https://api.test/a', { method: 'PUT', body: Uint8Array.of(1, 2, 3, 4) })
const typesOf = ({ events }: Heard): string[] => events.map(({ type }) => type)

describe('a failure by code', () => {
  const failures: readonly (readonly [MockFailure, phase: string, written: string])[] = [
    ['DNS', 'dns', 'no'],
    ['CONNECT', 'connect', 'no'],
    ['TLS', 'tls', 'no'],
    ['PROXY', 'proxy', 'no'],
    ['RESET', 'headers', 'yes'],
    ['PROTOCOL', 'headers', 'yes'],
  ]
  it.each(failures)('%s happens in %s, when the request was written: %s', (code, phase, requestWritten) => {
    const api = mock({ '*': code })
    const heard = hear(api, get)
    expect(heard.error).toMatchObject({
      code,
      phase,
      requestWritten,
      attempt: 1,
      request: { url: 'https://api.test/a' },
    })
    expect(heard.error?.message).toMatch(/^GET https:\/\/api\.test\/a was .+\.$/)
    expect(typesOf(heard)).toEqual(requestWritten === 'no' ? [] : ['connection', 'sent'])
    expect(api.history[0]).toMatchObject({ outcome: 'failed', phase, error: heard.error })
  })
})

describe('an error as reply', () => {
  it('arrives as it is, when its phase is reached', () => {
    const error = new HttpError('PROXY', 'no way', { phase: 'proxy', request: { id: 9, method: 'GET', url: 'x:' } })
    const heard = hear(mock({ '*': error }), get)
    expect(heard.error).toBe(error)
    expect(typesOf(heard)).toEqual([])
  })

  it('is told which request it is about, if it does not know', () => {
    const heard = hear(mock({ '*': new HttpError('TIMEOUT', 'too slow', { phase: 'idle' }) }), get)
    expect(heard.error).toMatchObject({ message: 'too slow', request: { url: 'https://api.test/a' }, attempt: 1 })
    expect(typesOf(heard)).toEqual(['connection', 'sent'])
  })

  it('may be any error', () => {
    const error = new Error('any')
    expect(hear(mock({ '*': error }), get).error).toBe(error)
  })

  it('of sending comes instead of it', () => {
    const heard = hear(mock({ '*': new HttpError('RESET', 'gone', { phase: 'send' }) }), put)
    expect(typesOf(heard)).toEqual(['connection'])
  })
})

describe('a reset', () => {
  const resets: readonly (readonly [MockReply, string[], phase: string, written: string])[] = [
    [{ reset: 'send' }, ['connection', 'sent'], 'send', 'maybe'],
    [{ reset: 'headers' }, ['connection', 'sent'], 'headers', 'yes'],
  ]
  it.each(resets)('%j comes after %j', (reply, types, phase, requestWritten) => {
    const heard = hear(mock({ '*': reply }), put)
    expect(typesOf(heard)).toEqual(types)
    expect(heard.error).toMatchObject({ code: 'RESET', phase, requestWritten })
  })

  it('while sending comes after so many bytes were taken', () => {
    const api = mock({ '*': { reset: 'send', after: 3 } })
    expect(hear(api, put).error).toMatchObject({ code: 'RESET', phase: 'send' })
    expect([...(api.history[0]?.body.bytes ?? [])]).toEqual([1, 2, 3])
  })

  it('while sending a request without a body comes in its head', () => {
    const heard = hear(mock({ '*': { reset: 'send' } }), get)
    expect(typesOf(heard)).toEqual(['connection'])
    expect(heard.error).toMatchObject({ code: 'RESET', phase: 'send', requestWritten: 'maybe' })
  })

  it('tells whether the connection had been used before, if the reply says so', () => {
    const used = hear(mock({ '*': { reset: 'headers', connection: { reused: true } } }), get)
    expect(used.error?.reusedConnection).toBe(true)
  })
})

describe('a cut, or a reset in the body,', () => {
  const breaks: readonly (readonly [MockReply, chunks: string[]])[] = [
    [{}, []],
    [{ body: 'abcd' }, ['ab']],
    [{ body: 'abcd', after: 3 }, ['abc']],
    [{ chunks: ['a', 'b'] }, ['a', 'b']],
    [{ chunks: ['ab', 'cd'], after: 3 }, ['ab', 'c']],
  ]
  it.each(breaks)('of %j comes after %j', (reply, chunks) => {
    for (const fault of [{ cut: true }, { reset: 'body' }] as const) {
      const heard = hear(mock({ '*': { ...reply, ...fault } }), get)
      expect(heard.chunks).toEqual(chunks)
      expect(heard.error).toMatchObject({ code: 'BODY', phase: 'body', requestWritten: 'yes' })
    }
  })

  it('ends a body of known length early: BODY', () => {
    const heard = hear(mock({ '*': { body: 'abcdef', cut: true, after: 2 } }), get)
    expect(heard.chunks).toEqual(['ab'])
    expect(heard.error).toMatchObject({
      code: 'BODY',
      phase: 'body',
      message: /cut off after 2 of 6 bytes/,
    })
  })

  it('ends a body of unknown length without its end: BODY', () => {
    const heard = hear(mock({ '*': { chunks: ['ab', 'cd'], cut: true } }), get)
    expect(heard.chunks).toEqual(['ab', 'cd'])
    expect(heard.error).toMatchObject({ code: 'BODY', message: /cut off after 4 bytes of the body/ })
  })
})

describe('what cannot happen', () => {
  it('is told: a stall while nothing is sent', () => {
    expect(hear(mock({ '*': { stall: 'send' } }), get).error).toMatchObject({ code: 'CONFIG', message: /has no body/ })
  })

  it('is told: a fault after more bytes than there are', () => {
    const heard = hear(mock({ '*': { reset: 'send', after: 9 } }), put)
    expect(heard.error).toMatchObject({ code: 'CONFIG', message: /body has 4 bytes, so nothing can happen after 9/ })
  })

  const tooLate: readonly MockAnswer[] = [
    { stall: 'dns' },
    { reset: 'send' },
    { connection: {} },
    { early: true },
    { readDelay: 5 },
    'CONNECT',
  ]
  it.each(tooLate)('is told: a function that waits for the request and then says %j', async reply => {
    const heard = hear(mock({ '*': () => Promise.resolve(reply) }), get)
    await Promise.resolve()
    await Promise.resolve()
    expect(heard.error).toMatchObject({ code: 'CONFIG', message: /was sent before the function that answers it said/ })
  })

  it('can, when the function answers at once', () => {
    expect(hear(mock({ '*': () => 'CONNECT' }), put).error).toMatchObject({ code: 'CONNECT' })
  })
})

describe('chunks that cannot be produced', () => {
  it('fail the exchange with what their generator threw', () => {
    const mishap = new Error('dry')
    function* dry(): Generator<string> {
      yield 'a'
      throw mishap
    }
    const heard = hear(mock({ '*': () => ({ chunks: dry() }) }), get)
    expect(heard.chunks).toEqual(['a'])
    expect(heard.error).toBe(mishap)
  })

  it('fail it when they are no chunks', () => {
    const heard = hear(mock({ '*': { chunks: [{} as never] } }), get)
    expect(heard.error).toMatchObject({ message: /is a string, bytes, or a pause in milliseconds, not an object/ })
  })
})
