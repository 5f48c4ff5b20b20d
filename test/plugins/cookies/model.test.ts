import fc from 'fast-check'
import { isHttpError } from 'sluice'
import { CookieJar } from 'sluice/plugins/cookies'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

// The jar against RFC 6265bis §5.7 and §5.8.3, written down as plainly as it stands there, over a small world.

const HOSTS = [
  'example.com',
  'www.example.com',
  'a.www.example.com',
  'badexample.com',
  'shop.co.uk',
  'eve.github.io',
  '127.0.0.1',
]
const SUFFIXES = new Set(['com', 'co.uk', 'uk', 'github.io', 'io', '1'])
const DOMAINS = [
  undefined,
  '',
  'com',
  'example.com',
  '.example.com',
  'www.example.com',
  'co.uk',
  'github.io',
  '0.0.1',
  '127.0.0.1',
]
const PATHS = ['/', '/a', '/a/', '/a/b', '/ab']

interface Setting {
  readonly do: 'set'
  readonly scheme: string
  readonly host: string
  readonly at: string
  readonly name: string
  readonly value: number
  readonly domain: string | undefined
  readonly path: string | undefined
  readonly secure: boolean
  readonly life: number | undefined
}
type Step =
  | Setting
  | { readonly do: 'get'; readonly scheme: string; readonly host: string; readonly at: string }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'copy' }

const scheme = fc.constantFrom('http', 'https')
/** Mostly the same few, so that cookies meet. */
const mostly = <T>(usual: readonly T[], all: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: fc.constantFrom(...all) })
const host = mostly(['example.com', 'www.example.com'], HOSTS)
const at = mostly(['/', '/a'], PATHS)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      scheme,
      host,
      at,
      name: mostly(['a', 'b'], ['A', '__Secure-a', '__host-a', '']),
      value: fc.nat(99),
      domain: mostly([undefined, 'example.com'], DOMAINS),
      path: mostly([undefined, '/'], ['relative', ...PATHS]),
      secure: fc.boolean(),
      life: fc.constantFrom(undefined, undefined, -1, 0, 1, 1, 1, 5, 1e9),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('get' as const), scheme, host, at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 3, 5, 17_280_000, 34_560_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('copy' as const) }) },
)

interface Known {
  readonly name: string
  readonly value: string
  readonly domain: string
  readonly hostOnly: boolean
  readonly path: string
  readonly secure: boolean
  readonly expires: number
  readonly created: number
}

class Oracle {
  cookies: Known[] = []
  #count = 0

  set(said: Setting, now: number): void {
    const { name, value, secure, life } = said
    let domain = (said.domain ?? '').replace(/^\./, '')
    if (SUFFIXES.has(domain)) {
      if (domain !== said.host) return
      domain = ''
    }
    if (domain !== '' && !domainMatch(said.host, domain)) return
    // An address has nothing below it, so it does not matter which of the two it is.
    const hostOnly = domain === '' || isAddress(said.host)
    const path = said.path?.startsWith('/') === true ? said.path : defaultPath(said.at)
    const secureScheme = said.scheme === 'https'
    if (secure && !secureScheme) return
    const hidden = (old: Known): boolean =>
      old.secure &&
      old.name === name &&
      (domainMatch(old.domain, domain || said.host) || domainMatch(domain || said.host, old.domain)) &&
      pathMatch(path, old.path)
    this.cookies = this.cookies.filter(({ expires }) => expires > now)
    if (!secure && !secureScheme && this.cookies.some(hidden)) return
    if (name === '__Secure-a' && !secure) return
    if (name === '__host-a' && !(secure && hostOnly && said.path !== undefined && path === '/')) return
    const made: Known = {
      name,
      value: `${value}`,
      domain: domain === '' ? said.host : domain,
      hostOnly,
      path,
      secure,
      expires:
        life === undefined ? Infinity : life <= 0 ? -Infinity : Math.min(now + life * 1000, now + 400 * 86_400_000),
      created: this.#count++,
    }
    const same = this.cookies.findIndex(
      old =>
        old.name === made.name &&
        old.domain === made.domain &&
        old.hostOnly === made.hostOnly &&
        old.path === made.path,
    )
    const old = this.cookies[same]
    if (old === undefined) this.cookies.push(made)
    else this.cookies[same] = { ...made, created: old.created }
    this.cookies = this.cookies.filter(({ expires }) => expires > now)
  }

  get(asked: { readonly scheme: string; readonly host: string; readonly at: string }, now: number): string[] {
    return this.cookies
      .filter(({ expires }) => expires > now)
      .filter(({ hostOnly, domain }) => (hostOnly ? domain === asked.host : domainMatch(asked.host, domain)))
      .filter(({ path }) => pathMatch(asked.at, path))
      .filter(({ secure }) => !secure || asked.scheme === 'https')
      .toSorted((a, b) => b.path.length - a.path.length || a.created - b.created)
      .map(({ name, value }) => `${name}=${value}`)
  }
}

function isAddress(text: string): boolean {
  return text === '127.0.0.1'
}

function domainMatch(text: string, domain: string): boolean {
  return text === domain || (!isAddress(text) && text.endsWith(`.${domain}`))
}

function pathMatch(path: string, cookiePath: string): boolean {
  if (path === cookiePath) return true
  return path.startsWith(cookiePath) && (cookiePath.endsWith('/') || path.charAt(cookiePath.length) === '/')
}

function defaultPath(path: string): string {
  const segments = path.split('/').slice(0, -1).join('/')
  return segments === '' ? '/' : segments
}

function lineOf({ name, value, domain, path, secure, life }: Setting): string {
  const attributes = [
    domain === undefined ? [] : [`Domain=${domain}`],
    path === undefined ? [] : [`Path=${path}`],
    secure ? ['Secure'] : [],
    life === undefined ? [] : [`Max-Age=${life}`],
  ]
  return [`${name}=${value}`, ...attributes.flat()].join('; ')
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

it('a jar says what the RFC says, whatever is set, asked for and waited for', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => {
      let jar = new CookieJar()
      const oracle = new Oracle()
      const compare = (asked: { readonly scheme: string; readonly host: string; readonly at: string }): void => {
        const found = jar.get(`${asked.scheme}://${asked.host}${asked.at}`).map(({ name, value }) => `${name}=${value}`)
        expect(found).toEqual(oracle.get(asked, Date.now()))
      }
      for (const one of steps) {
        if (one.do === 'wait') vi.setSystemTime(Date.now() + one.seconds * 1000)
        else if (one.do === 'set') {
          try {
            jar.set(lineOf(one), `${one.scheme}://${one.host}${one.at}`)
          } catch (error) {
            if (!isHttpError(error)) throw error
          }
          oracle.set(one, Date.now())
        } else if (one.do === 'copy') {
          // A jar that went through JSON is the same jar.
          jar = CookieJar.fromJSON(JSON.parse(JSON.stringify(jar)))
        } else compare(one)
      }
      for (const each of ['http', 'https']) {
        for (const one of HOSTS) for (const path of PATHS) compare({ scheme: each, host: one, at: path })
      }
    }),
    { numRuns: 300 },
  )
})
