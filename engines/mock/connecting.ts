/** The way to a connection: its steps take the time a script says, and no longer than the request allows. */
import { LIMITS, type Phase } from '../../src/index.ts'
import { timeout } from './failures.ts'
import type { Script } from './script.ts'
import type { Stage } from './stage.ts'

const OWN_LIMITS = ['queue', 'dns', 'tls'] as const

/** Pretends to wait in the queue, look up, connect, ask a proxy and shake hands; `connected` is called when that is done. */
export function connect(stage: Stage, script: Script, connected: () => void): void {
  const limits = stage.request.read(LIMITS) ?? {}
  const { took = {} } = script.connection
  const { fault } = script
  const steps: readonly (readonly [Phase, ms: number])[] = [
    ['queue', 0],
    ['dns', took.dns ?? 0],
    ['connect', took.tcp ?? 0],
    ['proxy', took.proxy ?? 0],
    ['tls', took.tls ?? 0],
  ]
  const whole = asTime(limits.connect)
  let left = whole

  const enter = (at: number): void => {
    const [phase, takes] = steps[at] ?? []
    if (phase === undefined || takes === undefined) {
      connected()
      return
    }
    stage.enter(phase)
    const strikes = fault?.at === phase ? fault : undefined
    const needs = strikes?.kind === 'stall' ? Infinity : takes
    const named = OWN_LIMITS.find(name => name === phase)
    const own = named === undefined ? Infinity : asTime(limits[named])
    const allowed = phase === 'queue' ? own : Math.min(own, left)
    if (needs === Infinity || needs > allowed) {
      stage.wait(allowed, () => {
        if (named !== undefined && own === allowed) stage.fail(timeout(stage.request, named, own))
        else stage.fail(timeout(stage.request, 'connect', whole))
      })
      return
    }
    stage.wait(needs, () => {
      left -= needs
      if (strikes === undefined) enter(at + 1)
      else stage.strike(strikes, script)
    })
  }
  enter(0)
}

/** A limit as a number: no limit is for ever. */
export function asTime(limit: number | false | undefined): number {
  return limit === undefined || limit === false ? Infinity : limit
}
