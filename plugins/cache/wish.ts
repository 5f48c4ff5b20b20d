/** What a request says of how it wants to be answered (RFC 9111 §5.2.1, §5.4). Times are milliseconds. */
import type { HttpHeaders } from '../../src/index.ts'
import { CacheControl, pragmaForbids } from './directives.ts'

/** The directives of a request. */
export interface Wish {
  /** True when it says nothing: only such requests wait for each other. */
  readonly plain: boolean
  readonly noStore: boolean
  readonly noCache: boolean
  readonly onlyIfCached: boolean
  readonly maxAge: number | undefined
  readonly minFresh: number | undefined
  readonly maxStale: number | undefined
  readonly staleIfError: number
}

const PLAIN: Wish = {
  plain: true,
  noStore: false,
  noCache: false,
  onlyIfCached: false,
  maxAge: undefined,
  minFresh: undefined,
  maxStale: undefined,
  staleIfError: 0,
}

/** What cannot be read is not kept, and not answered from what is kept. */
const UNREADABLE: Wish = { ...PLAIN, plain: false, noStore: true, noCache: true }

/** Reads what a request asks for. What is unclear is read as asking for more. */
export function wishOf(headers: HttpHeaders): Wish {
  const header = headers.get('cache-control')
  if (header === undefined) {
    return pragmaForbids(headers) ? { ...PLAIN, plain: false, noCache: true } : PLAIN
  }
  const control = new CacheControl(header)
  if (!control.valid) return UNREADABLE
  return {
    plain: false,
    noStore: control.has('no-store'),
    noCache: control.has('no-cache'),
    onlyIfCached: control.has('only-if-cached'),
    maxAge: atMost(control, 'max-age', 0),
    minFresh: atMost(control, 'min-fresh', Infinity),
    maxStale: control.bare('max-stale') ? Infinity : atMost(control, 'max-stale', undefined),
    staleIfError: atMost(control, 'stale-if-error', 0) ?? 0,
  }
}

function atMost(control: CacheControl, name: string, unclear: number | undefined): number | undefined {
  const seconds = control.seconds(name)
  if (seconds === undefined) return undefined
  return Number.isNaN(seconds) ? unclear : seconds * 1_000
}
