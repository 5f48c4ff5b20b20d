import {
  HttpError,
  type Capabilities,
  type Engine,
  type EngineFactory,
  type EventObserver,
  type Exchange,
  type HttpEvent,
  type HttpRequest,
} from 'sluice'
import { undici } from 'sluice/engines/undici'
import { engineContract, type ContractCase, type ContractOptions } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

// That good engines pass is shown with each of them. Here engines are broken in one point each, to see them caught.

/** A sound engine in which something can be broken. */
class Breakable implements Engine {
  readonly name = 'broken'
  protected readonly sound: Engine = undici().create()
  readonly capabilities: Capabilities = this.sound.capabilities

  exchange(request: HttpRequest, observer: EventObserver): Exchange {
    return this.sound.exchange(request, observer)
  }
  close(): Promise<void> {
    return this.sound.close()
  }
  destroy(reason?: HttpError): Promise<void> {
    return this.sound.destroy(reason)
  }
}

/** An observer that hears something else than what happens. */
function listening(observer: EventObserver, change: Partial<EventObserver>): EventObserver {
  return {
    next: event => observer.next(event),
    error: error => observer.error(error),
    complete: () => observer.complete(),
    ...change,
  }
}

function handle(exchange: Exchange, change: Partial<Exchange>): Exchange {
  return {
    pause: () => exchange.pause(),
    resume: () => exchange.resume(),
    abort: reason => exchange.abort(reason),
    ...change,
  }
}

/** An engine that does not tell of some events. */
const silentOn = (hidden: (event: HttpEvent) => boolean): new () => Engine =>
  class extends Breakable {
    override exchange(request: HttpRequest, observer: EventObserver): Exchange {
      const next = (event: HttpEvent): void => {
        if (!hidden(event)) observer.next(event)
      }
      return this.sound.exchange(request, listening(observer, { next }))
    }
  }

/** An engine whose errors are others. */
const failingWith = (change: (error: HttpError, observer: EventObserver) => void): new () => Engine =>
  class extends Breakable {
    override exchange(request: HttpRequest, observer: EventObserver): Exchange {
      return this.sound.exchange(request, listening(observer, { error: error => change(error, observer) }))
    }
  }

const factoryOf = (Broken: new () => Engine): EngineFactory => ({ name: 'broken', create: () => new Broken() })

function caseOf(factory: EngineFactory, title: string, options?: ContractOptions): ContractCase {
  const found = engineContract('broken', factory, options).find(one => one.title === `broken ${title}`)
  if (found === undefined) throw new Error(`the contract has no case '${title}'`)
  return found
}

const broken: readonly (readonly [what: string, Broken: new () => Engine, title: string, message: RegExp])[] = [
  [
    'takes the end of a connection for the end of a body',
    failingWith((error, observer) => {
      if (error.code === 'BODY') observer.complete()
      else observer.error(error)
    }),
    'takes a body that breaks off for an error',
    /an HttpError was expected, not the end after 1 values/,
  ],
  [
    'calls everything RESET',
    failingWith((error, observer) => {
      observer.error(new HttpError('RESET', error.message, { ...error, phase: 'headers' }))
    }),
    'reports a body that breaks off as BODY',
    /was cut off after 10 of 1000 bytes/,
  ],
  [
    'sends again what may not be sent twice',
    class extends Breakable {
      override exchange(request: HttpRequest, observer: EventObserver): Exchange {
        const again = (): void => void this.sound.exchange(request, observer)
        return this.sound.exchange(request, listening(observer, { error: again }))
      }
    },
    'takes a connection closed before an answer for an error',
    /it was sent more than once/,
  ],
  [
    'adds a header',
    class extends Breakable {
      override exchange(request: HttpRequest, observer: EventObserver): Exchange {
        return this.sound.exchange(request.header('accept', '*/*'), observer)
      }
    },
    'adds no header of its own but those of the connection and the framing',
    /accept/,
  ],
  [
    'does not hold the server back',
    class extends Breakable {
      override exchange(request: HttpRequest, observer: EventObserver): Exchange {
        const next = (event: HttpEvent): void => {
          const flow = { pause: () => {}, resume: () => {} }
          observer.next(event.type === 'head' ? { ...event, flow } : event)
        }
        return handle(this.sound.exchange(request, listening(observer, { next })), { pause: () => {} })
      }
    },
    'stops the peer while nobody reads',
    /\d+ bytes left the server for a reader that reads none/,
  ],
  [
    'lets go on what was left',
    class extends Breakable {
      override exchange(request: HttpRequest, observer: EventObserver): Exchange {
        return handle(this.sound.exchange(request, observer), { abort: () => {} })
      }
    },
    'ends the exchange at once when it is left while it waits for an answer, and says nothing more',
    /waited 1000 ms for a condition of the test, which did not happen/,
  ],
  ['hides trailers', silentOn(({ type }) => type === 'trailers'), 'reports trailers', /undefined !== '42'/],
  [
    'hides informational answers',
    silentOn(({ type }) => type === 'informational'),
    'reports informational answers before the final one',
    /103/,
  ],
  [
    'does not say which connection it was',
    silentOn(({ type }) => type === 'connection'),
    'tells which connection served a request, and what is known about it',
    /the response has no connection/,
  ],
  [
    'does not say when the request was sent',
    silentOn(({ type }) => type === 'sent'),
    'tells when things happened, in their order',
    /sent -1/,
  ],
  [
    'does not wait for what runs when it is closed',
    class extends Breakable {
      override close(): Promise<void> {
        return this.sound.destroy()
      }
    },
    'lets running exchanges finish when it is closed',
    /what ran was cut off/,
  ],
  [
    'leaves its sockets open when it is destroyed',
    class extends Breakable {
      readonly #running = new Set<EventObserver>()
      override exchange(request: HttpRequest, observer: EventObserver): Exchange {
        this.#running.add(observer)
        return this.sound.exchange(request, observer)
      }
      override async destroy(reason: HttpError): Promise<void> {
        for (const observer of this.#running) observer.error(reason)
        this.#running.clear()
        // So that this test leaves none.
        setTimeout(() => void this.sound.destroy(), 1500)
      }
    },
    'leaves no socket behind when it is destroyed',
    /which did not happen; the server saw 2 connections \(2 open\)/,
  ],
  [
    'forgets its limits',
    class extends Breakable {
      override exchange(request: HttpRequest, observer: EventObserver): Exchange {
        return this.sound.exchange(request.with({ notes: undefined }), observer)
      }
    },
    'does not wait longer than it may for a peer that takes nothing of a body',
    /broken has not done after 8000 ms what the case waits for/,
  ],
]

describe('the contract catches an engine that', () => {
  it.each(broken)('%s', async (_, Broken, title, message) => {
    await expect(caseOf(factoryOf(Broken), title).run()).rejects.toThrow(message)
  })
})

describe('the contract', () => {
  it('says why a case is not about an engine', () => {
    const unable: Capabilities = {
      ...undici().create().capabilities,
      trailers: false,
      limits: [],
      reserves: ['connections'],
    }
    class Unable extends Breakable {
      override readonly capabilities = unable
    }
    const why = (title: string): string | undefined => caseOf(factoryOf(Unable), title).excluded
    expect(why('reports trailers')).toBe('broken declares that it has no trailers')
    expect(why('connects no longer than it may')).toBe('broken declares that it has no limit connect')
    expect(why('uses a connection again and says so')).toBe(undefined)
    expect(why('opens a new connection when the idle one was closed')).toBe(
      'broken declares that its platform reserves connections to itself',
    )
    expect(why('waits in the queue no longer than it may')).toBe('no engine with a single connection was given')
    expect(why('sends again what was refused')).toBe('the servers speak http/1.1, and this is about http/2')
    expect(why('treats every status as a value')).toBe(undefined)
    const h2c = caseOf(factoryOf(Breakable), 'closes the connection at once when it is left during the TLS handshake', {
      protocol: 'h2c',
    })
    expect(h2c.excluded).toBe('the servers speak without TLS by prior knowledge')
  })

  it('wants a certificate for h2', () => {
    expect(() => engineContract('x', undici(), { protocol: 'h2' })).toThrow(
      'the contract of an engine that speaks h2 needs tls: { key, cert }',
    )
  })

  it('has titles that are told apart', () => {
    const titles = engineContract('x', undici()).map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
  })
})
