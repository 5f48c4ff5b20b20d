/** What keeps a process alive, counted; and whether its loop is blocked. Where there is no process there is nothing. */
import assert from 'node:assert/strict'

/** How many of what kind are open. */
export type OpenResources = ReadonlyMap<string, number>

/** Counts what is open now: sockets, handles, timers. */
export function openResources(): OpenResources {
  const open = new Map<string, number>()
  for (const kind of inProcess?.getActiveResourcesInfo() ?? []) {
    // Where the waiting itself comes from.
    if (kind !== 'Immediate') open.set(kind, (open.get(kind) ?? 0) + 1)
  }
  return open
}

/** Resolves as soon as no more is open than was before. Rejects after half a second with what is left. */
export async function resourcesGone(before: OpenResources): Promise<void> {
  const deadline = performance.now() + 500
  while (more(before).length > 0 && performance.now() < deadline) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(more(before), [], 'something is still open half a second later')
}

/** Watches the loop until the returned function is called, which answers with the longest time it stood still, in milliseconds. */
export function watchLoop(): () => number {
  const every = 5
  let worst = 0
  let at = performance.now()
  let used = cpu()
  const timer = setInterval(() => {
    const now = performance.now()
    const spent = cpu()
    // A process that the system did not let run was not blocked by what it did itself.
    worst = Math.max(worst, Math.min(now - at - every, spent - used))
    at = now
    used = spent
  }, every)
  return () => {
    clearInterval(timer)
    return worst
  }
}

function more(before: OpenResources): string[] {
  return [...openResources()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${count - (before.get(kind) ?? 0)} ${kind}`)
}

function cpu(): number {
  if (inProcess === undefined) return performance.now()
  const { user, system } = inProcess.cpuUsage()
  return (user + system) / 1000
}

const inProcess = (globalThis as { process?: NodeJS.Process }).process
