/** Reading what somebody wrote, and nothing that somebody else put on a prototype. */

/** Copies the own fields of an object to one without a prototype, reading each once. */
export function own<T extends object>(given: T): T {
  return Object.assign(Object.create(null) as T, given)
}
