import fc from 'fast-check'
import type { HttpError } from 'sluice'
import { isHttpError } from 'sluice'
import { describe, expect, it } from 'vitest'
import type { Place, ServerSentEvent } from '../../../streams/sse/event.ts'
import { EventParser } from '../../../streams/sse/parser.ts'
import { aRequest } from '../../src/samples.ts'

const ORIGIN = { request: aRequest() }

interface How {
  readonly split?: readonly number[]
  readonly maxEvent?: number | false
  readonly place?: Place
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? new TextEncoder().encode(text) : text
}

/** The events in a stream that comes in one piece, or cut behind the bytes `split` names. */
function parse(text: string | Uint8Array, { split = [], maxEvent = false, place }: How = {}): ServerSentEvent[] {
  const bytes = bytesOf(text)
  const events: ServerSentEvent[] = []
  const parser = new EventParser(ORIGIN, maxEvent, place)
  const emit = (event: ServerSentEvent): boolean => events.push(event) > 0
  const cuts = [...split].sort((a, b) => a - b)
  for (const [at, cut] of [...cuts, bytes.length].entries()) parser.push(bytes.slice(cuts[at - 1] ?? 0, cut), emit)
  parser.end()
  return events
}

/** The same, as `type:data`. */
const short = (text: string | Uint8Array, how?: How): string[] =>
  parse(text, how).map(({ type, data }) => `${type}:${data}`)

function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function failure(work: () => unknown): HttpError {
  try {
    work()
  } catch (error) {
    if (isHttpError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('an event stream, by the rules of the standard', () => {
  it.each([
    ['a line ends with LF', 'data: a\ndata: b\n\n', ['message:a\nb']],
    ['a line ends with CR', 'data: a\rdata: b\r\r', ['message:a\nb']],
    ['a line ends with CRLF', 'data: a\r\ndata: b\r\n\r\n', ['message:a\nb']],
    [
      'a line ends with any of them',
      'data: a\r\ndata: b\rdata: c\n\ndata: d\r\r\ndata: e\n\r\n',
      ['message:a\nb\nc', 'message:d', 'message:e'],
    ],
    ['LF CR are two ends', 'data: a\n\rdata: b\n\n', ['message:a', 'message:b']],
    ['one byte order mark is no part of it', '\uFEFFdata: a\n\n', ['message:a']],
    ['a second byte order mark is a part of the name', '\uFEFF\uFEFFdata: a\n\ndata: b\n\n', ['message:b']],
    ['a byte order mark in the middle is text', 'data: \uFEFFa\n\n', ['message:\uFEFFa']],
    ['text that looks like the bytes of a mark is none', 'ï»¿data: a\n\ndata: b\n\n', ['message:b']],
    ['a line that begins with a colon is a comment', ': data: x\n:\ndata: a\n:data: y\n\n', ['message:a']],
    [
      'one space behind the colon is no part of the value',
      'data:a\n\ndata:  b\n\ndata:\tc\n\n',
      ['message:a', 'message: b', 'message:\tc'],
    ],
    ['only the first colon counts', 'data: a:b: c\n\n', ['message:a:b: c']],
    ['a field without a colon is empty', 'data\n\ndata\ndata\n\ndata:\n\n', ['message:', 'message:\n', 'message:']],
    ['names are compared letter by letter', 'Data: a\nDATA: b\ndata : c\n data: d\ndata: e\n\n', ['message:e']],
    ['unknown fields are ignored', 'what: a\ndata: b\nid2: c\n\n', ['message:b']],
    ['the last type counts, and for one event', 'event: a\nevent: b\ndata: x\n\ndata: y\n\n', ['b:x', 'message:y']],
    ['an empty type is message', 'event: a\nevent:\ndata: x\n\nevent\ndata: y\n\n', ['message:x', 'message:y']],
    ['an event without data is none, and takes its type with it', 'event: a\n\ndata: x\n\n', ['message:x']],
    ['an event that is cut off is dropped', 'data: a\n\ndata: b\n', ['message:a']],
    ['a line that is cut off is dropped', 'data: a\n\ndata: b', ['message:a']],
    ['empty lines mean nothing', '\n\n\r\n\ndata: a\n\n\n\n', ['message:a']],
    ['NUL is text', 'data: \0\n\n', ['message:\0']],
    ['an empty stream has none', '', []],
  ])('%s', (_, text, events) => {
    expect(short(text)).toEqual(events)
    // And byte by byte.
    expect(short(text, { split: [...bytesOf(text).keys()] })).toEqual(events)
  })

  it('is UTF-8, whatever else is in it', () => {
    expect(short('event: ä\ndata: Grüße 🙂 日本\n\n')).toEqual(['ä:Grüße 🙂 日本'])
    expect(short(Uint8Array.of(...bytesOf('data: a'), 0xff, 0xc3, ...bytesOf('\n\n')))).toEqual([
      'message:a\uFFFD\uFFFD',
    ])
  })
})

describe('the last event id', () => {
  const ids = (text: string, place?: Place): string[] => parse(text, place && { place }).map(({ id }) => id)

  it('stays until there is another', () => {
    expect(ids('data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid: 2\ndata: d\n\n')).toEqual(['', '1', '1', '2'])
  })

  it('is taken back by an empty one', () => {
    expect(ids('id: 1\ndata: a\n\nid\ndata: b\n\nid: 2\ndata: c\n\nid:\ndata: d\n\n')).toEqual(['1', '', '2', ''])
  })

  it('with a NUL is ignored', () => {
    expect(ids('id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n')).toEqual(['1', '1'])
  })

  it('counts without data too, and only when the empty line came', () => {
    const place: Place = { id: undefined, retry: undefined }
    expect(ids('id: 1\n\nid: 2\n', place)).toEqual([])
    expect(place.id).toBe('1')
  })

  it('outlives its connection', () => {
    const place: Place = { id: undefined, retry: undefined }
    parse('id: 7\ndata: a\n\n', { place })
    expect(ids('data: b\n\n', place)).toEqual(['7'])
  })

  it('of more than 1 KiB fails, for no request could carry it', () => {
    expect(ids(`id: ${'ä'.repeat(512)}\ndata: a\n\n`)).toHaveLength(1)
    expect(failure(() => parse(`id: ${'ä'.repeat(513)}\ndata: a\n\n`))).toMatchObject({
      code: 'TOO_LARGE',
      phase: 'body',
      message: 'An event id in the answer to GET https://api.test/users has more than 1024 bytes.',
    })
  })
})

describe('the field retry', () => {
  it.each([
    ['3000', 3_000],
    ['0', 0],
    ['007', 7],
    ['', undefined],
    ['-1', undefined],
    ['+1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['3000 ', undefined],
    ['١', undefined],
    ['soon', undefined],
    ['99999999999999999999', 1e20],
  ])('%j is %s', (value, ms) => {
    const place: Place = { id: undefined, retry: undefined }
    expect(parse(`retry: ${value}\ndata: a\n\n`, { place })[0]?.retry).toBe(ms)
    expect(place.retry).toBe(ms)
  })

  it('is of the event it came with, and counts without one too', () => {
    const place: Place = { id: undefined, retry: undefined }
    const text = 'retry: 1\ndata: a\n\ndata: b\n\nretry: 2\n'
    expect(parse(text, { place }).map(({ retry }) => retry)).toEqual([1, undefined])
    expect(place.retry).toBe(2)
  })
})

describe('limits', () => {
  const tooLong = {
    code: 'TOO_LARGE',
    phase: 'body',
    message: 'An event in the answer to GET https://api.test/users has more than the 10 bytes that maxEvent allows.',
  }

  it.each([
    ['of ten bytes passes', 'data: 0123456789\n\n', true],
    ['of eleven does not', 'data: 01234567890\n\n', false],
    ['counts bytes, not letters', `data: ${'ä'.repeat(5)}a\n\n`, false],
    ['counts the ends of its lines', 'data: 01234\ndata: 56789\n\n', false],
    ['of many empty lines is too long', `${'data\n'.repeat(12)}\n`, false],
  ])('an event %s', (_, text, fine) => {
    for (const split of [[], [...bytesOf(text).keys()]]) {
      const work = (): unknown => parse(text, { maxEvent: 10, split })
      if (fine) expect(work()).toHaveLength(1)
      else expect(failure(work)).toMatchObject(tooLong)
    }
  })

  it('take little more than twice their size of memory, however small the pieces', () => {
    const parser = new EventParser(ORIGIN, false)
    const byte = bytesOf('x')
    const size = 512 * 1024
    globalThis.gc?.()
    const before = used()
    for (let sent = 0; sent < size; sent++) parser.push(byte, () => true)
    globalThis.gc?.()
    expect(used() - before).toBeLessThan(8 * size)
    parser.end()
  })

  it('hold for a line that never ends, whatever it is', () => {
    for (const begin of ['data: ', ': ', 'x', '']) {
      const parser = new EventParser(ORIGIN, 10)
      expect(
        failure(() => {
          for (let n = 0; n < 30; n++) parser.push(bytesOf(n === 0 ? begin : 'x'), () => true)
        }),
      ).toMatchObject(tooLong)
    }
  })

  it('hold for an event that never ends, before it is whole', () => {
    const parser = new EventParser(ORIGIN, 1_000)
    let lines = 0
    expect(
      failure(() => {
        for (; lines < 10_000; lines++) parser.push(bytesOf('data: 0123456789\n'), () => true)
      }).code,
    ).toBe('TOO_LARGE')
    expect(lines).toBeLessThan(300)
  })

  it('hold for an event that begins behind another', () => {
    const parser = new EventParser(ORIGIN, 10)
    const push = (text: string): void => {
      parser.push(bytesOf(text), () => true)
    }
    expect(
      failure(() => {
        push('data: a\n\ndata: 0123456789\ndata: x\n')
        push('\n')
      }),
    ).toMatchObject(tooLong)
  })

  it('let through what came before', () => {
    const events: string[] = []
    const parser = new EventParser(ORIGIN, 10)
    const emit = ({ data }: ServerSentEvent): boolean => events.push(data) > 0
    expect(failure(() => parser.push(bytesOf(`data: a\n\ndata: b\n\ndata: ${'c'.repeat(11)}\n\n`), emit)).code).toBe(
      'TOO_LARGE',
    )
    expect(events).toEqual(['a', 'b'])
  })

  it('let many events of a long stream pass', () => {
    expect(short('data: 0123456789\n\n'.repeat(10_000), { maxEvent: 10 })).toHaveLength(10_000)
  })
})

it('stops in the middle of a chunk when nobody wants more', () => {
  const events: string[] = []
  new EventParser(ORIGIN, false).push(bytesOf('data: a\n\ndata: b\n\ndata: c\n\n'), ({ data }) => events.push(data) < 2)
  expect(events).toEqual(['a', 'b'])
})

it('says the same however its bytes are cut', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'data: ',
      'data',
      'id: ',
      'event: ',
      'retry: 5',
      ': ',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      '\r\n\r\n',
      '\uFEFF',
      'ä',
      '🙂',
      '\0',
    ),
    fc.string({ unit: 'grapheme', maxLength: 5 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.array(fc.nat(300)), (pieces, cuts) => {
      const text = pieces.join('')
      const split = cuts.filter(cut => cut < bytesOf(text).length)
      expect(parse(text, { split })).toEqual(parse(text))
    }),
    { numRuns: 2_000 },
  )
})

it('says what a parser says that is made of the sentences of the standard', () => {
  const piece = fc.constantFrom(
    'data: a',
    'data',
    'data:b',
    'id: 1',
    'id',
    'event: e',
    'event',
    'x: y',
    ': c',
    '\n',
    '\r',
    '\r\n',
    '\n\n',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      const text = pieces.join('')
      expect(parse(text).map(({ type, data, id }) => ({ type, data, id }))).toEqual(bySentence(text))
    }),
    { numRuns: 2_000 },
  )
})

/** WHATWG HTML §9.2.6, sentence by sentence. */
function bySentence(text: string): { type: string; data: string; id: string }[] {
  const events = []
  let data = ''
  let type = ''
  let buffered: string | undefined
  let id = ''
  const lines = text.split(/\r\n|\n|\r/)
  // The last one has no end.
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      id = buffered ?? id
      if (data !== '') events.push({ type: type === '' ? 'message' : type, data: data.slice(0, -1), id })
      data = ''
      type = ''
      continue
    }
    if (line.startsWith(':')) continue
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') type = value
    else if (field === 'data') data += `${value}\n`
    else if (field === 'id') buffered = value
  }
  return events
}
