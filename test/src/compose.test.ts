import { Observable, of, retry, type Subscriber } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { compose, type Installed } from '../../src/compose.ts'
import { edge } from '../../src/edge.ts'
import { definePlugin, type HttpEvent, type Interceptor, type Scope } from '../../src/index.ts'
import { aRequest } from './samples.ts'
import { answering, ScriptedEngine } from './scripted-engine.ts'

function installed(name: string, scope: Scope, intercept: Interceptor<{ tag: string }>): Installed {
  const plugin = definePlugin({ name, scope, defaults: { tag: 'default' }, install: () => intercept })()
  return { plugin, intercept: intercept as Interceptor<object> }
}

const passing = (name: string, scope: Scope, log: string[]): Installed =>
  installed(name, scope, (request, next, { tag }) => {
    log.push(`in ${name} ${tag}`)
    return new Observable<HttpEvent>(subscriber =>
      next(request).subscribe({
        next: event => {
          log.push(`out ${name} ${event.type}`)
          subscriber.next(event)
        },
        error: (error: unknown) => {
          subscriber.error(error)
        },
        complete: () => {
          subscriber.complete()
        },
      }),
    )
  })

const types = (source: Observable<HttpEvent>): string[] => {
  const seen: string[] = []
  source.subscribe(event => seen.push(event.type))
  return seen
}

describe('the way of a request', () => {
  it('goes inward through the list and back out, the whole answer gathered outside of the wire', () => {
    const log: string[] = []
    const { whole } = compose([passing('a', 'call', log), passing('b', 'wire', log)], edge(answering('x')))
    expect(types(whole(aRequest()))).toEqual(['response'])
    expect(log).toEqual(['in a default', 'in b default', 'out b head', 'out b chunk', 'out a response'])
  })

  it('goes live through all of them when nobody gathers', () => {
    const log: string[] = []
    const { live } = compose([passing('a', 'call', log), passing('b', 'wire', log)], edge(answering('x')))
    expect(types(live(aRequest()))).toEqual(['head', 'chunk'])
    expect(log).toEqual(['in a default', 'in b default', 'out b head', 'out a head', 'out b chunk', 'out a chunk'])
  })

  it('is the engine alone without plugins', () => {
    const { whole, live } = compose([], edge(answering('x')))
    expect([types(whole(aRequest())), types(live(aRequest()))]).toEqual([['response'], ['head', 'chunk']])
  })

  it('leaves out a plugin that the call does not want, and gives it the options of the call', () => {
    const log: string[] = []
    const { live } = compose([passing('a', 'call', log), passing('b', 'call', log)], edge(answering()))
    types(live(aRequest({ options: { a: false, b: { tag: 'call' } } })))
    expect(log.filter(line => line.startsWith('in'))).toEqual(['in b call'])
  })

  it('runs an interceptor when it is subscribed to, and again for every subscription', () => {
    const log: string[] = []
    const engine = new ScriptedEngine((sent, n) => {
      if (n === 1) sent.fail()
      else sent.answer()
    })
    const again = installed('again', 'steer', (request, next) => {
      const events = next(request)
      log.push('next was called')
      return events.pipe(retry(1))
    })
    const { whole } = compose([again, passing('inner', 'attempt', log)], edge(engine))
    const source = whole(aRequest())
    expect(log).toEqual([])
    types(source)
    expect(log.filter(line => !line.startsWith('out'))).toEqual([
      'next was called',
      'in inner default',
      'in inner default',
    ])
    expect(engine.sent).toHaveLength(2)
  })

  it('may end before the engine is asked', () => {
    const engine = answering()
    const cached = installed('cached', 'steer', () => of({ type: 'sent' }))
    expect(types(compose([cached], edge(engine)).live(aRequest()))).toEqual(['sent'])
    expect(engine.sent).toEqual([])
  })

  it('is left from the outside in: every teardown runs, then the exchange is aborted', () => {
    const log: string[] = []
    const leaving = (name: string): Installed =>
      installed(name, 'call', (request, next) => {
        const begin = (subscriber: Subscriber<HttpEvent>) => {
          subscriber.add(() => log.push(`leave ${name}`))
          return next(request).subscribe(subscriber)
        }
        return new Observable<HttpEvent>(begin)
      })
    const engine = new ScriptedEngine()
    const { live } = compose([leaving('a'), leaving('b')], edge(engine))
    live(aRequest()).subscribe().unsubscribe()
    expect(log).toEqual(['leave a', 'leave b'])
    expect(engine.last.asked).toEqual(['abort'])
  })

  it('makes an error of what an interceptor throws', () => {
    const broken = installed('broken', 'call', () => {
      throw new Error('broken')
    })
    const errors: unknown[] = []
    compose([broken], edge(answering()))
      .live(aRequest())
      .subscribe({ error: (error: unknown) => errors.push(error) })
    expect(errors).toEqual([new Error('broken')])
  })
})
