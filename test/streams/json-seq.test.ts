import fc from 'fast-check'
import { firstValueFrom, lastValueFrom, of, take, toArray } from 'rxjs'
import { createClient, type Schema } from 'sluice'
import { jsonSeq, type DroppedItem } from 'sluice/streams/json-seq'
import { describe, expect, it } from 'vitest'
import { answering, ScriptedEngine } from '../src/scripted-engine.ts'
import { thrown } from '../src/thrown.ts'
import { bytesOf, cut, CUTS, oneByOne, readAll, readUntilError } from './reading/answers.ts'

const RS = '\x1e'

async function outcome(pieces: readonly (string | Uint8Array)[], maxItem?: number): Promise<unknown> {
  const dropped: DroppedItem[] = []
  const { got, error } = await readUntilError(jsonSeq({ maxItem, onDropped: item => dropped.push(item) }), pieces)
  return { got, dropped, error: (error as Error | undefined)?.message }
}

describe('jsonSeq', () => {
  it.each<[string, readonly (string | Uint8Array)[], readonly unknown[]]>([
    ['are one a record', [`${RS}{"a":1}\n${RS}[2]\n`], [{ a: 1 }, [2]]],
    ['may have many lines', [`${RS}{\n  "a": [\n 1\n]\n}\n${RS}2\n`], [{ a: [1] }, 2]],
    ['may be any value', [`${RS}1\n${RS}"a\\"b"\n${RS}null\n${RS}true\n${RS}{}\n`], [1, 'a"b', null, true, {}]],
    ['that show their own end need no LF', [`${RS}{"a":1}${RS}"b"${RS}[]`], [{ a: 1 }, 'b', []]],
    ['may have any white space for an end', [`${RS}1 ${RS}2\t${RS}3\r${RS} 4 `], [1, 2, 3, 4]],
    ['may have more than one RS before them', [`${RS}${RS}1\n${RS}${RS}${RS}2\n`], [1, 2]],
    ['of nothing are none', [], []],
    ['of one RS are none', [RS], []],
  ])('%s', async (_, pieces, expected) => {
    expect(await outcome(pieces)).toEqual({ got: expected, dropped: [], error: undefined })
    expect(await outcome(oneByOne(Buffer.concat(pieces.map(piece => Buffer.from(piece)))))).toEqual({
      got: expected,
      dropped: [],
      error: undefined,
    })
  })

  it.each<[string, string | Uint8Array, readonly unknown[], readonly DroppedItem[]]>([
    ['a number whose end is missing', `${RS}1\n${RS}12`, [1], [{ number: 2, reason: 'truncated' }]],
    [
      'true, false and null whose end is missing',
      `${RS}true${RS}false${RS}null${RS}1\n`,
      [1],
      [1, 2, 3].map(number => ({ number, reason: 'truncated' })),
    ],
    ['half an object', `${RS}{"a":${RS}2\n`, [2], [{ number: 1, reason: 'truncated' }]],
    ['what is no JSON', `${RS}{a}\n${RS}2\n`, [2], [{ number: 1, reason: 'malformed' }]],
    [
      'what is no UTF-8',
      Uint8Array.of(0x1e, 0x22, 0xff, 0x22, 0x0a, 0x1e, 0x32, 0x0a),
      [2],
      [{ number: 1, reason: 'malformed' }],
    ],
    ['what follows a text', `${RS}1\n{\n${RS}2\n`, [1, 2], [{ number: 1, reason: 'malformed' }]],
    ['white space alone', `${RS} \n${RS}2\n`, [2], [{ number: 1, reason: 'malformed' }]],
  ])('drops %s, says so, and goes on', async (_, bytes, got, dropped) => {
    const whole = typeof bytes === 'string' ? bytesOf(bytes) : bytes
    expect(await outcome([whole])).toEqual({ got, dropped, error: undefined })
    expect(await outcome(oneByOne(whole))).toEqual({ got, dropped, error: undefined })
  })

  it('are the same however the bytes are cut, whatever they are', async () => {
    const parts = fc.constantFrom(
      RS,
      RS,
      '\n',
      '\n',
      ' ',
      '1',
      '{',
      '}',
      '{"a":[1,\n2]}',
      '"x\\""',
      '"',
      '\\',
      ',',
      'null',
      'ä',
      '\ufeff',
    )
    const noise = fc.array(parts).map(list => bytesOf(RS + list.join('')))
    await fc.assert(
      fc.asyncProperty(fc.oneof(noise, fc.uint8Array()), CUTS, fc.constantFrom(5, 1000), async (bytes, cuts, limit) => {
        const expected = await outcome([bytes], limit)
        expect(await outcome(cut(bytes, cuts), limit)).toEqual(expected)
        expect(await outcome(oneByOne(bytes), limit)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('come when they are complete, not with the next', async () => {
    const engine = new ScriptedEngine(sent => {
      sent.head().chunk(`${RS}{"a":\n1}\n`)
    })
    const client = createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })
    expect(await firstValueFrom(client.stream('a', jsonSeq()))).toEqual({ a: 1 })
  })

  it('cost time for their bytes and not for the pieces they come in', async () => {
    const start = performance.now()
    const pieces = oneByOne(bytesOf(`${RS}${'['.repeat(2)}${'\n'.repeat(400_000)}`))
    expect(await outcome(pieces)).toEqual({ got: [], dropped: [{ number: 1, reason: 'malformed' }], error: undefined })
    expect(performance.now() - start).toBeLessThan(3000)
  })

  it('are as large as allowed', async () => {
    expect(await outcome([`${RS}"12345"\n`], 8)).toMatchObject({ got: ['12345'] })
    expect(await outcome([`${RS}1\n${RS}"123456"\n`], 8)).toEqual({
      got: [1],
      dropped: [],
      error: 'Item 2 of the answer to GET https://api.test/users has more than the 8 bytes that maxItem allows.',
    })
  })

  it.each(['1\n', '\ufeff', '{"a":"hunter2"}\n'])(
    'are not found in a body that does not begin with RS: %j',
    async body => {
      const { error } = await readUntilError(jsonSeq(), [body])
      expect(error).toMatchObject({
        code: 'BODY',
        phase: 'decode',
        message:
          'The body of the answer to GET https://api.test/users is no JSON text sequence (RFC 7464): it does not begin with RS.',
      })
    },
  )

  it('may be projected and validated', async () => {
    const positive: Schema<number> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: value => (Number(value) > 0 ? { value: Number(value) } : { issues: [{ message: 'no' }] }),
      },
    }
    expect(
      await readAll(
        jsonSeq((item: number) => of(item + 1)),
        [`${RS}1\n${RS}2\n`],
      ),
    ).toEqual([2, 3])
    expect(await readAll(jsonSeq(positive), [`${RS}1\n`])).toEqual([1])
    const { got, error } = await readUntilError(jsonSeq({ schema: positive }), [`${RS}1\n${RS}-1\n`])
    expect([got, (error as Error).message]).toEqual([
      [1],
      'Item 2 of the answer to GET https://api.test/users does not match its schema.',
    ])
  })

  it('fail with what is thrown when one is dropped', async () => {
    const onDropped = ({ number, reason }: DroppedItem): never => {
      throw new Error(`${number} ${reason}`)
    }
    expect(await readUntilError(jsonSeq({ onDropped }), [`${RS}1\n${RS}{${RS}3\n`])).toEqual({
      got: [1],
      error: new Error('2 truncated'),
    })
  })

  it('are asked for by their media type', async () => {
    const engine = answering(`${RS}1\n${RS}2\n`)
    const client = createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })
    expect(await lastValueFrom(client.stream('a', jsonSeq()).pipe(take(1), toArray()))).toEqual([1])
    expect(engine.last.request.headers.get('accept')).toBe('application/json-seq, */*;q=0.1')
  })

  it('have their own options', () => {
    expect(thrown(() => jsonSeq({ onDropped: 1 } as never)).message).toBe(
      'jsonSeq({ onDropped }) must be a function, not 1.',
    )
  })
})
