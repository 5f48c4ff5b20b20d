/** The way to a connection: its steps take the time a script says, and no longer than the request allows. */
import type { ConnectionInfo, Limits, Phase } from '../../src/index.ts'
import type { Fault } from './script.ts'
import type { Wait } from './timers.ts'

/** Hears how connecting goes. */
export interface ConnectObserver {
  entered(phase: Phase): void
  connected(): void
  /** A limit of `ms` is over. */
  overdue(phase: 'queue' | 'dns' | 'connect' | 'tls', ms: number): void
  /** What the script has to go wrong goes wrong. */
  struck(fault: Fault): void
}

const OWN_LIMITS = ['queue', 'dns', 'tls'] as const

/** Pretends to wait in the queue, look up, connect, ask a proxy and shake hands. */
export function connect(
  limits: Limits,
  took: Partial<ConnectionInfo['took']>,
  fault: Fault | undefined,
  wait: Wait,
  observer: ConnectObserver,
): void {
  const steps: readonly (readonly [Phase, ms: number])[] = [
    ['queue', 0],
    ['dns', took.dns ?? 0],
    ['connect', took.tcp ?? 0],
    ['proxy', 0],
    ['tls', took.tls ?? 0],
  ]
  const whole = asTime(limits.connect)
  let left = whole

  const enter = (at: number): void => {
    const [phase, takes] = steps[at] ?? []
    if (phase === undefined || takes === undefined) {
      observer.connected()
      return
    }
    observer.entered(phase)
    const strikes = fault?.at === phase ? fault : undefined
    const needs = strikes?.kind === 'stall' ? Infinity : takes
    const named = OWN_LIMITS.find(name => name === phase)
    const own = named === undefined ? Infinity : asTime(limits[named])
    const allowed = phase === 'queue' ? own : Math.min(own, left)
    if (needs === Infinity || needs > allowed) {
      wait(allowed, () => {
        if (named !== undefined && own === allowed) observer.overdue(named, own)
        else observer.overdue('connect', whole)
      })
      return
    }
    wait(needs, () => {
      left -= needs
      if (strikes === undefined) enter(at + 1)
      else observer.struck(strikes)
    })
  }
  enter(0)
}

/** A limit as a number: no limit is for ever. */
export function asTime(limit: number | false | undefined): number {
  return limit === undefined || limit === false ? Infinity : limit
}
