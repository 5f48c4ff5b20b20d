/** What `SameSite` means where there is no page (RFC 6265bis §5.2, §5.8.3). */
import { LED_BY, STRAYED, type HttpRequest } from '../../src/index.ts'
import { siteOf } from './place.ts'

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
 * A client has no page and no site: what its user asks for is asked from that place itself. But what another site
 * redirected to is a navigation from there. As with a link a browser follows, `Lax` goes along where the method is safe.
 */
export function crossing(request: HttpRequest): Crossing {
  if (request.read(STRAYED) !== true || ledWithinSite(request)) return HOME
  return SAFE.has(request.method) ? LINK : FORM
}

/** False, too, where nobody says who led it there. */
function ledWithinSite(request: HttpRequest): boolean {
  const origins = request.read(LED_BY) ?? []
  const site = siteOf(request.origin)
  return origins.length > 0 && origins.every(origin => siteOf(origin) === site)
}
