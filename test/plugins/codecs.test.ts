import { firstValueFrom } from 'rxjs'
import {
  createClient,
  isHttpError,
  prepareBody,
  Unencoded,
  type AnyPlugin,
  type Body,
  type Given,
  type HttpError,
  recommended,
  type HttpResponse,
} from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { mock, type MockAnswer } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { codec, codecs, type CodecsOptions, type Part } from 'sluice/plugins/codecs'
import { defaultRequest } from 'sluice/plugins/default-request'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { logging } from 'sluice/plugins/logging'
import { problem } from 'sluice/plugins/problem'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { validate } from 'sluice/plugins/validate'
import { lines } from 'sluice/streams/lines'
import { serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

/** A format of its own: what it is given, as hexadecimal digits of its JSON; BigInt and Map as what JSON has for them. */
const hex = codec({
  types: ['application/x-hex'],
  accept: 0.7,
  encode: value => {
    const text = JSON.stringify(value, (_, one: unknown) =>
      typeof one === 'bigint' ? `${one}n` : one instanceof Map ? [...one] : one,
    )
    return Buffer.from(Buffer.from(text).toString('hex'))
  },
  decode: bytes => JSON.parse(Buffer.from(Buffer.from(bytes).toString(), 'hex').toString()) as unknown,
})

type Options = Given<CodecsOptions>

function clientOf(answer: MockAnswer, options: Options = {}, ...others: readonly AnyPlugin[]) {
  const engine = mock({ '*': answer })
  const plugins = [codecs(options), ...others]
  return { engine, client: createClient({ engine, baseUrl: 'https://api.test/', plugins }) }
}

async function answered(
  type: string | readonly string[] | undefined,
  body: string | Uint8Array,
  options: Options = {},
) {
  const headers = type === undefined ? {} : { 'content-type': type }
  return firstValueFrom(
    clientOf({ headers, body: typeof body === 'string' ? bytesOf(body) : body }, options).client.get('a'),
  )
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

async function errorOf(work: Promise<unknown>): Promise<HttpError> {
  return work.then(
    () => {
      throw new Error('no error')
    },
    (error: unknown) => asHttpError(error),
  )
}

function thrownBy(read: () => unknown): HttpError {
  try {
    read()
  } catch (error) {
    return asHttpError(error)
  }
  throw new Error('no error')
}

function asHttpError(error: unknown): HttpError {
  if (isHttpError(error)) return error
  throw error
}

/** What was sent: content-type, and the body as text. */
async function sent(
  body: Body,
  headers: Record<string, string> = {},
  options: Options = {},
): Promise<[string | undefined, string]> {
  const { client, engine } = clientOf(200)
  await firstValueFrom(client.post('a', body, { headers, codecs: options }))
  const { request } = engine.history[0] ?? {}
  return [
    request?.headers.get('content-type'),
    request?.body instanceof Uint8Array ? Buffer.from(request.body).toString() : '?',
  ]
}

describe('what is asked for', () => {
  it('are the types of all codecs, the most wanted first', async () => {
    const { client, engine } = clientOf(200, { add: [hex] })
    await firstValueFrom(client.get('a'))
    expect(engine.history[0]?.request.headers.get('accept')).toBe(
      'application/json, text/*;q=0.8, application/x-hex;q=0.7, application/x-www-form-urlencoded;q=0.5, multipart/*;q=0.5',
    )
  })

  const typed = (accept: number | false | undefined) => codec({ types: ['a/b', 'c/d'], accept, decode: bytes => bytes })
  it.each<[string, Options, Options, Record<string, string>, string | undefined]>([
    ['the words of the client', { accept: ['a/b', 'text/*;q=0.1'] }, {}, {}, 'a/b, text/*;q=0.1'],
    ['one word of the client', { accept: 'a/b' }, {}, {}, 'a/b'],
    [
      'all that a media range may say',
      { accept: ['*/*;q=0', 'a/* ; Q=1.000', 'a/b+c;v="x, \\"y";q=0.125'] },
      {},
      {},
      '*/*;q=0, a/* ; Q=1.000, a/b+c;v="x, \\"y";q=0.125',
    ],
    ['the words of the call', { accept: 'a/b' }, { accept: ['c/d'] }, {}, 'c/d'],
    ['nothing', { accept: [] }, {}, {}, undefined],
    ['the header of the call before all', { accept: 'a/b' }, { accept: 'c/d' }, { Accept: 'x/y' }, 'x/y'],
  ])('is %s', async (_, options, perCall, headers, expected) => {
    const { client, engine } = clientOf(200, options)
    await firstValueFrom(client.get('a', { headers, codecs: perCall }))
    const asked = engine.history[0]?.request.headers.get('accept')
    expect(asked).toBe(expected)
  })

  it('has weights of at most three digits', async () => {
    const { client, engine } = clientOf(200, { add: [typed(0.12345)] })
    await firstValueFrom(client.get('a'))
    expect(engine.history[0]?.request.headers.get('accept')).toMatch(/, a\/b;q=0\.123$/)
  })

  it('leaves out a codec that only writes, one that says so, and never says 0', async () => {
    const add = [
      codec({ types: ['only/writes'], encode: () => '' }),
      typed(false),
      codec({ types: ['hardly/ever'], accept: 0.0001, decode: () => 1 }),
    ]
    const { client, engine } = clientOf(200, { add })
    await firstValueFrom(client.get('a'))
    const asked = engine.history[0]?.request.headers.get('accept')
    expect(asked).not.toMatch(/only|a\/b/)
    expect(asked).toMatch(/, hardly\/ever;q=0\.001$/)
  })

  it.each<[string, number | false | undefined, string]>([
    [
      'less wanted',
      0.3,
      'text/*;q=0.8, application/x-www-form-urlencoded;q=0.5, multipart/*;q=0.5, application/json;q=0.3',
    ],
    [
      'as wanted',
      undefined,
      'application/json, text/*;q=0.8, application/x-www-form-urlencoded;q=0.5, multipart/*;q=0.5',
    ],
    ['not wanted', false, 'text/*;q=0.8, application/x-www-form-urlencoded;q=0.5, multipart/*;q=0.5'],
  ])('names a type once where a codec for a built-in one is %s', async (_, accept, expected) => {
    const json = codec({ types: ['Application/JSON'], accept, decode: () => 1 })
    const { client, engine } = clientOf(200, { add: [json, codec({ types: ['text/*'], encode: () => '' })] })
    await firstValueFrom(client.get('a'))
    expect(engine.history[0]?.request.headers.get('accept')).toBe(expected)
  })

  it('is nothing where the call leaves the plugin out, and what a reader of a live answer says', async () => {
    const { client, engine } = clientOf({ chunks: ['a\n'] })
    await firstValueFrom(client.get('a', { codecs: false }))
    await firstValueFrom(client.stream('a', lines()))
    await firstValueFrom(client.stream('a', () => [1]))
    expect(engine.history.map(({ request }) => request.headers.get('accept'))).not.toContain('application/json')
    expect(engine.history[0]?.request.headers.has('accept')).toBe(false)
    expect(engine.history[2]?.request.headers.has('accept')).toBe(false)
  })

  it('is what defaultRequest says, which stands outside', async () => {
    const engine = mock({ '*': 200 })
    const client = createClient({ engine, plugins: [defaultRequest({ headers: { accept: 'x/y' } }), codecs()] })
    await firstValueFrom(client.get('https://api.test/'))
    expect(engine.history[0]?.request.headers.getAll('accept')).toEqual(['x/y'])
    expect(() => createClient({ engine, plugins: [codecs(), defaultRequest()] })).toThrow(/codecs cannot stand before/)
  })
})

describe('the value of an answer', () => {
  it.each<[string, string | undefined, string | Uint8Array, unknown]>([
    ['JSON', 'application/json', '{"a":[1]}', { a: [1] }],
    ['JSON by its other name', 'text/json', '1', 1],
    ['JSON by its suffix', 'application/vnd.api+json; charset=utf-8', '"x"', 'x'],
    ['problem details', 'application/problem+json', '{}', {}],
    ['JSON of another case', 'Application/JSON', 'null', null],
    ['JSON with a mark', 'application/json', Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), 1],
    ['JSON in UTF-16 by its mark', 'application/json', Uint8Array.of(0xff, 0xfe, 0x31, 0), 1],
    ['JSON in UTF-32 by its mark', 'application/json', Uint8Array.of(0, 0, 0xfe, 0xff, 0, 0, 0, 0x31), 1],
    ['text', 'text/plain', 'grün', 'grün'],
    ['text of any kind', 'text/x-anything', 'a', 'a'],
    ['text that is empty', 'text/plain', '', ''],
    ['text by its charset', 'text/plain; charset=iso-8859-1', Uint8Array.of(0xe4), 'ä'],
    ['text by a quoted charset', 'text/plain; charset="windows-1251"', Uint8Array.of(0xc4), 'Д'],
    ['text by a mark that knows better', 'text/plain; charset=iso-8859-1', Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 'a'],
    ['text by the first of two charsets', 'text/plain; charset=utf-8; charset=klingon', 'a', 'a'],
    ['text with a charset that is empty', 'text/plain; charset=', 'ä', 'ä'],
    ['JSON with a quoted charset that is empty', 'application/json; charset=""', '"ä"', 'ä'],
    ['text with a quoted charset that never ends', 'text/plain; charset="klingon', 'a', 'a'],
    ['what a plugged codec reads', 'application/x-hex', '5b315d', [1]],
    ['what a plugged codec reads by suffix', 'application/vnd.a+x-hex', '5b315d', [1]],
    ['a form', 'application/x-www-form-urlencoded', 'a=1&b=x+y&a=%C3%A4&c', { a: ['1', 'ä'], b: 'x y', c: '' }],
    ['a form whose first name has a question mark', 'application/x-www-form-urlencoded', '?a=1', { '?a': '1' }],
    ['a form with nothing', 'application/x-www-form-urlencoded', '', {}],
    ['nothing', undefined, '', undefined],
  ])('is %s', async (_, type, body, expected) => {
    const response = await answered(type, body, { add: [hex] })
    const value = response.value()
    expect(typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : value).toEqual(
      expected,
    )
    expect(response.value()).toEqual(response.value())
  })

  it.each<[string, string | readonly string[] | undefined]>([
    ['unknown', 'image/png'],
    ['missing', undefined],
    ['no type at all', 'json'],
    ['empty', ''],
    ['two types in one line', 'text/plain, application/json'],
    ['two types in two lines', ['text/plain', 'application/json']],
    ['a type with spaces', 'application/ json'],
    ['a suffix of nothing', 'application/x+'],
    ['a long one', `application/${'x'.repeat(5000)}`],
    ['a hostile one', `application/json${';'.repeat(50_000)}="\\`.replace('json', 'x;')],
  ])('is nobody’s to read when the type is %s; the error names who is there', async (_, type) => {
    const response = await answered(type, '{"s":"s3cret"}', { add: [hex] })
    const error = thrownBy(() => response.value())
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode' })
    expect(error.message).toContain(
      'which no codec reads; there are codecs for application/x-hex, application/json, text/json, text/*,',
    )
    expect(error.message).not.toContain('s3cret')
    expect(error.message.length).toBeLessThan(600)
    expect(response.bytes.length).toBe(14)
  })

  it.each([['application/json, application/json'], [['application/json', 'APPLICATION/json']]])(
    'is read when %o says the same twice',
    async type => {
      expect((await answered(type, '[]')).value()).toEqual([])
    },
  )

  it.each<[string, string, string, string]>([
    ['JSON that is none', 'application/json', '{"s":"s3cret"', 'is no valid JSON (content-type application/json)'],
    ['JSON that is empty', 'application/json', '', 'has no body to read as JSON'],
    ['JSON that nests too deep to be closed', 'application/json', '['.repeat(200_000), 'is no valid JSON'],
    ['a charset nobody knows', 'text/plain; charset=klingon', 'x', 'has the charset "klingon", which this platform'],
    [
      'a charset that is very long',
      `text/plain; charset=${'k'.repeat(9999)}`,
      'x',
      `has the charset "${'k'.repeat(40)}", which`,
    ],
    ['what a plugged codec cannot read', 'application/x-hex', '7b', 'cannot be read as application/x-hex'],
    ['parts without a boundary', 'multipart/mixed', '--b--', 'has no boundary in its content-type'],
    [
      'parts with a boundary that is none',
      'multipart/mixed; boundary="a b "',
      '',
      'has no boundary in its content-type',
    ],
    ['parts that are cut off', 'multipart/mixed; boundary=b', '--b\r\n\r\nx', 'ended before its last boundary'],
    [
      'parts without an end',
      'multipart/mixed; boundary=b',
      '--b\r\n\r\nx\r\n--b\r\n',
      'ended before its last boundary',
    ],
    ['parts of something else', 'multipart/mixed; boundary=b', 'x', 'ended before its last boundary'],
    [
      'a part with a bad line',
      'multipart/mixed; boundary=b',
      '--b\r\nx\r\n\r\n\r\n--b--',
      'has a part with a header line that is no header field',
    ],
  ])('fails with BODY for %s, without quoting it', async (_, type, body, why) => {
    const response = await answered(type, body, { add: [hex] })
    const error = thrownBy(() => response.value())
    expect(error).toMatchObject({
      code: 'BODY',
      phase: 'decode',
      request: { method: 'GET' },
      response: { status: 200 },
    })
    expect(error.message).toContain(`The answer 200 to GET https://api.test/a ${why}`)
    expect(error.message).not.toContain('s3cret')
  })

  it.each<[string, string, string, Options]>([
    ['fields', 'application/x-www-form-urlencoded', 'a&'.repeat(1000), {}],
    ['fields of a larger limit', 'application/x-www-form-urlencoded', 'a&b&c', { maxFields: 2 }],
    ['parts', 'multipart/mixed; boundary=b', `${'--b\r\n\r\n\r\n'.repeat(1001)}--b--`, {}],
    [
      'bytes in the header of a part',
      'multipart/mixed; boundary=b',
      `--b\r\nx: ${'y'.repeat(17_000)}\r\n\r\n\r\n--b--`,
      {},
    ],
  ])('fails with TOO_LARGE for too many %s', async (_, type, body, options) => {
    const response = await answered(type, body, options)
    expect(thrownBy(() => response.value())).toMatchObject({ code: 'TOO_LARGE', phase: 'decode' })
  })

  it('may have any number of fields if told so, in linear time', async () => {
    const many = { maxFields: false } as const
    const form = await answered('application/x-www-form-urlencoded', 'a&'.repeat(50_000), many)
    expect(form.value<{ a: string[] }>().a).toHaveLength(50_000)
    const parts = await answered('multipart/mixed; boundary=b', `${'--b\r\n\r\n\r\n'.repeat(20_000)}--b--`, many)
    expect(parts.value<Part[]>()).toHaveLength(20_000)
  })

  it('takes names of a form that are names of prototypes for names', async () => {
    const response = await answered(
      'application/x-www-form-urlencoded',
      '__proto__=1&constructor=2&__proto__=3&toString=4',
    )
    const value = response.value<Record<string, unknown>>()
    expect(Object.getPrototypeOf(value)).toBeNull()
    expect(Object.keys(value).toSorted()).toEqual(['__proto__', 'constructor', 'toString'])
    expect(value['__proto__']).toEqual(['1', '3'])
    expect('1' in {}).toBe(false)
  })

  it('is the same for whoever asks again, whatever was done to it', async () => {
    const response = await answered('application/json', '[1]')
    response.value<number[]>().push(2)
    expect(response.value()).toEqual([1])
  })

  it('is read by the codec that comes first: a plugged one before a built-in, one by name before one by suffix', async () => {
    const loud = codec({ types: ['application/json'], decode: () => 'loud' })
    const exact = codec({ types: ['application/problem+json'], decode: () => 'exact' })
    const all = codec({ types: ['*/*'], decode: bytes => bytes.length })
    expect((await answered('application/json', '1', { add: [loud] })).value()).toBe('loud')
    expect((await answered('application/a+json', '1', { add: [loud, exact] })).value()).toBe('loud')
    expect((await answered('application/problem+json', '1', { add: [loud, exact] })).value()).toBe('exact')
    expect((await answered('image/png', 'abc', { add: [all] })).value()).toBe(3)
    expect((await answered('text/plain', 'abc', { add: [all] })).value()).toBe('abc')
  })

  it('keeps the cause of a plugged codec, and the error it throws if that is one of ours', async () => {
    const broken = new Error('broken')
    const own = thrownBy(() => prepareBody(new WeakMap()))
    const throwing = (error: Error) =>
      codec({
        types: ['x/y'],
        decode: () => {
          throw error
        },
      })
    const first = await answered('x/y', 'a', { add: [throwing(broken)] })
    expect(thrownBy(() => first.value()).cause).toBe(broken)
    const second = await answered('x/y', 'a', { add: [throwing(own)] })
    expect(thrownBy(() => second.value())).toBe(own)
  })

  it('cannot be read later', async () => {
    const later = codec({ types: ['x/y'], decode: () => Promise.reject(new Error('nobody may hear this')) })
    const response = await answered('x/y', 'a', { add: [later] })
    expect(thrownBy(() => response.value()).message).toContain('reads asynchronously')
  })

  it('is read from the error of a status too, and by the schemas of validate', async () => {
    const answer: MockAnswer = {
      status: 400,
      headers: { 'content-type': 'application/x-hex' },
      body: bytesOf('5b315d'),
    }
    const schema = {
      '~standard': { version: 1, vendor: 't', validate: (value: unknown) => ({ value: { value } }) },
    } as const
    const engine = mock({ '*': answer })
    const plugins = [expectSuccess(), validate({ errors: { default: schema } }), codecs({ add: [hex] })]
    const client = createClient({ engine, plugins })
    const error = await errorOf(firstValueFrom(client.get('https://api.test/')))
    expect(error.response?.value()).toEqual({ value: [1] })
    const unjudged = await errorOf(firstValueFrom(client.get('https://api.test/', { validate: false })))
    expect(unjudged.response?.value()).toEqual([1])
  })

  it('goes with problem, which reads its own type', async () => {
    const answer: MockAnswer = {
      status: 400,
      headers: { 'content-type': 'application/problem+json' },
      body: '{"title":"No"}',
    }
    const client = createClient({ engine: mock({ '*': answer }), plugins: [problem(), expectSuccess(), codecs()] })
    expect((await errorOf(firstValueFrom(client.get('https://api.test/')))).problem?.title).toBe('No')
  })
})

describe('parts', () => {
  const text = (body: string, type = 'multipart/form-data; boundary="b"') =>
    answered(type, body).then(response => response.value<Part[]>())

  it.each<[string, string, [name: string | undefined, body: string][]]>([
    ['none', '--b--', []],
    ['one', '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--', [['a', '1']]],
    ['one behind a preamble', 'hello\r\n--b\r\n\r\n1\r\n--b--', [[undefined, '1']]],
    ['one before an epilogue', '--b\r\n\r\n1\r\n--b--\r\nbye\r\n--b\r\n', [[undefined, '1']]],
    ['one without header and body', '--b\r\n--b--', [[undefined, '']]],
    ['one without header, and an empty line', '--b\r\n\r\n--b--', [[undefined, '']]],
    ['one with an empty body', '--b\r\nx: y\r\n\r\n\r\n--b--', [[undefined, '']]],
    ['one whose empty line is that of the boundary', '--b\r\nx: y\r\n\r\n--b--', [[undefined, '']]],
    ['one with a header and no empty line', '--b\r\nx: y\r\n--b--', [[undefined, '']]],
    ['one with empty lines in its body', '--b\r\n\r\n\r\n\r\nx\r\n\r\n\r\n--b--', [[undefined, '\r\n\r\nx\r\n\r\n']]],
    [
      'one with a longer boundary within',
      '--b\r\n\r\n--bb\r\n\r\n1\r\n--bb--\r\n--b--',
      [[undefined, '--bb\r\n\r\n1\r\n--bb--']],
    ],
    [
      'two with padding behind the boundary',
      '--b \t\r\n\r\n1\r\n--b  \r\n\r\n2\r\n--b--',
      [
        [undefined, '1'],
        [undefined, '2'],
      ],
    ],
  ])('may be %s', async (_, body, expected) => {
    const parts = await text(body)
    expect(parts.map(part => [part.name, part.text()])).toEqual(expected)
    expect(parts.map(({ number }) => number)).toEqual(expected.map((__, at) => at + 1))
  })

  it('have names, files without paths, headers, and readers', async () => {
    const [file, json] = await text(
      [
        '--b',
        'content-disposition: form-data; name="__proto__"; filename="../../etc/passwd"',
        'content-type: text/plain; charset=latin1',
        '',
        'x',
        '--b',
        'content-type: application/json',
        '',
        '{"a":1}',
        '--b--',
      ].join('\r\n'),
    )
    expect([file?.name, file?.filename, file?.text()]).toEqual(['__proto__', 'passwd', 'x'])
    expect([json?.headers.get('content-type'), json?.json()]).toEqual(['application/json', { a: 1 }])
    expect(thrownBy(() => file?.json()).message).toContain(
      'Part 1 of the answer to GET https://api.test/a is no valid JSON',
    )
  })

  it('within parts stay bytes', async () => {
    const inner = '--c\r\n\r\n1\r\n--c--'
    const [outer] = await text(`--b\r\ncontent-type: multipart/mixed; boundary=c\r\n\r\n${inner}\r\n--b--`)
    expect(outer?.text()).toBe(inner)
  })

  it('are copies: whoever writes into one does not change the answer', async () => {
    const response = await answered('multipart/mixed; boundary=b', '--b\r\n\r\n1\r\n--b--')
    response.value<Part[]>()[0]?.bytes.fill(0)
    expect(response.value<Part[]>()[0]?.text()).toBe('1')
  })

  it('come back as FormData wrote them', async () => {
    const form = new FormData()
    form.append('a"b', 'x\ny')
    form.append('file', new File(['z'], 'f.txt', { type: 'text/plain' }))
    const { body, contentType = '' } = prepareBody(form)
    if (body === undefined || body instanceof Uint8Array) throw new Error('no source')
    const chunks: Uint8Array[] = []
    const iterator = body.open()
    for (let step = await iterator.next(); !step.done; step = await iterator.next()) chunks.push(step.value)
    const parts = (await answered(contentType, Buffer.concat(chunks))).value<Part[]>()
    expect(parts.map(part => [part.name, part.filename, part.text()])).toEqual([
      ['a%22b', undefined, 'x\r\ny'],
      ['file', 'f.txt', 'z'],
    ])
  })
})

describe('a plain value as body', () => {
  it.each<[string, object, Record<string, string>, Options, [string, string]]>([
    ['JSON', { a: [1, null] }, {}, {}, ['application/json', '{"a":[1,null]}']],
    [
      'JSON of another name',
      [1],
      { 'content-type': 'application/vnd.api+json' },
      {},
      ['application/vnd.api+json', '[1]'],
    ],
    [
      'what the call says',
      { a: 1 },
      { 'Content-Type': 'application/x-hex' },
      { add: [hex] },
      ['application/x-hex', '7b2261223a317d'],
    ],
    [
      'what is to be sent',
      { a: 1 },
      {},
      { add: [hex], send: 'application/x-hex; v=1' },
      ['application/x-hex; v=1', '7b2261223a317d'],
    ],
    [
      'what JSON cannot say',
      { a: 1n },
      {},
      { add: [hex], send: 'application/x-hex' },
      ['application/x-hex', Buffer.from('{"a":"1n"}').toString('hex')],
    ],
    [
      'what is no plain object',
      new Map([[1, 2]]),
      {},
      { add: [hex], send: 'application/x-hex' },
      ['application/x-hex', Buffer.from('[[1,2]]').toString('hex')],
    ],
    [
      'a form',
      { a: 1, b: ['x y', true], c: undefined, d: 'ä&=', e: 2n },
      { 'content-type': 'application/x-www-form-urlencoded' },
      {},
      ['application/x-www-form-urlencoded', 'a=1&b=x+y&b=true&d=%C3%A4%26%3D&e=2'],
    ],
  ])('is sent as %s', async (_, body, headers, options, expected) => {
    expect(await sent(body, headers, options)).toEqual(expected)
    expect(await sent(() => body, headers, options)).toEqual(expected)
  })

  it.each<[string, object, Record<string, string>, Options, RegExp]>([
    [
      'no codec writes',
      {},
      { 'content-type': 'image/png' },
      {},
      /No codec writes "image\/png"; there are codecs that write application\/json/,
    ],
    ['only has a reader', {}, { 'content-type': 'text/plain' }, {}, /No codec writes "text\/plain"/],
    ['wants files', {}, { 'content-type': 'multipart/form-data' }, {}, /give FormData/],
    ['is no type', {}, { 'content-type': 'json' }, {}, /names no media type/],
    ['JSON cannot say', { a: 1n }, {}, {}, /cannot be written as JSON/],
    ['is no plain object for JSON', new Map(), {}, {}, /A Map cannot be a body/],
    [
      'names another charset',
      {},
      { 'content-type': 'application/json; charset=utf-16' },
      {},
      /are written in UTF-8; leave the charset "utf-16"/,
    ],
    ['is a list as a form', [1], {}, { send: 'application/x-www-form-urlencoded' }, /A form must be a plain object/],
    [
      'is a Map as a form',
      new Map(),
      {},
      { send: 'application/x-www-form-urlencoded' },
      /A form must be a plain object/,
    ],
    [
      'nests in a form',
      { a: { b: 1 } },
      {},
      { send: 'application/x-www-form-urlencoded' },
      /The form field "a" must be text, a number/,
    ],
    ['is NaN in a form', { a: NaN }, {}, { send: 'application/x-www-form-urlencoded' }, /The form field "a"/],
    [
      'is half a character in a form',
      { a: '\ud800' },
      {},
      { send: 'application/x-www-form-urlencoded' },
      /half a surrogate pair/,
    ],
    [
      'is half a character in the name of a form field',
      { 'a\ud800': '1' },
      {},
      { send: 'application/x-www-form-urlencoded' },
      /A form field has a name with half a surrogate pair/,
    ],
  ])('fails with CONFIG when it %s, and nothing is sent', async (_, body, headers, options, message) => {
    const { client, engine } = clientOf(200)
    const error = await errorOf(firstValueFrom(client.post('a', body, { headers, codecs: options })))
    expect(error).toMatchObject({ code: 'CONFIG', request: { method: 'POST' } })
    expect(error.message).toMatch(message)
    expect(engine.history).toHaveLength(0)
  })

  it('fails with CONFIG when its codec throws, or writes something else', async () => {
    const broken = new Error('s3cret')
    const throwing = codec({
      types: ['x/y'],
      encode: () => {
        throw broken
      },
    })
    const { client } = clientOf(200)
    const said = (add: CodecsOptions['add']) => ({ codecs: { add, send: 'x/y' } })
    const error = await errorOf(firstValueFrom(client.post('a', {}, said([throwing]))))
    expect(error).toMatchObject({ code: 'CONFIG', cause: broken })
    expect(error.message).toBe('The body of POST https://api.test/a cannot be written as x/y.')
    const odd = codec({ types: ['x/y'], encode: () => 7 as never })
    const other = await errorOf(firstValueFrom(client.post('a', {}, said([odd]))))
    expect(other.message).toContain('must write a body as bytes or text')
  })

  it.each<[string, Body, string | undefined]>([
    ['text', 'x', 'text/plain;charset=UTF-8'],
    ['bytes', new Uint8Array(1), undefined],
    ['a form', new URLSearchParams({ a: '1' }), 'application/x-www-form-urlencoded;charset=UTF-8'],
  ])('is not %s: that is sent as it is', async (_, body, type) => {
    expect((await sent(body, {}, { add: [hex], send: 'application/x-hex' }))[0]).toBe(type)
  })

  it('is JSON where the call leaves the plugin out, and an error before anything begins when it cannot be', async () => {
    const { client, engine } = clientOf(200, { add: [hex], send: 'application/x-hex' })
    await firstValueFrom(client.post('a', { a: 1 }, { codecs: false }))
    expect(engine.history[0]?.request.headers.get('content-type')).toBe('application/json')
    expect((await errorOf(firstValueFrom(client.post('a', new Map(), { codecs: false })))).code).toBe('CONFIG')
  })

  it('is encoded for children of the client, also where its parent has the usual plugins', async () => {
    const engine = mock({ '*': 200 })
    const parent = createClient({ engine, baseUrl: 'https://api.test/' })
    const child = parent.with(codecs({ add: [hex], send: 'application/x-hex' }))
    await firstValueFrom(child.post('a', { a: 1n }))
    await firstValueFrom(child.extend({ baseUrl: 'b/' }).post('a', { a: 1n }))
    await firstValueFrom(parent.post('a', { a: 1 }))
    expect(engine.history.map(({ request }) => request.headers.get('content-type'))).toEqual([
      'application/x-hex',
      'application/x-hex',
      'application/json',
    ])
  })

  it('is sent again by redirect and retry, with what it was written as', async () => {
    const { client, engine } = clientOf(
      200,
      { add: [hex], send: 'application/x-hex' },
      redirect(),
      retry({ delay: () => 0 }),
    )
    engine.enqueue({ status: 307, headers: { location: '/b' } }, 503, 200)
    await firstValueFrom(client.put('a', { a: 1 }))
    expect(engine.history.map(({ request }) => Buffer.from(request.body as Uint8Array).toString())).toEqual(
      Array.from({ length: 3 }, () => '7b2261223a317d'),
    )
  })

  it('is written for live answers too', async () => {
    const engine = mock({ '*': { chunks: ['a\n'] } })
    const client = createClient({ engine, plugins: [codecs({ add: [hex], send: 'application/x-hex' })] })
    await firstValueFrom(client.stream('https://api.test/', lines(), { method: 'POST', body: { a: 1 } }))
    expect(engine.history[0]?.request.headers.get('content-type')).toBe('application/x-hex')
  })

  it('is logged as it is sent: logging stands inside', async () => {
    const engine = mock({ '*': 200 })
    const form = { codecs: { send: 'application/x-www-form-urlencoded' } }
    const said: unknown[] = []
    const log = logging({ level: 'body', format: 'json', log: record => said.push(record) })
    const client = createClient({ engine, plugins: recommended(log, codecs()) })
    await firstValueFrom(client.post('https://api.test/', { a: 'b c' }, form))
    expect(JSON.stringify(said)).toContain('a=b+c')
    expect(() => createClient({ engine, plugins: [log, codecs()] })).toThrow(
      /logging cannot stand before codecs: .*An order that works: \[codecs, logging\]/,
    )
  })

  it('that a plugin forgot to encode is never sent', async () => {
    const { client, engine } = clientOf(200)
    const child = client.with({ ...codecs(), install: () => (request, next) => next(request) })
    const error = await errorOf(firstValueFrom(child.post('a', { a: 1 })))
    expect(error.message).toContain('has a value as its body that no plugin has encoded')
    expect(engine.history).toHaveLength(0)
    expect(thrownBy(() => new Unencoded({}).open()).code).toBe('CONFIG')
  })
})

describe('options', () => {
  it.each<[object]>([
    [{ add: hex }],
    [{ add: [{}] }],
    [{ add: [{ types: ['a/b'] }] }],
    [{ accept: 'json' }],
    [{ accept: ['a/b', 'c'] }],
    [{ accept: ['a/b\r\nx: y'] }],
    [{ accept: 7 }],
    [{ accept: '' }],
    [{ accept: 'a/b, c/d' }],
    [{ accept: 'a/b;q=0.5, c/d' }],
    [{ accept: 'a/b;q=5' }],
    [{ accept: 'a/b;q=0.1234' }],
    [{ accept: 'a/b;q=' }],
    [{ accept: 'a/b;q' }],
    [{ accept: 'a/b;v="' }],
    [{ accept: 'a/b;;' }],
    [{ accept: '*/b' }],
    [{ accept: 'a/b*' }],
    [{ send: 'json' }],
    [{ send: 'application/*' }],
    [{ send: 'application/json;v="' }],
    [{ send: 'application/json, text/json' }],
    [{ send: 7 }],
    [{ maxFields: -1 }],
    [{ codec: [] }],
  ])('%o are refused', options => {
    expect(() => codecs(options)).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }))
  })

  it('name a type to send that something writes, or the client is not made', () => {
    const make = () => createClient({ engine: mock(), plugins: [codecs({ send: 'application/x-hex' })] })
    expect(make).toThrow(
      /No codec writes "application\/x-hex"; there are codecs that write application\/json, text\/json/,
    )
  })
})

describe('codec', () => {
  it.each<[string, unknown]>([
    ['no object', 7],
    ['nothing', null],
    ['no types', { decode: () => 1 }],
    ['an empty list of types', { types: [], decode: () => 1 }],
    ['a type that is none', { types: ['json'], decode: () => 1 }],
    ['a type of all kinds', { types: ['*/json'], decode: () => 1 }],
    ['a type with parameters', { types: ['a/b; c=d'], decode: () => 1 }],
    ['a weight of 0', { types: ['a/b'], accept: 0, decode: () => 1 }],
    ['a weight above 1', { types: ['a/b'], accept: 2, decode: () => 1 }],
    ['neither reader nor writer', { types: ['a/b'] }],
    ['a reader that is none', { types: ['a/b'], decode: 'x' }],
    ['a writer that is none', { types: ['a/b'], encode: {} }],
  ])('cannot be %s', (_, spec) => {
    expect(() => codec(spec as never)).toThrow(expect.objectContaining<Partial<HttpError>>({ code: 'CONFIG' }))
  })
})

it.each([
  ['undici', undici()],
  ['http', http()],
  ['http2', http2({ mode: 'h2c' })],
  ['fetch', fetch()],
] as const)('negotiates over the wire with %s', async (name, engine) => {
  const routes = {
    'POST /': async (request: { bytes(): Promise<Uint8Array>; header(name: string): string }) => ({
      headers: { 'content-type': request.header('content-type'), 'x-accept': request.header('accept') },
      body: await request.bytes(),
    }),
  }
  await using server = await serve(routes, name === 'http2' ? { protocol: 'h2c' } : {})
  await using client = createClient({ engine, baseUrl: server.url, plugins: [codecs({ add: [hex] })] })
  const value = async (send: string): Promise<[HttpResponse, unknown]> => {
    const response = await firstValueFrom(client.post('', { a: ['1', 'ä'] }, { codecs: { send } }))
    return [response, response.value()]
  }
  for (const send of ['application/json', 'application/x-hex', 'application/x-www-form-urlencoded']) {
    const [response, read] = await value(send)
    expect({ ...(read as object) }).toEqual({ a: ['1', 'ä'] })
    expect(response.headers.get('content-type')).toBe(send)
    expect(response.headers.get('x-accept')).toMatch(/^application\/json, text\/\*;q=0\.8/)
  }
})
