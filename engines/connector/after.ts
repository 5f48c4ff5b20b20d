/** Timers for limits: exact, and fair to a peer whose answer waits behind a blocked event loop. */

/**
 * Calls `work` once after `ms` milliseconds; the returned function takes that back. The process stays alive for it
 * unless `keepAlive` is false.
 *
 * When the time is up the event loop gets one more turn: what arrived in time but could not be looked at
 * because the process was busy takes the timer back before it strikes.
 */
export function after(ms: number, work: () => void, keepAlive = true): () => void {
  let turn: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    turn = setImmediate(work)
  }, ms)
  if (!keepAlive) timer.unref()
  return () => {
    clearTimeout(timer)
    clearImmediate(turn)
  }
}
