/** As much of React as the hook needs, so that the example installs nothing: a component is a function that returns text. */
import type { Hooks } from './use-observable.ts'

type Cell = { state?: unknown; deps?: readonly unknown[]; cleanUp?: () => void }
type Rendering = { readonly cells: Cell[]; at: number; readonly due: (() => void)[]; readonly again: () => void }

let now: Rendering

/** The hooks of the component that is being rendered. */
export const react: Hooks = {
  useState<S>(initial: S) {
    const { cells, again } = now
    const cell = (cells[now.at++] ??= { state: initial })
    const set = (next: S): void => {
      if (Object.is(next, cell.state)) return
      cell.state = next
      again()
    }
    return [cell.state as S, set]
  },
  useMemo<T>(make: () => T, deps: readonly unknown[]) {
    const cell = (now.cells[now.at++] ??= {})
    if (changed(cell, deps)) cell.state = make()
    return cell.state as T
  },
  useEffect(effect, deps) {
    const cell = (now.cells[now.at++] ??= {})
    if (!changed(cell, deps)) return
    now.due.push(() => {
      cell.cleanUp?.()
      cell.cleanUp = effect()
    })
  },
}

/** A component on a screen: `render` as when its parent is rendered, `unmount` when it goes. */
export function mount(component: () => string, show: (text: string) => void): { render(): void; unmount(): void } {
  const cells: Cell[] = []
  const render = (): void => {
    const due: Rendering['due'] = []
    now = { cells, at: 0, due, again: () => queueMicrotask(render) }
    show(component())
    for (const run of due) run()
  }
  const unmount = (): void => cells.forEach(({ cleanUp }) => cleanUp?.())
  render()
  return { render, unmount }
}

function changed(cell: Cell, deps: readonly unknown[]): boolean {
  const same = cell.deps?.every((dep, at) => Object.is(dep, deps[at])) === true
  cell.deps = deps
  return !same
}
