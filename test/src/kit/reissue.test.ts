import { NEVER, Observable, of, throwError, timer, type Subscription } from 'rxjs'
import { notice, reissue, type HttpEvent, type Outcome } from 'sluice'
import { describe, expect, it } from 'vitest'
import { aHead, aResponse } from '../samples.ts'
import { virtually } from '../../support/virtual-time.ts'

const whole = (body: string): HttpEvent => ({ type: 'response', response: aResponse(body) })
const head = (status: number): HttpEvent => ({
  type: 'head',
  head: aHead({ status }),
  flow: { pause: () => undefined, resume: () => undefined },
})
const sent: HttpEvent = { type: 'sent' }

/** What comes out, one word an event. */
function listen(source: Observable<HttpEvent>): string[] {
  const seen: string[] = []
  source.subscribe({
    next: event =>
      seen.push(
        event.type === 'response' ? event.response.text() : event.type === 'head' ? `${event.head.status}` : event.type,
      ),
    error: (error: unknown) => seen.push(String(error)),
    complete: () => seen.push('complete'),
  })
  return seen
}

describe('what decides', () => {
  it.each([7, {}, () => of(sent)])('may not answer with %o: that is the error of the call', odd => {
    for (const source of [of(whole('a')), throwError(() => new Error('broken'))]) {
      const seen = listen(source.pipe(reissue(() => odd as unknown as Observable<HttpEvent>)))
      expect(seen).toHaveLength(1)
      expect(seen[0]).toMatch(/^TypeError: You provided/)
    }
  })

  it('may answer with null for nothing', () => {
    expect(listen(of(whole('a')).pipe(reissue(() => null as unknown as undefined)))).toEqual(['a', 'complete'])
  })
})

describe('reissue', () => {
  it('lets an outcome pass that is accepted, and the events before it at once', () => {
    expect(listen(of(sent, whole('a')).pipe(reissue(() => undefined)))).toEqual(['sent', 'a', 'complete'])
    expect(listen(throwError(() => new Error('broken')).pipe(reissue(() => undefined)))).toEqual(['Error: broken'])
  })

  it('takes another outcome, however often, and never shows the one it left', () => {
    const others = [throwError(() => new Error('broken')), of(sent, whole('c')), of(sent, whole('d'))]
    const decided: unknown[] = []
    const source = of(sent, whole('a')).pipe(
      reissue(({ response, error }) => {
        decided.push(error instanceof Error ? String(error) : response?.text())
        return others.shift()
      }),
    )
    expect(listen(source)).toEqual(['sent', 'sent', 'sent', 'd', 'complete'])
    expect(decided).toEqual(['a', 'Error: broken', 'c', 'd'])
  })

  it('ends what it leaves before it begins the other, also when it answers while it is subscribed to', () => {
    const log: string[] = []
    const attempt = (name: string, events: Observable<HttpEvent>) =>
      new Observable<HttpEvent>(subscriber => {
        log.push(`${name} begins`)
        subscriber.add(events.subscribe(subscriber))
        return () => log.push(`${name} ends`)
      })
    virtually(({ flush, cold }) => {
      const late = cold('--a', { a: head(503) })
      const source = attempt('first', late).pipe(
        reissue(outcome => (outcome.head?.status === 503 ? attempt('second', of(whole('x'))) : undefined)),
      )
      source.subscribe()
      flush()
    })
    expect(log).toEqual(['first begins', 'first ends', 'second begins', 'second ends'])
  })

  it('never takes back an answer that was let through', () => {
    let asked = 0
    const broken = new Observable<HttpEvent>(subscriber => {
      subscriber.next(head(200))
      subscriber.error('truncated')
    })
    expect(listen(broken.pipe(reissue(() => (asked++ > 0 ? NEVER : undefined))))).toEqual(['200', 'truncated'])
    expect(asked).toBe(1)
  })

  it('fails with what `decide` throws, and ends what runs', () => {
    let ended = false
    const source = new Observable<HttpEvent>(subscriber => {
      timer(1).subscribe(() => {
        subscriber.next(head(503))
      })
      return () => (ended = true)
    })
    const seen = virtually(({ flush }) => {
      const log = listen(
        source.pipe(
          reissue(() => {
            throw new Error('no idea')
          }),
        ),
      )
      flush()
      return log
    })
    expect(seen).toEqual(['Error: no idea'])
    expect(ended).toBe(true)
  })

  it('tells those further out what it does, before it does it', () => {
    let left = 1
    const source = of(whole('a')).pipe(
      reissue((_: Outcome, tell) => {
        tell(notice('test', 'deciding'))
        return left-- > 0 ? of(sent, whole('b')) : undefined
      }),
    )
    expect(listen(source)).toEqual(['notice', 'sent', 'notice', 'b', 'complete'])
  })

  it('begins nothing for who has left while it decided', () => {
    let begun = 0
    const other = new Observable<HttpEvent>(() => {
      begun++
    })
    virtually(({ flush, cold }) => {
      const call: Subscription = cold('-a', { a: head(503) })
        .pipe(
          reissue(() => {
            call.unsubscribe()
            return other
          }),
        )
        .subscribe()
      flush()
    })
    expect(begun).toBe(0)
  })
})
