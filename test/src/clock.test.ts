import { TestScheduler } from 'rxjs/testing'
import { describe, expect, it } from 'vitest'
import { clock } from '../../src/clock.ts'

const virtual = (run: Parameters<TestScheduler['run']>[0]): void => {
  new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected)
  }).run(run)
}

describe('clock', () => {
  it('wakes up once, in virtual time', () => {
    const woken: number[] = []
    virtual(() => {
      clock.schedule(() => woken.push(clock.now()), 250)
    })
    expect(woken).toEqual([250])
  })

  it('does not wake up after it was taken back', () => {
    const woken: number[] = []
    virtual(() => {
      const takeBack = clock.schedule(() => woken.push(1), 250)
      clock.schedule(takeBack, 249)
    })
    expect(woken).toEqual([])
  })
})
