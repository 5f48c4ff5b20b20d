/** What a cache does with two requests for one thing, as data: what came first, what happened in between, and who answers the second. */
import type { HeadersInit } from 'sluice'
import type { MockReply } from 'sluice/engines/mock'
import type { CacheOptions } from 'sluice/plugins/cache'

/** When the first request is made, in seconds since the epoch. */
export const START: number = 100 * 24 * 3600

/** An HTTP date so many seconds after the first request. */
const at = (seconds: number): string => new Date((START + seconds) * 1000).toUTCString()

/**
 * Who answers the second request: the cache from what is fresh (`hit`) or `stale`, the cache after the server said 304 (`revalidated`), the
 * server (`origin`), or nobody (`504`).
 */
export type Want = 'hit' | 'stale' | 'revalidated' | 'origin' | '504'

export interface Case {
  readonly name: string
  readonly want: Want
  /** The first answer. Default 200 with `max-age=60`. */
  readonly reply?: MockReply
  /** Headers of the first and the second request. */
  readonly ask?: HeadersInit
  readonly again?: HeadersInit
  /** Seconds between them. Default 10. */
  readonly after?: number
  /** What the server has by then. Default: the same, so 304 where the validators fit. */
  readonly origin?: 'same' | 'changed' | MockReply | 'RESET'
  /** What the 304 says beside the validators. Default: what the first answer said. */
  readonly confirm?: Readonly<Record<string, string>>
  /** A request in between. */
  readonly between?: { readonly method: string; readonly path?: string; readonly reply: MockReply }
  readonly method?: 'GET' | 'HEAD'
  readonly path?: string
  readonly options?: Partial<CacheOptions>
}

const cc = (value: string, more: Readonly<Record<string, string>> = {}): MockReply => ({
  headers: { 'cache-control': value, ...more },
})
const of = (headers: Readonly<Record<string, string>>, status = 200): MockReply => ({ status, headers })
const tag = { etag: '"v1"' }
const shared = { shared: true }

const freshness: readonly Case[] = [
  { name: 'max-age that is not over', reply: cc('max-age=60'), want: 'hit' },
  { name: 'max-age one second before its end', reply: cc('max-age=60'), after: 59, want: 'hit' },
  { name: 'max-age at its very end', reply: cc('max-age=60'), after: 60, want: 'origin' },
  { name: 'max-age that is over', reply: cc('max-age=60'), after: 61, want: 'origin' },
  { name: 'max-age=0', reply: cc('max-age=0', tag), after: 0, want: 'revalidated' },
  { name: 'max-age beyond 2^31', reply: cc('max-age=99999999999'), after: 1e6, want: 'hit' },
  { name: 'max-age with a hundred digits', reply: cc(`max-age=${'9'.repeat(100)}`), after: 1e6, want: 'hit' },
  { name: 'Expires in the future', reply: of({ date: at(0), expires: at(60) }), want: 'hit' },
  { name: 'Expires that has passed by then', reply: of({ date: at(0), expires: at(60) }), after: 61, want: 'origin' },
  { name: 'Expires in the past', reply: of({ date: at(0), expires: at(-60), ...tag }), want: 'revalidated' },
  { name: 'Expires without Date counts from the arrival', reply: of({ expires: at(60) }), after: 59, want: 'hit' },
  { name: 'Expires: 0', reply: of({ expires: '0', ...tag }), want: 'revalidated' },
  { name: 'Expires: -1', reply: of({ expires: '-1', ...tag }), want: 'revalidated' },
  {
    name: 'Expires that only Date.parse understands',
    reply: of({ expires: '2100-01-01', ...tag }),
    want: 'revalidated',
  },
  {
    name: 'Expires in the form of RFC 850',
    reply: of({ date: at(0), expires: 'Saturday, 11-Apr-70 00:01:00 GMT' }),
    want: 'hit',
  },
  {
    name: 'Expires in the form of asctime',
    reply: of({ date: at(0), expires: 'Sat Apr 11 00:01:00 1970' }),
    want: 'hit',
  },
  {
    name: 'two Expires',
    reply: {
      headers: [
        ['expires', at(60)],
        ['expires', at(90)],
        ['etag', '"v1"'],
      ],
    },
    want: 'revalidated',
  },
  { name: 'max-age wins over Expires', reply: cc('max-age=60', { date: at(0), expires: at(5) }), want: 'hit' },
  {
    name: 'max-age=0 wins over Expires',
    reply: cc('max-age=0', { date: at(0), expires: at(900), ...tag }),
    want: 'revalidated',
  },
  { name: 'Age is subtracted', reply: cc('max-age=60', { age: '55' }), want: 'origin' },
  { name: 'Age that leaves time', reply: cc('max-age=60', { age: '45' }), want: 'hit' },
  { name: 'Age that is no number', reply: cc('max-age=60', { age: 'old' }), want: 'hit' },
  { name: 'a negative Age', reply: cc('max-age=60', { age: '-500' }), want: 'hit' },
  {
    name: 'of two Ages the first',
    reply: {
      headers: [
        ['cache-control', 'max-age=60'],
        ['age', '5'],
        ['age', '500'],
      ],
    },
    want: 'hit',
  },
  { name: 'an enormous Age', reply: cc('max-age=60', { age: '9'.repeat(50) }), want: 'origin' },
  { name: 'a Date in the past makes it older', reply: cc('max-age=60', { date: at(-55) }), want: 'origin' },
  {
    name: 'a Date in the future does not make it younger',
    reply: cc('max-age=60', { date: at(3600) }),
    after: 61,
    want: 'origin',
  },
  { name: 'a Date that is none', reply: cc('max-age=60', { date: 'yesterday' }), want: 'hit' },
  { name: 'the time it took counts as age', reply: { ...cc('max-age=60'), delay: 55_000 }, after: 61, want: 'origin' },
  { name: 'a guess by Last-Modified', reply: of({ date: at(0), 'last-modified': at(-1000) }), after: 99, want: 'hit' },
  {
    name: 'a guess that is over',
    reply: of({ date: at(0), 'last-modified': at(-1000) }),
    after: 101,
    want: 'revalidated',
  },
  {
    name: 'a guess of a day at most',
    reply: of({ date: at(0), 'last-modified': at(-8e6) }),
    after: 86_399,
    want: 'hit',
  },
  {
    name: 'no guess beyond a day',
    reply: of({ date: at(0), 'last-modified': at(-8e6) }),
    after: 86_401,
    want: 'revalidated',
  },
  {
    name: 'no guess where it is off',
    reply: of({ date: at(0), 'last-modified': at(-8e6) }),
    options: { heuristic: 0 },
    want: 'revalidated',
  },
  {
    name: 'no guess with a Last-Modified in the future',
    reply: of({ date: at(0), 'last-modified': at(9) }),
    want: 'revalidated',
  },
  { name: 'no guess without Last-Modified', reply: of(tag), want: 'revalidated' },
  { name: 'nothing said at all', reply: of({}), after: 0, want: 'origin' },
  { name: 'immutable alone is no lifetime', reply: cc('immutable', tag), want: 'revalidated' },
  { name: 'public alone is no lifetime', reply: cc('public', tag), want: 'revalidated' },
]

const statuses: readonly Case[] = [
  ...[200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501].map((status): Case => ({
    name: `status ${status} with a lifetime`,
    reply: of({ 'cache-control': 'max-age=60' }, status),
    want: 'hit',
  })),
  ...[302, 303, 307, 403, 418, 500, 503].map((status): Case => ({
    name: `status ${status} without a lifetime`,
    reply: of({ 'last-modified': at(-1e6) }, status),
    want: 'origin',
  })),
  ...[206, 304, 400, 401, 403, 418, 429, 500, 502, 503, 504].map((status): Case => ({
    name: `status ${status} even with a lifetime`,
    reply: of({ 'cache-control': 'max-age=60' }, status),
    want: 'origin',
  })),
]

const directives: readonly Case[] = [
  { name: 'no-store', reply: cc('no-store', tag), want: 'origin' },
  { name: 'NO-STORE', reply: cc('NO-STORE, MAX-AGE=60'), want: 'origin' },
  {
    name: 'No-Store in a second line',
    reply: {
      headers: [
        ['cache-control', 'max-age=60'],
        ['cache-control', 'No-Store'],
      ],
    },
    want: 'origin',
  },
  { name: 'no-store with an argument', reply: cc('no-store="x", max-age=60'), want: 'origin' },
  { name: 'no-store behind a comma in quotes', reply: cc('private="a, b", no-store, max-age=60'), want: 'origin' },
  { name: 'no-store inside of quotes is none', reply: cc('private="no-store", max-age=60'), want: 'hit' },
  { name: 'MAX-AGE', reply: cc('MAX-AGE=60'), want: 'hit' },
  { name: 'white space around', reply: cc(' \t max-age=60 \t ,  public '), want: 'hit' },
  { name: 'empty items', reply: cc(',, max-age=60 ,,'), want: 'hit' },
  { name: 'max-age in quotes', reply: cc('max-age="60"'), want: 'hit' },
  { name: 'max-age in quotes with an escape', reply: cc(String.raw`max-age="6\0"`), want: 'hit' },
  { name: 'max-age without a value', reply: cc('max-age', tag), want: 'revalidated' },
  { name: 'max-age=', reply: cc('max-age=', tag), want: 'origin' },
  { name: 'max-age with a space before the value', reply: cc('max-age= 60', tag), want: 'origin' },
  { name: 'max-age=abc', reply: cc('max-age=abc', tag), want: 'revalidated' },
  { name: 'max-age=60abc', reply: cc('max-age=60abc', tag), want: 'revalidated' },
  { name: 'max-age=-60', reply: cc('max-age=-60', tag), want: 'revalidated' },
  { name: 'max-age=1.5', reply: cc('max-age=1.5', tag), want: 'revalidated' },
  { name: 'max-age=0x60', reply: cc('max-age=0x60', tag), want: 'revalidated' },
  { name: 'max-age twice the same', reply: cc('max-age=60, max-age=60'), want: 'hit' },
  { name: 'max-age twice and differently', reply: cc('max-age=60, max-age=90', tag), want: 'revalidated' },
  {
    name: 'max-age twice and differently, the longer first',
    reply: cc('max-age=90, max-age=60', tag),
    want: 'revalidated',
  },
  {
    name: 'max-age twice, in two lines',
    reply: {
      headers: [
        ['cache-control', 'max-age=60'],
        ['cache-control', 'max-age=5'],
        ['etag', '"v1"'],
      ],
    },
    want: 'revalidated',
  },
  { name: 'no-cache', reply: cc('no-cache, max-age=60', tag), want: 'revalidated' },
  { name: 'NO-CACHE', reply: cc('NO-CACHE, max-age=60', tag), want: 'revalidated' },
  { name: 'no-cache=""', reply: cc('no-cache="", max-age=60', tag), want: 'revalidated' },
  { name: 'no-cache="set-cookie"', reply: cc('no-cache="set-cookie", max-age=60', tag), want: 'revalidated' },
  { name: 'no-cache and no validator', reply: cc('no-cache, max-age=60'), want: 'origin' },
  { name: 'private in the cache of one user', reply: cc('private, max-age=60'), want: 'hit' },
  { name: 'private="" in the cache of one user', reply: cc('private="", max-age=60'), want: 'hit' },
  { name: 's-maxage in the cache of one user', reply: cc('s-maxage=60', tag), want: 'revalidated' },
  { name: 's-maxage beside max-age in the cache of one user', reply: cc('s-maxage=0, max-age=60'), want: 'hit' },
  { name: 'an unknown directive', reply: cc('max-age=60, no_store'), want: 'origin' },
  { name: 'an unknown directive with an argument', reply: cc('max-age=60, community="UCI"'), want: 'origin' },
  { name: 'no-transform and must-understand', reply: cc('no-transform, must-understand, max-age=60'), want: 'hit' },
  { name: 'pre-check and post-check', reply: cc('max-age=60, pre-check=0, post-check=0'), want: 'hit' },
  { name: 'an open quote', reply: cc('max-age=60, private="x'), want: 'origin' },
  { name: 'a semicolon for a comma', reply: cc('max-age=60; public'), want: 'origin' },
  { name: 'a name with a slash', reply: cc('max/age=60'), want: 'origin' },
  { name: 'a value with two equals signs', reply: cc('max-age==60'), want: 'origin' },
  { name: 'a header of 9 kB', reply: cc(`max-age=60${', public'.repeat(1200)}`), want: 'origin' },
  { name: 'an empty header', reply: cc('', { 'last-modified': at(-1000), date: at(0) }), want: 'hit' },
  {
    name: 'Pragma: no-cache alone',
    reply: of({ 'last-modified': at(-1000), date: at(0), pragma: 'no-cache' }),
    want: 'revalidated',
  },
  { name: 'Pragma beside max-age', reply: cc('max-age=60', { pragma: 'no-cache' }), want: 'hit' },
]

const requests: readonly Case[] = [
  {
    name: 'the second says no-cache',
    reply: cc('max-age=60', tag),
    again: { 'cache-control': 'no-cache' },
    want: 'revalidated',
  },
  {
    name: 'the second says NO-CACHE',
    reply: cc('max-age=60', tag),
    again: { 'cache-control': 'NO-CACHE' },
    want: 'revalidated',
  },
  {
    name: 'the second says Pragma: no-cache',
    reply: cc('max-age=60', tag),
    again: { pragma: 'no-cache' },
    want: 'revalidated',
  },
  {
    name: 'the second says Pragma: NO-CACHE',
    reply: cc('max-age=60', tag),
    again: { pragma: 'NO-CACHE' },
    want: 'revalidated',
  },
  {
    name: 'the second says Pragma beside Cache-Control',
    reply: cc('max-age=60'),
    again: { pragma: 'no-cache', 'cache-control': 'max-age=60' },
    want: 'hit',
  },
  {
    name: 'the second says no-store',
    reply: cc('max-age=60', tag),
    again: { 'cache-control': 'no-store' },
    want: 'origin',
  },
  { name: 'the first said no-store', ask: { 'cache-control': 'no-store' }, want: 'origin' },
  { name: 'the first said No-Store', ask: { 'cache-control': 'No-Store' }, want: 'origin' },
  { name: 'the first said something unreadable', ask: { 'cache-control': 'max-age=60; no-store' }, want: 'origin' },
  { name: 'the first said no-cache', ask: { 'cache-control': 'no-cache' }, want: 'hit' },
  {
    name: 'the second says max-age=0',
    reply: cc('max-age=60', tag),
    again: { 'cache-control': 'max-age=0' },
    want: 'revalidated',
  },
  {
    name: 'the second says a max-age it is older than',
    reply: cc('max-age=60', tag),
    again: { 'cache-control': 'max-age=9' },
    want: 'revalidated',
  },
  { name: 'the second says a max-age it is younger than', again: { 'cache-control': 'max-age=11' }, want: 'hit' },
  {
    name: 'the second says a max-age that is none',
    reply: cc('max-age=60', tag),
    again: { 'cache-control': 'max-age=x' },
    want: 'revalidated',
  },
  {
    name: 'the second says a max-age longer than that of the server',
    after: 70,
    again: { 'cache-control': 'max-age=900' },
    want: 'origin',
  },
  { name: 'the second says min-fresh that is there', again: { 'cache-control': 'min-fresh=50' }, want: 'hit' },
  { name: 'the second says min-fresh that is not there', again: { 'cache-control': 'min-fresh=51' }, want: 'origin' },
  { name: 'the second says min-fresh that is none', again: { 'cache-control': 'min-fresh' }, want: 'origin' },
  { name: 'the second says max-stale', after: 600, again: { 'cache-control': 'max-stale' }, want: 'stale' },
  {
    name: 'the second says max-stale that suffices',
    after: 70,
    again: { 'cache-control': 'max-stale=10' },
    want: 'stale',
  },
  {
    name: 'the second says max-stale that does not',
    after: 71,
    again: { 'cache-control': 'max-stale=10' },
    want: 'origin',
  },
  {
    name: 'the second says max-stale that is none',
    after: 61,
    again: { 'cache-control': 'max-stale=x' },
    want: 'origin',
  },
  {
    name: 'the second says max-stale, the server must-revalidate',
    reply: cc('max-age=60, must-revalidate', tag),
    after: 61,
    again: { 'cache-control': 'max-stale' },
    want: 'revalidated',
  },
  {
    name: 'the second says max-stale, the server no-cache',
    reply: cc('max-age=60, no-cache', tag),
    again: { 'cache-control': 'max-stale' },
    want: 'revalidated',
  },
  { name: 'the second says only-if-cached and it is', again: { 'cache-control': 'only-if-cached' }, want: 'hit' },
  {
    name: 'the second says only-if-cached and it is stale',
    after: 61,
    again: { 'cache-control': 'only-if-cached' },
    want: '504',
  },
  {
    name: 'the second says only-if-cached and it is not',
    reply: cc('no-store'),
    again: { 'cache-control': 'only-if-cached' },
    want: '504',
  },
  {
    name: 'the second says only-if-cached and max-stale',
    after: 61,
    again: { 'cache-control': 'only-if-cached, max-stale' },
    want: 'stale',
  },
  {
    name: 'the second says only-if-cached and asks for a part',
    again: { 'cache-control': 'only-if-cached', range: 'bytes=0-0' },
    want: '504',
  },
  {
    name: 'the second says only-if-cached and no-store',
    again: { 'cache-control': 'only-if-cached, no-store' },
    want: '504',
  },
  {
    name: 'a reload of what is immutable',
    reply: cc('max-age=60, immutable', tag),
    again: { 'cache-control': 'max-age=0' },
    want: 'hit',
  },
  {
    name: 'a forced reload of what is immutable',
    reply: cc('max-age=60, immutable', tag),
    again: { 'cache-control': 'no-cache' },
    want: 'revalidated',
  },
  {
    name: 'a reload of what was immutable',
    reply: cc('max-age=60, immutable', tag),
    after: 61,
    again: { 'cache-control': 'max-age=0' },
    want: 'revalidated',
  },
  { name: 'an unknown directive of the second', again: { 'cache-control': 'turbo' }, want: 'hit' },
]

const vary = (names: string): MockReply => cc('max-age=60', { vary: names })
const varying: readonly Case[] = [
  {
    name: 'the same value',
    reply: vary('accept-language'),
    ask: { 'accept-language': 'de' },
    again: { 'accept-language': 'de' },
    want: 'hit',
  },
  {
    name: 'another value',
    reply: vary('accept-language'),
    ask: { 'accept-language': 'de' },
    again: { 'accept-language': 'en' },
    want: 'origin',
  },
  {
    name: 'a value that was missing',
    reply: vary('accept-language'),
    again: { 'accept-language': 'en' },
    want: 'origin',
  },
  { name: 'a value that is missing', reply: vary('accept-language'), ask: { 'accept-language': 'de' }, want: 'origin' },
  { name: 'missing in both', reply: vary('accept-language'), want: 'hit' },
  {
    name: 'names in capitals',
    reply: vary('ACCEPT-LANGUAGE'),
    ask: { 'Accept-Language': 'de' },
    again: { 'accept-language': 'en' },
    want: 'origin',
  },
  {
    name: 'languages in capitals',
    reply: vary('accept-language'),
    ask: { 'accept-language': 'DE' },
    again: { 'accept-language': 'de' },
    want: 'hit',
  },
  {
    name: 'white space in lists',
    reply: vary('accept-language'),
    ask: { 'accept-language': 'de , en' },
    again: { 'accept-language': 'de,en' },
    want: 'hit',
  },
  {
    name: 'white space in a value nobody knows',
    reply: vary('x-a'),
    ask: { 'x-a': '{"q":"a, b"}' },
    again: { 'x-a': '{"q":"a,b"}' },
    want: 'origin',
  },
  {
    name: 'white space in quotes',
    reply: vary('accept'),
    ask: { accept: 'text/x;a="b , c"' },
    again: { accept: 'text/x;a="b,c"' },
    want: 'origin',
  },
  {
    name: 'media types apart',
    reply: vary('accept'),
    ask: { accept: 'text/html , */*' },
    again: { accept: 'text/html,*/*' },
    want: 'hit',
  },
  {
    name: 'one line and two',
    reply: vary('x-a'),
    ask: [
      ['x-a', '1'],
      ['x-a', '2'],
    ],
    again: { 'x-a': '1, 2' },
    want: 'hit',
  },
  {
    name: 'the case of a value nobody knows',
    reply: vary('x-a'),
    ask: { 'x-a': 'A' },
    again: { 'x-a': 'a' },
    want: 'origin',
  },
  {
    name: 'the second of two names',
    reply: vary('accept, x-a'),
    ask: { 'x-a': '1' },
    again: { 'x-a': '2' },
    want: 'origin',
  },
  {
    name: 'a second Vary line',
    reply: {
      headers: [
        ['cache-control', 'max-age=60'],
        ['vary', 'accept'],
        ['vary', 'x-a'],
      ],
    },
    ask: { 'x-a': '1' },
    again: { 'x-a': '2' },
    want: 'origin',
  },
  {
    name: 'a header it does not vary by',
    reply: vary('accept'),
    ask: { 'x-a': '1' },
    again: { 'x-a': '2' },
    want: 'hit',
  },
  { name: 'Vary: *', reply: vary('*'), want: 'origin' },
  { name: 'Vary: accept, *', reply: vary('accept, *'), want: 'origin' },
  { name: 'a Vary that is none', reply: vary('accept language'), want: 'origin' },
  { name: 'a Vary of forty names', reply: vary(Array.from({ length: 40 }, (_, n) => `x-${n}`).join()), want: 'origin' },
  { name: 'an empty Vary', reply: vary(' , '), want: 'hit' },
  { name: 'Vary: Accept-Encoding, which is asked for further in', reply: vary('accept-encoding'), want: 'hit' },
  {
    name: 'Vary: Origin',
    reply: vary('origin'),
    ask: { origin: 'https://a.test' },
    again: { origin: 'https://b.test' },
    want: 'origin',
  },
  { name: 'Vary: Cookie', reply: vary('cookie'), ask: { cookie: 'a=1' }, again: { cookie: 'a=2' }, want: 'origin' },
  { name: 'Vary: __proto__', reply: vary('__proto__, constructor'), want: 'hit' },
]

const validation: readonly Case[] = [
  { name: 'an ETag that holds', reply: cc('max-age=1', tag), want: 'revalidated' },
  { name: 'an ETag that has changed', reply: cc('max-age=1', tag), origin: 'changed', want: 'origin' },
  { name: 'a weak ETag that holds', reply: cc('max-age=1', { etag: 'W/"v1"' }), want: 'revalidated' },
  {
    name: 'an ETag that came back weak',
    reply: cc('max-age=1', tag),
    confirm: { etag: 'W/"v1"' },
    want: 'revalidated',
  },
  { name: 'an empty ETag', reply: cc('max-age=1', { etag: '""' }), want: 'revalidated' },
  { name: 'Last-Modified that holds', reply: cc('max-age=1', { 'last-modified': at(-60) }), want: 'revalidated' },
  {
    name: 'Last-Modified that has changed',
    reply: cc('max-age=1', { 'last-modified': at(-60) }),
    origin: 'changed',
    want: 'origin',
  },
  { name: 'both validators', reply: cc('max-age=1', { ...tag, 'last-modified': at(-60) }), want: 'revalidated' },
  { name: 'no validator', reply: cc('max-age=1'), want: 'origin' },
  { name: 'a 304 that speaks of another ETag', reply: cc('max-age=1', tag), confirm: { etag: '"v9"' }, want: 'origin' },
  {
    name: 'a 304 that speaks of another date',
    reply: cc('max-age=1', { 'last-modified': at(-60) }),
    confirm: { 'last-modified': at(-5) },
    want: 'origin',
  },
  { name: 'a 304 without validators', reply: cc('max-age=1', tag), confirm: { etag: '' }, want: 'revalidated' },
  {
    name: 'a 304 that forbids to keep it any longer',
    reply: cc('max-age=1', tag),
    confirm: { 'cache-control': 'no-store' },
    want: 'revalidated',
  },
  { name: 'a 404 in place of it', reply: cc('max-age=1', tag), origin: { status: 404 }, want: 'origin' },
  { name: 'a 500 in place of it', reply: cc('max-age=1', tag), origin: { status: 500 }, want: 'origin' },
  {
    name: 'a condition of the user that holds',
    reply: cc('max-age=60', tag),
    again: { 'if-none-match': '"v9"' },
    want: 'hit',
  },
  {
    name: 'a condition of the user on what is stale',
    reply: cc('max-age=1', tag),
    again: { 'if-none-match': '"v9"' },
    want: 'origin',
  },
]

const ranges: readonly Case[] = [
  {
    name: 'a part is not kept',
    ask: { range: 'bytes=0-0' },
    reply: { ...cc('max-age=60', { 'content-range': 'bytes 0-0/9' }), status: 206 },
    want: 'origin',
  },
  {
    name: 'a part that nobody asked for is not kept',
    reply: { ...cc('max-age=60', { 'content-range': 'bytes 0-0/9' }), status: 206 },
    want: 'origin',
  },
  {
    name: 'a 200 with Content-Range is not kept',
    reply: cc('max-age=60', { 'content-range': 'bytes 0-0/9' }),
    want: 'origin',
  },
  { name: 'a part is asked of the server', again: { range: 'bytes=0-0' }, want: 'origin' },
  { name: 'a part in capitals is asked of the server', again: { Range: 'bytes=0-0' }, want: 'origin' },
  { name: 'a whole one to a Range is not kept', ask: { range: 'bytes=0-0' }, want: 'origin' },
  { name: 'If-Range is left to the server', again: { 'if-range': '"v1"' }, want: 'origin' },
  { name: 'If-Match is left to the server', again: { 'if-match': '"v1"' }, want: 'origin' },
  { name: 'If-Unmodified-Since is left to the server', again: { 'if-unmodified-since': at(0) }, want: 'origin' },
  {
    name: 'a body that is still encoded is not kept',
    reply: cc('max-age=60', { 'content-encoding': 'x-strange' }),
    want: 'origin',
  },
  {
    name: 'Content-Encoding: identity is none',
    reply: cc('max-age=60', { 'content-encoding': 'identity' }),
    want: 'hit',
  },
  { name: 'a body beyond maxEntry is not kept', options: { maxEntry: 5 }, want: 'origin' },
]

const sie = 'max-age=1, stale-if-error=60'
const stale: readonly Case[] = [
  { name: 'stale-while-revalidate', reply: cc('max-age=1, stale-while-revalidate=60', tag), want: 'stale' },
  {
    name: 'stale-while-revalidate that is over',
    reply: cc('max-age=1, stale-while-revalidate=9', tag),
    want: 'revalidated',
  },
  {
    name: 'stale-while-revalidate beside must-revalidate',
    reply: cc('max-age=1, stale-while-revalidate=60, must-revalidate', tag),
    want: 'revalidated',
  },
  {
    name: 'stale-while-revalidate beside no-cache',
    reply: cc('max-age=1, stale-while-revalidate=60, no-cache', tag),
    want: 'revalidated',
  },
  {
    name: 'stale-while-revalidate without a number',
    reply: cc('max-age=1, stale-while-revalidate', tag),
    want: 'revalidated',
  },
  {
    name: 'stale-while-revalidate to a reload',
    reply: cc('max-age=1, stale-while-revalidate=60', tag),
    again: { 'cache-control': 'no-cache' },
    want: 'revalidated',
  },
  ...[500, 502, 503, 504].map((status): Case => ({
    name: `stale-if-error on ${status}`,
    reply: cc(sie, tag),
    origin: { status },
    want: 'stale',
  })),
  ...[400, 404, 429, 501].map((status): Case => ({
    name: `no stale-if-error on ${status}`,
    reply: cc(sie, tag),
    origin: { status },
    want: 'origin',
  })),
  { name: 'stale-if-error on a reset', reply: cc(sie, tag), origin: 'RESET', want: 'stale' },
  { name: 'stale-if-error without a validator', reply: cc(sie), origin: 'RESET', want: 'stale' },
  {
    name: 'stale-if-error that is over',
    reply: cc('max-age=1, stale-if-error=9', tag),
    origin: { status: 503 },
    want: 'origin',
  },
  {
    name: 'stale-if-error beside must-revalidate',
    reply: cc(`${sie}, must-revalidate`, tag),
    origin: { status: 503 },
    want: 'origin',
  },
  {
    name: 'stale-if-error beside no-cache',
    reply: cc(`${sie}, no-cache`, tag),
    origin: { status: 503 },
    want: 'origin',
  },
  {
    name: 'stale-if-error of the request',
    reply: cc('max-age=1', tag),
    again: { 'cache-control': 'stale-if-error=60' },
    origin: { status: 503 },
    want: 'stale',
  },
  {
    name: 'stale-if-error of the client',
    reply: cc('max-age=1', tag),
    options: { staleIfError: 60_000 },
    origin: { status: 503 },
    want: 'stale',
  },
  {
    name: 'no stale-if-error of the client beside must-revalidate',
    reply: cc('max-age=1, must-revalidate', tag),
    options: { staleIfError: 60_000 },
    origin: { status: 503 },
    want: 'origin',
  },
  {
    name: 'no stale-if-error to a reload',
    reply: cc(sie, tag),
    again: { 'cache-control': 'no-cache' },
    origin: { status: 503 },
    want: 'origin',
  },
  { name: 'stale-if-error where the server answers', reply: cc(sie, tag), want: 'revalidated' },
]

const who = { authorization: 'Bearer same' }
const manyUsers: readonly Case[] = [
  { name: 'private', reply: cc('private, max-age=60'), options: shared, want: 'origin' },
  { name: 'PRIVATE', reply: cc('PRIVATE, max-age=60'), options: shared, want: 'origin' },
  { name: 'private=""', reply: cc('private="", max-age=60'), options: shared, want: 'origin' },
  { name: 'private="x-a"', reply: cc('private="x-a", max-age=60'), options: shared, want: 'origin' },
  { name: 's-maxage wins over max-age', reply: cc('s-maxage=60, max-age=1'), options: shared, want: 'hit' },
  {
    name: 's-maxage=0 wins over max-age',
    reply: cc('s-maxage=0, max-age=60', tag),
    options: shared,
    want: 'revalidated',
  },
  {
    name: 's-maxage forbids stale ones',
    reply: cc('s-maxage=1, stale-if-error=60', tag),
    options: shared,
    origin: { status: 503 },
    want: 'origin',
  },
  {
    name: 'proxy-revalidate while it is fresh',
    reply: cc('max-age=60, proxy-revalidate'),
    options: shared,
    want: 'hit',
  },
  {
    name: 'proxy-revalidate forbids stale ones',
    reply: cc('max-age=1, proxy-revalidate, stale-if-error=60', tag),
    options: shared,
    origin: { status: 503 },
    want: 'origin',
  },
  {
    name: 'proxy-revalidate says nothing to one user',
    reply: cc(`${sie}, proxy-revalidate`, tag),
    origin: { status: 503 },
    want: 'stale',
  },
  { name: 'nobody in particular', options: shared, want: 'hit' },
  { name: 'Set-Cookie', reply: cc('max-age=60', { 'set-cookie': 'a=1' }), options: shared, want: 'origin' },
  {
    name: 'Set-Cookie even when public',
    reply: cc('public, max-age=60', { 'set-cookie': 'a=1' }),
    options: shared,
    want: 'origin',
  },
  { name: 'Authorization', ask: who, again: who, options: shared, want: 'origin' },
  {
    name: 'Authorization and public',
    reply: cc('public, max-age=60'),
    ask: who,
    again: who,
    options: shared,
    want: 'hit',
  },
  {
    name: 'Authorization and PUBLIC',
    reply: cc('PUBLIC, max-age=60'),
    ask: who,
    again: who,
    options: shared,
    want: 'hit',
  },
  {
    name: 'Authorization and public with an argument',
    reply: cc('public=x, max-age=60'),
    ask: who,
    again: who,
    options: shared,
    want: 'origin',
  },
  { name: 'Authorization and s-maxage', reply: cc('s-maxage=60'), ask: who, again: who, options: shared, want: 'hit' },
  {
    name: 'Authorization and must-revalidate',
    reply: cc('max-age=60, must-revalidate'),
    ask: who,
    again: who,
    options: shared,
    want: 'hit',
  },
  {
    name: 'Authorization and proxy-revalidate',
    reply: cc('max-age=60, proxy-revalidate'),
    ask: who,
    again: who,
    options: shared,
    want: 'origin',
  },
  { name: 'an api key', ask: { 'x-api-key': 'k' }, again: { 'x-api-key': 'k' }, options: shared, want: 'origin' },
  { name: 'Cookie', ask: { cookie: 'a=1' }, again: { cookie: 'a=1' }, options: shared, want: 'origin' },
  {
    name: 'Cookie and public',
    reply: cc('public, max-age=60'),
    ask: { cookie: 'a=1' },
    again: { cookie: 'a=1' },
    options: shared,
    want: 'origin',
  },
  {
    name: 'Cookie, public and Vary: Cookie',
    reply: cc('public, max-age=60', { vary: 'Cookie' }),
    ask: { cookie: 'a=1' },
    again: { cookie: 'a=1' },
    options: shared,
    want: 'hit',
  },
  { name: 'Authorization in the cache of one user', ask: who, again: who, want: 'hit' },
  { name: 'Set-Cookie in the cache of one user', reply: cc('max-age=60', { 'set-cookie': 'a=1' }), want: 'hit' },
  { name: 'who comes without credentials after one who had some', ask: who, want: 'origin' },
  { name: 'who comes with credentials after one who had none', again: who, want: 'origin' },
]

const between = (
  method: string,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  path?: string,
): NonNullable<Case['between']> => ({
  method,
  reply: { status, headers },
  ...(path === undefined ? {} : { path }),
})
const invalidation: readonly Case[] = [
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'MKCOL', 'purge'].map((method): Case => ({
    name: `a ${method} that went well`,
    between: between(method, 204),
    want: 'origin',
  })),
  ...['OPTIONS', 'PROPFIND', 'QUERY', 'HEAD'].map((method): Case => ({
    name: `a ${method}, which changes nothing`,
    between: between(method, 200),
    want: 'hit',
  })),
  ...[200, 201, 302].map((status): Case => ({
    name: `a POST answered ${status}`,
    between: between('POST', status),
    want: 'origin',
  })),
  ...[400, 404, 409, 500].map((status): Case => ({
    name: `a POST answered ${status}`,
    between: between('POST', status),
    want: 'hit',
  })),
  { name: 'a POST to another url', between: between('POST', 204, {}, '/other'), want: 'hit' },
  {
    name: 'a POST that names it in Location',
    between: between('POST', 201, { location: '/thing' }, '/other'),
    want: 'origin',
  },
  {
    name: 'a POST that names it in full',
    between: between('POST', 201, { location: 'https://a.test/thing' }, '/other'),
    want: 'origin',
  },
  {
    name: 'a POST that names it with a fragment',
    between: between('POST', 201, { location: '/thing#x' }, '/other'),
    want: 'origin',
  },
  {
    name: 'a POST that names it in Content-Location',
    between: between('POST', 200, { 'content-location': 'thing' }, '/other'),
    want: 'origin',
  },
  {
    name: 'a POST of another origin that names it',
    between: between('POST', 201, { location: 'https://a.test/thing' }, 'https://b.test/other'),
    want: 'hit',
  },
  {
    name: 'a POST that names another origin',
    between: between('POST', 201, { location: 'https://b.test/thing' }, '/other'),
    want: 'hit',
  },
  {
    name: 'a POST that names nothing one can read',
    between: between('POST', 201, { location: 'http://[' }, '/other'),
    want: 'hit',
  },
  { name: 'a HEAD that says the same', reply: cc('max-age=60', tag), between: between('HEAD', 200, tag), want: 'hit' },
  {
    name: 'a HEAD that says something else',
    reply: cc('max-age=1', tag),
    between: between('HEAD', 200, { etag: '"v2"' }),
    want: 'origin',
  },
]

const heads: readonly Case[] = [
  { name: 'a HEAD after a GET', method: 'HEAD', want: 'hit' },
  { name: 'a HEAD after a GET that is over', method: 'HEAD', after: 61, want: 'origin' },
  { name: 'another query', path: '/thing?a=1', want: 'origin' },
  { name: 'the same url with a fragment', path: '/thing#part', want: 'hit' },
]

/** All of them, each with the group it belongs to. */
export const cases: readonly (Case & { readonly group: string })[] = Object.entries({
  'an answer is fresh:': freshness,
  'an answer is kept by': statuses,
  'Cache-Control:': directives,
  'what requests say:': requests,
  'Vary:': varying,
  'validation:': validation,
  'parts:': ranges,
  'stale ones:': stale,
  'many users:': manyUsers,
  'invalidation:': invalidation,
  'the same thing:': heads,
}).flatMap(([group, list]) => list.map(one => ({ ...one, group })))
