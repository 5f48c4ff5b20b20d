import { concat, firstValueFrom, lastValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createClient, definePlugin, notice, type StreamingResponse } from 'sluice'
import { mock, type MockAnswer } from 'sluice/engines/mock'
import { logging, type LoggingOptions, type LogRecord } from 'sluice/plugins/logging'
import { redirect } from 'sluice/plugins/redirect'

/** Twelve secrets, none of which may be found in any log. */
const S = Object.fromEntries(
  'bearer cookie apiKey query userinfo form json nested proxy clientKey refresh setCookie'
    .split(' ')
    .map((name, at) => [name, `S3CR3T${String(at).padStart(2, '0')}xyz`]),
) as Record<string, string>
const JWT = `eyJhbGciOiJIUzI1NiJ9.${btoa(JSON.stringify({ sub: S['json'] })).replaceAll('=', '')}.c2lnbmF0dXJl`
const SECRETS = [...Object.values(S), 'hunter2', JWT.split('.')[1] ?? '', 'c2lnbmF0dXJl']

const readAll = async (response: StreamingResponse): Promise<number> => {
  let size = 0
  for await (const bytes of response) size += bytes.length
  return size
}

const JSON_BODY = {
  user: 'ada',
  password: S['json'],
  deep: [{ auth: { accessToken: S['nested'], list: [S['nested']] } }],
  refresh_token: S['refresh'],
  'Client-Secret': { any: [S['json'], { x: S['nested'] }] },
  session_id: 123_456_789,
  note: `Authorization: Bearer ${S['bearer'] ?? ''}`,
  url: `https://ada:${S['userinfo'] ?? ''}@api.test/?code=${S['query'] ?? ''}`,
  proxy: `http://user:${S['proxy'] ?? ''}@proxy.test:8080`,
  pem: `-----BEGIN PRIVATE KEY-----\n${S['clientKey'] ?? ''}\n-----END PRIVATE KEY-----`,
  jwt: JWT,
  inner: JSON.stringify({ token: S['nested'], even: JSON.stringify({ apiKey: S['apiKey'] }) }),
}

const REQUEST_HEADERS = {
  authorization: `Bearer ${S['bearer'] ?? ''}`,
  cookie: `sid=${S['cookie'] ?? ''}`,
  'x-api-key': S['apiKey'],
  'x-refresh-token': S['refresh'],
  referer: `https://api.test/reset?code=${S['query'] ?? ''}`,
}

const ANSWERS: Readonly<Record<string, MockAnswer>> = {
  json: { body: JSON_BODY, headers: { 'set-cookie': `sid=${S['setCookie'] ?? ''}`, 'x-auth-token': S['bearer'] } },
  form: {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `a=1&password=${S['form'] ?? ''}&refresh%5Ftoken=${S['refresh'] ?? ''}&x=2`,
  },
  html: {
    headers: { 'content-type': 'text/html' },
    body: `<input type="hidden" value="${S['form'] ?? ''}" name="csrf_token"><a href="/x?code=${S['query'] ?? ''}">`,
  },
  xml: {
    headers: { 'content-type': 'application/soap+xml' },
    body: `<a><Password type="x">${S['json'] ?? ''}</Password><entry key="secret" value="${S['nested'] ?? ''}"/></a>`,
  },
  text: {
    headers: { 'content-type': 'text/plain', location: `/next?state=${S['query'] ?? ''}` },
    body: `Cookie: a=${S['cookie'] ?? ''}; b=${S['cookie'] ?? ''}\nuser: ada api_key = "${S['apiKey'] ?? ''}"\nuser=ada password=hunter2 x`,
  },
  ndjson: {
    headers: { 'content-type': 'application/x-ndjson' },
    body: `{"token":"${S['json'] ?? ''}"}\n{"token": ["${S['json'] ?? ''}"]}\n{"tok`,
  },
  broken: {
    headers: { 'content-type': 'application/json' },
    body: `{"a":"\\u0022","password":"${S['json'] ?? ''}`,
  },
  escaped: {
    headers: { 'content-type': 'application/json' },
    body: `{"pass\\u0077ord":"${S['json'] ?? ''}","b":"x\\"y","tokens":{"a":"}","b":"${S['json'] ?? ''}"}}`,
  },
  failing: { body: JSON_BODY, cut: true },
  redirected: { status: 302, headers: { location: `https://api.test/done?ticket=${S['query'] ?? ''}` } },
  refused: 'CONNECT',
}

const telling = definePlugin({
  name: 'telling',
  scope: 'steer',
  defaults: {},
  install: () => (request, next) => {
    const url = `https://api.test/?a=${S['query'] ?? ''}`
    const detail = {
      token: S['bearer'],
      url,
      request,
      error: new Error(S['json']),
      note: `Bearer ${S['bearer'] ?? ''}`,
    }
    return concat(of(notice('telling', 'x', detail)), next(request))
  },
})

type Formats = 'line' | 'json' | 'object'

function clientOf(
  answer: MockAnswer,
  level: LoggingOptions['level'],
  format: Formats,
  texts: string[],
  redact = logging().options.redact,
) {
  const log =
    format === 'object'
      ? { info: (...parts: unknown[]) => void texts.push(...parts.map(part => JSON.stringify(part))) }
      : (line: string, record: LogRecord) => void texts.push(line, JSON.stringify(record))
  return createClient({
    engine: mock({ '/done': 200, '*': answer }),
    plugins: [
      logging({ level, log, redact, maxBody: 64 * 1024, format: format === 'line' ? 'pretty' : 'json' }),
      redirect(),
      telling(),
    ],
  })
}

describe.each(['info', 'headers', 'body'] as const)('at level %s', level => {
  describe.each(['line', 'json', 'object'] as const)('as %s', format => {
    it.each(Object.entries(ANSWERS))('no secret is in the log of a call answered with %s', async (_, answer) => {
      const texts: string[] = []
      const client = clientOf(answer, level, format, texts)
      const url = `https://ada:${S['userinfo'] ?? ''}@api.test/login?q=${S['query'] ?? ''}&token=${S['query'] ?? ''}`
      await firstValueFrom(client.post(url, JSON_BODY, { headers: REQUEST_HEADERS })).catch(() => undefined)
      const form = new URLSearchParams({ user: 'ada', password: S['form'] ?? '', otp_secret: 'hunter2' })
      await firstValueFrom(client.post(url, form, { headers: REQUEST_HEADERS })).catch(() => undefined)
      await lastValueFrom(client.stream(url, readAll, { headers: REQUEST_HEADERS })).catch(() => undefined)
      expect(texts.length).toBeGreaterThan(0)
      const all = texts.join('\n')
      expect(SECRETS.filter(secret => all.includes(secret))).toEqual([])
    })
  })
})

it('would find them if they were there', async () => {
  const texts: string[] = []
  const client = clientOf(ANSWERS['json'] ?? 200, 'body', 'line', texts, () => false)
  await firstValueFrom(client.post(`https://api.test/?q=${S['query'] ?? ''}`, JSON_BODY, { headers: REQUEST_HEADERS }))
  const all = texts.join('\n')
  const found = ['json', 'nested', 'refresh', 'apiKey', 'cookie', 'setCookie', 'query'].filter(name =>
    all.includes(S[name] ?? ''),
  )
  expect(found).toHaveLength(7)
  // What looks like a token, a key, or a user in a url is never shown.
  expect(['bearer', 'clientKey', 'userinfo'].filter(name => all.includes(S[name] ?? ''))).toEqual(['bearer'])
})

it('shows what is no secret', async () => {
  const texts: string[] = []
  await firstValueFrom(clientOf(ANSWERS['json'] ?? 200, 'body', 'line', texts).get('https://api.test/'))
  const body = texts.find(line => line.includes('"user":"ada"'))
  expect(body).toContain('"password":"<redacted:11>"')
  expect(body).toContain('"session_id":"<redacted:9>"')
})

it('redacts by what it is told instead', async () => {
  const texts: string[] = []
  const client = createClient({
    engine: mock({ '*': { body: { pin: 1234, token: 'shown' }, headers: { 'x-pin': '99' } } }),
    plugins: [
      logging({
        level: 'body',
        log: line => texts.push(line),
        redact: (name, where) => (where === 'query' ? name !== 'page' : name.includes('pin')),
      }),
    ],
  })
  await firstValueFrom(client.get('https://api.test/?page=2&q=x'))
  expect(texts).toEqual([
    '#1 → GET https://api.test/?page=2&q=<redacted:1>',
    expect.stringContaining('200'),
    '#1 ← x-pin: <redacted:2>',
    '#1 ← content-type: application/json',
    '#1 ← content-length: 28',
    '#1 ← [28 B] {"pin":"<redacted:4>","token":"shown"}',
  ])
})

// CWE-117: a server must not be able to write lines of its own, or to drive a terminal.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

it.each(['pretty', 'json'] as const)('writes no control character of a server, format %s', async format => {
  const evil = `x\r\nHTTP/1.1 200 fake\u001b[2J\u0000\u009b31m\u2028\u202e\u007f`
  const texts: string[] = []
  const records: LogRecord[] = []
  const client = createClient({
    engine: mock({
      '*': { statusText: evil, headers: { 'content-type': 'text/plain' }, body: evil, trailers: {} },
    }),
    plugins: [
      logging({
        level: 'body',
        format,
        log: (line, record) => {
          texts.push(line)
          records.push(record)
        },
      }),
    ],
  })
  await firstValueFrom(client.get('https://api.test/'))
  expect(texts.filter(line => CONTROL.test(line))).toEqual([])
  expect(records.at(-1)?.statusText).toMatch(/^x\\r\\nHTTP\/1\.1 200 fake\\x1b\[2J\\x00/)
})
