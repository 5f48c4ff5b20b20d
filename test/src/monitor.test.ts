import { filter, firstValueFrom, lastValueFrom, map, mergeMap, retry, take, toArray } from 'rxjs'
import { createClient, definePlugin, notice, type AnyPlugin, type Client, type MonitorEvent } from 'sluice'
import { describe, expect, it } from 'vitest'
import { REPORT } from '../../src/monitor.ts'
import { aConnection, answering, ScriptedEngine } from './scripted-engine.ts'
import { reason } from './thrown.ts'

const over = (engine: ScriptedEngine, ...plugins: AnyPlugin[]): Client =>
  createClient({ engine, baseUrl: 'https://api.test/', plugins })

/** What a client tells, in short. */
function watch(client: Client): string[] {
  const log: string[] = []
  client.monitor.subscribe({ next: event => log.push(short(event)), complete: () => log.push('over') })
  return log
}

function short(event: MonitorEvent): string {
  if (!('request' in event)) return `${event.type} ${event.connection.id}`
  const more =
    event.type === 'attempt'
      ? event.attempt
      : event.type === 'notice'
        ? `${event.plugin}/${event.name}`
        : event.type === 'response'
          ? event.status
          : event.type === 'failure'
            ? (event.error as { code?: string }).code
            : event.type === 'connection'
              ? event.connection.id
              : ''
  return `${event.request.id} ${event.type} ${more ?? ''}`.trim()
}

describe('client.monitor', () => {
  it('tells the life of a call in its order', () => {
    const engine = new ScriptedEngine(sent => {
      sent.connection({ id: 4 }).answer('x', 201)
    })
    const client = over(engine)
    const log = watch(client)
    client.get('a').subscribe()
    expect(log).toEqual(['1 created', '1 attempt 1', '1 connection 4', '1 response 201', '1 completed'])
  })

  it('tells of every attempt and of what plugins tell', async () => {
    const engine = new ScriptedEngine((sent, n) => {
      if (n === 1) sent.fail()
      else sent.answer()
    })
    const again = definePlugin({
      name: 'again',
      scope: 'steer',
      defaults: {},
      install: () => (request, next) => {
        let n = 0
        return next(request).pipe(
          retry(1),
          map(event => (n++ === 0 ? notice('again', 'retrying', { in: 5 }) : event)),
        )
      },
    })
    const client = over(engine, again())
    const log = watch(client)
    await reason(firstValueFrom(client.get('a')))
    expect(log).toEqual(['1 created', '1 attempt 1', '1 attempt 1', '1 notice again/retrying', '1 completed'])
  })

  it('tells of a failure', async () => {
    const client = over(
      new ScriptedEngine(sent => {
        sent.fail()
      }),
    )
    const log = watch(client)
    await reason(firstValueFrom(client.get('a')))
    expect(log).toEqual(['1 created', '1 attempt 1', '1 failure RESET'])
  })

  it('tells of a call that is left', () => {
    const client = over(new ScriptedEngine())
    const log = watch(client)
    client.get('a').subscribe().unsubscribe()
    expect(log).toEqual(['1 created', '1 attempt 1', '1 cancelled'])
  })

  it('tells of a call that is cancelled with its client, and of the end', async () => {
    const client = over(new ScriptedEngine())
    const log = watch(client)
    client.get('a').subscribe({ error: () => undefined })
    client.cancel()
    await client.join()
    expect(log).toEqual(['1 created', '1 attempt 1', '1 failure CANCELLED', 'over'])
  })

  it('does not call it a cancellation when one leaves with the answer in hand', () => {
    const client = over(answering())
    const log = watch(client)
    client.get('a').pipe(take(1)).subscribe()
    client.events('b').pipe(take(1)).subscribe()
    expect(log).toEqual([
      '1 created',
      '1 attempt 1',
      '1 response 200',
      '1 completed',
      '2 created',
      '2 attempt 1',
      '2 response 200',
      '2 completed',
    ])
  })

  it('does not call it a cancellation either when the engine takes its time', () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    const log = watch(client)
    client.get('a').pipe(take(1)).subscribe()
    client
      .events('b')
      .pipe(
        filter(event => event.type === 'response'),
        take(1),
      )
      .subscribe()
    client.events('c').pipe(take(1)).subscribe()
    engine.nth(1).answer()
    engine.nth(2).connection().answer()
    engine.nth(3).connection().answer()
    expect(log.filter(line => /completed|cancelled/.test(line))).toEqual(['1 completed', '2 completed', '3 cancelled'])
  })

  it('tells of a stream as its reader ends', async () => {
    const client = over(answering('x'))
    const log = watch(client)
    await lastValueFrom(client.stream('a', () => [1]))
    await reason(lastValueFrom(client.stream('b', () => Promise.reject(new Error('in the reader')))))
    expect(log).toEqual([
      '1 created',
      '1 attempt 1',
      '1 response 200',
      '1 completed',
      '2 created',
      '2 attempt 1',
      '2 response 200',
      '2 failure',
    ])
  })

  it('tells one end of a call, also when its client is cancelled while that is being told', () => {
    const client = over(answering())
    const log = watch(client)
    client.get('a').subscribe({
      complete: () => {
        client.cancel()
      },
    })
    expect(log.filter(line => /completed|failure|cancelled/.test(line))).toEqual(['1 completed'])
  })

  it('has the time and the request without its secrets', async () => {
    const client = over(answering())
    const events = firstValueFrom(client.monitor.pipe(take(1), toArray()))
    const before = Date.now()
    client.get('a?token=s3cret').subscribe()
    const [event] = await events
    expect(event).toMatchObject({
      type: 'created',
      request: { id: 1, method: 'GET', url: 'https://api.test/a?token=<redacted:6>' },
    })
    expect(event?.at).toBeGreaterThanOrEqual(before)
    expect(JSON.stringify(event)).not.toContain('s3cret')
  })

  it('tells of connections while somebody listens', () => {
    const engine = new ScriptedEngine()
    const client = over(engine)
    expect(engine.listeners.size).toBe(0)
    const log: string[] = []
    const subscription = client.monitor.subscribe(event => log.push(short(event)))
    for (const tell of engine.listeners) tell({ type: 'opened', connection: aConnection({ id: 9 }) })
    for (const tell of engine.listeners) tell({ type: 'closed', connection: aConnection({ id: 9 }) })
    subscription.unsubscribe()
    expect(log).toEqual(['opened 9', 'closed 9'])
    expect(engine.listeners.size).toBe(0)
  })

  it('costs nothing while nobody listens', () => {
    const noted: unknown[] = []
    const looking = definePlugin({
      name: 'looking',
      scope: 'wire',
      defaults: {},
      install: () => (request, next) => {
        noted.push(request.read(REPORT))
        return next(request)
      },
    })
    const client = over(answering(), looking())
    client.get('a').subscribe()
    client.monitor.subscribe().unsubscribe()
    client.get('a').subscribe()
    expect(noted).toEqual([undefined, undefined])
    client.monitor.subscribe()
    client.get('a').subscribe()
    expect(noted[2]).toBeTypeOf('function')
  })

  it('hears its children, and a child does not hear its parent', () => {
    const engine = answering()
    const parent = over(engine)
    const child = parent.extend({ baseUrl: 'child/' })
    const [parents, childs] = [watch(parent), watch(child)]
    child.get('a').subscribe()
    expect(parents).toEqual(['1 created', '1 attempt 1', '1 response 200', '1 completed'])
    expect(childs).toEqual(parents)
    parent.get('b').subscribe()
    expect(childs).toHaveLength(4)
    expect(parents).toHaveLength(8)
  })

  it('completes when its client has ended, and at once for those who come later', async () => {
    const client = over(answering())
    const child = client.with()
    const [log, childs] = [watch(client), watch(child)]
    await client.close()
    await Promise.resolve()
    expect([log, childs]).toEqual([['over'], ['over']])
    expect(watch(client)).toEqual(['over'])
    expect(watch(child)).toEqual(['over'])
  })

  it('of a child completes with the child', async () => {
    const client = over(answering())
    const child = client.with()
    const [log, childs] = [watch(client), watch(child)]
    await child.close()
    await Promise.resolve()
    expect([log, childs]).toEqual([[], ['over']])
    await client.close()
  })

  it('is not disturbed by a plugin that listens and calls from within', () => {
    const engine = answering()
    const client = over(engine)
    const log: string[] = []
    const again = client.get('b')
    client.monitor.subscribe(event => log.push(short(event)))
    client.monitor
      .pipe(
        filter(event => event.type === 'completed' && event.request.id === 1),
        mergeMap(() => again),
      )
      .subscribe()
    client.get('a').subscribe()
    expect(log.filter(line => line.includes('completed'))).toEqual(['1 completed', '2 completed'])
  })
})
