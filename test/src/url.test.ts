import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBase, resolveUrl, type BaseUrl } from '../../src/url.ts'
import { thrown } from './thrown.ts'

const base = parseBase('https://api.test/v1/', true)
const open = parseBase('https://api.test/v1/', false)
const href = (input: string | URL, within?: BaseUrl): string => resolveUrl(input, within).href

describe('joining', () => {
  it.each([
    ['users', 'https://api.test/v1/users'],
    ['users/7?full=1', 'https://api.test/v1/users/7?full=1'],
    ['', 'https://api.test/v1/'],
    ['.', 'https://api.test/v1/'],
    ['./users', 'https://api.test/v1/users'],
    ['a/../b', 'https://api.test/v1/b'],
    ['a/%2e%2e/b', 'https://api.test/v1/b'],
    ['?q=1', 'https://api.test/v1/?q=1'],
    ['#top', 'https://api.test/v1/'],
    ['users#top', 'https://api.test/v1/users'],
    ['users#', 'https://api.test/v1/users'],
    ['#', 'https://api.test/v1/'],
    ['/v1/users', 'https://api.test/v1/users'],
    ['https://api.test/v1/users', 'https://api.test/v1/users'],
    ['https://api.test:443/v1/users', 'https://api.test/v1/users'],
    ['HTTPS://API.TEST/v1/users', 'https://api.test/v1/users'],
    ['https:users', 'https://api.test/v1/users'],
    ['@evil.test', 'https://api.test/v1/@evil.test'],
    ['users//evil.test', 'https://api.test/v1/users//evil.test'],
    ['a b', 'https://api.test/v1/a%20b'],
    ['  users  ', 'https://api.test/v1/users'],
    ['ä', 'https://api.test/v1/%C3%A4'],
    ['嘍嘊', 'https://api.test/v1/%E5%98%8D%E5%98%8A'],
    ['a\\b', 'https://api.test/v1/a/b'],
    ['..%2fadmin', 'https://api.test/v1/..%2fadmin'],
    ['a"<>`', 'https://api.test/v1/a%22%3C%3E%60'],
  ])('%j to the base gives %s, as the URL standard says', (input, expected) => {
    expect(href(input, base)).toBe(expected)
    const standard = new URL(input, base.href)
    standard.hash = ''
    expect(expected).toBe(standard.href)
  })

  it('is what the URL standard says, also for plain urls that are not parsed', () => {
    const unit = fc.constantFrom(...'aZ09_-~./?=&+.%:@#'.split(''))
    fc.assert(
      fc.property(fc.string({ unit }), input => {
        const standard = URL.parse(input, open.href)
        if (standard?.origin !== 'https://api.test') return
        standard.username = standard.password = standard.hash = ''
        expect(href(input, open)).toBe(standard.href)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is what the URL standard says, also for absolute urls that are not parsed', () => {
    const scheme = fc.constantFrom('http://', 'https://')
    const odd = [
      'a',
      'localhost',
      '127.0.0.1',
      '1.2.3',
      '01.2.3.4',
      '1.2.3.256',
      '0x7f.1',
      'xn--a',
      'a.1',
      'a.0x1',
      'A.b',
    ]
    const host = fc.oneof(fc.constantFrom(...odd), fc.string({ unit: fc.constantFrom(...'ab1-.x_'.split('')) }))
    const port = fc.constantFrom('', ':80', ':443', ':8080', ':65535', ':65536', ':59999', ':0', ':01', ':')
    const path = fc.string({ unit: fc.constantFrom(..."aZ0_-~./?=&+.%:@!$'()*,;#".split('')) })
    fc.assert(
      fc.property(fc.tuple(scheme, host, port, fc.constantFrom('/', ''), path), parts => {
        const input = parts.join('')
        const standard = URL.parse(input)
        if (standard === null) {
          expect(() => href(input)).toThrow('is not an absolute url')
          return
        }
        standard.username = standard.password = standard.hash = ''
        expect(href(input)).toBe(standard.href)
      }),
      { numRuns: 5_000 },
    )
  })

  it('takes a URL object as it takes its text', () => {
    expect(href(new URL('https://api.test/v1/users'), base)).toBe('https://api.test/v1/users')
  })

  it('needs no base for an absolute url', () => {
    expect(href('http://other.test')).toBe('http://other.test/')
    expect(href('http://ÄÖ.test:80/x')).toBe('http://xn--4ca0b.test/x')
  })

  it('fills a template first', () => {
    expect(resolveUrl('users/{id}{?full}', base, { id: 'a/b', full: true }).href).toBe(
      'https://api.test/v1/users/a%2Fb?full=true',
    )
  })
})

const escapes = [
  'https://evil.test/',
  'HTTPS://EVIL.test/',
  '//evil.test/v1/',
  '/\\evil.test/v1/',
  '\\\\evil.test/v1/',
  '\\/evil.test/v1/',
  '///evil.test/v1/',
  '/\\/evil.test/v1/',
  'https:\\\\evil.test/v1/',
  'https:///evil.test/v1/',
  ' //evil.test/v1/',
  'https://api.test@evil.test/v1/',
  'https://api.test:pw@evil.test/v1/',
  'https://api.test\\@evil.test/v1/',
  'https://api.test%2f@evil.test/v1/',
  'https://api.test#@evil.test/v1/',
  'https://api.test?@evil.test/v1/',
  'https://api.test.evil.test/v1/',
  'https://api.test./v1/',
  'https://аpi.test/v1/',
  'http://api.test/v1/',
  'http:users',
  'https://api.test:444/v1/',
  '..',
  '../',
  '../admin',
  '..\\admin',
  'a/../../admin',
  '%2e%2e/admin',
  '.%2E/admin',
  '%2e%2e\\admin',
  '/',
  '/admin',
  '\\admin',
  '/v1',
  '/v1x/users',
  '/V1/users',
  '/%761/users',
  '/v1/../admin',
  'https:/admin',
]

describe('a base confines', () => {
  it.each(escapes)('%j is refused, with a way out', input => {
    const error = thrown(() => resolveUrl(input, base))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toMatch(
      /^\S+ is outside the base url https:\/\/api\.test\/v1\/\. Write it relative and without a leading slash, or create the client with \{ confine: false \} to allow any url\.$/,
    )
  })

  it.each(escapes)('%j goes where the URL standard says when confinement is off', input => {
    const standard = new URL(input, base.href)
    standard.username = standard.password = standard.hash = ''
    expect(href(input, open)).toBe(standard.href)
  })

  it.each(['..', '../..', '../admin', '//evil.test', '\\\\evil.test', '/admin', '@evil.test', 'https://evil.test/'])(
    'a template value %j stays where its template puts it',
    id => {
      let made: string
      try {
        made = resolveUrl('users/{id}/posts', base, { id }).href
      } catch (error) {
        expect(error).toMatchObject({ code: 'CONFIG' })
        return
      }
      expect(made).toMatch(/^https:\/\/api\.test\/v1\/users\/[^/]+\/posts$/)
    },
  )

  it.each(['//evil.test', '/../admin', '/../../x', 'https://evil.test'])(
    'a reserved template value %j cannot leave it',
    path => {
      expect(thrown(() => resolveUrl('{+path}', base, { path })).code).toBe('CONFIG')
    },
  )

  it('whatever the input: the origin and the path of the base stay, or it is refused', () => {
    const unit = fc.constantFrom(
      ...[
        '/',
        '\\',
        '.',
        '..',
        '%2e',
        '%2f',
        '%5c',
        ':',
        '@',
        '?',
        '#',
        ' ',
        '\t',
        'a',
        'evil.test',
        'https:',
        'http:',
      ],
      ...['//', '\u{a0}', '。', '／', '[', ']', '%00', '\u{200b}', ';', '&', '\ud800', '😀'],
    )
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), parts => {
        let made: string
        try {
          made = href(parts.join(''), base)
        } catch (error) {
          expect(error).toMatchObject({ code: 'CONFIG' })
          return
        }
        const url = new URL(made)
        expect(url.origin).toBe('https://api.test')
        expect(url.pathname).toMatch(/^\/v1\//)
        expect(url.href).toBe(made)
        expect(url.username + url.password + url.hash).toBe('')
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a url that cannot be requested', () => {
  it.each([
    'ftp://api.test/v1/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'blob:https://api.test/v1/x',
    'javascript:alert(1)',
    'unix:/var/run/docker.sock',
    'ws://api.test/v1/',
    'http+unix://%2Fvar%2Frun/',
    'about:blank',
  ])('%s: its scheme is named', input => {
    for (const within of [undefined, base, open]) {
      const error = thrown(() => resolveUrl(input, within))
      expect(error.code).toBe('CONFIG')
      expect(error.message).toMatch(/ has the scheme \S+: but only http: and https: can be requested\.$/)
    }
  })

  it.each([
    'users',
    '',
    '/users',
    '//',
    'http:',
    'https://',
    'http://a b/',
    'http://[::1',
    'http://a:99999/',
    'http://%00/',
  ])('%j: it is no absolute url', input => {
    const error = thrown(() => resolveUrl(input, undefined))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toMatch(/ is not an absolute url; give the whole url, or create the client with a baseUrl\.$/)
  })

  it.each([
    [undefined],
    [null],
    [7],
    [{}],
    [{ toString: () => 'users' }],
    [Object('users')],
    [['users']],
    [Symbol('x')],
  ])('%o: it is neither text nor a URL', input => {
    for (const within of [undefined, base])
      expect(thrown(() => resolveUrl(input as string, within))).toMatchObject({
        code: 'CONFIG',
        message: expect.stringMatching(/^A url must be a string or a URL, not .+\.$/) as unknown,
      })
  })

  it.each([
    'a\r\nb',
    'a\rb',
    'a\nb',
    'a\tb',
    'a\0b',
    '\u{1}',
    'a\u{7f}',
    '\t//evil.test',
    'ht\ntps://evil.test',
    '\ud800',
  ])('%j: it has a character that no url has', input => {
    const error = thrown(() => resolveUrl(input, base))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toMatch(
      /^A url may not have the character U\+[0-9A-F]{4} \(at position \d+\); encode it, .+\.$/,
    )
  })

  it('is too long beyond 64 KiB', () => {
    expect(href('a'.repeat(65_536 - base.href.length), base)).toHaveLength(65_536)
    const far = parseBase(`https://api.test/${'a/'.repeat(25_000)}`, true)
    expect(thrown(() => href('a'.repeat(30_000), far)).message).toMatch(/^The url has 80017 characters/)
    expect(thrown(() => href('a'.repeat(65_537 - base.href.length), base)).message).toBe(
      'The url has 65537 characters; at most 65536 are sent. Put the data into a body.',
    )
    expect(thrown(() => resolveUrl('a', base, undefined, { q: 'x'.repeat(70_000) })).code).toBe('CONFIG')
    const start = performance.now()
    expect(thrown(() => href(`https://${'a'.repeat(5_000_000)}@api.test/`)).code).toBe('CONFIG')
    expect(performance.now() - start).toBeLessThan(1_500)
  })

  it.each([
    'http://ada:s3/cret@api.test:x/',
    'http://ada:s3#cret@api.test:x/',
    'http://ada:s3?cret@api.test:x/',
    'http://ada:s3cret@api test/',
    'ht tp://ada:s3cret@api.test/',
    'users?token=s3cret',
    'ftp://ada:s3cret@api.test/?k=s3cret',
    'https://ada:s3cret@evil.test/?k=s3cret#s3cret',
  ])('is named without its secrets: %s', input => {
    for (const within of [undefined, base]) {
      let message = ''
      try {
        resolveUrl(input, within)
      } catch (error) {
        message = (error as Error).message
      }
      expect(message).not.toMatch(/s3|cret|ada/)
    }
  })
})

describe('parseBase', () => {
  it.each([
    ['https://api.test', 'https://api.test/'],
    ['https://api.test/v1/', 'https://api.test/v1/'],
    ['HTTPS://API.test:443/v1/../v2/', 'https://api.test/v2/'],
    ['https://api.test/v1/#x', 'https://api.test/v1/'],
  ])('normalises %s', (input, expected) => {
    expect(parseBase(input, true).href).toBe(expected)
  })

  it.each([
    ['https://api.test/v1', /must end with a slash: .+ Write https:\/\/api\.test\/v1\/$/],
    ['https://api.test/v1/?key=s3cret', /has a query, which joining would drop/],
    ['api.test/v1/', /is not an absolute url/],
    ['ftp://api.test/', /has the scheme ftp:/],
    ['', /is not an absolute url/],
    ['https://api.test/\n', /may not have the character/],
  ])('refuses %j', (input, message) => {
    const error = thrown(() => parseBase(input, true))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('s3cret')
  })

  it('joins the base of a child to that of its parent', () => {
    expect(parseBase('users/', true, base).href).toBe('https://api.test/v1/users/')
    expect(parseBase('/v2/', true, base).href).toBe('https://api.test/v2/')
  })
})

describe('user and password in a url', () => {
  it.each([
    ['https://ada:pw@api.test/v1/', 'ada:pw'],
    ['https://ada@api.test/v1/', 'ada:'],
    ['https://:pw@api.test/v1/', ':pw'],
    ['https://ada:p%3Aw%40@api.test/v1/', 'ada:p:w@'],
    ['https://ada:p@w@api.test/v1/', 'ada:p@w'],
    ['https://%C3%A4:%E2%82%AC@api.test/v1/', 'ä:€'],
    ['https://ada:100%@api.test/v1/', 'ada:100%'],
  ])('%s become Basic credentials and leave the url', (input, pair) => {
    const expected = { href: 'https://api.test/v1/', authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
    expect(resolveUrl(input, base)).toEqual(expected)
    expect(parseBase(input, true)).toMatchObject(expected)
  })

  it('cannot have a colon in the user (RFC 7617 §2)', () => {
    const error = thrown(() => resolveUrl('https://a%3Ab:pw@api.test/', undefined))
    expect(error).toMatchObject({ code: 'CONFIG' })
    expect(error.message).not.toContain('pw')
  })

  const known = parseBase('https://ada:pw@api.test/v1/', false)

  it('of a base are for every call to its origin', () => {
    expect(resolveUrl('users', known).authorization).toBe('Basic YWRhOnB3')
    expect(resolveUrl('https://api.test/other', known).authorization).toBe('Basic YWRhOnB3')
  })

  it('of a call go before those of the base', () => {
    expect(resolveUrl('https://bob:x@api.test/', known).authorization).toBe('Basic Ym9iOng=')
  })

  it.each(['https://evil.test/', '//evil.test/', 'http://api.test/', 'https://api.test:444/', 'https://api.test./'])(
    'of a base never go to another origin: %s',
    input => {
      expect(resolveUrl(input, known).authorization).toBeUndefined()
      expect(parseBase(input, false, known).authorization).toBeUndefined()
    },
  )

  it('of a parent are for the child on the same origin', () => {
    expect(parseBase('users/', true, known).authorization).toBe('Basic YWRhOnB3')
  })
})

describe('a query', () => {
  it('is added to the query of url and template', () => {
    expect(resolveUrl('users?x=1{&y}#f', base, { y: 2 }, { z: 3 }).href).toBe('https://api.test/v1/users?x=1&y=2&z=3')
  })
})
