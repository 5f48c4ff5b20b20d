import {
  firstValueFrom,
  lastValueFrom,
  map,
  mergeMap,
  of,
  Subject,
  take,
  throwError,
  toArray,
  type Observable,
} from 'rxjs'
import { createClient, useClient, type Client, type EngineFactory, type HttpError } from 'sluice'
import { describe, expect, it } from 'vitest'
import { withClient } from '../../src/use-client.ts'
import { answering, ScriptedEngine } from './scripted-engine.ts'
import { reason } from './thrown.ts'

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Client options with an engine of their own, and that engine once it was made. */
function owned(make: () => ScriptedEngine = answering) {
  const engines: ScriptedEngine[] = []
  const engine: EngineFactory = {
    name: 'scripted',
    create: () => {
      const made = make()
      engines.push(made)
      return made
    },
  }
  return { engines, options: { engine, baseUrl: 'https://api.test/', plugins: [] } as const }
}

describe('useClient', () => {
  it('makes a client for every subscription and none before', async () => {
    const { engines, options } = owned()
    const used = useClient(options, client => client.get('a'))
    expect(engines).toHaveLength(0)
    expect((await firstValueFrom(used)).text()).toBe('ok')
    await lastValueFrom(used)
    expect(engines).toHaveLength(2)
  })

  it('closes it gracefully when all is said, and completes when that is done', async () => {
    const { engines, options } = owned()
    const log: string[] = []
    useClient(options, client => client.get('a')).subscribe({
      next: () => log.push(`next ${engines[0]?.ended.join() ?? ''}`),
      complete: () => log.push(`complete ${engines[0]?.ended.join() ?? ''}`),
    })
    expect(log).toEqual(['next '])
    await settle()
    expect(log).toEqual(['next ', 'complete close'])
  })

  it('waits for calls that were begun on the side', async () => {
    const { engines, options } = owned(() => new ScriptedEngine())
    let done = false
    useClient(options, client => {
      client.get('side').subscribe()
      return of(1)
    }).subscribe({ complete: () => (done = true) })
    await settle()
    expect(done).toBe(false)
    engines[0]?.last.answer()
    await settle()
    expect(done).toBe(true)
  })

  it('cancels it when it fails', async () => {
    const { engines, options } = owned(() => new ScriptedEngine())
    const side: unknown[] = []
    const used = useClient(options, client => {
      client.get('side').subscribe({ error: (error: unknown) => side.push((error as HttpError).code) })
      return throwError(() => new Error('mine'))
    })
    expect(await reason(lastValueFrom(used))).toEqual(new Error('mine'))
    await settle()
    expect([side, engines[0]?.ended]).toEqual([['CANCELLED'], ['destroy CANCELLED']])
  })

  it('cancels it when it is left', async () => {
    const { engines, options } = owned(() => new ScriptedEngine())
    useClient(options, client => client.get('a'))
      .subscribe()
      .unsubscribe()
    await settle()
    expect(engines[0]?.last.asked).toEqual(['abort'])
    expect(engines[0]?.ended).toEqual(['destroy CANCELLED'])
  })

  it('cancels it when it is left while it closes', async () => {
    const { engines, options } = owned(() => new ScriptedEngine())
    const side: unknown[] = []
    const subscription = useClient(options, client => {
      client.get('side').subscribe({ error: (error: unknown) => side.push((error as HttpError).code) })
      return of(1)
    }).subscribe()
    await settle()
    subscription.unsubscribe()
    expect(side).toEqual(['CANCELLED'])
    await settle()
    expect(engines[0]?.ended).toEqual(['destroy CANCELLED'])
  })

  it.each<[string, (client: Client) => Observable<unknown>]>([
    [
      'what it is used for throws',
      () => {
        throw new Error('mine')
      },
    ],
    ['what it is used for is no Observable', () => undefined as unknown as Observable<unknown>],
  ])('cancels it when %s', async (_, use) => {
    const { engines, options } = owned()
    expect(await reason(lastValueFrom(useClient(options, use)))).toBeInstanceOf(Error)
    await settle()
    expect(engines[0]?.ended).toEqual(['destroy CANCELLED'])
  })

  it('fails when there can be no client', async () => {
    const used = useClient({ baseUrl: 'nowhere' }, client => client.get('a'))
    expect(await reason(lastValueFrom(used))).toMatchObject({ code: 'CONFIG' })
  })

  it('takes promises, lists and generators as well', async () => {
    const { options } = owned()
    const used = useClient(options, async function* (client) {
      yield (await firstValueFrom(client.get('a'))).text()
      yield (await firstValueFrom(client.get('b'))).text()
    })
    expect(await firstValueFrom(used.pipe(toArray()))).toEqual(['ok', 'ok'])
  })

  it('keeps the client as long as something is still to come', async () => {
    const { engines, options } = owned()
    const stop = new Subject<void>()
    const done = lastValueFrom(
      useClient(options, client =>
        client.get('a').pipe(
          mergeMap(response =>
            stop.pipe(
              take(1),
              map(() => response.text()),
            ),
          ),
        ),
      ),
    )
    await settle()
    expect(engines[0]?.ended).toEqual([])
    stop.next()
    expect(await done).toBe('ok')
    expect(engines[0]?.ended).toEqual(['close'])
  })
})

describe('a release that fails', () => {
  it('is the error of what used the client', async () => {
    class Failing extends ScriptedEngine {
      override close(): Promise<void> {
        return Promise.reject(new Error('cannot close'))
      }
    }
    const engine: EngineFactory = {
      name: 'failing',
      create: () =>
        new Failing(sent => {
          sent.answer()
        }),
    }
    const used = withClient(
      () => createClient({ engine, plugins: [] }),
      client => client.get('https://api.test/'),
    )
    expect(await reason(lastValueFrom(used))).toEqual(new Error('cannot close'))
  })
})
