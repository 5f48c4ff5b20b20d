import { timer } from 'rxjs'
import { RetryBudget, type RetryBudgetOptions } from 'sluice'
import { describe, expect, it } from 'vitest'
import { virtually } from '../../support/virtual-time.ts'

const A = 'https://a.test'

/** How often one can withdraw now. */
function left(budget: RetryBudget, origin = A): number {
  let times = 0
  while (times < 100_000 && budget.withdraw(origin)) times++
  return times
}

function deposit(budget: RetryBudget, times: number, origin = A): void {
  for (let n = 0; n < times; n++) budget.deposit(origin)
}

describe('a retry budget', () => {
  it('has ten a second of the last ten, and one for five requests', () => {
    expect(left(new RetryBudget())).toBe(100)
    const budget = new RetryBudget()
    deposit(budget, 500)
    expect(left(budget)).toBe(200)
  })

  it('is paid in by its share, exactly', () => {
    const budget = new RetryBudget({ share: 0.1, floor: 0 })
    deposit(budget, 9)
    expect(budget.withdraw(A)).toBe(false)
    deposit(budget, 1)
    expect(budget.withdraw(A)).toBe(true)
    expect(budget.withdraw(A)).toBe(false)
  })

  it('is one for each origin', () => {
    const budget = new RetryBudget({ share: 1, floor: 0 })
    deposit(budget, 3)
    expect(left(budget, 'https://b.test')).toBe(0)
    expect(left(budget)).toBe(3)
  })

  it('forgets what is older than its window, what came in and what went out', () => {
    const seen: number[] = []
    virtually(({ flush }) => {
      const budget = new RetryBudget({ share: 1, floor: 1, window: 1_000 })
      deposit(budget, 5)
      timer(899).subscribe(() => seen.push(left(budget)))
      timer(1_000).subscribe(() => seen.push(left(budget)))
      timer(1_800).subscribe(() => seen.push(left(budget)))
      timer(1_900).subscribe(() => seen.push(left(budget)))
      timer(9_000).subscribe(() => seen.push(left(budget)))
      flush()
    })
    // Six are taken at 0.9 s; the five paid in are forgotten at 1 s, the six taken at 1.8 s.
    expect(seen).toEqual([6, 0, 1, 0, 1])
  })

  it('does not grow with the number of origins', () => {
    const budget = new RetryBudget({ share: 1, floor: 0 })
    deposit(budget, 1, 'https://first.test')
    for (let n = 0; n < 1_000; n++) deposit(budget, 1, `https://${n}.test`)
    expect(left(budget, 'https://first.test')).toBe(0)
    expect(left(budget, 'https://999.test')).toBe(1)
  })

  it.each([
    { share: -1 },
    { share: Number.NaN },
    { share: Infinity },
    { floor: -1 },
    { floor: Infinity },
    { window: 9 },
    { window: Number.NaN },
    { window: 2 ** 31 },
  ] satisfies RetryBudgetOptions[])('refuses %j', options => {
    expect(() => new RetryBudget(options)).toThrow(`RetryBudget({ ${Object.keys(options)[0] ?? ''} }) must be`)
  })
})
