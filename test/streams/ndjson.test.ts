import fc from 'fast-check'
import { firstValueFrom, from, lastValueFrom, of, take, toArray } from 'rxjs'
import { createClient, type Schema, type SchemaResult } from 'sluice'
import { ndjson } from 'sluice/streams/ndjson'
import { describe, expect, it } from 'vitest'
import { answering } from '../src/scripted-engine.ts'
import { thrown } from '../src/thrown.ts'
import { answer, bytesOf, cut, CUTS, oneByOne, readAll, readUntilError } from './reading/answers.ts'

interface Row {
  readonly id: number
}

const judge = (value: unknown): SchemaResult<Row> =>
  typeof (value as Row | null)?.id === 'number'
    ? { value: { id: (value as Row).id * 10 } }
    : { issues: [{ message: `Expected number, got ${JSON.stringify(value)}`, path: ['user', { key: 'id' }] }] }
const row: Schema<Row> = { '~standard': { version: 1, vendor: 'test', validate: judge } }
const later: Schema<Row> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: async value => {
      await new Promise(resolve => setTimeout(resolve, (value as { wait?: number }).wait ?? 0))
      return judge(value)
    },
  },
}
// As arktype has them.
const callable = Object.assign(() => undefined, row)

describe('ndjson', () => {
  it.each<[string, readonly (string | Uint8Array)[], readonly unknown[]]>([
    ['are one a line', ['{"id":1}\n{"id":2}\n'], [{ id: 1 }, { id: 2 }]],
    ['may be any value', ['1\n"a"\nnull\ntrue\n[1]\n{}\n'], [1, 'a', null, true, [1], {}]],
    ['may end in CRLF', ['1\r\n2\r\n'], [1, 2]],
    ['may have white space around them', [' 1 \n\t2'], [1, 2]],
    ['need no end when they are the last', ['1\n2'], [1, 2]],
    ['may have blank lines between them', ['\n1\n\n \t\n\r\n2\n\n'], [1, 2]],
    ['may begin with a byte order mark', ['\ufeff1\n2'], [1, 2]],
    ['of nothing are none', [], []],
    ['of blank lines are none', ['\n\n  '], []],
    ['keep what they are called', ['{"__proto__":{"x":1}}'], [JSON.parse('{"__proto__":{"x":1}}')]],
  ])('%s', async (_, pieces, expected) => {
    expect(await readAll(ndjson(), pieces)).toEqual(expected)
  })

  it('are the same however the bytes are cut', async () => {
    const separators = fc.constantFrom('\n', '\r\n', '\n\n', '\n \n')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), separators, CUTS, async (values, separator, cuts) => {
        const bytes = bytesOf(values.map(value => JSON.stringify(value)).join(separator))
        const expected = values.map(value => JSON.parse(JSON.stringify(value)) as unknown)
        expect(await readAll(ndjson(), cut(bytes, cuts))).toEqual(expected)
        expect(await readAll(ndjson(), oneByOne(bytes))).toEqual(expected)
        expect(
          await readAll(
            ndjson(value => of(value)),
            cut(bytes, cuts),
          ),
        ).toEqual(expected)
      }),
    )
  })

  it('end with the same items and the same error however what is no NDJSON is cut', async () => {
    const noise = fc
      .array(fc.constantFrom('{"a":1}', '\n', '\r', '{', '"', '\ufeff', ' ', 'ä', '7', '\0'))
      .map(parts => bytesOf(parts.join('')))
    const outcome = async (pieces: readonly Uint8Array[]): Promise<unknown> => {
      const { got, error } = await readUntilError(ndjson(), pieces)
      return { got, message: (error as Error | undefined)?.message }
    }
    await fc.assert(
      fc.asyncProperty(fc.oneof(noise, fc.uint8Array()), CUTS, async (bytes, cuts) => {
        const expected = await outcome([bytes])
        expect(await outcome(cut(bytes, cuts))).toEqual(expected)
        expect(await outcome(oneByOne(bytes))).toEqual(expected)
      }),
    )
  })

  it('stop in the middle of a piece when the subscriber has enough', async () => {
    const live = answer(['1\n2\nno json\n', '3\n'])
    expect(await firstValueFrom(from(ndjson()(live)).pipe(take(2), toArray()))).toEqual([1, 2])
    expect(await live.read()).toEqual(bytesOf('3\n'))
  })

  it('are asked for by their media type, unless the call says something else', async () => {
    const engine = answering('1\n')
    const client = createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })
    await lastValueFrom(client.stream('a', ndjson()))
    await lastValueFrom(client.stream('a', ndjson(), { headers: { accept: 'text/csv' } }))
    expect(engine.sent.map(({ request }) => request.headers.get('accept'))).toEqual([
      'application/x-ndjson, application/jsonl;q=0.9, */*;q=0.1',
      'text/csv',
    ])
  })
})

describe('an item that is none', () => {
  it.each<[string, readonly (string | Uint8Array)[], string]>([
    [
      'is no JSON',
      ['1\n2\n{"password":"hunter2"\n4\n'],
      'Item 3 of the answer to GET https://api.test/users is no valid JSON.',
    ],
    ['is cut off', ['1\n2\n{"password":"hunt'], 'Item 3 of the answer to GET https://api.test/users is no valid JSON.'],
    [
      'is counted without blank lines',
      ['1\n\n\n2\n\nhunter2\n'],
      'Item 3 of the answer to GET https://api.test/users is no valid JSON.',
    ],
    [
      'is no UTF-8',
      ['1\n2\n"', Uint8Array.of(0xff), '"\n4\n'],
      'Item 3 of the answer to GET https://api.test/users is not UTF-8.',
    ],
  ])('fails with its number when it %s, after those before it', async (_, pieces, message) => {
    const { got, error } = await readUntilError(ndjson(), pieces)
    expect(got).toEqual([1, 2])
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode', message, request: { method: 'GET' } })
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('hunt')
  })

  it('is too large when it has more bytes than allowed', async () => {
    const { got, error } = await readUntilError(ndjson({ maxItem: 9 }), ['1\n"1234567"\n"ääääää"\n'])
    expect(got).toEqual([1, '1234567'])
    expect(error).toMatchObject({
      code: 'TOO_LARGE',
      phase: 'body',
      message: 'Item 3 of the answer to GET https://api.test/users has more than the 9 bytes that maxItem allows.',
    })
  })

  it('may have any size when there is no limit', async () => {
    const large = JSON.stringify('x'.repeat(2 * 1024 * 1024))
    expect((await readUntilError(ndjson(), [large])).error).toMatchObject({ code: 'TOO_LARGE' })
    expect(await readAll(ndjson({ maxItem: false }), [large])).toHaveLength(1)
  })

  it('of many byte order marks takes no more room than any other', async () => {
    const { error } = await readUntilError(ndjson(), ['\ufeff'.repeat(300_000)])
    expect(error).toMatchObject({
      code: 'BODY',
      message: expect.stringMatching(/^Item 1 of .* is no valid JSON\.$/) as unknown,
    })
  })
})

describe('a schema of items', () => {
  it.each<[string, Schema<Row>]>([
    ['that answers at once', row],
    ['that answers later', later],
    ['that is a function', callable],
  ])('makes of them what it says (%s)', async (_, schema) => {
    expect(await readAll(ndjson(schema), ['{"id":1}\n{"id":2}\n'])).toEqual([{ id: 10 }, { id: 20 }])
    expect(await readAll(ndjson({ schema }), ['{"id":1}\n'])).toEqual([{ id: 10 }])
    const project = (item: Row, index: number): string[] => [`${index}:${item.id}`]
    expect(await readAll(ndjson({ schema, project }), ['{"id":1}\n{"id":2}\n'])).toEqual(['0:10', '1:20'])
  })

  it.each<[string, Schema<Row>]>([
    ['at once', row],
    ['later', later],
  ])('that finds fault %s fails with the number of the item, where it is, and not what it says', async (_, schema) => {
    const { got, error } = await readUntilError(ndjson(schema), ['{"id":1}\n{"secret":"hunter2"}\n{"id":3}\n'])
    expect(got).toEqual([{ id: 10 }])
    expect(error).toMatchObject({
      code: 'BODY',
      phase: 'decode',
      message: 'Item 2 of the answer to GET https://api.test/users does not match its schema at user.id.',
      issues: [{ path: ['user', { key: 'id' }] }],
    })
  })

  it('that answers later keeps their order, or not when several run at a time', async () => {
    const pieces = ['{"id":1,"wait":20}\n{"id":2}\n']
    expect(await readAll(ndjson(later), pieces)).toEqual([{ id: 10 }, { id: 20 }])
    expect(await readAll(ndjson({ schema: later, concurrency: 2 }), pieces)).toEqual([{ id: 20 }, { id: 10 }])
  })

  it('that throws is the error', async () => {
    const validate = (): never => {
      throw new Error('broken schema')
    }
    const broken: Schema<Row> = { '~standard': { version: 1, vendor: 'test', validate } }
    expect((await readUntilError(ndjson(broken), ['1'])).error).toEqual(new Error('broken schema'))
  })

  it('does not come from a polluted prototype', async () => {
    Object.assign(Object.prototype, row)
    try {
      expect(await readAll(ndjson({ maxItem: 100 }), ['7'])).toEqual([7])
    } finally {
      Reflect.deleteProperty(Object.prototype, '~standard')
    }
  })
})

describe('options of ndjson', () => {
  it.each<[unknown, string]>([
    [
      { maxItem: '1' },
      'ndjson({ maxItem }) must be a whole number of bytes of at least 0, or false for no limit, not "1".',
    ],
    [
      { schema: {} },
      'ndjson({ schema }) must be a schema that follows Standard Schema (zod, valibot, arktype, …), not an object.',
    ],
    [{ schemas: row }, 'ndjson() has no option "schemas". It has project, concurrency, schema, maxItem.'],
  ])('%j are refused', (options, message) => {
    expect(thrown(() => ndjson(options as never))).toMatchObject({ code: 'CONFIG', message })
  })
})
