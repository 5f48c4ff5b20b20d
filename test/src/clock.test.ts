import { describe, expect, it } from 'vitest'
import { clock } from '../../src/clock.ts'
import { virtually } from '../support/virtual-time.ts'

describe('clock', () => {
  it('wakes up once, in virtual time', () => {
    const woken: number[] = []
    virtually(() => {
      clock.schedule(() => woken.push(clock.now()), 250)
    })
    expect(woken).toEqual([250])
  })

  it('does not wake up after it was taken back', () => {
    const woken: number[] = []
    virtually(() => {
      const takeBack = clock.schedule(() => woken.push(1), 250)
      clock.schedule(takeBack, 249)
    })
    expect(woken).toEqual([])
  })
})
