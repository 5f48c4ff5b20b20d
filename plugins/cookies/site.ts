/** What `SameSite` means where there is no page (RFC 6265bis §5.2, §5.8.3). */
import { STRAYED, type HttpRequest } from '../../src/index.ts'

/** Which cookies may go along. */
export interface Crossing {
  /** Those that are `Lax`, and those that do not say. */
  readonly lax: boolean
  readonly strict: boolean
}

const HOME: Crossing = { lax: true, strict: true }
const LINK: Crossing = { lax: true, strict: false }
const FORM: Crossing = { lax: false, strict: false }

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'])

/**
 * A client has no page and no site: what its user asks for is asked from that place itself. But what another origin
 * redirected to is a navigation from there. As with a link a browser follows, `Lax` goes along where the method is safe.
 */
export function crossing(request: HttpRequest): Crossing {
  if (request.read(STRAYED) !== true) return HOME
  return SAFE.has(request.method) ? LINK : FORM
}
