import type { Observable, Subscription } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { edge } from '../../src/edge.ts'
import { discard, DISCARD, type Engine, type HttpEvent, type HttpRequest } from '../../src/index.ts'
import { virtually } from '../support/virtual-time.ts'
import { aHead, aRequest } from './samples.ts'
import { answering, ScriptedEngine } from './scripted-engine.ts'

interface Log {
  readonly log: string[]
  readonly errors: unknown[]
  readonly subscription: Subscription
}

/** Subscribes and writes down what comes out. */
function listen(source: Observable<HttpEvent>): Log {
  const log: string[] = []
  const errors: unknown[] = []
  const subscription = source.subscribe({
    next: event => log.push(event.type),
    error: (error: unknown) => {
      errors.push(error)
      log.push('error')
    },
    complete: () => log.push('complete'),
  })
  return { log, errors, subscription }
}

const send = (engine: Engine, request: HttpRequest = aRequest()): Log => listen(edge(engine)(request))

describe('discard', () => {
  it('asks those who noted it, the innermost first, until one says yes', () => {
    const asked: string[] = []
    const asking = (name: string, answer: boolean) => () => {
      asked.push(name)
      return answer
    }
    const request = discard(discard(aRequest(), asking('outer', false)), asking('inner', false))
    expect(request.read(DISCARD)?.(aHead())).toBe(false)
    expect(asked).toEqual(['inner', 'outer'])
    expect(discard(aRequest(), asking('only', true)).read(DISCARD)?.(aHead())).toBe(true)
    expect(aRequest().read(DISCARD)).toBeUndefined()
  })
})

describe('an answer whose body nobody will read', () => {
  const unwanted = discard(aRequest(), head => head.status === 302)
  const redirecting = (then: (sent: ScriptedEngine['last']) => void): ScriptedEngine =>
    new ScriptedEngine(sent => {
      sent.head(302)
      then(sent)
    })

  it('is swallowed to its end, so that the connection can serve again', () => {
    const engine = redirecting(sent => {
      sent.chunk('a').trailers({ x: '1' }).complete()
    })
    const events: HttpEvent[] = []
    edge(engine)(unwanted).subscribe(event => events.push(event))
    expect(events).toMatchObject([{ type: 'head', head: { status: 302 }, unread: true }])
    expect(engine.last.asked).toEqual([])
  })

  it('is passed on as it is when somebody wants it', () => {
    expect(send(answering('a'), unwanted).log).toEqual(['head', 'chunk', 'complete'])
  })

  it('is given up when it is longer than 64 KiB', () => {
    const engine = redirecting(() => undefined)
    const { log } = send(engine, unwanted)
    engine.last.chunk(new Uint8Array(64 * 1024))
    expect(log).toEqual([])
    engine.last.chunk('x')
    expect(log).toEqual(['head', 'complete'])
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('is given up when its rest takes longer than 100 ms', () => {
    const engine = redirecting(() => undefined)
    virtually(({ expectObservable }) => {
      expectObservable(edge(engine)(unwanted)).toBe('100ms (a|)', {
        a: expect.objectContaining({ type: 'head', unread: true }) as unknown,
      })
    })
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('does not matter any more when it breaks off', () => {
    const engine = redirecting(sent => {
      sent.fail()
    })
    expect(send(engine, unwanted).log).toEqual(['head', 'complete'])
    expect(engine.last.asked).toEqual([])
  })

  it('is aborted with whoever leaves before its end, and leaves no timer', () => {
    const engine = redirecting(() => undefined)
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const { log, subscription } = send(engine, unwanted)
    expect(timers()).toBe(before + 1)
    subscription.unsubscribe()
    expect(timers()).toBe(before)
    expect(engine.last.asked).toEqual(['abort'])
    expect(log).toEqual([])
  })

  it('is the error of a call whose plugin throws while it is asked', () => {
    const engine = redirecting(() => undefined)
    const request = discard(aRequest(), () => {
      throw new Error('in a plugin')
    })
    expect(send(engine, request).errors).toEqual([new Error('in a plugin')])
    expect(engine.last.asked).toEqual(['abort'])
  })
})
