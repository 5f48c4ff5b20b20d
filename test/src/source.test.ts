import { firstValueFrom, map, Observable, of, Subject, throwError, type Unsubscribable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { HttpEvent } from '../../src/index.ts'
import { run, Source, type Sink } from '../../src/source.ts'

const SENT: HttpEvent = { type: 'sent' }

/** Sends one event, or fails, and counts how often it was left. */
class One extends Source {
  left = 0
  readonly #failure: Error | undefined

  constructor(failure?: Error) {
    super()
    this.#failure = failure
  }

  run(sink: Sink): Unsubscribable {
    if (this.#failure !== undefined) throw this.#failure
    sink.next(SENT)
    return { unsubscribe: () => (this.left += 1) }
  }
}

/** Writes down what it hears. */
class Log implements Sink {
  readonly heard: unknown[] = []
  closed = false

  next(event: HttpEvent): void {
    this.heard.push(event.type)
  }
  error(error: unknown): void {
    this.heard.push(error)
  }
  complete(): void {
    this.heard.push('complete')
  }
}

describe('a source', () => {
  it('is an Observable like any other, with operators and all', async () => {
    const source = new One()
    expect(source).toBeInstanceOf(Observable)
    expect(await firstValueFrom(source.pipe(map(({ type }) => type)))).toBe('sent')
    expect(source.left).toBe(1)
  })

  it('is left when its subscription is', () => {
    const source = new One()
    const heard: HttpEvent[] = []
    const subscription = source.subscribe(event => heard.push(event))
    expect([heard, source.left]).toEqual([[SENT], 0])
    subscription.unsubscribe()
    expect(source.left).toBe(1)
  })

  it('fails for a subscriber with what it throws', async () => {
    await expect(firstValueFrom(new One(new Error('no')))).rejects.toThrow('no')
  })
})

describe('running', () => {
  it('tells a sink everything without a Subscriber in between', () => {
    const log = new Log()
    const source = new One()
    run(source, log).unsubscribe()
    expect([log.heard, source.left]).toEqual([['sent'], 1])
  })

  it('makes what is thrown the error of the sink', () => {
    const log = new Log()
    run(new One(new Error('no')), log).unsubscribe()
    expect(log.heard).toEqual([new Error('no')])
  })

  it('takes every other Observable too', () => {
    const log = new Log()
    run(of(SENT, SENT), log)
    run(
      throwError(() => new Error('no')),
      log,
    )
    expect(log.heard).toEqual(['sent', 'sent', 'complete', new Error('no')])
    const subject = new Subject<HttpEvent>()
    run(subject, log).unsubscribe()
    expect(subject.observed).toBe(false)
  })
})
