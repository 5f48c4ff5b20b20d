/** Whether somebody looks. */
import { defer, filter, fromEvent, of, take, type Observable } from 'rxjs'
import type { Check } from '../../src/index.ts'

/** What can be hidden and seen again; `document` is such a thing. */
export interface Visibility {
  readonly visibilityState: string
  addEventListener(type: 'visibilitychange', listener: (event: Event) => void): void
  removeEventListener(type: 'visibilitychange', listener: (event: Event) => void): void
}

/** Wants a {@link Visibility}. */
export const visibility: Check = value => {
  const { visibilityState, addEventListener, removeEventListener } = (value ?? {}) as Partial<Visibility>
  return typeof visibilityState === 'string' &&
    typeof addEventListener === 'function' &&
    typeof removeEventListener === 'function'
    ? undefined
    : 'what can be hidden, such as document'
}

/** Emits once, as soon as it is seen: now, or when it is. */
export function seen(what: Visibility): Observable<unknown> {
  return defer(() => {
    if (!isHidden(what)) return of(undefined)
    return fromEvent(what, 'visibilitychange').pipe(
      filter(() => !isHidden(what)),
      take(1),
    )
  })
}

function isHidden({ visibilityState }: Visibility): boolean {
  return visibilityState === 'hidden'
}
