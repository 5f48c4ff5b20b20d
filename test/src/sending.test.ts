import { take, type Observable, type Subscription } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { edge } from '../../src/edge.ts'
import { HttpHeaders, type Engine, type HttpEvent, type HttpRequest, type ResponseHead } from '../../src/index.ts'
import { REPORT, type Report } from '../../src/monitor.ts'
import { aRequest } from './samples.ts'
import { aConnection, answering, ScriptedEngine } from './scripted-engine.ts'

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

describe('one send', () => {
  it('passes on everything that happens, in its order', () => {
    const engine = new ScriptedEngine(sent => {
      sent.connection().next({ type: 'sent' })
      sent.next({ type: 'progress', way: 'up', loaded: 1 })
      sent.next({ type: 'informational', status: 103, headers: HttpHeaders.none })
      sent.head().chunk('a').chunk('b').trailers({ x: '1' }).complete()
    })
    expect(send(engine).log).toEqual([
      'connection',
      'sent',
      'progress',
      'informational',
      'head',
      'chunk',
      'chunk',
      'trailers',
      'complete',
    ])
  })

  it('tells in the head of the connection and when things happened', () => {
    const engine = new ScriptedEngine(sent => {
      sent.connection({ id: 7 }).next({ type: 'sent' }).head()
    })
    let head: ResponseHead | undefined
    const before = performance.timeOrigin + performance.now()
    edge(engine)(aRequest()).subscribe(event => {
      if (event.type === 'head') head = event.head
    })
    const { startedAt = 0, connected = -1, sent = -1, firstByte = -1, done } = head?.timings ?? {}
    expect(head?.connection).toEqual(aConnection({ id: 7 }))
    expect(startedAt).toBeGreaterThanOrEqual(before)
    expect([connected, sent, firstByte]).toEqual([connected, sent, firstByte].toSorted((a, b) => a - b))
    expect(connected).toBeGreaterThanOrEqual(0)
    expect(done).toBeUndefined()
  })

  it('says when the last byte was there, once it is', () => {
    const engine = new ScriptedEngine(sent => {
      sent.head()
    })
    let head: ResponseHead | undefined
    edge(engine)(aRequest()).subscribe(event => {
      if (event.type === 'head') head = event.head
    })
    expect(head?.timings?.done).toBeUndefined()
    engine.last.complete()
    expect(head?.timings?.done).toBeGreaterThanOrEqual(head?.timings?.firstByte ?? Infinity)
  })
})

describe('leaving an exchange', () => {
  it('aborts it, exactly once', () => {
    const engine = new ScriptedEngine()
    const { subscription } = send(engine)
    subscription.unsubscribe()
    subscription.unsubscribe()
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('aborts it in the middle of a body', () => {
    const engine = new ScriptedEngine(sent => sent.head().chunk('a'))
    const { subscription, log } = send(engine)
    subscription.unsubscribe()
    engine.last.chunk('b')
    expect(log).toEqual(['head', 'chunk'])
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('does not abort what has ended well, later or at once', () => {
    const slow = new ScriptedEngine()
    const { log, subscription } = send(slow)
    slow.last.answer('a')
    subscription.unsubscribe()
    expect(log).toEqual(['head', 'chunk', 'complete'])
    expect(slow.last.asked).toEqual([])
    const instant = answering()
    send(instant)
    expect(instant.last.asked).toEqual([])
  })

  it('does not abort what has failed, later or at once', () => {
    const slow = new ScriptedEngine()
    const { log } = send(slow)
    slow.last.fail()
    expect(log).toEqual(['error'])
    expect(slow.last.asked).toEqual([])
    const instant = new ScriptedEngine(sent => {
      sent.fail()
    })
    expect(send(instant).log).toEqual(['error'])
    expect(instant.last.asked).toEqual([])
  })

  it('does not abort what completes while its end is being told', () => {
    const engine = new ScriptedEngine()
    const subscription: Subscription = edge(engine)(aRequest()).subscribe({
      complete: () => {
        subscription.unsubscribe()
      },
    })
    engine.last.answer()
    expect(engine.last.asked).toEqual([])
  })

  it('aborts an engine that speaks before exchange() has returned, right after it has', () => {
    const log: string[] = []
    const engine = new ScriptedEngine(sent => {
      sent.head().chunk('a').chunk('b')
      log.push(`exchange returns, asked ${sent.asked.join()}`)
    })
    edge(engine)(aRequest())
      .pipe(take(1))
      .subscribe(event => log.push(event.type))
    expect(log).toEqual(['head', 'exchange returns, asked '])
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('tells an engine that speaks before exchange() has returned that nobody listens any more', () => {
    const closed: (boolean | undefined)[] = []
    const scripted = new ScriptedEngine()
    const engine: Engine = {
      name: 'instant',
      capabilities: scripted.capabilities,
      close: () => Promise.resolve(),
      destroy: () => Promise.resolve(),
      exchange(request, observer) {
        closed.push(observer.closed?.())
        observer.next({ type: 'sent' })
        closed.push(observer.closed?.())
        return scripted.exchange(request, observer)
      },
    }
    edge(engine)(aRequest()).pipe(take(1)).subscribe()
    expect(closed).toEqual([false, true])
    expect(scripted.last.asked).toEqual(['abort'])
  })

  it('makes an error of an engine that throws though it should not', () => {
    const engine = new ScriptedEngine(() => {
      throw new Error('driver')
    })
    expect(send(engine).errors).toEqual([new Error('driver')])
  })
})

describe('reports', () => {
  const reported = (engine: Engine, request: HttpRequest): Report[] => {
    const reports: Report[] = []
    listen(
      edge(engine)(
        request.note(REPORT, report => {
          reports.push(report)
        }),
      ),
    )
    return reports
  }

  it('tell of every attempt and of its connection', () => {
    const engine = new ScriptedEngine(sent => {
      sent.connection({ id: 2 }).answer()
    })
    expect(reported(engine, aRequest())).toMatchObject([
      { type: 'attempt', attempt: 1 },
      { type: 'connection', connection: { id: 2 } },
    ])
  })
})
