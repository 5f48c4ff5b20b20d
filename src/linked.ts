/**
 * Lists that are joined and left with every request. A `Set` would do the same, but whenever V8 makes room in one, the table it
 * leaves behind points to the new one; as soon as one such table is old, all that ever passes through the set outlives the
 * small garbage collections, and moving dead requests about becomes the dearest part of sending one.
 */

/** What can be in one {@link LinkedList} at a time. `Self` is the class that extends it. */
export abstract class Linked<Self> {
  /** The list it is in; these three are kept by the list. */
  list: { delete(one: Self): boolean } | undefined = undefined
  before: Self | undefined = undefined
  after: Self | undefined = undefined
}

/**
 * Holds its members in the order in which they came; joining and leaving cost the same however many there are. Walk along
 * `after` to look at them; where they may leave on the way, walk along a copy: `[...list]`.
 */
export class LinkedList<T extends Linked<T>> implements Iterable<T> {
  #first: T | undefined
  #last: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }
  get first(): T | undefined {
    return this.#first
  }

  /** Puts it at the end of this list; it leaves the list it was in. */
  add(one: T): void {
    one.list?.delete(one)
    one.list = this
    one.before = this.#last
    if (this.#last === undefined) this.#first = one
    else this.#last.after = one
    this.#last = one
    this.#size++
  }

  /** Puts it before all others; it leaves the list it was in. */
  addFirst(one: T): void {
    one.list?.delete(one)
    one.list = this
    one.after = this.#first
    if (this.#first === undefined) this.#last = one
    else this.#first.before = one
    this.#first = one
    this.#size++
  }

  /** Takes it out; false when it was not in this list. */
  delete(one: T): boolean {
    if (one.list !== this) return false
    const { before, after } = one
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    // Whoever holds on to one that has left holds on to none of the others.
    one.list = one.before = one.after = undefined
    this.#size--
    return true
  }

  has(one: T): boolean {
    return one.list === this
  }

  *[Symbol.iterator](): Generator<T, undefined> {
    for (let one = this.#first; one !== undefined; one = one.after) yield one
  }
}
