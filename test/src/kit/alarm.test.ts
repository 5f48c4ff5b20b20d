import { timer } from 'rxjs'
import { alarms, clock } from 'sluice'
import { describe, expect, it, vi } from 'vitest'
import { virtually } from '../../support/virtual-time.ts'

function busy(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

describe('an alarm', () => {
  it('rings once when its time has passed', () => {
    const rang: number[] = []
    virtually(({ flush }) => {
      alarms()(() => rang.push(clock.now())).set(30)
      flush()
    })
    expect(rang).toEqual([30])
  })

  it('whose ring throws does not keep the others from ringing', () => {
    const rang: string[] = []
    expect(() => {
      virtually(({ flush }) => {
        const alarm = alarms()
        alarm(() => rang.push('first')).set(30)
        alarm(() => {
          throw new Error('in ring')
        }).set(30)
        alarm(() => rang.push('last')).set(30)
        flush()
      })
    }).toThrow('in ring')
    expect(rang.toSorted()).toEqual(['first', 'last'])
  })

  it('can be moved further away and nearer, and be stopped', () => {
    const rang: string[] = []
    virtually(({ flush }) => {
      const alarm = alarms()
      const ringing = (name: string) => alarm(() => rang.push(`${name} ${clock.now()}`))
      const later = ringing('later')
      const sooner = ringing('sooner')
      const stopped = ringing('stopped')
      for (const one of [later, sooner, stopped]) one.set(50)
      timer(40).subscribe(() => {
        later.set(50)
        sooner.set(5)
        stopped.stop()
      })
      flush()
    })
    expect(rang).toEqual(['sooner 45', 'later 90'])
  })

  it('can be set again after it rang', () => {
    const rang: number[] = []
    virtually(({ flush }) => {
      const alarm = alarms()(() => {
        rang.push(clock.now())
        if (rang.length < 3) alarm.set(10)
      })
      alarm.set(10)
      flush()
    })
    expect(rang).toEqual([10, 20, 30])
  })

  it('does not ring when another one of the same time stops it', () => {
    const rang: string[] = []
    virtually(({ flush }) => {
      const alarm = alarms()
      const pair = ['a', 'b'].map(name =>
        alarm(() => {
          rang.push(name)
          for (const one of pair) one.stop()
        }),
      )
      for (const one of pair) one.set(10)
      flush()
    })
    expect(rang.length).toBe(1)
  })

  it.each([0, 5])('lets what arrived while the event loop was blocked come first, %i ms after it goes on', async ms => {
    const order: string[] = []
    await new Promise<void>(resolve => {
      const alarm = alarms()(() => {
        order.push('alarm')
        resolve()
      })
      alarm.set(10)
      setImmediate(() => {
        busy(60)
        // The poll phase comes after the timers: a socket that has something to read is like this.
        setImmediate(() => {
          busy(ms)
          setImmediate(() => order.push('arrived'))
        })
      })
    })
    expect(order).toEqual(['arrived', 'alarm'])
  })
})

describe('many alarms', () => {
  it('run on one timer, that is gone with the last of them', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const alarm = alarms()
    const all = Array.from({ length: 100 }, () => alarm(() => undefined))
    for (const one of all) one.set(10_000)
    expect(timers()).toBe(before + 1)
    for (const one of all.slice(1)) one.stop()
    expect(timers()).toBe(before + 1)
    all[0]?.stop()
    all[0]?.stop()
    expect(timers()).toBe(before)
  })

  it('ring each at its own time', () => {
    const rang: number[] = []
    virtually(({ flush }) => {
      const alarm = alarms()
      for (const ms of [30, 10, 20, 10, 50, 40]) alarm(() => rang.push(clock.now())).set(ms)
      flush()
    })
    expect(rang).toEqual([10, 10, 20, 30, 40, 50])
  })
})

describe('a clock that is set', () => {
  const DAY = 86_400_000

  /** The clock is off by `shift` from 50 ms on; an alarm of 100 ms is set at 0, and again at `again`. */
  function ringsAt(shift: number, again?: number): number | undefined {
    let rang: number | undefined
    virtually(({ flush }) => {
      const now = clock.now.bind(clock)
      let off = 0
      vi.spyOn(clock, 'now').mockImplementation(() => now() + off)
      const alarm = alarms()(() => (rang = now()))
      alarm.set(100)
      timer(50).subscribe(() => (off = shift))
      if (again !== undefined) timer(again).subscribe(() => alarm.set(100))
      flush()
      vi.restoreAllMocks()
    })
    return rang
  }

  it.each([DAY, -DAY])('does not make an alarm ring early or late (%i)', shift => {
    expect(ringsAt(shift)).toBeGreaterThanOrEqual(100)
    expect(ringsAt(shift)).toBeLessThanOrEqual(150)
  })

  it.each([DAY, -DAY])('does not make an alarm ring early that was moved before or after (%i)', shift => {
    expect(ringsAt(shift, 20)).toBe(120)
    expect(ringsAt(shift, 80)).toBeGreaterThanOrEqual(180)
    expect(ringsAt(shift, 80)).toBeLessThanOrEqual(200)
  })
})
