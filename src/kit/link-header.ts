/** Kit for authors: the links in the head of an answer (RFC 8288). */
import type { HttpHeaders } from '../headers.ts'

/** One link, as a `Link` field names it. */
export interface Link {
  /** Where it leads, as it was written: it may be relative to the url of the answer. */
  readonly target: string
  /** What it is to the answer, in lower case: `next`, `prev`, … (RFC 8288 §3.3). At least one. */
  readonly rels: readonly string[]
  /** What the link is about, where that is something else than the answer. */
  readonly anchor: string | undefined
  /** Its other attributes by lower-case name, the first of a name; `title*` is decoded and stands as `title` (RFC 8187). */
  readonly params: ReadonlyMap<string, string>
}

/**
 * Reads a `Link` field: several links, commas in urls, quoted parameters, several relation types in one. As RFC 8288
 * (appendix B) wants it, nothing is refused: what is no link ends the list, and a link without a relation is none.
 *
 * @example
 * ```ts
 * import { parseLinks } from 'sluice'
 *
 * const [link] = parseLinks('</items?page=2&ids=1,2>; rel="next last"; title="More, please"')
 * console.log(link?.target, link?.rels) // /items?page=2&ids=1,2 [ 'next', 'last' ]
 * ```
 */
export function parseLinks(field: string): readonly Link[] {
  return new LinkReader(field).links()
}

/**
 * Tells where the link of an answer with this relation leads, absolute: `linkTo(response, 'next')`. `undefined` when there is
 * none, or what it leads to is no url. Relation types are compared without case; the first link of the type counts, and none that is about something
 * else than the answer (`anchor`). Whether to go there is for the caller to decide: the place was chosen by the server.
 *
 * @example
 * ```ts
 * import { createClient, linkTo } from 'sluice'
 *
 * createClient()
 *   .get('https://api.example.com/pages')
 *   .subscribe(response => console.log(linkTo(response, 'next'))) // https://api.example.com/pages?page=2
 * ```
 */
export function linkTo(
  { url, headers }: { readonly url: string; readonly headers: HttpHeaders },
  rel: string,
): string | undefined {
  const wanted = rel.toLowerCase()
  const field = headers.get('link')
  if (field === undefined) return undefined
  const link = parseLinks(field).find(({ rels, anchor }) => rels.includes(wanted) && isAbout(url, anchor))
  return link && URL.parse(utf8(link.target), url)?.href
}

function isAbout(url: string, anchor: string | undefined): boolean {
  return anchor === undefined || URL.parse(utf8(anchor), url)?.href === new URL(url).href
}

/** Reads from left to right, each character once. The steps are those of RFC 8288 appendix B. */
class LinkReader {
  readonly #field: string
  #at = 0

  constructor(field: string) {
    this.#field = field
  }

  links(): readonly Link[] {
    const found: Link[] = []
    for (;;) {
      // Elements of a list may be empty (RFC 9110 §5.6.1.2).
      this.#skip(/[ \t,]*/y)
      const target = this.#match(/<([^>]*)>/y)
      if (target === undefined) return found
      const params = this.#params()
      const rels = words(params.get('rel') ?? '')
      const anchor = params.get('anchor')
      params.delete('rel')
      params.delete('anchor')
      if (rels.length > 0) found.push({ target: target.trim(), rels, anchor, params })
      if (this.#field[this.#at] !== ',') return found
    }
  }

  #params(): Map<string, string> {
    const params = new Map<string, string>()
    const decoded = new Map<string, string>()
    while (this.#match(/[ \t]*;/y) !== undefined) {
      const name = (this.#match(/[ \t]*([^ \t=;,]*)/y) ?? '').toLowerCase()
      const value = this.#match(/[ \t]*=[ \t]*/y) === undefined ? '' : this.#value()
      if (name.endsWith('*')) {
        const text = extended(value)
        if (text !== undefined) addFirst(decoded, name.slice(0, -1), text)
      } else if (name !== '') addFirst(params, name, value)
    }
    this.#skip(/[ \t]*/y)
    for (const [name, text] of decoded) params.set(name, text)
    return params
  }

  #value(): string {
    if (this.#field[this.#at] !== '"') return (this.#match(/([^;,]*)/y) ?? '').trim()
    // One that is not closed goes to the end.
    const quoted = this.#match(/"((?:[^"\\]|\\[^])*\\?)"?/y) ?? ''
    return quoted.replace(/\\([^])/g, '$1')
  }

  #skip(pattern: RegExp): void {
    this.#match(pattern)
  }

  /** What stands here, if it fits: the group of the pattern, or all of it. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#field)
    if (found === null) return undefined
    this.#at = pattern.lastIndex
    return found[1] ?? found[0]
  }
}

function words(text: string): readonly string[] {
  return text.split(/[ \t]+/).flatMap(word => (word === '' ? [] : [word.toLowerCase()]))
}

function addFirst(map: Map<string, string>, name: string, value: string): void {
  if (!map.has(name)) map.set(name, value)
}

/** RFC 8187: `UTF-8'en'%e2%82%ac`. */
function extended(value: string): string | undefined {
  const encoded = /^utf-8'[^']*'([\w!#$&+.^`|~%-]*)$/i.exec(value)?.[1]
  if (encoded === undefined) return undefined
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

/** Fields arrive as latin1; a url with other characters is UTF-8 in practice. */
function utf8(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(text, char => char.charCodeAt(0)))
  } catch {
    return text
  }
}
