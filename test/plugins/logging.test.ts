import { EMPTY, firstValueFrom, lastValueFrom, NEVER, take } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { createClient, HttpError, type StreamingResponse } from 'sluice'
import { mock, type MockAnswer, type MockEngine } from 'sluice/engines/mock'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { logging, type LoggingOptions, type LogRecord } from 'sluice/plugins/logging'
import { redirect } from 'sluice/plugins/redirect'
import { retry } from 'sluice/plugins/retry'
import { userAgent } from 'sluice/plugins/user-agent'
import { virtually } from '../support/virtual-time.ts'

interface Book {
  readonly lines: string[]
  readonly records: LogRecord[]
  readonly engine: MockEngine
  readonly client: ReturnType<typeof clientOf>
}

function clientOf(engine: MockEngine, options: Partial<LoggingOptions>) {
  return createClient({
    engine,
    baseUrl: 'https://api.test/',
    plugins: [
      logging(options),
      expectSuccess({ statuses: () => true }),
      redirect(),
      retry({ delay: () => 300 }),
      userAgent(),
    ],
  })
}

function book(answer: MockAnswer | MockEngine, options: Partial<LoggingOptions> = {}): Book {
  const engine = typeof answer === 'object' && 'history' in answer ? answer : mock({ '*': answer })
  const lines: string[] = []
  const records: LogRecord[] = []
  const log = (line: string, record: LogRecord): void => {
    lines.push(line)
    records.push(record)
  }
  return { lines, records, engine, client: clientOf(engine, { log, ...options }) }
}

const readAll = async (response: StreamingResponse): Promise<number> => {
  let size = 0
  for await (const bytes of response) size += bytes.length
  return size
}

describe('at level info, a call is one line', () => {
  it('with method, url, status, time, size and version', () => {
    virtually(({ flush }) => {
      const { client, lines } = book({ statusText: 'OK', body: 'x'.repeat(1234), delay: 12 })
      client.get('users?q=ada&page=2').subscribe()
      flush()
      expect(lines).toEqual([
        'GET https://api.test/users?q=<redacted:3>&page=<redacted:1> 200 OK 12 ms 1.2 kB http/1.1',
      ])
    })
  })

  it('with the attempt and what plugins told', () => {
    virtually(({ flush }) => {
      const engine = mock()
      engine.enqueue(503, { status: 302, headers: { location: '/b?token=abc' } }, 200)
      const { client, lines } = book(engine)
      client.get('a').subscribe()
      flush()
      expect(lines).toEqual([
        'GET https://api.test/a 200 300 ms 0 B http/1.1 ' +
          '(retry: retrying in 300 ms attempt=2 reason="status 503"; redirect: following hop=1 status=302 method=GET ' +
          'from=https://api.test/a to=https://api.test/b?token=<redacted:3>)',
      ])
    })
  })

  it('that failed, with the code, the time and the sentence', () => {
    virtually(({ flush }) => {
      const { client, lines, records } = book('CONNECT', {})
      client.get('a?b=c', { retry: false }).subscribe({ error: () => undefined })
      flush()
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatch(/^GET https:\/\/api\.test\/a\?b=<redacted:1> CONNECT after 0 ms: .+\.$/)
      expect(records[0]).toMatchObject({
        event: 'error',
        severity: 'error',
        error: { code: 'CONNECT', phase: 'connect' },
      })
    })
  })

  it('that was cancelled, at the time it was', () => {
    virtually(({ cold, flush }) => {
      const { client, lines } = book({ stall: 'headers' })
      const subscription = client.get('a').subscribe()
      cold('25ms |').subscribe({
        complete: () => {
          subscription.unsubscribe()
        },
      })
      flush()
      expect(lines).toEqual(['GET https://api.test/a cancelled after 25 ms'])
    })
  })

  it('also when its subscriber took one value and left', async () => {
    const { client, lines } = book({ body: 'x' })
    await firstValueFrom(client.get('a').pipe(take(1)))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(' 200 ')
  })

  it('also when the client was cancelled, and when another operator unsubscribed', () => {
    const { client, lines } = book({ stall: 'headers' })
    client.get('a').subscribe({ error: () => undefined })
    client.cancel()
    expect(lines).toEqual([expect.stringMatching(/cancelled after \d+ ms$/)])
  })

  it('of a stream, at its end, with all its bytes', async () => {
    const { client, lines } = book({ chunks: ['1234', '567'] })
    await lastValueFrom(client.stream('a', readAll))
    expect(lines).toEqual([expect.stringMatching(/^GET https:\/\/api\.test\/a 200 \d+ ms 7 B http\/1\.1$/)])
  })

  it('of a stream its reader left before the end', async () => {
    const { client, lines, records } = book({ chunks: ['1234'], stall: 'body' })
    await lastValueFrom(
      client.stream('a', () => EMPTY),
      { defaultValue: undefined },
    )
    expect(lines).toEqual([expect.stringMatching(/ 200 \d+ ms \d B http\/1\.1 left before its end$/)])
    expect(records[0]?.complete).toBe(false)
  })
})

describe('at level headers', () => {
  it('shows head and headers both ways, each line with the number of the call', () => {
    virtually(({ flush }) => {
      const { client, lines } = book(
        { statusText: 'OK', headers: { 'content-type': 'text/plain', 'set-cookie': 'sid=1' }, body: 'hello' },
        { level: 'headers' },
      )
      client
        .get('a', { headers: { accept: 'text/plain', authorization: 'Bearer abc' }, userAgent: { value: 'x/1' } })
        .subscribe()
      flush()
      expect(lines).toEqual([
        '#1 → GET https://api.test/a',
        '#1 → accept: text/plain',
        '#1 → authorization: <redacted:10>',
        '#1 ← GET https://api.test/a 200 OK 0 ms 5 B http/1.1',
        '#1 ← sent user-agent: x/1',
        '#1 ← content-type: text/plain',
        '#1 ← set-cookie: <redacted:5>',
        '#1 ← content-length: 5',
      ])
    })
  })

  it('tells what plugins do when they do it', () => {
    virtually(({ flush }) => {
      const engine = mock()
      engine.enqueue(503, 200)
      const { client, lines, records } = book(engine, { level: 'headers' })
      client.get('a', { userAgent: false }).subscribe()
      flush()
      expect(lines.slice(0, 3)).toEqual([
        '#1 → GET https://api.test/a',
        '#1 · retry: retrying in 300 ms attempt=2 reason="status 503"',
        '#1 ← GET https://api.test/a 200 300 ms 0 B http/1.1 attempt 2',
      ])
      expect(records[1]).toMatchObject({ event: 'notice', ms: 0 })
    })
  })

  it('shows the head of a stream when it begins', () => {
    const { client, lines } = book({ statusText: 'OK', chunks: ['a'], stall: 'body' }, { level: 'headers' })
    const subscription = client.stream('a', () => NEVER).subscribe()
    expect(lines).toContainEqual(expect.stringMatching(/^#1 ← 200 OK \d+ ms http\/1\.1 and a live body$/))
    subscription.unsubscribe()
    expect(lines.at(-1)).toMatch(/left before its end|sent user-agent/)
  })
})

describe('at level body', () => {
  const level = 'body'

  it('shows texts both ways, on one line each', async () => {
    const { client, lines } = book({ body: { name: 'Ada\nLovelace' } }, { level })
    await firstValueFrom(client.post('a', { id: 7 }))
    expect(lines).toContain('#1 → [8 B] {"id":7}')
    expect(lines).toContain('#1 ← [24 B] {"name":"Ada\\nLovelace"}')
  })

  it('shows the beginning of what is long, and says so', async () => {
    const { client, lines, records } = book(
      { headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(5000) },
      { level },
    )
    await firstValueFrom(client.get('a'))
    expect(lines).toContain(`#1 ← [5.0 kB] ${'x'.repeat(1024)} …`)
    expect(records.at(-1)?.body).toEqual({ bytes: 5000, text: 'x'.repeat(1024), cut: true })
  })

  it('does not cut through a character', async () => {
    const headers = { 'content-type': 'text/plain' }
    const { client, records } = book({ headers, body: 'äöü' }, { level, maxBody: 3 })
    await firstValueFrom(client.get('a'))
    expect(records.at(-1)?.body).toEqual({ bytes: 6, text: 'ä', cut: true })
  })

  it.each([
    ['image/png', 'text'],
    ['multipart/form-data; boundary=x', '--x\r\n'],
    ['application/octet-stream', 'text'],
    ['text/plain; charset=nonsense', 'text'],
    [undefined, new Uint8Array([0x80, 0xff, 0])],
    [undefined, new Uint8Array([65, 0, 66])],
  ])('only measures %s', async (type, body) => {
    const { client, records } = book({ headers: { 'content-type': type }, body }, { level })
    await firstValueFrom(client.get('a'))
    expect(records.at(-1)?.body).toEqual({ bytes: body.length })
  })

  it('only measures what is still encoded', async () => {
    const headers = { 'content-type': 'text/plain', 'content-encoding': 'br' }
    const { client, records } = book({ headers, body: 'secret' }, { level })
    await firstValueFrom(client.get('a'))
    expect(records.at(-1)?.body).toEqual({ bytes: 6 })
  })

  it('looks at an upload while the engine takes it, as often as it is sent', async () => {
    const engine = mock()
    engine.enqueue(503, 200)
    const { client, lines } = book(engine, { level })
    const source = async function* () {
      yield 'abc'
      yield 'def'
    }
    await firstValueFrom(
      client.put('a', () => source(), { headers: { 'content-type': 'text/plain' }, retry: { delay: () => 0 } }),
    )
    expect(lines).toContain('#1 ← sent [6 B] abcdef')
    expect(engine.history.map(({ body }) => body.text())).toEqual(['abcdef', 'abcdef'])
  })

  it('does not make a body replayable, or take it from anybody', async () => {
    const engine = mock()
    engine.enqueue(503, 200)
    const { client } = book(engine, { level })
    const source = async function* () {
      yield 'abc'
    }
    expect((await firstValueFrom(client.put('a', source()))).status).toBe(503)
    expect(engine.history).toHaveLength(1)
  })

  it('keeps no more than it shows of a stream, and passes every byte', async () => {
    const piece = new Uint8Array(64 * 1024).fill(97)
    const headers = { 'content-type': 'text/plain' }
    const { client, records } = book(
      { chunks: Array.from({ length: 100 }, () => piece), headers },
      { level, maxBody: 10 },
    )
    expect(await lastValueFrom(client.stream('a', readAll))).toBe(6_553_600)
    expect(records.at(-1)?.body).toEqual({ bytes: 6_553_600, text: 'a'.repeat(10), cut: true })
  })
})

describe('format json', () => {
  it('is one JSON text a record, the record beside it', async () => {
    const { client, lines, records } = book({ statusText: 'OK', body: 'x' }, { format: 'json' })
    await firstValueFrom(client.get('a'))
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual(JSON.parse(JSON.stringify(records[0])))
    expect(records[0]).toMatchObject({
      event: 'response',
      severity: 'info',
      id: 1,
      method: 'GET',
      url: 'https://api.test/a',
      status: 200,
      statusText: 'OK',
      httpVersion: '1.1',
      bytes: 1,
    })
  })

  it('hands a logger the record as an object, by severity', async () => {
    const pino = { info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const engine = mock()
    engine.enqueue(200, 404, 'CONNECT')
    const { client } = book(engine, { format: 'json', log: pino })
    await firstValueFrom(client.get('a'))
    await firstValueFrom(client.get('b'))
    await firstValueFrom(client.get('c', { retry: false })).catch(() => undefined)
    expect(pino.info.mock.calls).toEqual([
      [expect.objectContaining({ status: 200 }), expect.stringMatching(/^GET https:\/\/api\.test\/a 200 /)],
    ])
    expect(pino.warn).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ status: 404 }), expect.anything())
    expect(pino.error).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ error: expect.objectContaining({ code: 'CONNECT' }) as unknown }),
      expect.anything(),
    )
  })

  it('gives a console the text', async () => {
    const info = vi.spyOn(console, 'info').mockImplementation(() => undefined)
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    try {
      const engine = mock({ '/a': 200, '/b': 500 })
      const client = createClient({ engine, plugins: [logging({ format: 'json' })] })
      await firstValueFrom(client.get('https://api.test/a'))
      await firstValueFrom(client.get('https://api.test/b', { logging: { format: 'pretty' } }))
      expect(JSON.parse(String(info.mock.calls[0]?.[0]))).toMatchObject({ status: 200 })
      expect(warn.mock.calls[0]?.[0]).toMatch(/^GET https:\/\/api\.test\/b 500 /)
    } finally {
      info.mockRestore()
      warn.mockRestore()
    }
  })

  it('uses info for what a logger has no method for', async () => {
    const info = vi.fn()
    const { client } = book(404, { log: { info } })
    await firstValueFrom(client.get('a'))
    expect(info).toHaveBeenCalledOnce()
  })
})

describe('a log that throws', () => {
  const broken = new Error('disk full')
  const failing = (event: LogRecord['event']) => (_: string, record: LogRecord) => {
    if (record.event === event) throw broken
  }

  it.each(['info', 'headers'] as const)('fails the call before its answer is seen, at level %s', async level => {
    const { client } = book(200, { level, log: failing('response') })
    const seen: unknown[] = []
    const error = await new Promise(resolve => {
      client.get('a').subscribe({ next: value => seen.push(value), error: resolve })
    })
    expect(error).toBe(broken)
    expect(seen).toEqual([])
  })

  it('at the beginning keeps the call from being sent', async () => {
    const { client, engine } = book(200, { level: 'headers', log: failing('request') })
    await expect(firstValueFrom(client.get('a'))).rejects.toBe(broken)
    expect(engine.history).toEqual([])
  })

  it('of one call leaves the others alone', async () => {
    let calls = 0
    const log = (): void => {
      if (calls++ === 0) throw broken
    }
    const { client } = book(200, { log })
    const results = await Promise.allSettled([firstValueFrom(client.get('a')), firstValueFrom(client.get('b'))])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  })

  it('does not hide why a call failed', async () => {
    const { client } = book('CONNECT', { log: failing('error') })
    await expect(firstValueFrom(client.get('a', { retry: false }))).rejects.toMatchObject({ code: 'CONNECT' })
  })

  it('has nobody to tell when the call was cancelled', () => {
    const { client, engine } = book({ stall: 'headers' }, { log: failing('cancelled') })
    client.get('a').subscribe().unsubscribe()
    expect(engine.inFlight).toBe(0)
  })

  it('later, from a promise, fails a call that still runs and no other', async () => {
    const log = (_: string, { event }: LogRecord): Promise<void> | undefined =>
      event === 'request' ? Promise.reject(broken) : undefined
    const { client } = book({ stall: 'headers' }, { level: 'headers', log })
    await expect(firstValueFrom(client.get('a'))).rejects.toBe(broken)
    const done = book(200, { level: 'headers', log })
    expect((await firstValueFrom(done.client.get('a'))).status).toBe(200)
  })

  it('fails a stream in the middle, with what a plugin told', async () => {
    const engine = mock()
    engine.enqueue(503, 200)
    const { client } = book(engine, { level: 'headers', log: failing('notice') })
    await expect(lastValueFrom(client.stream('a', readAll))).rejects.toBe(broken)
    expect(engine.inFlight).toBe(0)
  })
})

it('logs nothing at level none, and when left out of a call', async () => {
  const { client, lines } = book(200, { level: 'none' })
  await firstValueFrom(client.get('a'))
  await firstValueFrom(client.get('a', { logging: { level: 'info' } }))
  await firstValueFrom(client.get('a', { logging: false }))
  expect(lines).toHaveLength(1)
})

it('logs the failure of a user as that of the call', async () => {
  const { client, records } = book(200)
  const failed = firstValueFrom(
    client.get('a', {
      expectSuccess: {
        statuses: () => {
          throw new TypeError('see https://ada:pw@api.test/?key=k password=hunter2')
        },
      },
    }),
  )
  await expect(failed).rejects.toThrow(TypeError)
  expect(records[0]?.error).toEqual({
    name: 'TypeError',
    message: 'see https://api.test/?key=<redacted:1> password=<redacted:7>',
  })
})

it.each([
  [{ level: 'debug' }, /one of "none", "info", "headers", "body"/],
  [{ format: 'xml' }, /one of "pretty", "json"/],
  [{ log: {} }, /a function, or a logger/],
  [{ log: 'console' }, /a function, or a logger/],
  [{ maxBody: -1 }, /whole number/],
  [{ redact: ['x'] }, /a function/],
])('refuses %o', (options, message) => {
  expect(() => logging(options as never)).toThrow(message)
  expect(() => logging(options as never)).toThrow(HttpError)
})
