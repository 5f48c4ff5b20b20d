/** Where an answer points to, if it is a redirect, and whether one may go there. */
import type { ErrorCode, ResponseHead } from '../../src/index.ts'
import type { RedirectOptions } from './options.ts'

const STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Tells a redirect from all other answers, those without a place among them. */
export function isRedirect({ status, headers }: ResponseHead): boolean {
  return STATUSES.has(status) && (headers.get('location') ?? '') !== ''
}

/** Why a redirect is not followed. */
export interface Refusal {
  readonly code: ErrorCode
  /** Completes the sentence "GET https://… was redirected …". */
  readonly why: string
}

/** The place a redirect names, absolute, without fragment, user and password; or why it cannot be gone to. */
export function placeOf(head: ResponseHead, from: string, options: RedirectOptions): URL | Refusal {
  const places = new Set(head.headers.getAll('location'))
  const [place = ''] = places
  if (places.size > 1) return refusal(`to ${places.size} places at once; which one is meant, nobody can know`)
  const url = URL.parse(utf8(place), from)
  if (url === null) return refusal('to what is no url')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return refusal(`to a ${url.protocol} url; only http: and https: are followed`)
  }
  const { origin, protocol } = new URL(from)
  if (url.origin !== origin && (url.username !== '' || url.password !== '')) {
    return refusal(`to ${url.origin} with a user or password in the url, which another origin may not choose`)
  }
  if (protocol === 'https:' && url.protocol === 'http:' && !options.allowDowngrade) {
    return {
      code: 'BLOCKED',
      why: `from https to ${url.origin}, where everybody can read along; redirect({ allowDowngrade: true }) follows it`,
    }
  }
  url.username = ''
  url.password = ''
  url.hash = ''
  return url
}

function refusal(why: string): Refusal {
  return { code: 'PROTOCOL', why }
}

/** Fields arrive as latin1; a place with other characters is UTF-8 in practice, as browsers take it. */
function utf8(place: string): string {
  if (!/[\x80-\xff]/.test(place)) return place
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(place, char => char.charCodeAt(0)))
  } catch {
    return place
  }
}
