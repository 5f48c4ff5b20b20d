import { isHttpError, type Schema } from 'sluice'
import { json } from 'sluice/streams/sse'
import { describe, expect, it } from 'vitest'
import { EventParser } from '../../../streams/sse/parser.ts'
import { eventReadings, TypedEvents, type EventReadings } from '../../../streams/sse/typed.ts'
import { aRequest } from '../../src/samples.ts'

const ORIGIN = { request: aRequest() }

const positive: Schema<number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: value =>
      typeof value === 'number' && value > 0
        ? { value: value * 2 }
        : { issues: [{ message: 'Expected a positive number', path: ['a', { key: 0 }] }] },
  },
}

function read(text: string, readings: EventReadings): unknown[] {
  const events: unknown[] = []
  const parser = new TypedEvents(ORIGIN, new EventParser(ORIGIN, false), readings)
  try {
    parser.push(new TextEncoder().encode(text), ({ type, data }) => events.push([type, data]) > 0)
    parser.end()
  } catch (error) {
    if (!isHttpError(error)) throw error
    events.push(`${error.code} ${String(error.phase)} ${error.message}`)
  }
  return events
}

describe('events by name', () => {
  it('are read as they are said to be, and others are left out', () => {
    const text = 'event: n\ndata: 4\n\nevent: t\ndata: 4\n\nevent: other\ndata: {\n\nevent: j\ndata: {"a":[1]}\n\n'
    expect(read(text, { n: positive, t: 'text', j: json<object>() })).toEqual([
      ['n', 8],
      ['t', '4'],
      ['j', { a: [1] }],
    ])
  })

  it('are found by their own names alone', () => {
    expect(read('event: toString\ndata: a\n\nevent: __proto__\ndata: b\n\n', { message: 'text' })).toEqual([])
  })

  it('that are no JSON fail, with their number and without their data', () => {
    expect(read('data: secret\n\nevent: n\ndata: secret\n\n', { n: positive })).toEqual([
      'BODY decode Event 2 ("n") of the answer to GET https://api.test/users is no valid JSON.',
    ])
  })

  it('that do not match fail with where that is', () => {
    expect(read('event: n\ndata: 1\n\nevent: n\ndata: -1\n\n', { n: positive })).toEqual([
      ['n', 2],
      'BODY decode Event 2 ("n") of the answer to GET https://api.test/users does not match its schema at a.0.',
    ])
  })

  it('cannot be waited for: the projector is there for that', () => {
    const later: Schema = {
      '~standard': { version: 1, vendor: 'slow', validate: () => Promise.reject(new Error('late')) },
    }
    expect(read('data: 1\n\n', { message: later })).toEqual([
      'BODY decode Event 1 ("message") of the answer to GET https://api.test/users has an asynchronous schema of slow; use it in the projector, where it may take its time.',
    ])
  })

  it('may be read by a schema that needs to be called as what it is', () => {
    const standard = {
      version: 1,
      vendor: 'class',
      validate(value: unknown) {
        return { value: `${this.vendor} ${String(value)}` }
      },
    } as const
    expect(read('data: 1\n\n', { message: { '~standard': standard } })).toEqual([['message', 'class 1']])
  })

  it('are described by an object of readings', () => {
    const callable = Object.assign(() => undefined, positive)
    for (const fine of [{}, { a: 'text' }, { a: positive, b: json() }, { a: callable }]) {
      expect(eventReadings(fine)).toBeUndefined()
    }
    for (const wrong of [
      null,
      [],
      'text',
      { a: 'json' },
      { a: {} },
      { a: null },
      { a: { '~standard': {} } },
      { a: undefined },
    ]) {
      expect(eventReadings(wrong)).toMatch(/^an object of event types/)
    }
  })
})
