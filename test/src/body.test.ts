import { Readable } from 'node:stream'
import { concat, of, Subject, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { prepareBody, type Body, type PreparedBody } from '../../src/body.ts'
import { reason, thrown } from './thrown.ts'

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value)

/** Everything a body sends when it is sent now. */
async function sent({ body }: PreparedBody): Promise<string> {
  if (body === undefined) return '(nothing)'
  if (body instanceof Uint8Array) return new TextDecoder().decode(body)
  const iterator = body.open()
  let all = ''
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
    all += new TextDecoder().decode(step.value)
  }
  return all
}

const replayable = ({ body }: PreparedBody): boolean =>
  body === undefined || body instanceof Uint8Array || body.replayable

class Point {
  readonly x = 1
  readonly y = 2
}

class Money {
  *[Symbol.iterator](): Generator<number> {
    yield this.#cents
  }

  readonly #cents = 150
  readonly [Symbol.toStringTag] = 'Money'
  toJSON(): string {
    return (this.#cents / 100).toFixed(2)
  }
}

async function* letters(): AsyncGenerator<Uint8Array | string> {
  yield text('a')
  yield 'ä'
}

interface Row {
  readonly what: string
  readonly body: () => Body
  readonly sends: string
  readonly type: string | undefined
  readonly length: number | undefined
  readonly again: boolean
}

const JSON_TYPE = 'application/json'

const rows: readonly Row[] = [
  { what: 'nothing', body: () => undefined, sends: '(nothing)', type: undefined, length: undefined, again: true },
  { what: 'null', body: () => null, sends: '(nothing)', type: undefined, length: undefined, again: true },
  { what: 'text', body: () => 'grün', sends: 'grün', type: 'text/plain;charset=UTF-8', length: 5, again: true },
  { what: 'no text', body: () => '', sends: '', type: 'text/plain;charset=UTF-8', length: 0, again: true },
  { what: 'an object', body: () => ({ a: 1 }), sends: '{"a":1}', type: JSON_TYPE, length: 7, again: true },
  { what: 'a list', body: () => [1, 'b', null], sends: '[1,"b",null]', type: JSON_TYPE, length: 12, again: true },
  {
    what: 'an object without prototype',
    body: () => Object.assign(Object.create(null) as object, { a: 1 }),
    sends: '{"a":1}',
    type: JSON_TYPE,
    length: 7,
    again: true,
  },
  { what: 'an instance', body: () => new Point(), sends: '{"x":1,"y":2}', type: JSON_TYPE, length: 13, again: true },
  { what: 'toJSON()', body: () => new Money(), sends: '"1.50"', type: JSON_TYPE, length: 6, again: true },
  {
    what: 'a date',
    body: () => new Date(0),
    sends: '"1970-01-01T00:00:00.000Z"',
    type: JSON_TYPE,
    length: 26,
    again: true,
  },
  { what: 'bytes', body: () => text('ab'), sends: 'ab', type: undefined, length: 2, again: true },
  { what: 'a Buffer', body: () => Buffer.from('ab'), sends: 'ab', type: undefined, length: 2, again: true },
  { what: 'an ArrayBuffer', body: () => text('ab').buffer, sends: 'ab', type: undefined, length: 2, again: true },
  {
    what: 'a part of a buffer',
    body: () => new DataView(text('abcd').buffer, 1, 2),
    sends: 'bc',
    type: undefined,
    length: 2,
    again: true,
  },
  {
    what: 'URLSearchParams',
    body: () => new URLSearchParams({ a: 'b c' }),
    sends: 'a=b+c',
    type: 'application/x-www-form-urlencoded;charset=UTF-8',
    length: 5,
    again: true,
  },
  {
    what: 'a Blob with a type',
    body: () => new Blob(['ab'], { type: 'image/png' }),
    sends: 'ab',
    type: 'image/png',
    length: 2,
    again: true,
  },
  { what: 'a Blob', body: () => new Blob(['ab']), sends: 'ab', type: undefined, length: 2, again: true },
  {
    what: 'a File',
    body: () => new File(['ab'], 'x.txt', { type: 'text/csv' }),
    sends: 'ab',
    type: 'text/csv',
    length: 2,
    again: true,
  },
  {
    what: 'a ReadableStream',
    body: () => new Blob(['ab']).stream(),
    sends: 'ab',
    type: undefined,
    length: undefined,
    again: false,
  },
  { what: 'a generator', body: letters, sends: 'aä', type: undefined, length: undefined, again: true },
  {
    what: 'an async iterable',
    body: () => letters(),
    sends: 'aä',
    type: undefined,
    length: undefined,
    again: false,
  },
  {
    what: 'a stream of Node',
    body: () => Readable.from(['a', 'b']),
    sends: 'ab',
    type: undefined,
    length: undefined,
    again: false,
  },
  {
    what: 'an Observable',
    body: () => of(text('a'), 'ä'),
    sends: 'aä',
    type: undefined,
    length: undefined,
    again: false,
  },
]

describe.each(rows)('$what', ({ what, body, sends, type, length, again }) => {
  const given = (): Body => (what === 'a generator' ? (body as Body) : body())

  it('is prepared with its bytes, its media type and its length', async () => {
    const prepared = prepareBody(given())
    expect(prepared.contentType).toBe(type)
    expect(prepared.body?.length).toBe(length)
    expect(replayable(prepared)).toBe(again)
    expect(await sent(prepared)).toBe(sends)
  })

  it(again ? 'is sent again as it was' : 'is refused a second time', async () => {
    const prepared = prepareBody(given())
    await sent(prepared)
    if (again) expect(await sent(prepared)).toBe(sends)
    else expect(await reason(sent(prepared))).toMatchObject({ code: 'BODY' })
  })

  it('can be sent again and again when a function makes it', async () => {
    if (what === 'nothing' || what === 'null') return
    const prepared = prepareBody(body as Body)
    expect(prepared.contentType).toBe(type)
    expect(replayable(prepared)).toBe(true)
    expect([await sent(prepared), await sent(prepared)]).toEqual([sends, sends])
  })
})

describe('a function', () => {
  it('is called once before the first send and once for every other', async () => {
    let made = 0
    const prepared = prepareBody(() => {
      made++
      return new Blob([`send ${made}`]).stream()
    })
    expect(made).toBe(1)
    expect([await sent(prepared), await sent(prepared), await sent(prepared)]).toEqual(['send 1', 'send 2', 'send 3'])
    expect(made).toBe(3)
  })

  it('that makes a form sends the form it announced, every time', async () => {
    const prepared = prepareBody(() => {
      const form = new FormData()
      form.set('a', 'b')
      return form
    })
    const boundary = /boundary=(.+)$/.exec(prepared.contentType ?? '')?.[1] ?? 'none'
    expect(await sent(prepared)).toMatch(new RegExp(`^--${boundary}\r\n`))
    expect(await sent(prepared)).toMatch(new RegExp(`^--${boundary}\r\n`))
  })

  it('that makes something else the next time is sent as what it makes', async () => {
    let made = 0
    const prepared = prepareBody(() => (++made === 1 ? of('stream') : 'text'))
    expect([await sent(prepared), await sent(prepared)]).toEqual(['stream', 'text'])
  })

  it('that throws fails the one who prepares, then the one who opens', async () => {
    let made = 0
    const broken = new Error('no file')
    expect(() =>
      prepareBody(() => {
        throw broken
      }),
    ).toThrow(broken)
    const prepared = prepareBody(() => {
      if (++made > 1) throw broken
      return of('a')
    })
    await sent(prepared)
    expect(await reason(sent(prepared))).toBe(broken)
  })

  it('may not make another function or nothing', () => {
    for (const make of [() => () => 'a', () => undefined, () => null, () => Promise.resolve('a')])
      expect(thrown(() => prepareBody(make as Body)).code).toBe('CONFIG')
  })
})

describe('what cannot be a body', () => {
  class Empty {
    *[Symbol.iterator](): Generator<Uint8Array> {
      yield text('a')
    }
  }

  it.each<[unknown, string]>([
    [7, 'A number'],
    [7n, 'A bigint'],
    [true, 'A boolean'],
    [Symbol('x'), 'A symbol'],
    [new Map([['a', 1]]), 'A Map'],
    [new Set([1]), 'A Set'],
    [new WeakMap(), 'A WeakMap'],
    [Promise.resolve('a'), 'A Promise'],
    [/a/, 'A RegExp'],
    [new Error('x'), 'An Error'],
    [new SharedArrayBuffer(1), 'A SharedArrayBuffer'],
    [[1].values(), 'An Iterator'],
    [new Empty(), 'An Empty'],
    [new Headers(), 'A Headers'],
    [new Response('a'), 'A Response'],
    [Object('boxed'), 'A String'],
    [new AbortController().signal, 'An AbortSignal'],
    [{ toJSON: () => undefined }, 'An Object'],
  ])('%o is refused with what would have worked', (value, named) => {
    const error = thrown(() => prepareBody(value as Body))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toMatch(/ cannot be a body; give a plain object or a list \(sent as JSON\), .+\.$/)
    expect(error.message.startsWith(named)).toBe(true)
  })

  const circular: { self?: unknown } = {}
  circular.self = circular
  let deep: unknown = 's3cret'
  for (let level = 0; level < 200_000; level++) deep = [deep]

  it.each<[string, unknown]>([
    ['a circle', circular],
    ['a bigint inside', { a: 1n }],
    // Node 26 writes any depth; where the platform cannot, it is the caller who hears of it.
    ...(overflows(deep) ? [['too deep', deep] satisfies [string, unknown]] : []),
    [
      'a getter that throws',
      {
        get a(): never {
          throw new Error('no a')
        },
      },
    ],
    [
      'a toJSON() that throws no error',
      {
        toJSON() {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- what others throw is not up to us
          throw 'text'
        },
      },
    ],
  ])('JSON of %s is refused in one sentence', (_, value) => {
    const error = thrown(() => prepareBody(value as Body))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toMatch(/^The body cannot be written as JSON: [^\n]+\.$/)
    expect(error.message).not.toContain('s3cret')
  })
})

describe('an Observable body', () => {
  it('fails with what the source fails with, after what it emitted before', async () => {
    const { body } = prepareBody(
      concat(
        of('a'),
        throwError(() => new Error('sensor')),
      ),
    )
    const iterator = (body as Exclude<typeof body, undefined | Uint8Array>).open()
    expect(await iterator.next()).toMatchObject({ done: false })
    expect(await reason(iterator.next())).toEqual(new Error('sensor'))
  })

  it('is not subscribed to before it is sent', () => {
    const source = new Subject<Uint8Array>()
    prepareBody(source)
    expect(source.observed).toBe(false)
  })
})

function overflows(value: unknown): boolean {
  try {
    JSON.stringify(value)
    return false
  } catch (error) {
    return error instanceof RangeError
  }
}
