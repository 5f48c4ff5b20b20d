/** Credentials that are there, and those that come later. */
import { from, type Observable } from 'rxjs'

/** What comes later: a Promise, an Observable, an async iterable. */
export type Later<T> = PromiseLike<T> | Observable<T> | AsyncIterable<T>

/** Tells what comes later from what is there. A text is a value, not the letters it consists of. */
export function isLater<T>(given: T | Later<T>): given is Later<T> {
  if (typeof given !== 'object' || given === null) return false
  return 'subscribe' in given || 'then' in given || Symbol.asyncIterator in given
}

/** What comes later as an Observable. */
export function observed<T>(later: Later<T>): Observable<T> {
  return from(later)
}
