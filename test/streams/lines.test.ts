import fc from 'fast-check'
import { firstValueFrom, from, map, of, take, timer, toArray, type Observable } from 'rxjs'
import { isHttpError } from 'sluice'
import { lines } from 'sluice/streams/lines'
import { describe, expect, it } from 'vitest'
import { thrown } from '../src/thrown.ts'
import { answer, bytesOf, cut, CUTS, oneByOne, readAll, readUntilError } from './reading/answers.ts'

describe('lines', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['end in LF', ['a\nb\n'], ['a', 'b']],
    ['end in CRLF', ['a\r\nb\r\n'], ['a', 'b']],
    ['end in CRLF that comes in two pieces', ['a\r', '\nb'], ['a', 'b']],
    ['end in both, and a CR alone is part of them', ['a\rb\n\rc\r\r\n'], ['a\rb', '\rc\r']],
    ['may be empty', ['\n\r\na\n\n'], ['', '', 'a', '']],
    ['count without an end when they are the last', ['a\nb'], ['a', 'b']],
    ['lose the CR of an end that never came', ['a\r'], ['a']],
    ['of an empty body are none', [], []],
    ['may come in any number of pieces', ['a', 'b', '\n', 'c', '', 'd', '\ne\nf'], ['ab', 'cd', 'e', 'f']],
    ['do not begin with a byte order mark', ['\ufeffa\n\ufeffb'], ['a', '\ufeffb']],
  ])('%s', async (_, pieces, expected) => {
    expect(await readAll(lines(), pieces)).toEqual(expected)
  })

  it('are the same however the bytes are cut', async () => {
    const texts = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\n', '\r\n', '\r', '😀', 'ß')))
    await fc.assert(
      fc.asyncProperty(texts, CUTS, async (parts, cuts) => {
        const text = parts.join('')
        const bytes = bytesOf(text)
        const expected = text.split('\n').map(line => line.replace(/\r$/, ''))
        if (text.endsWith('\n') || text === '') expected.pop()
        expected[0] = expected[0]?.replace(/^\ufeff/, '') ?? ''
        if (text === '') expected.pop()
        expect(await readAll(lines(), cut(bytes, cuts))).toEqual(expected)
        expect(await readAll(lines(), oneByOne(bytes))).toEqual(expected)
        expect(
          await readAll(
            lines(line => of(line)),
            cut(bytes, cuts),
          ),
        ).toEqual(expected)
      }),
    )
  })

  it('are decoded by the charset of the answer', async () => {
    const headers = { 'content-type': 'text/plain; charset="ISO-8859-1"' }
    expect(await readAll(lines(), [Uint8Array.of(0xe4, 0x0a, 0xf6)], { headers })).toEqual(['ä', 'ö'])
  })

  it.each(['utf-16', 'UTF-16BE'])('of %s cannot be found', async charset => {
    const { error } = await readUntilError(lines(), ['a'], {
      headers: { 'content-type': `text/plain;charset=${charset}` },
    })
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
    expect((error as Error).message).toMatch(
      /^The text of the answer to GET https:\/\/api\.test\/users is utf-16.e, which .*text\(\)\.$/,
    )
  })

  it('of a charset that nobody knows cannot be read', async () => {
    const { error } = await readUntilError(lines(), ['a'], {
      headers: { 'content-type': 'text/plain;charset=klingon' },
    })
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
  })

  it('may have bytes that are no text, unless those are fatal', async () => {
    const pieces = [bytesOf('a\nb'), Uint8Array.of(0xff), bytesOf('\nc\n')]
    expect(await readAll(lines(), pieces)).toEqual(['a', 'b\ufffd', 'c'])
    const { got, error } = await readUntilError(lines({ fatal: true }), pieces)
    expect(got).toEqual(['a'])
    expect(error).toMatchObject({
      code: 'BODY',
      phase: 'decode',
      message: 'Line 2 of the answer to GET https://api.test/users is not utf-8.',
    })
  })

  it('before the one that is no text are there also when all came at once', async () => {
    const { got } = await readUntilError(lines({ fatal: true }), [
      Uint8Array.of(0x61, 0x0a, 0x62, 0x0a, 0xff, 0x0a, 0x63, 0x0a),
    ])
    expect(got).toEqual(['a', 'b'])
  })
})

describe('a line that is too long', () => {
  const long = 'x'.repeat(8)
  const sentence = (line: number, limit: number): string =>
    `Line ${line} of the answer to GET https://api.test/users has more than the ${limit} bytes that maxLine allows.`

  it.each<[string, readonly string[], readonly string[]]>([
    ['with others in one piece', [`a\n${long}y\nb\n`], ['a']],
    ['in two pieces', [`a\n${long}`, `y\nb\n`], ['a']],
    ['without an end', [`a\n${long}y`], ['a']],
    ['in letters of many bytes', ['a\nääääö\nb\n'], ['a']],
    ['and ends in CRLF', [`a\n${long}y\r\n`], ['a']],
    ['and its CR is no end', [`a\n${long}\r`, 'y'], ['a']],
  ])('fails (%s)', async (_, pieces, expected) => {
    const { got, error } = await readUntilError(lines({ maxLine: 8 }), pieces)
    expect(got).toEqual(expected)
    expect(error).toMatchObject({ code: 'TOO_LARGE', phase: 'body', message: sentence(2, 8) })
  })

  it('is one of more than the limit, without its end', async () => {
    for (const pieces of [
      [`${long}\n${long}\r\n${long}`],
      [`${long}\r`, `\n${long}`],
      oneByOne(bytesOf(`${long}\r\n${long}\r`)),
    ])
      expect((await readAll(lines({ maxLine: 8 }), pieces)).every(line => line === long)).toBe(true)
  })

  it('is one of more than a MiB', async () => {
    const mib = 1024 * 1024
    expect((await readAll(lines(), ['x'.repeat(mib), '\n']))[0]?.length).toBe(mib)
    const { error } = await readUntilError(lines(), ['x'.repeat(mib), 'x\n'])
    expect(error).toMatchObject({ message: sentence(1, mib) })
  })

  it('is none when there is no limit', async () => {
    const many = Array.from({ length: 40 }, () => 'x'.repeat(64 * 1024))
    expect((await readAll(lines({ maxLine: false }), many))[0]?.length).toBe(40 * 64 * 1024)
  })

  it('costs time for its bytes and not for the pieces they come in', async () => {
    const pieces = oneByOne(bytesOf('x'.repeat(500_000)))
    const start = performance.now()
    expect((await readAll(lines(), pieces))[0]?.length).toBe(500_000)
    expect(performance.now() - start).toBeLessThan(3000)
  })
})

describe('a projector of lines', () => {
  it('is given line and index, and its results are emitted', async () => {
    expect(
      await readAll(
        lines((line, index) => [`${index}${line}`]),
        ['a\nb\n'],
      ),
    ).toEqual(['0a', '1b'])
  })

  it('may be given with others options, and run many at a time', async () => {
    let running = 0
    let most = 0
    const project = (line: string): Observable<number> => {
      most = Math.max(most, ++running)
      return timer(1).pipe(
        map(() => {
          running--
          return Number(line)
        }),
      )
    }
    const got = await readAll(lines({ project, concurrency: 3, maxLine: 10 }), ['1\n2\n3\n4\n5\n6\n'])
    expect([got.toSorted(), most]).toEqual([[1, 2, 3, 4, 5, 6], 3])
  })
})

describe('an answer that has no lines', () => {
  it.each([301, 304, 404, 500])('is an error when its status is %i', async status => {
    const { got, error } = await readUntilError(lines(), ['<html>\n'], { status })
    expect(got).toEqual([])
    expect(isHttpError(error) && [error.code, error.response?.status, error.response?.text()]).toEqual([
      'STATUS',
      status,
      '<html>\n',
    ])
  })

  it.each([204, 205])('is empty when its status is %i', async status => {
    expect(await readAll(lines(), [], { status })).toEqual([])
  })

  it('breaks off after the lines that came, and without half a line', async () => {
    const { got, error } = await readUntilError(lines(), ['a\nb\nhalf'], { error: new Error('reset') })
    expect([got, error]).toEqual([['a', 'b'], new Error('reset')])
  })
})

describe('options of lines', () => {
  it.each<[unknown, string]>([
    [
      { maxLine: -1 },
      'lines({ maxLine }) must be a whole number of bytes of at least 0, or false for no limit, not -1.',
    ],
    [{ fatal: 1 }, 'lines({ fatal }) must be true or false, not 1.'],
    [{ concurrency: 0 }, 'lines({ concurrency }) must be a whole number of at least 1, not 0.'],
    [{ concurrency: Infinity }, 'lines({ concurrency }) must be a whole number of at least 1, not Infinity.'],
    [{ project: 'x' }, 'lines({ project }) must be a function, not "x".'],
    [{ max: 1 }, 'lines() has no option "max". It has project, concurrency, maxLine, fatal.'],
    ['utf-8', 'lines() is given a function or an object of options, not "utf-8".'],
    [null, 'lines() is given a function or an object of options, not null.'],
  ])('%j are refused', (options, message) => {
    expect(thrown(() => lines(options as never))).toMatchObject({ code: 'CONFIG', phase: 'config', message })
  })

  it('may be undefined each', async () => {
    expect(
      await readAll(lines({ maxLine: undefined, fatal: undefined, project: undefined, concurrency: undefined }), ['a']),
    ).toEqual(['a'])
  })

  it('are not taken from a polluted prototype', async () => {
    const polluted = { project: () => ['polluted'], maxLine: 1, fatal: true, concurrency: 9 }
    Object.assign(Object.prototype, polluted)
    try {
      expect(await readAll(lines({}), ['ab\n', Uint8Array.of(0xff)])).toEqual(['ab', '\ufffd'])
      expect(await readAll(lines(), ['ab\n'])).toEqual(['ab'])
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name)
    }
  })
})

it('stops in the middle of a piece when its subscriber has enough', async () => {
  const live = answer(['a\nb\nc\n', 'd\n'])
  expect(await firstValueFrom(from(lines()(live)).pipe(take(2), toArray()))).toEqual(['a', 'b'])
  expect(await live.read()).toEqual(bytesOf('d\n'))
})
