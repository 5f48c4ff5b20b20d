import {
  firstValueFrom,
  lastValueFrom,
  of,
  shareReplay,
  Subject,
  switchMap,
  take,
  takeUntil,
  timer,
  toArray,
} from 'rxjs'
import { createClient, definePlugin, type AnyPlugin, type Client } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { reply, serve, serveSequence, type TestServer } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { watchLeaks } from '../support/leaks.ts'

const open: { cancel(): void; join(): Promise<void> }[] = []

afterEach(async () => {
  for (const client of open.splice(0)) {
    client.cancel()
    await client.join()
  }
})

function clientOf<const P extends readonly AnyPlugin[]>(server: TestServer, ...plugins: P) {
  const client = createClient({ engine: undici(), baseUrl: server.url, plugins })
  open.push(client)
  return client
}

const never = { fault: { kind: 'stall', at: 'before-head' } } as const

describe('what operators of RxJS do on the wire', () => {
  it('two subscribers make two requests', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    const get = clientOf(server).get('')
    await Promise.all([firstValueFrom(get), firstValueFrom(get)])
    expect(server.requests.length).toBe(2)
  })

  it('shareReplay makes one request for all, and goes on when they have left', async () => {
    await using server = await serve({ 'GET /': reply.text('x', { delay: 30 }) })
    const shared = clientOf(server)
      .get('')
      .pipe(shareReplay({ bufferSize: 1, refCount: false }))
    shared.subscribe().unsubscribe()
    const late = await firstValueFrom(shared)
    expect(late.text()).toBe('x')
    expect(server.requests.length).toBe(1)
  })

  it('shareReplay with refCount closes the connection when the last one leaves', async () => {
    await using server = await serve({ 'GET /': never })
    const shared = clientOf(server)
      .get('')
      .pipe(shareReplay({ bufferSize: 1, refCount: true }))
    const subscriptions = [shared.subscribe(), shared.subscribe()]
    await server.received()
    subscriptions[0]?.unsubscribe()
    expect(server.open).toBe(1)
    subscriptions[1]?.unsubscribe()
    expect((await server.closed(1)).closedBy).toMatch(/^client/)
  })

  it('switchMap closes the connection of the request it leaves', async () => {
    await using server = await serve({ 'GET /a': never, 'GET /b': reply.text('b') })
    const client = clientOf(server)
    const typed = new Subject<string>()
    const found = firstValueFrom(typed.pipe(switchMap(text => client.get(text))))
    typed.next('a')
    await server.received()
    typed.next('b')
    expect((await found).text()).toBe('b')
    expect((await server.closed(1)).closedBy).toMatch(/^client/)
  })

  it('take(1) and firstValueFrom have the whole answer, and the connection serves again', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    const client = clientOf(server)
    await lastValueFrom(client.get('').pipe(take(1)))
    await new Promise(resolve => setImmediate(resolve))
    await firstValueFrom(client.get(''))
    expect(server.connections.length).toBe(1)
    expect(server.connections[0]).toMatchObject({ open: true, requests: 2 })
  })

  it('take(1) of a stream closes the connection', async () => {
    await using server = await serve({ 'GET /': reply.bytes(Infinity) })
    const first = clientOf(server)
      .stream('', async function* (response) {
        for await (const bytes of response) yield bytes.length
      })
      .pipe(take(1))
    expect(await lastValueFrom(first)).toBeGreaterThan(0)
    expect((await server.closed(1)).closedBy).toMatch(/^client/)
  })

  it('takeUntil closes the connection when its notifier emits', async () => {
    await using server = await serve({ 'GET /': never })
    const stop = new Subject<void>()
    const done = lastValueFrom(clientOf(server).get('').pipe(takeUntil(stop), toArray()))
    await server.received()
    stop.next()
    expect(await done).toEqual([])
    expect((await server.closed(1)).closedBy).toMatch(/^client/)
  })

  it('nothing is sent for an Observable that nobody subscribes to', async () => {
    await using server = await serve({ 'GET /': reply.text('x') })
    void clientOf(server).get('')
    void clientOf(server).post('', { name: 'Ada' })
    await lastValueFrom(timer(20))
    expect(server.connections.length).toBe(0)
  })
})

describe('a retrying client', () => {
  const token = definePlugin({
    name: 'token',
    scope: 'attempt',
    defaults: {},
    install: () => {
      let count = 0
      return (request, next) => next(request.header('x-token', `t${++count}`))
    },
  })

  it('runs the plugins behind retry again: the server sees t1, t2, t3', async () => {
    await using server = await serveSequence([reply.status(503), reply.status(503), reply.text('at last')])
    const client = clientOf(server, retry({ delay: () => 1 }), token())
    expect((await firstValueFrom(client.get(''))).text()).toBe('at last')
    expect(server.requests.map(({ headers }) => headers['x-token'])).toEqual(['t1', 't2', 't3'])
  })

  it('sends no more when it is left while it waits', async () => {
    await using server = await serve({ 'GET /': reply.status(503) })
    const client = clientOf(server, retry({ delay: () => 50 }))
    const waiting = new Promise<void>(resolve => {
      const subscription = client.events('').subscribe(event => {
        if (event.type !== 'notice') return
        queueMicrotask(() => {
          subscription.unsubscribe()
          resolve()
        })
      })
    })
    await waiting
    await lastValueFrom(timer(120))
    expect(server.requests.length).toBe(1)
    expect(client.inFlight).toBe(0)
  })
})

describe('what a call leaves behind', () => {
  const phases: Readonly<Record<string, (client: Client, server: TestServer) => Promise<unknown>>> = {
    'waiting for an answer': (client, server) => left(client.get('never'), () => server.received()),
    'in the middle of a body': (client, server) =>
      left(client.get('endless'), () => server.until(({ connections }) => (connections[0]?.bytesOut ?? 0) > 0)),
    'in the middle of an upload': (client, server) =>
      left(client.post('never', endless()), () => server.until(({ requests }) => (requests[0]?.bodyBytes ?? 0) > 0)),
    'between two attempts': (client, server) =>
      left(client.get('busy'), () => server.until(({ requests }) => requests[0]?.answered)),
    done: client => firstValueFrom(client.get('')),
  }

  it.each(Object.keys(phases))(
    'is no timer, socket or handle once it was left and its client closed: %s',
    async phase => {
      await using server = await serve({
        'GET /': reply.text('x'),
        '/never': never,
        'GET /endless': reply.bytes(Infinity),
        'GET /busy': reply.status(503, { headers: { 'retry-after': '30' } }),
      })
      const leaks = watchLeaks()
      const client = createClient({ engine: undici(), baseUrl: server.url, plugins: [retry(), timeout()] })
      await phases[phase]?.(client, server)
      await client.close()
      await leaks.settled(300)
      leaks[Symbol.dispose]()
    },
  )

  it('is no web stream, when it is a whole answer', async () => {
    await using server = await serve({ 'GET /': reply.json({ small: true }) })
    const { ReadableStream: original } = globalThis
    let made = 0
    globalThis.ReadableStream = new Proxy(original, {
      construct(target, args, newTarget) {
        made++
        return Reflect.construct(target, args, newTarget) as object
      },
    })
    try {
      const client = clientOf(server)
      await firstValueFrom(client.get(''))
      expect(made).toBe(0)
      await firstValueFrom(client.stream('', response => of(response.body.locked)))
      expect(made).toBe(1)
    } finally {
      globalThis.ReadableStream = original
    }
  })
})

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) {
    await new Promise(resolve => setImmediate(resolve))
    yield new Uint8Array(16_384)
  }
}

async function left(call: ReturnType<Client['get']>, reached: () => Promise<unknown>): Promise<void> {
  const subscription = call.subscribe()
  await reached()
  subscription.unsubscribe()
}
