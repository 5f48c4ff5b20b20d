/** Asking a server whether a kept answer still holds (RFC 9111 §4.3), and a user who asks us. */
import { parseHttpDate, type HttpHeaders, type ResponseHead } from '../../src/index.ts'
import type { Kept } from './kept.ts'

/** Adds the conditions under which the kept answer holds; none when it has no validator. */
export function conditional(headers: HttpHeaders, { etag, lastModified }: Kept): HttpHeaders {
  const asked = etag === undefined ? headers : headers.set('if-none-match', etag)
  return lastModified === undefined ? asked : asked.set('if-modified-since', lastModified)
}

/** True when a 304 speaks of the kept answer and of no other: a validator in it that differs names something we do not have (§4.3.4). */
export function confirms({ headers }: Pick<ResponseHead, 'headers'>, { etag, lastModified }: Kept): boolean {
  const said = headers.get('etag')
  if (said !== undefined) return etag !== undefined && opaque(said) === opaque(etag)
  const modified = headers.get('last-modified')
  return modified === undefined || lastModified === undefined || etag !== undefined || modified === lastModified
}

/** True when what the user has is what is kept, by his own conditions (RFC 9111 §4.3.2). They are about what succeeds (RFC 9110 §13.2.1). */
export function userHas(
  headers: HttpHeaders,
  { etag, lastModified, meta, headers: fields }: Kept,
  now: number,
): boolean {
  if (meta.status < 200 || meta.status > 299) return false
  const tags = headers.get('if-none-match')
  if (tags !== undefined) {
    if (tags.trim() === '*') return true
    return etag !== undefined && (tags.match(TAG) ?? []).some(tag => opaque(tag) === opaque(etag))
  }
  const mine = parseHttpDate(lastModified ?? fields.get('date') ?? '', now)
  const yours = parseHttpDate(headers.get('if-modified-since') ?? '', now)
  return mine !== undefined && yours !== undefined && mine <= yours
}

/** True for two answers that say they are the same, as those to a HEAD and a GET (§4.3.5). */
export function sameAs({ headers }: Pick<ResponseHead, 'headers'>, kept: Kept): boolean {
  return ['etag', 'last-modified', 'content-length'].every(name => {
    const said = headers.get(name)
    return (
      said === undefined || said === kept.headers.get(name) || (name === 'content-length' && !kept.headers.has(name))
    )
  })
}

const TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g

function opaque(tag: string): string {
  return tag.replace(/^\s*W\//, '').trim()
}
