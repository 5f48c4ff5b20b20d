import fc from 'fast-check'
import { concatMap, defer, from, lastValueFrom, map, of, take, toArray, type Observable } from 'rxjs'
import { createClient } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { multipart, type LivePart, type Part } from 'sluice/streams/multipart'
import { serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { answering } from '../src/scripted-engine.ts'
import { reason, thrown } from '../src/thrown.ts'
import { answer, bytesOf, cut, CUTS, oneByOne, readAll, readUntilError, type Particulars } from './reading/answers.ts'

const mixed = (boundary = 'b'): Particulars => ({
  headers: { 'content-type': `multipart/mixed; boundary="${boundary}"` },
})
const crlf = (text: string): string => text.replaceAll('\n', '\r\n')
const plain = ({ headers, bytes }: Part): unknown => [headers.toJSON(), new TextDecoder().decode(bytes)]

async function parts(body: string | Uint8Array, particulars = mixed()): Promise<unknown[]> {
  const bytes = typeof body === 'string' ? bytesOf(body) : body
  const got = await readAll(multipart(), [bytes], particulars)
  expect(await readAll(multipart(), oneByOne(bytes), particulars)).toEqual(got)
  return got.map(plain)
}

async function broken(
  body: string,
  options: Parameters<typeof multipart>[0] = {},
): Promise<{ got: unknown[]; error: Error }> {
  const bytes = bytesOf(body)
  const at = async (pieces: readonly Uint8Array[]): Promise<{ got: unknown[]; error: Error }> => {
    const { got, error } = await readUntilError(multipart(options), pieces, mixed())
    return { got: got.map(part => plain(part as Part)), error: error as Error }
  }
  const outcome = await at([bytes])
  expect(await at(oneByOne(bytes))).toEqual(outcome)
  return outcome
}

describe('parts', () => {
  it('are those of the example of RFC 2046', async () => {
    const body = crlf(`This is the preamble.  It is to be ignored, though it
is a handy place for composition agents to include an
explanatory note to non-MIME conformant readers.

--simple boundary

This is implicitly typed plain US-ASCII text.
It does NOT end with a linebreak.
--simple boundary
Content-type: text/plain; charset=us-ascii

This is explicitly typed plain US-ASCII text.
It DOES end with a linebreak.

--simple boundary--

This is the epilogue.  It is also to be ignored.
`)
    expect(await parts(body, mixed('simple boundary'))).toEqual([
      [{}, 'This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.'],
      [
        { 'content-type': 'text/plain; charset=us-ascii' },
        'This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n',
      ],
    ])
  })

  it.each<[string, string, readonly unknown[]]>([
    ['without header fields', '--b\n\nx\n--b--', [[{}, 'x']]],
    ['without a body', '--b\na: 1\n\n\n--b--', [[{ a: '1' }, '']]],
    ['without the line end before it either', '--b\na: 1\n\n--b--', [[{ a: '1' }, '']]],
    ['without the empty line either', '--b\na: 1\n--b--', [[{ a: '1' }, '']]],
    [
      'without anything',
      '--b\n--b\n\n--b--',
      [
        [{}, ''],
        [{}, ''],
      ],
    ],
    ['that are none', '--b--\n', []],
    [
      'behind white space of the boundary',
      '--b \t\n\nx\n--b  \n\ny\n--b-- ',
      [
        [{}, 'x'],
        [{}, 'y'],
      ],
    ],
    ['with a longer boundary in them', '--b\n\n--bb\n--b-\n --b\n--b--', [[{}, '--bb\r\n--b-\r\n --b']]],
    ['with half a boundary at their end', '--b\n\nx\n-\n--b--', [[{}, 'x\r\n-']]],
    ['with folded fields', '--b\na: 1;\n  b=2\nc:3 \n\nx\n--b--', [[{ a: '1; b=2', c: '3' }, 'x']]],
  ])('%s', async (_, body, expected) => {
    expect(await parts(crlf(body))).toEqual(expected)
  })

  it('may have bytes of any kind', async () => {
    const bytes = Uint8Array.from({ length: 256 * 4 }, (_, at) => at)
    const body = Buffer.concat([bytesOf('--b\r\n\r\n'), bytes, bytesOf('\r\n--b--\r\n')])
    const [part] = await readAll(multipart(), oneByOne(body), mixed())
    expect(part?.bytes).toEqual(bytes)
  })

  it('are the same however the bytes are cut', async () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .array(fc.constantFrom('\r', '\n', '\r\n', '-', '--', '--b', 'b', ' ', '--bo', 'x'))
        .map(list => bytesOf(list.join(''))),
    )
    // What would be a boundary cannot be in a part.
    const part = content.filter(
      bytes => !/\r\n--bo(?:--|[ \t]*(?:\r|$))/.test(`\r\n${Buffer.from(bytes).toString('latin1')}\r\n`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), CUTS, async (contents, cuts) => {
        const body = Buffer.concat([
          ...contents.flatMap((bytes, at) => [bytesOf(`\r\n--bo\r\nn: ${at}\r\n\r\n`), bytes]),
          bytesOf('\r\n--bo--'),
        ])
        for (const pieces of [cut(body, cuts), oneByOne(body)]) {
          const got = await readAll(multipart(), pieces, mixed('bo'))
          expect(got.map(({ headers }) => headers.get('n'))).toEqual(contents.map((_, at) => String(at)))
          expect(got.map(({ bytes }) => Buffer.from(bytes))).toEqual(contents.map(bytes => Buffer.from(bytes)))
        }
      }),
    )
  })

  it('are what the platform writes for a form', async () => {
    const form = new FormData()
    form.append('title', 'Über "alles"')
    form.append('file', new File(['a;b'], 'ä.csv', { type: 'text/csv' }))
    form.append('data', new Blob(['{"a":1}'], { type: 'application/json' }), 'data.json')
    const sent = new Response(form)
    const headers = { 'content-type': sent.headers.get('content-type') ?? '' }
    const got = await readAll(multipart(), [new Uint8Array(await sent.arrayBuffer())], { headers })
    expect(
      got.map(({ number, name, filename, headers }) => [number, name, filename, headers.get('content-type')]),
    ).toEqual([
      [1, 'title', undefined, undefined],
      [2, 'file', 'ä.csv', 'text/csv'],
      [3, 'data', 'data.json', 'application/json'],
    ])
    expect(got.map(part => part.text())).toEqual(['Über "alles"', 'a;b', '{"a":1}'])
    expect(got[2]?.json()).toEqual({ a: 1 })
  })

  it('of byte ranges say which', async () => {
    const body = crlf('--b\nContent-Range: bytes 0-1/9\n\nab\n--b\nContent-Range: bytes 7-8/9\n\nhi\n--b--\n')
    expect(await parts(body, { status: 206, headers: { 'content-type': 'multipart/byteranges; boundary=b' } })).toEqual(
      [
        [{ 'content-range': 'bytes 0-1/9' }, 'ab'],
        [{ 'content-range': 'bytes 7-8/9' }, 'hi'],
      ],
    )
  })

  it('are decoded by their own charset', async () => {
    const body = Buffer.concat([
      bytesOf('--b\r\ncontent-type: text/plain; charset=latin1\r\n\r\n'),
      Uint8Array.of(0xe4),
      bytesOf('\r\n--b--'),
    ])
    const [part] = await readAll(multipart(), [body], mixed())
    expect(part?.text()).toBe('ä')
    expect(thrown(() => part?.json())).toMatchObject({
      code: 'BODY',
      phase: 'decode',
      message: 'Part 1 of the answer to GET https://api.test/users is no valid JSON.',
    })
  })

  it('are asked for', async () => {
    const engine = answering('--b--', 200)
    const client = createClient({ engine, plugins: [] })
    await reason(lastValueFrom(client.stream('https://api.test/', multipart())))
    expect(engine.last.request.headers.get('accept')).toBe('multipart/*')
  })
})

describe('the name of a file', () => {
  it.each<[string, string | undefined]>([
    ['form-data; name="f"; filename="a.txt"', 'a.txt'],
    ['form-data; name=f; filename=a.txt', 'a.txt'],
    ['attachment; FileName="a;b=c.txt"', 'a;b=c.txt'],
    ['form-data; filename="../../etc/passwd"', 'passwd'],
    ['form-data; filename="..\\..\\boot.ini"', 'boot.ini'],
    ['form-data; filename="C:\\dir\\file.txt"', 'file.txt'],
    ['form-data; filename="C:file.txt"', 'file.txt'],
    ['form-data; filename="/"', undefined],
    ['form-data; filename=".."', undefined],
    ['form-data; filename="a/."', undefined],
    ['form-data; filename=""', undefined],
    ['form-data; filename="say \\"hi\\".txt"', 'say "hi".txt'],
    ['form-data; filename="fallback.txt"; filename*=UTF-8\'\'na%C3%AFve.txt', 'naïve.txt'],
    ["form-data; filename*=UTF-8''%2e%2e%2Fx", 'x'],
    ["form-data; filename*=utf-8'en'%2e%2e%5Cx", 'x'],
    ["form-data; filename*=ISO-8859-1''%e4.txt", 'ä.txt'],
    ['form-data; filename="a.txt"; filename*=UTF-8\'\'%E4', 'a.txt'],
    ["form-data; filename*=UTF-8''a%00b%0A.txt", 'ab.txt'],
    ['form-data; filename="a.txt"; filename="b.txt"', 'a.txt'],
    ['form-data; name="filename=x"', undefined],
    ['form-data', undefined],
  ])('of %s is %s', async (disposition, expected) => {
    const body = crlf(`--b\ncontent-disposition: ${disposition}\n\nx\n--b--`)
    const [part] = await readAll(multipart(), [body], mixed())
    expect(part?.filename).toBe(expected)
  })
})

describe('a body of parts that is none', () => {
  it.each([
    ['ends in a part', '--b\n\nx\n--b\n\nhalf', [[{}, 'x']]],
    ['ends behind a boundary', '--b\n\nx\n--b', []],
    ['ends in a header', '--b\n\nx\n--b\na: 1', [[{}, 'x']]],
    ['has no boundary at all', 'hunter2', []],
    ['is empty', '', []],
  ])('fails when it %s', async (_, body, expected) => {
    const { got, error } = await broken(crlf(body))
    expect(got).toEqual(expected)
    expect(error).toMatchObject({
      code: 'BODY',
      phase: 'decode',
      message: 'The body of the answer to GET https://api.test/users ended before its last boundary.',
    })
  })

  it('looks at long white space in header fields once', async () => {
    const padded = `a: x${' '.repeat(16_000)}y \t`
    const started = performance.now()
    const got = await readAll(
      multipart(),
      [bytesOf(crlf(`--b\n${padded}\n\n${`\n--b\n${padded}\n\n`.repeat(9)}\n--b--`))],
      mixed(),
    )
    expect(got.map(({ headers }) => headers.get('a')?.length)).toEqual(Array.from({ length: 10 }, () => 16_002))
    expect(performance.now() - started).toBeLessThan(500)
  })

  it.each(['hunter2', 'a b: c', ': x', ' folded: x', 'a: x\0y'])('fails at the header line %j', async line => {
    const { error } = await broken(crlf(`--b\n${line}\n\nx\n--b--`))
    expect(error).toMatchObject({
      code: 'BODY',
      message: 'Part 1 of the answer to GET https://api.test/users has a header line that is no header field.',
    })
  })

  it.each([
    [undefined, '"missing"'],
    ['text/html', '"text/html"'],
    ['multipart/mixed', '"multipart/mixed"'],
    ['multipart/mixed; boundary=""', String.raw`"multipart/mixed; boundary=\"\""`],
    [`multipart/mixed; boundary="${'x'.repeat(71)}"`, '"multipart/mixed; boundary='],
    ['multipart/mixed; boundary="x "', 'x '],
    ['application/json; boundary=x', '"application/json; boundary=x"'],
  ])('fails when its content-type is %s', async (type, shown) => {
    const { error } = await readUntilError(
      multipart(),
      ['--x--'],
      type === undefined ? {} : { headers: { 'content-type': type } },
    )
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
    expect((error as Error).message).toContain('must be multipart/… with a boundary (RFC 2046), and is ')
    expect((error as Error).message).toContain(shown)
  })

  it('fails with STATUS when it is no success, and is empty with 204', async () => {
    expect((await readUntilError(multipart(), ['no'], { status: 500 })).error).toMatchObject({ code: 'STATUS' })
    expect(await readAll(multipart(), [], { status: 204 })).toEqual([])
  })
})

describe('limits of multipart', () => {
  it('are on the number of parts', async () => {
    const body = crlf('--b\n\n1\n--b\n\n2\n--b\n\n3\n--b--')
    const { got, error } = await broken(body, { maxParts: 2 })
    expect([got.length, error]).toEqual([2, expect.objectContaining({ code: 'TOO_LARGE', phase: 'body' })])
    expect(error.message).toBe(
      'The body of the answer to GET https://api.test/users has more than the 2 parts that maxParts allows.',
    )
    expect(await readAll(multipart({ maxParts: 3 }), [body], mixed())).toHaveLength(3)
    const many = `${'--b\r\n\r\n\r\n'.repeat(1001)}--b--`
    expect((await readUntilError(multipart(), [many], mixed())).got).toHaveLength(1000)
    expect(await readAll(multipart({ maxParts: false }), [many], mixed())).toHaveLength(1001)
  })

  it.each<[string, string]>([
    ['one long field', `a: ${'x'.repeat(18)}`],
    ['many fields', 'abc: 45678\nabc: 4567890'],
    ['no end', 'x'.repeat(400)],
  ])('are on the header of a part (%s)', async (_, header) => {
    const { error } = await broken(crlf(`--b\n${header}\n\nx\n--b--`), { maxHeader: 20 })
    expect(error).toMatchObject({
      code: 'TOO_LARGE',
      message:
        'Part 1 of the answer to GET https://api.test/users has header fields of more than the 20 bytes that maxHeader allows.',
    })
  })

  it('let pass what is within them', async () => {
    expect((await broken(crlf(`--b\na: ${'x'.repeat(17)}\n\nx\n--b--`), { maxHeader: 20 })).error).toBeUndefined()
    expect((await broken(crlf(`--b\n\n12345678\n--b--`), { maxPart: 8 })).error).toBeUndefined()
  })

  it('are on what is gathered', async () => {
    const { error } = await broken(crlf('--b\n\n123456789\n--b--'), { maxPart: 8 })
    expect(error).toMatchObject({
      code: 'TOO_LARGE',
      message:
        'Part 1 of the answer to GET https://api.test/users has more than the 8 bytes that maxPart allows; read it with a projector.',
    })
    expect(
      await readAll(
        multipart({ maxPart: 8, project: async part => (await part.read())?.length ?? 0 }),
        [crlf('--b\n\n123456789\n--b--')],
        mixed(),
      ),
    ).toEqual([9])
  })

  it('are numbers', () => {
    expect(thrown(() => multipart({ maxParts: 'x' } as never)).message).toBe(
      'multipart({ maxParts }) must be a whole number of at least 0, or false for no limit, not "x".',
    )
    expect(thrown(() => multipart({ concurrency: 2 } as never)).message).toBe(
      'multipart() has no option "concurrency". It has project, maxParts, maxHeader, maxPart.',
    )
  })
})

describe('a live part', () => {
  const body = crlf('--b\nn: 1\n\nabc\n--b\nn: 2\n\ndef\n--b--')

  it('is read, iterated, gathered or skipped', async () => {
    const project = async (part: LivePart, index: number): Promise<string> => {
      if (index === 0) return 'skipped'
      let text = ''
      for await (const bytes of part) text += new TextDecoder().decode(bytes)
      expect(await part.read()).toBeUndefined()
      return text
    }
    expect(await readAll(multipart(project), [body], mixed())).toEqual(['skipped', 'def'])
    expect(
      await readAll(
        multipart(part => part.whole()),
        [body],
        mixed(),
      ),
    ).toMatchObject([{ number: 1 }, { number: 2 }])
    const half = multipart(part => defer(() => part.read()).pipe(map(bytes => bytes?.length)))
    expect(await readAll(half, oneByOne(bytesOf(body)), mixed())).toEqual([1, 1])
  })

  it('gives its bytes in the order in which they are asked for', async () => {
    const project = async (part: LivePart): Promise<string> => {
      const reads = await Promise.all([part.read(), part.read(), part.read(), part.read()])
      return reads.map(bytes => (bytes === undefined ? '.' : new TextDecoder().decode(bytes))).join('')
    }
    expect(await readAll(multipart(project), oneByOne(bytesOf(body)), mixed())).toEqual(['abc.', 'def.'])
  })

  it('is over with what the projector made of it', async () => {
    const kept: LivePart[] = []
    const project = (part: LivePart): number[] => [kept.push(part)]
    expect(await readAll(multipart(project), [body], mixed())).toEqual([1, 2])
    expect(await reason((kept[0] as LivePart).read())).toMatchObject({
      code: 'CANCELLED',
      phase: 'body',
      message: 'Part 1 of the answer to GET https://api.test/users is over: it lived as long as what was made of it.',
    })
  })

  it('that is read when it is left costs the next one nothing', async () => {
    const project = (part: LivePart, index: number): Observable<unknown> => {
      void part.read()
      return from(index === 0 ? Promise.resolve('left') : part.whole().then(whole => whole.text()))
    }
    expect(await readAll(multipart(project), oneByOne(bytesOf(body)), mixed())).toEqual(['left', 'ef'])
  })

  it('hears when the body breaks off', async () => {
    const { got, error } = await readUntilError(
      multipart(part => part.whole()),
      [crlf('--b\n\nab'), 'c'],
      {
        ...mixed(),
        error: new Error('reset'),
      },
    )
    expect([got, error]).toEqual([[], new Error('reset')])
  })

  it('is read from the socket as far as it is wanted', async () => {
    const live = answer(['--b\r\n', '\r\n', 'x1', 'x2', 'x3'], mixed())
    const first = multipart(part =>
      from(part).pipe(
        take(1),
        concatMap(bytes => of(new TextDecoder().decode(bytes))),
      ),
    )(live)
    expect(await lastValueFrom(from(first).pipe(take(1), toArray()))).toEqual(['x1'])
    expect(await live.read()).toEqual(bytesOf('x2'))
  })

  it('of a real server is received byte for byte', async () => {
    const file = Buffer.alloc(1_500_000, 'a\r\n--bx\r\n-')
    const whole = Buffer.concat([Buffer.from('--b\r\n\r\n'), file, Buffer.from('\r\n--b\r\n\r\nend\r\n--b--\r\n')])
    await using server = await serve({
      'GET /': { headers: { 'content-type': 'multipart/mixed; boundary=b' }, body: whole },
    })
    await using client = createClient({ engine: undici(), plugins: [] })
    const got = await lastValueFrom(client.stream(server.url, multipart()).pipe(toArray()))
    expect(Buffer.from(got[0]?.bytes ?? []).equals(file)).toBe(true)
    expect(got[1]?.text()).toBe('end')
    await lastValueFrom(client.stream(server.url, multipart()).pipe(toArray()))
    expect(server.connections.length).toBe(1)
  })
})
