import { describe, expect, it } from 'vitest'
import type { Engine, MonitorEvent } from '../../src/index.ts'
import { Lazy } from '../../src/lazy.ts'
import { Watching } from '../../src/watching.ts'
import { aRequest } from './samples.ts'
import { aConnection, ScriptedEngine } from './scripted-engine.ts'

// What a client tells, and when, is in monitor.test.ts.

const never = new Promise<void>(() => undefined)

describe('Watching', () => {
  it('watches connections of an engine that is loaded later, for those who still listen', async () => {
    const { promise, resolve } = Promise.withResolvers<Engine>()
    const engine = new ScriptedEngine()
    const lazy = new Lazy(() => promise)
    const watching = new Watching(lazy, never)
    const heard: MonitorEvent[] = []
    watching.monitor.subscribe(event => heard.push(event))
    watching.monitor.subscribe().unsubscribe()
    resolve(engine)
    await lazy.load()
    expect(engine.listeners.size).toBe(1)
    for (const tell of engine.listeners) tell({ type: 'opened', connection: aConnection() })
    expect(heard).toMatchObject([{ type: 'opened', connection: { id: 1 } }])
  })

  it('bothers nobody when the engine cannot be loaded', async () => {
    const lazy = new Lazy<Engine>(() => Promise.reject(new Error('no engine')))
    new Watching(lazy, never).monitor.subscribe()
    await lazy.load().catch(() => undefined)
  })

  it('can do without an engine that tells of connections', () => {
    const engine: Engine = new ScriptedEngine()
    const silent: Engine = {
      name: 'silent',
      capabilities: engine.capabilities,
      exchange: (request, observer) => engine.exchange(request, observer),
      close: () => engine.close(),
      destroy: () => engine.destroy(),
    }
    const watching = new Watching(Lazy.of(silent), never)
    const heard: MonitorEvent[] = []
    watching.monitor.subscribe(event => heard.push(event))
    watching.report?.({ type: 'created', request: aRequest() })
    expect(heard).toMatchObject([{ type: 'created' }])
  })

  it('keeps nothing of those who have left', () => {
    const watching = new Watching(Lazy.of<Engine>(new ScriptedEngine()), never)
    for (let n = 0; n < 100; n++) watching.monitor.subscribe().unsubscribe()
    expect(watching.report).toBeUndefined()
  })
})
