import { Observable, of, Subject, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { HttpEvent } from '../../src/index.ts'
import { Stage, staged } from '../../src/stage.ts'

const SENT: HttpEvent = { type: 'sent' }

/** Ends by itself with the second event. */
class Once extends Stage {
  #seen = 0

  override next(event: HttpEvent): void {
    if (++this.#seen === 2) this.error(new Error('twice'))
    else super.next(event)
  }
}

interface Heard {
  readonly log: unknown[]
  readonly leave: () => void
}

function hear(events: Observable<HttpEvent>): Heard {
  const log: unknown[] = []
  const subscription = events.subscribe({
    next: ({ type }) => log.push(type),
    error: (error: unknown) => log.push(error),
    complete: () => log.push('complete'),
  })
  return {
    log,
    leave: () => {
      subscription.unsubscribe()
    },
  }
}

describe('a stage', () => {
  it('passes on what it hears, and how that ends', () => {
    const pass = staged(out => new Stage(out))
    expect(hear(pass(of(SENT, SENT))).log).toEqual(['sent', 'sent', 'complete'])
    expect(hear(pass(throwError(() => new Error('no')))).log).toEqual([new Error('no')])
  })

  it('leaves its events when it ends by itself, and keeps quiet from then on', () => {
    const subject = new Subject<HttpEvent>()
    const { log } = hear(staged(out => new Once(out))(subject))
    subject.next(SENT)
    expect(subject.observed).toBe(true)
    subject.next(SENT)
    expect(subject.observed).toBe(false)
    expect(log).toEqual(['sent', new Error('twice')])
  })

  it('leaves events that come at once and do not stop', () => {
    let told = 0
    let left = 0
    const endless = new Observable<HttpEvent>(subscriber => {
      subscriber.add(() => (left += 1))
      while (!subscriber.closed && told < 100) {
        told++
        subscriber.next(SENT)
      }
    })
    const { log } = hear(staged(out => new Once(out))(endless))
    expect(log).toEqual(['sent', new Error('twice')])
    expect(left).toBe(1)
  })

  it('is left when its subscription is', () => {
    const subject = new Subject<HttpEvent>()
    const { log, leave } = hear(staged(out => new Stage(out))(subject))
    leave()
    expect(subject.observed).toBe(false)
    expect(log).toEqual([])
  })

  it('says nothing after its end, whoever speaks', () => {
    const made: Stage[] = []
    const { log } = hear(
      staged(out => {
        const stage = new Stage(out)
        made.push(stage)
        return stage
      })(new Subject()),
    )
    for (const stage of made) {
      stage.complete()
      stage.next(SENT)
      stage.error(new Error('late'))
      stage.complete()
      expect(stage.closed).toBe(true)
    }
    expect(log).toEqual(['complete'])
  })

  it('is closed when whoever it tells is', () => {
    const stages: Stage[] = []
    const { leave } = hear(
      staged(out => {
        stages.push(new Stage(out))
        return stages[0] as Stage
      })(new Subject()),
    )
    expect(stages[0]?.closed).toBe(false)
    leave()
    expect(stages[0]?.closed).toBe(true)
  })

  it('is made anew for every subscription', () => {
    let made = 0
    const events = staged(out => {
      made++
      return new Stage(out)
    })(of(SENT))
    hear(events)
    hear(events)
    expect(made).toBe(2)
  })
})
