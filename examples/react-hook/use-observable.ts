/** A hook of React that shows an Observable, and so a request, for as long as its component is there. */
import type { Observable } from 'rxjs'

/** What a component sees: nothing yet, the latest value, or why there will be none. */
export type Seen<T> = { readonly value?: T; readonly error?: unknown }

/** What it needs of React. */
export interface Hooks {
  readonly useState: <S>(initial: S) => [S, (next: S) => void]
  readonly useMemo: <T>(make: () => T, deps: readonly unknown[]) => T
  readonly useEffect: (effect: () => () => void, deps: readonly unknown[]) => void
}

/** `const useObservable = observableHook(React)`: handed in, so that nothing is installed for an example. */
export function observableHook({ useState, useMemo, useEffect }: Hooks) {
  return function useObservable<T>(make: () => Observable<T>, deps: readonly unknown[]): Seen<T> {
    // While rendering nothing may happen, and nothing does: a request is cold.
    const source = useMemo(make, deps)
    const [seen, see] = useState<Seen<T> & { readonly of?: Observable<T> }>({})
    useEffect(() => {
      const next = (value: T): void => see({ of: source, value })
      const subscription = source.subscribe({ next, error: (error: unknown) => see({ of: source, error }) })
      // Other deps, or the component goes: the request is aborted. StrictMode does so once at the start, on purpose.
      return () => subscription.unsubscribe()
    }, [source])
    // What was seen of other deps is shown no more, not even in the first rendering.
    return seen.of === source ? seen : {}
  }
}
