import { Observable, type Subscription, type Subscriber } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Everything } from '../../src/call.ts'
import { HttpError, notice, type HttpEvent, type RequestFields } from '../../src/index.ts'
import { Lifetime } from '../../src/lifetime.ts'
import type { Report } from '../../src/monitor.ts'
import { aHead, aRequest, aResponse } from './samples.ts'

// What users see of it is in execute.test.ts and monitor.test.ts.

interface Began {
  readonly call: Everything
  readonly life: Lifetime
  readonly log: unknown[]
  readonly reports: string[]
  readonly subscription: Subscription
}

function begin(change: Partial<RequestFields> = {}): Began {
  const life = new Lifetime()
  const log: unknown[] = []
  const reports: string[] = []
  const report = ({ type }: Report): void => {
    reports.push(type)
  }
  const made: Everything[] = []
  const source = new Observable<HttpEvent>((subscriber: Subscriber<HttpEvent>) => {
    const call = new Everything(aRequest(change), subscriber, { lifetime: life, report })
    made.push(call)
    return call
  })
  const subscription = source.subscribe({
    error: (error: unknown) => log.push(error),
    complete: () => log.push('complete'),
  })
  const [call] = made
  if (call === undefined) throw new Error('no call was made')
  return { call, life, log, reports, subscription }
}

describe('a call', () => {
  it('is counted from its beginning to its end', () => {
    const { call, life, log } = begin()
    expect(life.size).toBe(1)
    call.complete()
    expect([life.size, log]).toEqual([0, ['complete']])
  })

  it('ends once: what is said of its end later does not count', () => {
    const { call, log, reports } = begin()
    call.fail(new Error('first'))
    call.fail(new Error('second'))
    call.complete()
    call.cancel(new HttpError('CANCELLED', 'third'))
    expect(log).toEqual([new Error('first')])
    expect(reports).toEqual(['created', 'failure'])
  })

  it('leaves its source before it is no longer counted', () => {
    const { call, life, subscription } = begin()
    const sizes: number[] = []
    call.over(new Observable(() => () => sizes.push(life.size)))
    subscription.unsubscribe()
    expect([sizes, life.size]).toEqual([[1], 0])
  })

  it('leaves a source that comes when it is over', () => {
    const { call, subscription } = begin()
    subscription.unsubscribe()
    let left = 0
    call.over(new Observable(() => () => (left += 1)))
    expect(left).toBe(1)
  })

  it('adds its request to an error that has none, and changes no other', () => {
    const bare = new HttpError('BODY', 'Spent.')
    const first = begin({ id: 5 })
    first.call.fail(bare)
    expect(first.log).toMatchObject([{ code: 'BODY', request: { id: 5 } }])
    const named = new HttpError('BODY', 'Spent.', { request: aRequest({ id: 8 }) })
    const second = begin({ id: 5 })
    second.call.fail(named)
    expect(second.log[0]).toBe(named)
    const third = begin()
    third.call.fail('text')
    expect(third.log).toEqual(['text'])
  })

  it('gives up a body that was never opened', () => {
    let discarded = 0
    const body = { length: undefined, replayable: false, open: () => ({}) as never, discard: () => (discarded += 1) }
    begin({ body }).subscription.unsubscribe()
    expect(discarded).toBe(1)
  })

  it('reports notices and answers, and nothing else', () => {
    const { call, reports } = begin()
    call.next({ type: 'sent' })
    call.next(notice('retry', 'retrying'))
    call.next({ type: 'head', head: aHead(), flow: { pause: () => undefined, resume: () => undefined } })
    call.next({ type: 'chunk', bytes: new Uint8Array(1) })
    call.next({ type: 'response', response: aResponse('x') })
    expect(reports).toEqual(['created', 'notice', 'response', 'response'])
  })

  it('is cancelled when it is left before its answer, and completed when after', () => {
    const left = begin()
    left.subscription.unsubscribe()
    expect(left.reports).toEqual(['created', 'cancelled'])
    const answered = begin()
    answered.call.next({ type: 'response', response: aResponse('x') })
    answered.subscription.unsubscribe()
    expect(answered.reports).toEqual(['created', 'response', 'completed'])
  })
})
