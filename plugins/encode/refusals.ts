/** What servers say of codings they do not take, and how long that is remembered. */
import { CODINGS, type Coding } from '#deflate'
import type { ResponseHead } from '../../src/index.ts'

/** A coding, or none. */
export type Sent = Coding | 'identity'

/** An `Accept-Encoding` longer than this is no list of codings. */
const LONGEST = 1000
/** Origins whose preferences are kept; the one that has not changed for longest is forgotten. */
const MOST_ORIGINS = 1000

/**
 * What to send in place of a body with this coding. `undefined` when the answer does not refuse the coding: no 415, or one that
 * names the coding among those it takes, so that its reason is another (RFC 9110 §12.5.3, §15.5.16).
 */
export function instead({ status, headers }: ResponseHead, coding: Coding): Sent | undefined {
  if (status !== 415) return undefined
  const accepted = headers.get('accept-encoding')
  if (accepted === undefined || accepted.length > LONGEST) return 'identity'
  const weights = weightsOf(accepted)
  if ((weights.get(coding) ?? weights.get('*') ?? 0) > 0) return undefined
  let best: Sent = 'identity'
  let most = 0
  for (const [name, weight] of weights) {
    const known = CODINGS.find(one => one === name)
    if (known === undefined || weight <= most) continue
    best = known
    most = weight
  }
  return best
}

/** True when the answer says which codings it takes, so that there is no doubt what it is about. */
export function names({ headers }: ResponseHead): boolean {
  return headers.has('accept-encoding')
}

function weightsOf(accepted: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>()
  for (const item of accepted.toLowerCase().split(',')) {
    const [, name, weight = '1'] =
      /^\s*(?:x-(?=gzip))?([^\s;]+)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/.exec(item) ?? []
    if (name !== undefined && !weights.has(name)) weights.set(name, Number(weight))
  }
  return weights
}

/** What the servers of a client take in place of what they refused. */
export class Refusals {
  readonly #origins = new Map<string, Sent>()

  get(origin: string): Sent | undefined {
    return this.#origins.get(origin)
  }

  set(origin: string, sent: Sent): void {
    this.#origins.delete(origin)
    this.#origins.set(origin, sent)
    if (this.#origins.size <= MOST_ORIGINS) return
    for (const oldest of this.#origins.keys()) {
      this.#origins.delete(oldest)
      return
    }
  }
}
