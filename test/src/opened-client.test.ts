import {
  firstValueFrom,
  from,
  lastValueFrom,
  NEVER,
  Subject,
  Subscription,
  takeUntil,
  using,
  type Observable,
} from 'rxjs'
import { createClient, definePlugin, type Client, type CloseReport, type Cookie, type HttpError } from 'sluice'
import { describe, expect, it } from 'vitest'
import { answering, ScriptedEngine } from './scripted-engine.ts'
import { failure, reason } from './thrown.ts'
import { virtually } from '../support/virtual-time.ts'

const over = (engine: ScriptedEngine): Client => createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })
const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const codeOf = (error: unknown): string => (error as HttpError).code

/** Subscribes and keeps what comes of it. */
function outcome(source: Observable<unknown>): unknown[] {
  const log: unknown[] = []
  source.subscribe({
    next: () => log.push('next'),
    error: (error: unknown) => log.push(codeOf(error)),
    complete: () => log.push('complete'),
  })
  return log
}

describe('inFlight', () => {
  it('counts calls from subscription to their end, streams and children too', async () => {
    const engine = new ScriptedEngine(sent => {
      if (sent.request.url.endsWith('stream')) sent.head()
    })
    const client = over(engine)
    const child = client.with()
    const call = client.get('a')
    expect(client.inFlight).toBe(0)
    call.subscribe()
    child.get('b').subscribe({ error: () => undefined })
    const stream = client.stream('stream', () => NEVER).subscribe()
    expect([client.inFlight, child.inFlight]).toEqual([3, 1])
    engine.nth(1).answer()
    engine.nth(2).fail()
    expect([client.inFlight, child.inFlight]).toEqual([1, 0])
    stream.unsubscribe()
    expect(client.inFlight).toBe(0)
    await client.close()
  })
})

describe('cookies', () => {
  /** Answers with the url it was asked about, as a cookie. */
  const keeping = definePlugin({
    name: 'keeping',
    scope: 'attempt',
    defaults: {},
    install: ({ provide }) => {
      provide({ cookies: url => Promise.resolve([{ name: 'url', value: url } as Cookie]) })
      return (request, next) => next(request)
    },
  })
  const open = () => createClient({ engine: answering(), baseUrl: 'https://api.test/v1/', plugins: [keeping()] })
  const asked = async (client: Client, url: string | URL) => (await client.cookies(url))[0]?.value

  it('asks the plugin that keeps them, about an absolute url', async () => {
    expect(await asked(open(), 'users/7')).toBe('https://api.test/v1/users/7')
    expect(await asked(open(), new URL('https://api.test/v1/x'))).toBe('https://api.test/v1/x')
    expect(await asked(open().extend({ baseUrl: 'sub/' }), 'x')).toBe('https://api.test/v1/sub/x')
  })

  it('asks it in a client whose engine is not loaded yet, and does not load it for one that has ended', async () => {
    const client = createClient({ baseUrl: 'https://api.test/', plugins: [keeping()] })
    expect(await asked(client, 'x')).toBe('https://api.test/x')
    await client.close()
    expect(await asked(client, 'x')).toBe('https://api.test/x')
    const unused = createClient({ baseUrl: 'https://api.test/', plugins: [keeping()] })
    await unused.close()
    expect((await failure(from(unused.cookies('x')))).code).toBe('CLOSED')
  })

  it('names the plugin to install where there is none, and refuses what is no url', async () => {
    const error = await failure(from(over(answering()).cookies('x')))
    expect([error.code, error.message]).toEqual([
      'CONFIG',
      "This client keeps no cookies. Install the plugin that does: cookies() of 'sluice/plugins/cookies', as in createClient({ plugins: recommended(cookies()) }).",
    ])
    expect((await failure(from(open().cookies('https://elsewhere.test/')))).code).toBe('CONFIG')
  })
})

describe('close', () => {
  it('refuses new calls at once and lets running ones finish', async () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const log = outcome(client.get('a'))
    const closed = client.close()
    expect(client.closed).toBe(true)
    expect(await failure(client.get('b?token=s3cret'))).toMatchObject({
      code: 'CLOSED',
      phase: 'queue',
      requestWritten: 'no',
      message: 'GET b?token=<redacted:6> was not sent: its client is closed.',
    })
    expect(engine.sent).toHaveLength(1)
    engine.last.answer()
    expect(log).toEqual(['next', 'complete'])
    expect(await closed).toEqual({ cut: [] })
  })

  it('does not make the body of a call it refuses', async () => {
    const client = over(answering())
    await client.close()
    let made = 0
    expect(await failure(client.post('a', () => `body ${++made}`))).toMatchObject({ code: 'CLOSED' })
    expect(made).toBe(0)
  })

  it('waits for streams until their reader has ended, not only for their last byte', async () => {
    const engine = answering('x')
    const client = over(engine)
    const more = new Subject<void>()
    const log = outcome(client.stream('a', () => NEVER.pipe(takeUntil(more))))
    let closed = false
    void client.close().then(() => (closed = true))
    await settle()
    expect(closed).toBe(false)
    more.next()
    await settle()
    expect([closed, log]).toEqual([true, ['complete']])
  })

  it('cancels what still runs after the drain time, and names it', async () => {
    const engine = new ScriptedEngine(sent => {
      if (sent.request.url.includes('stream')) sent.head()
    })
    const client = over(engine)
    const logs = [
      outcome(client.get('slow')),
      outcome(client.get('quick')),
      outcome(client.stream('stream?token=s3cret', () => NEVER)),
    ]
    let closed: Promise<CloseReport> | undefined
    virtually(() => {
      closed = client.close({ drain: 5_000 })
      engine.nth(2).answer()
    })
    expect(logs).toEqual([['CANCELLED'], ['next', 'complete'], ['CANCELLED']])
    expect(engine.sent.map(({ asked }) => asked)).toEqual([['abort'], [], ['abort']])
    expect(await closed).toEqual({
      cut: [
        { id: 1, method: 'GET', url: 'https://api.test/slow' },
        { id: 3, method: 'GET', url: 'https://api.test/stream?token=<redacted:6>' },
      ],
    })
  })

  it.each([Number.NaN, -1, Infinity, 2 ** 31, '5', null])(
    'refuses the drain time %o and does not close',
    async drain => {
      const client = over(answering())
      const error = await reason(client.close({ drain: drain as number }))
      expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
      expect((error as Error).message).toMatch(
        /^close\(\{ drain \}\) must be a number of milliseconds from 0 to 2147483647, not .+\.$/,
      )
      expect(client.closed).toBe(false)
    },
  )

  it('can be called again and again', async () => {
    const client = over(answering())
    expect(await Promise.all([client.close(), client.close({ drain: 1 }), client.close()])).toHaveLength(3)
    await client.close()
  })

  it('then cancel: ends at once what was still waited for', async () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const log = outcome(client.get('a'))
    const closed = client.close()
    client.cancel()
    expect(log).toEqual(['CANCELLED'])
    expect(await closed).toEqual({ cut: [] })
  })

  it('from within the last answer ends after it', async () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    let closed: Promise<CloseReport> | undefined
    client.get('a').subscribe(() => {
      closed = client.close()
    })
    engine.last.answer()
    await closed
    expect(client.inFlight).toBe(0)
  })
})

describe('cancel', () => {
  it('ends every running call with CANCELLED, whatever it does, and takes no new ones', async () => {
    const engine = new ScriptedEngine(sent => {
      if (!sent.request.url.endsWith('waiting')) sent.connection().head().chunk('x')
    })
    const client = over(engine)
    const logs = [
      outcome(client.get('waiting')),
      outcome(client.get('half')),
      outcome(client.stream('stream', () => NEVER)),
      outcome(client.with().get('child')),
    ]
    client.cancel(new Error('enough'))
    expect(logs).toEqual([['CANCELLED'], ['CANCELLED'], ['CANCELLED'], ['CANCELLED']])
    expect(engine.sent.map(({ asked }) => asked)).toEqual([['abort'], ['abort'], ['abort'], ['abort']])
    expect(await failure(client.get('new'))).toMatchObject({ code: 'CLOSED' })
    await client.join()
  })

  it('tells whose call it was and why', async () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const call = failure(client.get('a?token=s3cret'))
    client.cancel('enough')
    const error = await call
    expect(error).toMatchObject({ code: 'CANCELLED', cause: 'enough', request: { id: 1, method: 'GET' } })
    expect(error.message).toBe('GET https://api.test/a?token=<redacted:6> was cancelled: its client was cancelled.')
  })

  it('does not end a call twice, nor one that is just ending', () => {
    const engine = answering()
    const client = over(engine)
    const log: string[] = []
    client.get('a').subscribe({
      next: () => {
        log.push('next')
        client.cancel()
      },
      error: (error: unknown) => log.push(codeOf(error)),
      complete: () => log.push('complete'),
    })
    expect(log).toEqual(['next', 'CANCELLED'])
    const second = over(answering())
    second.get('a').subscribe({
      complete: () => {
        log.push('complete')
        second.cancel()
      },
      error: (error: unknown) => log.push(codeOf(error)),
    })
    expect(log).toEqual(['next', 'CANCELLED', 'complete'])
  })

  it('lets an error handler see that the client is closed', () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const log: unknown[] = []
    client.get('a').subscribe({
      error: () => {
        log.push(client.closed, ...outcome(client.get('b')))
      },
    })
    client.cancel()
    expect(log).toEqual([true, 'CLOSED'])
  })
})

describe('a client as a resource', () => {
  it('is an Unsubscribable: a subscription ends it', () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const log = outcome(client.get('a'))
    const subscription = new Subscription()
    subscription.add(client)
    subscription.unsubscribe()
    expect([client.closed, log]).toEqual([true, ['CANCELLED']])
  })

  it('can be given to using()', () => {
    const engine = answering('x')
    let client: Client | undefined
    const log = outcome(
      using(
        () => (client = over(engine)),
        one => (one as Client).get('a'),
      ),
    )
    expect([client?.closed, log]).toEqual([true, ['next', 'complete']])
  })

  it('is cancelled where its using ends', () => {
    const engine = new ScriptedEngine()
    const log: unknown[] = []
    {
      using client = over(engine)
      client.get('a').subscribe({ error: (error: unknown) => log.push(codeOf(error)) })
    }
    expect(log).toEqual(['CANCELLED'])
  })

  it('is closed where its await using ends', async () => {
    const engine = new ScriptedEngine()
    let log: unknown[] = []
    setImmediate(() => {
      engine.last.answer()
    })
    {
      await using client = over(engine)
      log = outcome(client.get('a'))
    }
    expect(log).toEqual(['next', 'complete'])
  })
})

describe('join', () => {
  it('waits for the end without bringing it about', async () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    let joined = false
    void client.join().then(() => (joined = true))
    client.get('a').subscribe()
    engine.last.answer()
    await settle()
    expect([joined, client.closed]).toEqual([false, false])
    void client.close()
    await settle()
    expect(joined).toBe(true)
  })

  it('of a child is over with its parent', async () => {
    const client = over(answering())
    const child = client.with()
    const joined = child.join()
    client.cancel()
    await joined
    expect(child.closed).toBe(true)
  })
})

describe('explain', () => {
  it('shows base url, plugins and engine, and a child its own', () => {
    const client = over(answering())
    expect(client.explain()).toMatch(/^client https:\/\/api\.test\/\n[^]+ {2}engine {3}scripted$/)
    expect(client.extend({ baseUrl: 'users/' }).explain()).toMatch(/^client https:\/\/api\.test\/users\/\n/)
  })
})

describe('many calls', () => {
  it('leave nothing behind', async () => {
    const engine = new ScriptedEngine((sent, n) => {
      if (n % 3 === 0) sent.fail()
      else if (n % 3 === 1) sent.answer('x')
    })
    const client = over(engine)
    for (let n = 0; n < 3_000; n++) {
      const subscription = client.get('a').subscribe({ error: () => undefined })
      if (n % 3 === 1) subscription.unsubscribe()
    }
    expect(client.inFlight).toBe(0)
    expect(engine.sent.filter(({ aborted }) => aborted)).toHaveLength(1_000)
    await client.close()
  })

  it('that are left in the turn they began are aborted, each once', () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const all = Array.from({ length: 100 }, () => client.get('a').subscribe())
    for (const one of all.toReversed()) one.unsubscribe()
    expect(engine.sent.every(({ asked }) => asked.join() === 'abort')).toBe(true)
  })

  it('can be awaited and streamed side by side', async () => {
    const engine = answering('x')
    const client = over(engine)
    const [whole, live] = await Promise.all([
      firstValueFrom(client.get('a')),
      lastValueFrom(client.stream('b', response => new Response(response.body).text())),
    ])
    expect([whole.text(), live]).toEqual(['x', 'x'])
  })
})
