/** Answers that are there, and those that come later. */
import { defaultIfEmpty, from, of, take, type Observable } from 'rxjs'
import type { Later } from './options.ts'

/** The one answer: what is given, or the first value of what is to come. A text or a list is an answer, not what it consists of. */
export function answerOf<T>(given: T | Later<T>): Observable<T | undefined> {
  return isLater(given) ? from(given).pipe(take(1), defaultIfEmpty(undefined)) : of(given)
}

function isLater<T>(given: T | Later<T>): given is Later<T> {
  if (typeof given !== 'object' || given === null) return false
  return 'subscribe' in given || 'then' in given || Symbol.asyncIterator in given
}
