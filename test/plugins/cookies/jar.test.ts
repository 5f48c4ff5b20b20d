import { clock, isHttpError } from 'sluice'
import { CookieJar, type CookieInit, type RefusedCookie } from 'sluice/plugins/cookies'
import { describe, expect, it } from 'vitest'
import { virtually } from '../../support/virtual-time.ts'

const DAY = 24 * 60 * 60 * 1000

/** What `to` is sent after `from` set these cookies, as in a `Cookie` header; refused ones are passed over. */
function sent(from: string, lines: string | readonly string[], to: string = from, jar = new CookieJar()): string {
  for (const line of [lines].flat()) {
    try {
      jar.set(line, from)
    } catch (error) {
      if (!isHttpError(error) || error.code !== 'CONFIG') throw error
    }
  }
  return shown(jar, to)
}

function shown(jar: CookieJar, url: string): string {
  return jar
    .get(url)
    .map(({ name, value }) => (name === '' ? value : `${name}=${value}`))
    .join('; ')
}

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isHttpError(error) && error.code === 'CONFIG') return error.message
    throw error
  }
  return 'taken'
}

type Row = readonly [what: string, from: string, lines: string | readonly string[], to: string, expected: string]

function table(rows: readonly Row[]): void {
  it.each(rows)('%s', (_, from, lines, to, expected) => {
    expect(sent(from, lines, to)).toBe(expected)
  })
}

const A = 'https://www.example.com/'

describe('a name and a value', () => {
  table([
    ['are sent back as they were', A, 'a=1', A, 'a=1'],
    ['may be empty: the value', A, 'a=', A, 'a='],
    ['may be empty: the name', A, '=1', A, '1'],
    ['may be a value alone', A, 'flag', A, 'flag'],
    ['may not both be empty', A, '', A, ''],
    ['may not both be empty, with an equals sign', A, '=', A, ''],
    ['may not both be empty, with attributes', A, '; Path=/', A, ''],
    ['lose spaces around them', A, '  a  =  1  ', A, 'a=1'],
    ['lose tabs around them', A, '\ta\t=\t1\t', A, 'a=1'],
    ['keep spaces inside', A, 'a b=1 2', A, 'a b=1 2'],
    ['keep a tab inside', A, 'a=1\t2', A, 'a=1\t2'],
    ['end at the first semicolon', A, 'a=1;2', A, 'a=1'],
    ['are divided at the first equals sign', A, 'a=b=c', A, 'a=b=c'],
    ['of an empty name are divided there, too', A, '=a=b', A, 'a=b'],
    ['keep quotes', A, 'a="1"', A, 'a="1"'],
    ['keep a quote that is open', A, 'a="1', A, 'a="1'],
    ['know no quoted semicolon', A, 'a="1;2"', A, 'a="1'],
    ['keep commas', A, 'a=1,b=2', A, 'a=1,b=2'],
    ['are not percent-decoded', A, 'a=%0d%0aset-cookie:x', A, 'a=%0d%0aset-cookie:x'],
    ['keep bytes that are no ASCII', A, 'a=\u00c3\u00a0', A, 'a=\u00c3\u00a0'],
    ['tell upper from lower case in names', A, ['a=1', 'A=2'], A, 'a=1; A=2'],
    ['called __proto__ are like any other', A, ['__proto__=1', 'constructor=2'], A, '__proto__=1; constructor=2'],
    ['replace those of the same name', A, ['a=1', 'a=2'], A, 'a=2'],
    ['with NUL are ignored', A, 'a=1\0', A, ''],
    ['with NUL in front are ignored', A, '\0a=1', A, ''],
    ['with CR are ignored', A, 'a=1\rb', A, ''],
    ['with LF are ignored', A, 'a=1\nSet-Cookie: b=2', A, ''],
    ['with DEL are ignored', A, 'a\x7f=1', A, ''],
    ['with U+0001 are ignored', A, 'a=\x01', A, ''],
    ['with U+001F are ignored', A, 'a=\x1f', A, ''],
    ['with a control character in an attribute are ignored', A, 'a=1; Path=/\x02', A, ''],
    ['with a control character in an unknown attribute are ignored', A, 'a=1; x\0y', A, ''],
    ['of 4,096 bytes together are kept', A, `a=${'x'.repeat(4095)}`, A, `a=${'x'.repeat(4095)}`],
    ['of 4,097 bytes together are ignored', A, `a=${'x'.repeat(4096)}`, A, ''],
    ['of 4,097 bytes in the name are ignored', A, `${'x'.repeat(4097)}=`, A, ''],
    ['that are too long leave what was there', A, ['a=1', `a=${'x'.repeat(4096)}`], A, 'a=1'],
  ])
})

describe('the host', () => {
  table([
    ['is the only one without Domain', A, 'a=1', 'https://www.example.com/x', 'a=1'],
    ['is not one below', A, 'a=1', 'https://sub.www.example.com/', ''],
    ['is not one above', A, 'a=1', 'https://example.com/', ''],
    ['is not one beside', A, 'a=1', 'https://api.example.com/', ''],
    ['has no port', A, 'a=1', 'https://www.example.com:8443/', 'a=1'],
    ['is compared without case', 'https://WWW.Example.COM/', 'a=1', A, 'a=1'],
    ['with a dot behind is the same', 'https://www.example.com./', 'a=1', A, 'a=1'],
    ['with a dot behind gets what it has without', A, 'a=1', 'https://www.example.com./', 'a=1'],
    ['may be one label', 'http://intranet/', 'a=1', 'http://intranet/', 'a=1'],
    [
      'of one label says itself, and means the host alone',
      'http://intranet/',
      'a=1; Domain=intranet',
      'http://x.intranet/',
      '',
    ],
    ['of one label may say itself', 'http://intranet/', 'a=1; Domain=intranet', 'http://intranet/', 'a=1'],
    [
      'may be in another alphabet',
      'https://b\u00fccher.example.com/',
      'a=1',
      'https://xn--bcher-kva.example.com/',
      'a=1',
    ],
    ['may be an address', 'http://192.0.2.1/', 'a=1', 'http://192.0.2.1:81/', 'a=1'],
    ['may be an address of IPv6', 'http://[2001:db8::1]/', 'a=1', 'http://[2001:db8:0::1]:81/', 'a=1'],
    ['of an address of IPv6 is not another one', 'http://[2001:db8::1]/', 'a=1', 'http://[2001:db8::2]/', ''],
    ['of a websocket is the same', A, 'a=1', 'wss://www.example.com/', 'a=1'],
  ])
})

describe('Domain', () => {
  const below = 'https://a.b.example.com/'
  table([
    ['reaches the domain itself', A, 'a=1; Domain=example.com', 'https://example.com/', 'a=1'],
    ['reaches hosts below', A, 'a=1; Domain=example.com', below, 'a=1'],
    [
      'may be the host, and then reaches below it',
      A,
      'a=1; Domain=www.example.com',
      'https://x.www.example.com/',
      'a=1',
    ],
    ['may have a dot in front', A, 'a=1; Domain=.example.com', below, 'a=1'],
    ['may not have two', A, 'a=1; Domain=..example.com', A, ''],
    ['may have a dot behind', A, 'a=1; Domain=example.com.', below, 'a=1'],
    ['is compared without case', A, 'a=1; dOmAiN=EXAMPLE.Com', below, 'a=1'],
    ['may have spaces around it', A, 'a=1; Domain =  example.com ', below, 'a=1'],
    ['that is empty means the host', A, 'a=1; Domain=', below, ''],
    ['that is empty keeps the cookie', A, 'a=1; Domain=', A, 'a=1'],
    ['that is a dot means the host', A, 'a=1; Domain=.', A, 'a=1'],
    ['counts the last time', A, 'a=1; Domain=evil.com; Domain=example.com', below, 'a=1'],
    ['counts the last time, also when that is empty', A, 'a=1; Domain=example.com; Domain=', below, ''],
    ['counts the last time, also when that is wrong', A, 'a=1; Domain=example.com; Domain=evil.com', A, ''],
    ['of another host is refused', A, 'a=1; Domain=example.org', A, ''],
    ['of a host beside is refused', A, 'a=1; Domain=api.example.com', A, ''],
    ['of a host below is refused', A, 'a=1; Domain=x.www.example.com', A, ''],
    ['is matched by labels, not by letters', 'https://evilbank.com/', 'a=1; Domain=bank.com', 'https://bank.com/', ''],
    [
      'that is matched by letters reaches nobody',
      'https://evilbank.com/',
      'a=1; Domain=bank.com',
      'https://evilbank.com/',
      '',
    ],
    ['does not reach what only ends like it', 'https://bank.com/', 'a=1; Domain=bank.com', 'https://evilbank.com/', ''],
    [
      'outside of ASCII is refused',
      'https://xn--bcher-kva.de/',
      'a=1; Domain=b\u00fccher.de',
      'https://xn--bcher-kva.de/',
      '',
    ],
    [
      'in punycode is fine',
      'https://b\u00fccher.de/',
      'a=1; Domain=xn--bcher-kva.de',
      'https://x.b\u00fccher.de/',
      'a=1',
    ],
    ['com is refused', A, 'a=1; Domain=com', 'https://other.com/', ''],
    ['.com is refused', A, 'a=1; Domain=.com', A, ''],
    ['com. is refused', A, 'a=1; Domain=com.', A, ''],
    ['COM is refused', A, 'a=1; Domain=COM', A, ''],
    ['co.uk is refused', 'https://shop.co.uk/', 'a=1; Domain=co.uk', 'https://bank.co.uk/', ''],
    ['co.UK is refused', 'https://shop.co.uk/', 'a=1; Domain=co.UK', 'https://shop.co.uk/', ''],
    ['shop.co.uk is fine', 'https://www.shop.co.uk/', 'a=1; Domain=shop.co.uk', 'https://shop.co.uk/', 'a=1'],
    ['github.io is refused', 'https://ada.github.io/', 'a=1; Domain=github.io', 'https://eve.github.io/', ''],
    [
      'github.io of itself means the host alone',
      'https://github.io/',
      'a=1; Domain=github.io',
      'https://github.io/',
      'a=1',
    ],
    [
      'github.io of itself reaches nobody below',
      'https://github.io/',
      'a=1; Domain=github.io',
      'https://eve.github.io/',
      '',
    ],
    ['of a wildcard rule is refused', 'https://shop.foo.ck/', 'a=1; Domain=foo.ck', 'https://x.foo.ck/', ''],
    ['of an exception to it is fine', 'https://x.www.ck/', 'a=1; Domain=www.ck', 'https://www.ck/', 'a=1'],
    ['below test is fine', 'https://a.api.test/', 'a=1; Domain=api.test', 'https://b.api.test/', 'a=1'],
    ['test is refused', 'https://a.test/', 'a=1; Domain=test', 'https://b.test/', ''],
    ['localhost is refused', 'http://a.localhost/', 'a=1; Domain=localhost', 'http://b.localhost/', ''],
    ['may be an address that is the host', 'http://192.0.2.1/', 'a=1; Domain=192.0.2.1', 'http://192.0.2.1/', 'a=1'],
    ['may not be a part of an address', 'http://127.0.0.1/', 'a=1; Domain=0.0.1', 'http://127.0.0.1/', ''],
    ['may not be another address', 'http://127.0.0.1/', 'a=1; Domain=127.0.0.2', 'http://127.0.0.2/', ''],
    ['may be an address of IPv6 that is the host', 'http://[::1]/', 'a=1; Domain=[::1]', 'http://[::1]/', 'a=1'],
    ['__proto__ is refused', A, 'a=1; Domain=__proto__', A, ''],
    ['of more than 1,024 bytes is as if it was not there', A, `a=1; Domain=${'x'.repeat(1025)}`, A, 'a=1'],
    ['beside the same name of the host is another cookie', A, ['a=1', 'a=2; Domain=www.example.com'], A, 'a=1; a=2'],
    ['with an attribute inside is no domain', A, 'a=1; Domain=example.com, evil.com', A, ''],
  ])
})

describe('Path', () => {
  const page = 'https://www.example.com/docs/guide/page?q=/x'
  const at = (path: string): string => `https://www.example.com${path}`
  table([
    ['by default is the directory', page, 'a=1', at('/docs/guide/other'), 'a=1'],
    ['by default reaches the directory itself', page, 'a=1', at('/docs/guide'), 'a=1'],
    ['by default does not reach above', page, 'a=1', at('/docs/'), ''],
    ['by default does not reach beside', page, 'a=1', at('/docs/guide2'), ''],
    ['by default of a directory is the directory', at('/docs/'), 'a=1', at('/docs/x'), 'a=1'],
    ['by default of a file at the root is the root', at('/page'), 'a=1', at('/'), 'a=1'],
    ['by default of the root is the root', A, 'a=1', at('/x/y'), 'a=1'],
    ['by default knows no query', at('/page?x=/y/z'), 'a=1', at('/'), 'a=1'],
    ['/ reaches everything', page, 'a=1; Path=/', at('/x'), 'a=1'],
    ['reaches itself', A, 'a=1; Path=/docs', at('/docs'), 'a=1'],
    ['reaches itself with a query', A, 'a=1; Path=/docs', at('/docs?x'), 'a=1'],
    ['reaches below', A, 'a=1; Path=/docs', at('/docs/x'), 'a=1'],
    ['with a slash behind reaches below', A, 'a=1; Path=/docs/', at('/docs/x'), 'a=1'],
    ['with a slash behind does not reach without', A, 'a=1; Path=/docs/', at('/docs'), ''],
    ['is matched by segments', A, 'a=1; Path=/docs', at('/docsx'), ''],
    ['is compared with case', A, 'a=1; Path=/docs', at('/Docs'), ''],
    ['is not percent-decoded', A, 'a=1; Path=/d%6fcs', at('/docs'), ''],
    ['may be one the url is not in', A, 'a=1; Path=/elsewhere', at('/elsewhere'), 'a=1'],
    ['that is relative is the default', page, 'a=1; Path=docs', at('/docs/guide/x'), 'a=1'],
    ['that is empty is the default', page, 'a=1; Path=', at('/docs/guide/x'), 'a=1'],
    ['without a value is the default', page, 'a=1; Path', at('/docs/guide/x'), 'a=1'],
    ['counts the last time', A, 'a=1; Path=/x; Path=/y', at('/y'), 'a=1'],
    ['counts the last time, also when that is none', page, 'a=1; Path=/; Path=x', at('/'), ''],
    ['of more than 1,024 bytes is as if it was not there', A, `a=1; Path=/${'x'.repeat(1024)}`, A, 'a=1'],
    [
      'of another length is another cookie, the longer one first',
      A,
      ['a=1; Path=/', 'a=2; Path=/docs'],
      at('/docs'),
      'a=2; a=1',
    ],
    ['of equal length leaves the oldest first', A, ['b=1; Path=/', 'a=2; Path=/', 'b=3; Path=/'], A, 'b=3; a=2'],
    [
      'of several domains is one order',
      'https://a.example.com/',
      ['x=1', 'y=2; Domain=example.com; Path=/p', 'z=3; Path=/p/q'],
      'https://a.example.com/p/q',
      'z=3; y=2; x=1',
    ],
  ])
})

describe('Secure', () => {
  const http = 'http://www.example.com/'
  table([
    ['goes over https', A, 'a=1; Secure', A, 'a=1'],
    ['goes over wss', A, 'a=1; Secure', 'wss://www.example.com/', 'a=1'],
    ['may be set over wss', 'wss://www.example.com/', 'a=1; Secure', A, 'a=1'],
    ['does not go over http', A, 'a=1; Secure', http, ''],
    ['does not go over ws', A, 'a=1; Secure', 'ws://www.example.com/', ''],
    ['cannot be set over http', http, 'a=1; Secure', A, ''],
    ['cannot be set over ws', 'ws://www.example.com/', 'a=1; Secure', A, ''],
    ['is what it is, whatever its value', A, 'a=1; Secure=false', http, ''],
    ['is compared without case', A, 'a=1; sEcUrE', http, ''],
    ['that is missing goes over both', A, 'a=1', http, 'a=1'],
    ['on this machine needs TLS, too', 'http://localhost/', 'a=1; Secure', 'http://localhost/', ''],
  ])

  it.each([
    'http://localhost:8080/',
    'http://app.localhost/',
    'http://127.0.0.1/',
    'http://127.9.9.9/',
    'http://[::1]/',
    'http://localhost./',
  ])('works on %s with secureLocalhost', url => {
    expect(sent(url, 'a=1; Secure', url, new CookieJar({ secureLocalhost: true }))).toBe('a=1')
  })

  it.each([
    'http://localhost.example.com/',
    'http://notlocalhost/',
    'http://192.0.2.1/',
    'http://127.0.0.1.example.com/',
  ])('does not work on %s with secureLocalhost', url => {
    expect(sent(url, 'a=1; Secure', url, new CookieJar({ secureLocalhost: true }))).toBe('')
  })

  const secure = 'a=1; Secure; Path=/; Domain=example.com'
  it.each([
    ['the same one', secure, http, 'a=2; Path=/; Domain=example.com', ''],
    ['one of the host, in front of one of the domain', secure, http, 'a=2; Path=/', ''],
    [
      'one of the domain, in front of one of the host',
      'a=1; Secure; Path=/',
      http,
      'a=2; Path=/; Domain=example.com',
      '',
    ],
    ['one of a deeper path', secure, http, 'a=2; Path=/deep', ''],
    ['one that is over, which would remove it', secure, http, 'a=2; Path=/; Domain=example.com; Max-Age=0', ''],
    ['one of another path', 'a=1; Secure; Path=/deep', http, 'a=2; Path=/', 'a=2'],
    ['one of another name', secure, http, 'b=2; Path=/', 'b=2'],
    ['one of another host', 'a=1; Secure; Path=/', 'http://api.example.com/', 'a=2; Path=/', 'a=2'],
  ])('is left alone by http: %s', (_, first, from, second, expected) => {
    const jar = new CookieJar()
    jar.set(first, A)
    expect(sent(from, second, from, jar)).toBe(expected)
    expect([...jar].filter(({ value }) => value === '1').length).toBe(1)
  })

  it('is replaced by https, also by one that is not secure', () => {
    const jar = new CookieJar()
    jar.set('a=1; Secure', A)
    expect(sent(A, 'a=2', http, jar)).toBe('a=2')
  })
})

describe('a prefix', () => {
  const http = 'http://www.example.com/'
  table([
    ['__Secure- needs Secure', A, '__Secure-a=1', A, ''],
    ['__Secure- with Secure is fine', A, '__Secure-a=1; Secure; Domain=example.com', A, '__Secure-a=1'],
    ['__Secure- cannot be set over http', http, '__Secure-a=1; Secure', A, ''],
    ['__Host- with all of it is fine', A, '__Host-a=1; Secure; Path=/', A, '__Host-a=1'],
    ['__Host- needs Secure', A, '__Host-a=1; Path=/', A, ''],
    ['__Host- needs Path', A, '__Host-a=1; Secure', A, ''],
    [
      '__Host- needs Path=/',
      'https://www.example.com/docs/',
      '__Host-a=1; Secure; Path=/docs',
      'https://www.example.com/docs/',
      '',
    ],
    ['__Host- takes no Domain', A, '__Host-a=1; Secure; Path=/; Domain=www.example.com', A, ''],
    ['__Host- takes an empty Domain', A, '__Host-a=1; Secure; Path=/; Domain=', A, '__Host-a=1'],
    ['__HoSt- is one', A, '__HoSt-a=1', A, ''],
    ['__hOsT- is one that takes no Domain', A, '__hOsT-a=1; Secure; Path=/; Domain=example.com', A, ''],
    ['__SECURE- is one', A, '__SECURE-a=1', A, ''],
    ['__Http- needs HttpOnly', A, '__Http-a=1; Secure', A, ''],
    ['__Http- with it is fine', A, '__Http-a=1; Secure; HttpOnly', A, '__Http-a=1'],
    ['__Host-Http- needs HttpOnly', A, '__Host-Http-a=1; Secure; Path=/', A, ''],
    ['__Host-Http- needs Path=/', A, '__Host-Http-a=1; Secure; HttpOnly', A, ''],
    ['__Host-Http- with all of it is fine', A, '__Host-Http-a=1; Secure; Path=/; HttpOnly', A, '__Host-Http-a=1'],
    ['cannot be forged without a name', A, '=__Host-a=1; Path=/', A, ''],
    ['cannot be forged without a name, in other case', A, '=__sEcUrE-a=1', A, ''],
    ['cannot be forged without an equals sign', A, '__Host-a; Path=/', A, ''],
    ['without hyphen is none', A, '__Host=1', A, '__Host=1'],
    ['with spaces in front is one all the same', A, '  __Host-a=1', A, ''],
    ['in the middle is none', A, 'x__Host-a=1', A, 'x__Host-a=1'],
    ['in a value is none', A, 'a=__Host-b=1', A, 'a=__Host-b=1'],
  ])
})

describe('SameSite', () => {
  const of = (line: string): string => {
    const jar = new CookieJar()
    sent(A, line, A, jar)
    const [cookie] = jar
    return cookie === undefined ? 'refused' : (cookie.sameSite ?? 'unsaid')
  }
  it.each([
    ['a=1; SameSite=Strict', 'strict'],
    ['a=1; SameSite=strict', 'strict'],
    ['a=1; SAMESITE=STRICT', 'strict'],
    ['a=1; SameSite = Strict ', 'strict'],
    ['a=1; SameSite=Lax', 'lax'],
    ['a=1; SameSite=None; Secure', 'none'],
    ['a=1; SameSite=None', 'refused'],
    ['a=1', 'unsaid'],
    ['a=1; SameSite', 'unsaid'],
    ['a=1; SameSite=', 'unsaid'],
    ['a=1; SameSite=NoneLax', 'unsaid'],
    ['a=1; SameSite=xStrict', 'unsaid'],
    ['a=1; SameSite="Strict"', 'unsaid'],
    ['a=1; SameSite=Strict,Lax', 'unsaid'],
    ['a=1; SameSite=Lax; SameSite=Strict', 'strict'],
    ['a=1; SameSite=Strict; SameSite=Nonsense', 'unsaid'],
    ['a=1; Same-Site=Strict', 'unsaid'],
  ])('%s is %s', (line, expected) => {
    expect(of(line)).toBe(expected)
  })
})

describe('time', () => {
  /** When a cookie that is set at the beginning of 1970 ends, in seconds; `session`, or `over`. */
  const ends = (line: string): number | string =>
    virtually(() => {
      const jar = new CookieJar()
      sent(A, line, A, jar)
      const [cookie] = jar
      return cookie === undefined ? 'over' : cookie.expiresAt === undefined ? 'session' : cookie.expiresAt / 1000
    })
  const SECONDS = 5 * 86_400 + 8 * 3600 + 49 * 60 + 37
  const CAP = 400 * 86_400
  it.each<readonly [string, number | string]>([
    ['a=1', 'session'],
    ['a=1; Max-Age=10', 10],
    ['a=1; max-age=10', 10],
    ['a=1; Max-Age= 10 ', 10],
    ['a=1; Max-Age=0', 'over'],
    ['a=1; Max-Age=-1', 'over'],
    ['a=1; Max-Age=-999999999999999999999', 'over'],
    ['a=1; Max-Age=', 'session'],
    ['a=1; Max-Age', 'session'],
    ['a=1; Max-Age=-', 'session'],
    ['a=1; Max-Age=+10', 'session'],
    ['a=1; Max-Age=1e3', 'session'],
    ['a=1; Max-Age=1.5', 'session'],
    ['a=1; Max-Age=10s', 'session'],
    ['a=1; Max-Age=0x10', 'session'],
    ['a=1; Max-Age="10"', 'session'],
    ['a=1; Max-Age=10; Max-Age=20', 20],
    ['a=1; Max-Age=10; Max-Age=x', 10],
    [`a=1; Max-Age=${CAP}`, CAP],
    [`a=1; Max-Age=${CAP + 1}`, CAP],
    [`a=1; Max-Age=${'9'.repeat(400)}`, CAP],
    ['a=1; Max-Age=10; Expires=Fri, 01 Jan 1960 00:00:00 GMT', 10],
    ['a=1; Expires=Tue, 06 Jan 1970 08:49:37 GMT; Max-Age=10', 10],
    ['a=1; Expires=Tue, 06 Jan 1970 08:49:37 GMT; Max-Age=0', 'over'],
    ['a=1; Expires=Tue, 06 Jan 1970 08:49:37 GMT', SECONDS],
    ['a=1; Expires=Tuesday, 06-Jan-70 08:49:37 GMT', SECONDS],
    ['a=1; Expires=Tue Jan  6 08:49:37 1970', SECONDS],
    ['a=1; expires=tue, 06 jan 1970 08:49:37 gmt', SECONDS],
    ['a=1; Expires=6 January 1970 8:49:37', SECONDS],
    ['a=1; Expires=1970 Jan 06 08:49:37', SECONDS],
    ['a=1; Expires=Xyz, 06-Jan-1970 08:49:37 PST', SECONDS],
    ['a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'over'],
    ['a=1; Expires=Mon, 01 Jan 1601 00:00:00 GMT', 'over'],
    ['a=1; Expires=Mon, 01 Jan 1600 00:00:00 GMT', 'session'],
    ['a=1; Expires=Fri, 01 Jan 2038 00:00:00 GMT', CAP],
    ['a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT', CAP],
    ['a=1; Expires=Fri, 01 Jan 38 00:00:00 GMT', CAP],
    ['a=1; Expires=Tue, 31 Feb 1970 08:49:37 GMT', 'session'],
    ['a=1; Expires=Tue, 32 Jan 1970 08:49:37 GMT', 'session'],
    ['a=1; Expires=Tue, 06 Jan 1970 24:00:00 GMT', 'session'],
    ['a=1; Expires=Tue, 06 Jan 1970 08:60:00 GMT', 'session'],
    ['a=1; Expires=Tue, 06 Jan 1970', 'session'],
    ['a=1; Expires=0', 'session'],
    ['a=1; Expires=', 'session'],
    ['a=1; Expires=tomorrow', 'session'],
    ['a=1; Expires=Tue, 06 Jan 1970 08:49:37 GMT; Expires=never', SECONDS],
    [`a=1; Expires=Tue, 06 Jan 1970 08:49:37 GMT${' '.repeat(1024)}x`, 'session'],
  ])('%s ends at %s', (line, expected) => {
    expect(ends(line)).toBe(expected)
  })

  it('passes: a cookie is not sent any more, and makes no noise about it', () => {
    virtually(({ flush }) => {
      const jar = new CookieJar()
      jar.set('a=1; Max-Age=10', A)
      const seen: string[] = []
      for (const at of [0, 9_999, 10_000, 20_000]) clock.schedule(() => seen.push(`${shown(jar, A)} ${jar.size}`), at)
      flush()
      expect(seen).toEqual(['a=1 1', 'a=1 1', ' 0', ' 0'])
    })
  })

  it('removes a cookie that is set again and over', () => {
    expect(sent(A, ['a=1', 'a=; Max-Age=0'])).toBe('')
    expect(sent(A, ['a=1', 'a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT'])).toBe('')
    expect(sent(A, ['a=1', 'a=; Max-Age=0; Path=/other'])).toBe('a=1')
  })

  it('of a cookie that is set again is its first one', () => {
    virtually(({ flush }) => {
      const jar = new CookieJar()
      jar.set('a=1', A)
      clock.schedule(() => {
        jar.set('b=2', A)
      }, 10)
      clock.schedule(() => {
        jar.set('a=3', A)
      }, 20)
      flush()
      expect([...jar].map(({ value, createdAt }) => `${value} ${createdAt}`)).toEqual(['3 0', '2 10'])
    })
  })
})

describe('time, after which a cookie is another one', () => {
  it('makes a cookie that is set again after its end the youngest', () => {
    virtually(({ flush }) => {
      const jar = new CookieJar()
      jar.set('a=1; Max-Age=1', A)
      jar.set('b=1', A)
      clock.schedule(() => {
        jar.set('a=2', A)
      }, 1000)
      flush()
      expect([...jar].map(({ name, createdAt }) => `${name} ${createdAt}`)).toEqual(['b 0', 'a 1000'])
      expect(shown(jar, A)).toBe('b=1; a=2')
    })
  })
})

describe('a jar that is full', () => {
  const many = (jar: CookieJar, count: number, url: (at: number) => string, attributes = ''): void => {
    for (let at = 0; at < count; at++) jar.set(`c${at}=1${attributes}`, url(at))
  }

  it('has at most 50 of a domain: the one that was not used for longest goes', () => {
    const jar = new CookieJar()
    many(jar, 50, () => A, '; Path=/')
    jar.set('c0=again; Path=/', A)
    jar.set('new=1; Path=/', A)
    const names = [...jar].map(({ name }) => name)
    expect([names.length, names.includes('c0'), names.includes('c1'), names.includes('new')]).toEqual([
      50,
      true,
      false,
      true,
    ])
  })

  it('lets one of http go before one that is secure, and does not let it push that out', () => {
    const jar = new CookieJar()
    many(jar, 49, () => A, '; Secure')
    jar.set('open=1', A)
    jar.set('safe=1; Secure', A)
    expect([jar.size, shown(jar, A).includes('open'), shown(jar, A).includes('safe')]).toEqual([50, false, true])
    jar.set('late=1', 'http://www.example.com/')
    expect([jar.size, shown(jar, A).includes('late')]).toEqual([50, false])
  })

  it('lets go what is over before anything else', () => {
    virtually(({ flush }) => {
      const jar = new CookieJar()
      jar.set('over=1; Max-Age=1; Secure', A)
      many(jar, 49, () => A)
      clock.schedule(() => {
        jar.set('new=1', A)
      }, 1000)
      flush()
      expect([jar.size, shown(jar, A).includes('c0=')]).toEqual([50, true])
    })
  })

  it('has at most 3,000 in all', () => {
    const jar = new CookieJar()
    many(jar, 3000, at => `https://h${at}.example.com/`)
    jar.set('again=1', 'https://h0.example.com/')
    expect([jar.size, jar.get('https://h0.example.com/').length, jar.get('https://h1.example.com/').length]).toEqual([
      3000, 1, 1,
    ])
    jar.set('more=1', 'https://h1.example.com/')
    expect([jar.size, jar.get('https://h1.example.com/').length, jar.get('https://h2.example.com/').length]).toEqual([
      3000, 1, 1,
    ])
  })

  it('takes 5,000 cookies of one host and keeps 50', () => {
    const jar = new CookieJar()
    many(jar, 5000, () => A)
    expect([jar.size, shown(jar, A).length < 1000]).toEqual([50, true])
  })
})

describe('a jar is not made', () => {
  it.each<readonly [string, unknown, string]>([
    ['of a number', 7, 'The options of CookieJar must be an object, not 7.'],
    ['of null', null, 'The options of CookieJar must be an object, not null.'],
    ['of a store', { load: () => [], save: () => undefined }, 'CookieJar has no option "load".'],
    ['with an option nobody knows', { onrefused: () => undefined }, 'It has store, secureLocalhost, onRefused.'],
    ['with a store that is none', { store: { load: () => [] } }, 'CookieJar({ store }) must be a store with load()'],
    ['with a flag that is none', { secureLocalhost: 'no' }, 'CookieJar({ secureLocalhost }) must be true or false'],
    ['with a listener that is none', { onRefused: true }, 'CookieJar({ onRefused }) must be a function, not true.'],
  ])('%s', (_, options, message) => {
    expect(refusal(() => new CookieJar(options as object))).toContain(message)
    expect(refusal(() => CookieJar.fromJSON({ cookies: [] }, options as object))).toContain(message)
  })

  it('but with what is left undefined', () => {
    expect(new CookieJar({ store: undefined, secureLocalhost: undefined, onRefused: undefined }).size).toBe(0)
  })
})

describe('set()', () => {
  it.each<readonly [string, CookieInit]>([
    ['a name with =', { name: 'a=b', value: '1' }],
    ['a name with ;', { name: 'a;b', value: '1' }],
    ['a name with a space', { name: 'a b', value: '1' }],
    ['a name with CR', { name: 'a\r', value: '1' }],
    ['a name outside of latin1', { name: '\u20ac', value: '1' }],
    ['no name', { name: '', value: '1' }],
    ['a value with ;', { name: 'a', value: '1; Secure' }],
    ['a value with LF', { name: 'a', value: '1\n' }],
    ['a value with NUL', { name: 'a', value: '\0' }],
    ['a value with a space behind', { name: 'a', value: '1 ' }],
    ['a value outside of latin1', { name: 'a', value: '\u20ac' }],
    ['too much', { name: 'a', value: 'x'.repeat(4096) }],
    ['a domain with an attribute in it', { name: 'a', value: '1', domain: 'a; Secure' }],
    ['a path without a slash', { name: 'a', value: '1', path: 'x' }],
    ['a path with an attribute in it', { name: 'a', value: '1', path: '/; Secure' }],
    ['a sameSite nobody knows', { name: 'a', value: '1', sameSite: 'Lax' as 'lax' }],
    ['an end that is no time', { name: 'a', value: '1', expiresAt: NaN }],
    ['a flag that is none', { name: 'a', value: '1', secure: 'yes' as unknown as boolean }],
    ['a host that is none', { name: 'a', value: '1', hostOnly: 1 as unknown as boolean }],
    ['what is no cookie', null as unknown as CookieInit],
    ['what is no cookie either', 7 as unknown as CookieInit],
  ])('refuses %s', (_, init) => {
    const jar = new CookieJar()
    expect(refusal(() => jar.set(init, A))).toMatch(/cookie/)
    expect(jar.size).toBe(0)
  })

  it.each([
    ['\u0000=1', 'it has a control character'],
    ['a=\u20ac', 'it has a character that no header can have'],
    ['\u0100=1', 'it has a character that no header can have'],
    ['a=1; Path=/\u{1f36a}', 'it has a character that no header can have'],
    ['=', 'it has neither a name nor a value'],
    [`a=${'x'.repeat(5000)}`, 'it is longer than 4096 bytes'],
    ['a=1; Secure', 'it is Secure, which only https may set'],
    ['a=1; Domain=com', 'it is for a domain under which strangers have theirs'],
    ['a=1; Domain=x.test', 'it is for a domain that its host is not in'],
    ['a=1; SameSite=None', 'it has SameSite=None without Secure'],
    ['__Host-a=1', 'it begins with __Host- and is not Secure'],
  ])('says why %j is refused', (line, why) => {
    expect(refusal(() => new CookieJar().set(line, 'http://www.example.com/?key=s3cret'))).toMatch(
      new RegExp(`^A cookie of http://www\\.example\\.com/\\?key=\\S+ was refused: ${why}\\.$`),
    )
  })

  it('does not show a secret of the url', () => {
    expect(refusal(() => new CookieJar().set('=', 'http://www.example.com/?key=s3cret'))).not.toContain('s3cret')
  })

  it('takes all a cookie can have', () => {
    virtually(() => {
      const jar = new CookieJar()
      const init = {
        name: 'a',
        value: 'x y',
        domain: 'example.com',
        path: '/p',
        secure: true,
        httpOnly: true,
        sameSite: 'lax',
        expiresAt: DAY,
      } as const
      jar.set(init, A)
      expect([...jar]).toEqual([{ ...init, hostOnly: false, createdAt: 0 }])
    })
  })

  it('takes a cookie of another jar for what it is: one for its host alone reaches nobody below', () => {
    const [from, to] = [new CookieJar(), new CookieJar()]
    sent(A, ['host=1', 'domain=2; Domain=example.com'], A, from)
    for (const cookie of from) to.set(cookie, A)
    const bare = (jar: CookieJar) => [...jar].map(cookie => ({ ...cookie, createdAt: 0 }))
    expect(bare(to)).toEqual(bare(from))
    expect(shown(to, 'https://below.www.example.com/')).toBe('domain=2')
    expect(refusal(() => to.set({ name: 'a', value: '1', domain: 'example.com', hostOnly: true }, A))).toContain(
      'it is for another host alone',
    )
  })

  it('cuts a life that is too long, and removes what is over', () => {
    virtually(() => {
      const jar = new CookieJar()
      jar.set({ name: 'a', value: '1', expiresAt: 1000 * DAY }, A)
      expect([...jar][0]?.expiresAt).toBe(400 * DAY)
      jar.set({ name: 'a', value: '1', expiresAt: 0 }, A)
      expect(jar.size).toBe(0)
    })
  })

  it.each(['', '/path', 'www.example.com', 'ftp://example.com/', 'data:,x', 'http://'])('refuses the url %j', url => {
    expect(refusal(() => new CookieJar().set('a=1', url))).toMatch(/Cookies are kept by absolute url|has no cookies/)
    expect(refusal(() => new CookieJar().get(url))).not.toBe('taken')
  })
})

describe('what is in a jar', () => {
  it('can be removed by name and url', () => {
    const jar = new CookieJar()
    sent(A, ['a=1', 'a=2; Path=/p', 'b=3'], A, jar)
    expect([jar.delete('a', 'https://api.example.com/'), jar.delete('a', A), jar.delete('a', A)]).toEqual([
      false,
      true,
      false,
    ])
    expect(shown(jar, `${A}p`)).toBe('a=2; b=3')
  })

  it('can be removed all at once, or by what it is', () => {
    const jar = new CookieJar()
    sent(A, ['a=1', 'b=2; Max-Age=10'], A, jar)
    jar.clear(({ expiresAt }) => expiresAt === undefined)
    expect(shown(jar, A)).toBe('b=2')
    jar.clear()
    expect([...jar]).toEqual([])
  })

  it('goes through JSON and back', () => {
    const jar = new CookieJar()
    sent(
      A,
      ['a=1', 'b=2; Domain=example.com; Path=/p; Secure; HttpOnly; SameSite=Strict; Max-Age=10', 'sp ace= =x', '=y'],
      A,
      jar,
    )
    const again = CookieJar.fromJSON(JSON.parse(JSON.stringify(jar)))
    expect(again.toJSON()).toEqual(jar.toJSON())
    expect(shown(again, `${A}p`)).toBe(shown(jar, `${A}p`))
    again.set('b=9; Domain=example.com; Path=/p', A)
    expect(jar.size).toBe(4)
  })

  const good = {
    name: 'a',
    value: '1',
    domain: 'a.test',
    hostOnly: true,
    path: '/',
    secure: false,
    httpOnly: false,
    createdAt: 0,
  }
  it.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', '{"cookies":[]}'],
    ['a list', []],
    ['no list', { cookies: {} }],
    ['a cookie that is none', { cookies: [null] }],
    ['a name with ;', { cookies: [{ ...good, name: 'a;b' }] }],
    ['a value with CR', { cookies: [{ ...good, value: '\r\nx' }] }],
    ['a domain with capitals', { cookies: [{ ...good, domain: 'A.test' }] }],
    ['no path', { cookies: [{ ...good, path: 'x' }] }],
    ['a flag that is none', { cookies: [{ ...good, secure: 1 }] }],
    ['a sameSite nobody knows', { cookies: [{ ...good, sameSite: 'x' }] }],
    ['an end that is none', { cookies: [{ ...good, expiresAt: '1' }] }],
    ['no age', { cookies: [{ ...good, createdAt: undefined }] }],
    ['no hostOnly', { cookies: [{ ...good, hostOnly: undefined }] }],
    ['too much', { cookies: [{ ...good, value: 'x'.repeat(5000) }] }],
  ])('is not made of %s', (_, json) => {
    expect(refusal(() => CookieJar.fromJSON(json))).toMatch(/toJSON\(\)|not a cookie/)
  })

  it.each([
    ['a default path with a semicolon', 'https://a.test/app;v=1/page', 'a=1'],
    ['a default path of more than 1,024 bytes', `https://a.test/${'x'.repeat(2000)}/page`, 'a=1'],
    ['a path with what urls do not have', 'https://a.test/', 'a=1; Path=/"\u00e4\t#?'],
    ['a host with a semicolon', 'https://a;b.test/', 'a=1'],
    ['a host with a comma and more', "https://a,b!$&'()*+=~_.test/", 'a=1'],
    ['an address of IPv6', 'https://[::1]/', 'a=1'],
    ['a domain with an underscore', 'https://x.a_b.test/', 'a=1; Domain=a_b.test'],
    ['a name of odd characters', 'https://a.test/', '"a\u00ff,\t{}()<>@:\\[]?=1'],
    ['a value of odd characters', 'https://a.test/', 'a==\u0080 "\t,\\'],
  ])('goes through JSON and back with %s', (_, url, line) => {
    const jar = new CookieJar()
    jar.set(line, url)
    expect([...CookieJar.fromJSON(JSON.parse(JSON.stringify(jar)))]).toEqual([...jar])
  })

  it('made of JSON has nothing for a domain that is one of strangers by now', () => {
    const cookies = ['co.uk', 'github.io', 'com', 'shop.co.uk'].flatMap(domain => [
      { ...good, domain, hostOnly: false },
      { ...good, name: 'host', domain, hostOnly: true },
    ])
    const jar = CookieJar.fromJSON({ cookies })
    expect([...jar].map(({ name, domain }) => `${name} ${domain}`)).toEqual([
      'host co.uk',
      'host github.io',
      'host com',
      'a shop.co.uk',
      'host shop.co.uk',
    ])
  })

  it('made of JSON has nothing that is over, nothing from the future, and nothing that lives too long', () => {
    virtually(() => {
      const cookies = [
        { ...good, name: 'over', expiresAt: 0 },
        { ...good, name: 'long', expiresAt: 1e15, createdAt: 1e15 },
      ]
      const [long, ...more] = CookieJar.fromJSON({ cookies })
      expect([long?.name, long?.expiresAt, long?.createdAt, more]).toEqual(['long', 400 * DAY, 0, []])
    })
  })

  it('is not shown to who looks at the jar', async () => {
    const { inspect } = await import('node:util')
    const jar = new CookieJar()
    jar.set('a=s3cret', A)
    expect(inspect(jar, { depth: 10, showHidden: true })).not.toContain('s3cret')
  })

  it('has nothing of what somebody put on a prototype', () => {
    Object.assign(Object.prototype, { secure: true, sameSite: 'none', expiresAt: 1, domain: 'evil.test', onRefused: 1 })
    try {
      const jar = new CookieJar()
      jar.set({ name: 'a', value: '1' }, A)
      const copy = CookieJar.fromJSON({ cookies: [{ ...good }] })
      expect([...jar, ...copy].map(cookie => [cookie.secure, cookie.expiresAt, cookie.domain])).toEqual([
        [false, undefined, 'www.example.com'],
        [false, undefined, 'a.test'],
      ])
    } finally {
      for (const name of Object.keys(Object.prototype)) Reflect.deleteProperty(Object.prototype, name)
    }
  })
})

describe('reading', () => {
  it.each([
    ['semicolons', (n: number) => `a=1${';'.repeat(n)}`],
    ['equals signs', (n: number) => '='.repeat(n)],
    ['spaces', (n: number) => `a=1; Path=${' '.repeat(n)}x`],
    ['attributes', (n: number) => `a=1${'; x=y'.repeat(n / 5)}`],
    ['digits in a date', (n: number) => `a=1; Expires=${'1'.repeat(n)}`],
    ['tokens in a date', (n: number) => `a=1; Expires=${'1 '.repeat(n / 2)}`],
    ['dots in a domain', (n: number) => `a=1; Domain=${'.'.repeat(n)}`],
    ['dots in the last 1,024', (n: number) => `a=1${'; Domain=' + '.'.repeat(1000)}`.repeat(1 + n / 100_000)],
  ])('100 KB of %s takes no time to speak of', (_, worst) => {
    const refused: RefusedCookie[] = []
    const jar = new CookieJar({ onRefused: one => refused.push(one) })
    const start = performance.now()
    for (let round = 0; round < 5; round++) sent(A, worst(100_000), A, jar)
    expect(performance.now() - start).toBeLessThan(500)
  })
})
