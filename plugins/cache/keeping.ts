/** Whether an answer may be kept, and what is written down of it (RFC 9111 §3). */
import { isCoded, parseHttpDate, type HttpHeaders, type HttpRequest, type ResponseHead } from '../../src/index.ts'
import { keptFields } from './fields.ts'
import { fingerprint } from '../hashing/fingerprint.ts'
import { lifetimeOf } from './freshness.ts'
import type { KeptMeta } from './kept.ts'
import type { Partition } from './partition.ts'
import { rulesOf, type Rules } from './rules.ts'
import { varied, varyNames } from './vary.ts'

/** What a validator makes an answer good for after its time, in milliseconds: asking whether it has changed. */
const WORTH_ASKING = 30 * 24 * 3_600_000

/** What the cache of a client goes by. */
export interface Policy {
  readonly shared: boolean
  readonly heuristic: number
  readonly staleIfError: number
  readonly credentials: Partition
  /** True where the platform puts cookies on and shows none. */
  readonly hidesCookies: boolean
  /** True when the user says whose an answer is. */
  readonly partitioned: boolean
}

/** An answer, and how it came. */
export interface Came {
  readonly key: string
  /** As the cache saw it; what was really sent is in the head. */
  readonly request: HttpRequest
  readonly head: ResponseHead
  readonly asked: number
  readonly answered: number
  /** True when its body was thrown away. */
  readonly unread: boolean
}

/** What to write down, and which of the variants of its url it is. */
export interface Keeping {
  readonly meta: KeptMeta
  readonly variant: string
}

/** Decides on an answer; a text is the reason why it is not kept. */
export function keeping(came: Came, policy: Policy): Keeping | string {
  const { head, request } = came
  const { headers } = head
  if (head.url !== request.url) return 'it came from another url'
  if (head.status === 206 || headers.has('content-range')) return 'it is a part'
  // Nor when the platform took the coding off: it does not say whether the body was whole.
  if (isCoded(head)) return 'its body is encoded'
  const rules = rulesOf(headers)
  if (typeof rules === 'string') return rules
  const names = varyNames(headers.get('vary'))
  if (names === undefined) return 'vary'
  const authorized = policy.credentials.any(head.request.headers) || policy.credentials.of(request) !== ''
  const refused = policy.shared ? refusedByAll(head, rules, names) : undefined
  if (refused !== undefined) return refused
  const hidden = hiddenFrom(came, names, policy)
  if (hidden !== undefined) return hidden
  const { asked, answered } = came
  const date = parseHttpDate(headers.get('date')?.trim() ?? '', answered)
  const life = lifetimeOf({
    ...policy,
    url: request.url,
    status: head.status,
    headers,
    rules,
    date: date ?? answered,
    authorized,
  })
  if (life === undefined) return policy.shared && authorized ? 'authorization' : `status ${head.status}`
  const validator = headers.has('etag') || headers.has('last-modified')
  const { staleWhileRevalidate: whileRevalidate, staleIfError: ifError } = rules
  const useful = life + Math.max(whileRevalidate, ifError, policy.staleIfError, validator ? WORTH_ASKING : 0)
  const age = ageOf(headers, date ?? answered, asked, answered)
  if (useful <= 0) return 'it is stale from the beginning and cannot be validated'
  const fields = keptFields(headers)
  const vary = varied(names, request.headers)
  const meta: KeptMeta = {
    v: 1,
    until: answered - age + useful,
    key: came.key,
    status: head.status,
    statusText: head.statusText,
    httpVersion: head.httpVersion,
    fields: date === undefined ? fields.set('date', new Date(answered).toUTCString()).flat : fields.flat,
    vary,
    at: answered,
    age,
    life,
    whileRevalidate,
    ifError,
    noCache: rules.noCache,
    strict: rules.mustRevalidate || (policy.shared && (rules.proxyRevalidate || rules.sharedMaxAge !== undefined)),
    immutable: rules.immutable,
    unread: came.unread,
  }
  return { meta, variant: vary.length === 0 ? '' : fingerprint(JSON.stringify(vary)) }
}

/** What a cache of many users must not keep, beside what is only for one of them by its `Authorization` (§3.5). */
function refusedByAll({ headers, request }: ResponseHead, rules: Rules, names: readonly string[]): string | undefined {
  if (rules.isPrivate) return 'private'
  if (headers.has('set-cookie')) return 'set-cookie'
  return request.headers.has('cookie') && !names.includes('cookie') ? 'cookie' : undefined
}

/** What was added further in chose the answer, and nobody can compare it beforehand. Codings are taken off before it is kept. */
function hiddenFrom({ request, head }: Came, names: readonly string[], policy: Policy): string | undefined {
  if (!policy.partitioned && !policy.credentials.same(request, head.request)) return 'credentials were added further in'
  if (policy.hidesCookies && names.includes('cookie')) return 'vary names cookies, which the platform hides'
  const sent = head.request.headers
  const differs = names.find(name => name !== 'accept-encoding' && sent.get(name) !== request.headers.get(name))
  return differs === undefined ? undefined : 'vary names a field that was added further in'
}

/** RFC 9111 §4.2.3, in milliseconds. */
function ageOf(headers: HttpHeaders, date: number, asked: number, answered: number): number {
  const said = /^[ \t]*(\d+)[ \t]*(?:,|$)/.exec(headers.get('age') ?? '')?.[1]
  const corrected = Math.min(Number(said ?? 0), 2_147_483_648) * 1_000 + Math.max(answered - asked, 0)
  return Math.max(answered - date, corrected, 0)
}
