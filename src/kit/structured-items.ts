/**
 * The little of structured fields (RFC 9651) that the core reads by itself: members with parameters, in lists and
 * dictionaries, without inner lists, dates and display strings. Plugins have a library for all of it.
 */

/** One member of a list or, with a key, of a dictionary. */
export interface Item {
  readonly key: string | undefined
  /** A string or token, a number, a truth value; of bytes their base64. */
  readonly value: BareItem
  readonly params: ReadonlyMap<string, BareItem>
}

type BareItem = string | number | boolean

/** Reads a field; a syntax error anywhere makes it none (RFC 9651 §4.2). */
export function itemsOf(field: string): readonly Item[] {
  if (/^[ \t]*$/.test(field)) return []
  return new ItemReader(field).items() ?? []
}

/** Reads from left to right, each character once. */
class ItemReader {
  readonly #field: string
  #at = 0

  constructor(field: string) {
    this.#field = field
  }

  items(): readonly Item[] | undefined {
    const found: Item[] = []
    for (;;) {
      this.#match(/[ \t]*/y)
      const key = this.#match(/([a-z*][a-z0-9_.*-]*)=/y)
      const value = this.#value()
      const params = value === undefined ? undefined : this.#params()
      if (value === undefined || params === undefined) return undefined
      found.push({ key, value, params })
      this.#match(/[ \t]*/y)
      if (this.#at === this.#field.length) return found
      if (this.#match(/,/y) === undefined) return undefined
    }
  }

  #params(): ReadonlyMap<string, BareItem> | undefined {
    const params = new Map<string, BareItem>()
    while (this.#match(/; */y) !== undefined) {
      const name = this.#match(/[a-z*][a-z0-9_.*-]*/y)
      if (name === undefined) return undefined
      const value = this.#match(/=/y) === undefined ? true : this.#value()
      if (value === undefined) return undefined
      params.set(name, value)
    }
    return params
  }

  #value(): BareItem | undefined {
    const number = this.#match(/-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y)
    if (number !== undefined) return Number(number)
    const quoted = this.#match(/"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y)
    if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1')
    const truth = this.#match(/\?([01])/y)
    if (truth !== undefined) return truth === '1'
    return this.#match(/:([A-Za-z0-9+/=]*):/y) ?? this.#match(/[A-Za-z*][\w!#$%&'*+.^`|~:/-]*/y)
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
