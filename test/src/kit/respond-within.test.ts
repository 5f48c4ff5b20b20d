import { concat, EMPTY, NEVER, of, throwError } from 'rxjs'
import { respondWithin, type HttpEvent } from 'sluice'
import { describe, expect, it } from 'vitest'
import { virtually } from '../../support/virtual-time.ts'
import { aHead, aResponse } from '../samples.ts'
import { thrown } from '../thrown.ts'

const events: Readonly<Record<string, HttpEvent>> = {
  s: { type: 'sent' },
  i: { type: 'informational', status: 103, headers: aHead().headers },
  h: { type: 'head', head: aHead(), flow: { pause: () => undefined, resume: () => undefined } },
  c: { type: 'chunk', bytes: new Uint8Array(1) },
  r: { type: 'response', response: aResponse('x') },
}
const late = new Error('late')
const within = (ms: number) => respondWithin(ms, () => late)

describe('respondWithin', () => {
  it('fails when no answer came in time, whatever else came', () => {
    virtually(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('s-i-----r|', events)
      expectObservable(source.pipe(within(5))).toBe('s-i--#', events, late)
      expectSubscriptions(source.subscriptions).toBe('^----!')
    })
  })

  it('is off once an answer began, whole or live, however long its body takes', () => {
    virtually(({ cold, expectObservable }) => {
      expectObservable(cold('s---r----|', events).pipe(within(5))).toBe('s---r----|', events)
      expectObservable(cold('s---h-------c----|', events).pipe(within(5))).toBe('s---h-------c----|', events)
    })
  })

  it('passes on an end of its own', () => {
    virtually(({ cold, expectObservable }) => {
      expectObservable(cold('s--#', events, 'own').pipe(within(5))).toBe('s--#', events, 'own')
      expectObservable(cold('s--|', events).pipe(within(5))).toBe('s--|', events)
    })
  })

  it('counts anew for every subscription', () => {
    virtually(({ cold, expectObservable }) => {
      const limited = cold('s-------r|', events).pipe(within(5))
      expectObservable(concat(of(events['s'] as HttpEvent), limited)).toBe('(ss)-#', events, late)
      expectObservable(limited, '---^').toBe('---s----#', events, late)
    })
  })

  it('leaves no timer when it is left', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const subscription = NEVER.pipe(within(60_000)).subscribe()
    expect(timers()).toBe(before + 1)
    subscription.unsubscribe()
    expect(timers()).toBe(before)
    EMPTY.pipe(within(60_000)).subscribe()
    throwError(() => late)
      .pipe(within(60_000))
      .subscribe({ error: () => undefined })
    expect(timers()).toBe(before)
  })

  it('fails with what the making of the error throws', () => {
    virtually(({ expectObservable }) => {
      const broken = NEVER.pipe(
        respondWithin(5, () => {
          throw new RangeError('in the making')
        }),
      )
      expectObservable(broken).toBe('-----#', undefined, new RangeError('in the making'))
    })
  })

  it.each([Number.NaN, -1, Infinity, 2 ** 31, '5', undefined])('refuses %o', ms => {
    const error = thrown(() => within(ms as number))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toMatch(/^respondWithin\(\) wants a number of milliseconds from 0 to 2147483647, not .+\.$/)
  })
})
