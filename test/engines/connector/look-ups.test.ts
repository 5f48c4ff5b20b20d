import type { LookupFunction } from 'node:net'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { LookUps } from '../../../engines/connector/look-ups.ts'
import { connectorOf, finding, outcome } from './drive.ts'

/** A look-up that counts, and answers when it is told to or at once. */
function counting(addresses: readonly string[] = ['127.0.0.1'], held = false) {
  const asked: string[] = []
  const waiting: (() => void)[] = []
  const lookup: LookupFunction = (host, options, done) => {
    asked.push(host)
    const answer = (): void => {
      finding(...addresses)(host, options, done)
    }
    if (held) waiting.push(answer)
    else answer()
  }
  const answerAll = (): void => {
    for (const answer of waiting.splice(0)) answer()
  }
  return { asked, lookup, answerAll }
}

const found = (lookUps: LookUps, host: string): Promise<readonly string[]> =>
  new Promise((resolve, reject) => {
    lookUps.find(host, (error, addresses) => {
      if (error === undefined) resolve(addresses.map(({ address }) => address))
      else reject(error instanceof Error ? error : new Error('no error'))
    })
  })

describe('look-ups', () => {
  it('are made for every connection unless told otherwise', async () => {
    const { asked, lookup } = counting()
    const lookUps = new LookUps({ lookup }, false)
    await Promise.all([found(lookUps, 'api.test'), found(lookUps, 'api.test')])
    await found(lookUps, 'api.test')
    expect(asked).toEqual(['api.test', 'api.test', 'api.test'])
  })

  it('are remembered for as long as they may be, by host', async () => {
    const { asked, lookup } = counting(['127.0.0.1', '::1'])
    const lookUps = new LookUps({ lookup }, 50)
    // They are remembered from some moment between these two on.
    const asking = performance.now()
    await found(lookUps, 'api.test')
    const answered = performance.now()
    while (performance.now() - asking < 40) {
      expect(await found(lookUps, 'api.test')).toEqual(['127.0.0.1', '::1'])
      if (performance.now() - asking < 40) expect(asked).toEqual(['api.test'])
      await new Promise(resolve => setImmediate(resolve))
    }
    while (performance.now() - answered < 60) await new Promise(resolve => setImmediate(resolve))
    await found(lookUps, 'api.test')
    await found(lookUps, 'other.test')
    expect(asked).toEqual(['api.test', 'api.test', 'other.test'])
  })

  it('that run serve everybody who wants the same', async () => {
    const { asked, lookup, answerAll } = counting(['127.0.0.1'], true)
    const lookUps = new LookUps({ lookup }, 1000)
    const both = Promise.all([found(lookUps, 'api.test'), found(lookUps, 'api.test')])
    answerAll()
    expect(await both).toEqual([['127.0.0.1'], ['127.0.0.1']])
    expect(asked).toEqual(['api.test'])
  })

  it('that run are not heard of by those who left, and not waited for when all have', async () => {
    const { asked, lookup, answerAll } = counting(['127.0.0.1'], true)
    const lookUps = new LookUps({ lookup }, 1000)
    const heard: string[] = []
    const leave = lookUps.find('api.test', () => heard.push('one'))
    const stay = found(lookUps, 'api.test')
    leave()
    answerAll()
    await stay
    const last = lookUps.find('hung.test', () => heard.push('two'))
    last()
    const next = found(lookUps, 'hung.test')
    expect(asked).toEqual(['api.test', 'hung.test', 'hung.test'])
    answerAll()
    await next
    // Those who remember hear nothing either once they have left.
    lookUps.find('api.test', () => heard.push('three'))()
    await found(lookUps, 'api.test')
    expect(heard).toEqual([])
  })

  it('never answer at once', async () => {
    const { lookup } = counting()
    const lookUps = new LookUps({ lookup }, 1000)
    for (let time = 0; time < 2; time++) {
      let returned = false
      await new Promise<void>(resolve => {
        lookUps.find('api.test', () => {
          expect(returned).toBe(true)
          resolve()
        })
        returned = true
      })
    }
  })

  it('that fail are not remembered, and fail for everybody who waits', async () => {
    let asked = 0
    const lookup: LookupFunction = (_host, _options, done) => {
      asked++
      setImmediate(() => {
        done(new Error('no answer'), '')
      })
    }
    const lookUps = new LookUps({ lookup }, 1000)
    const both = await Promise.allSettled([found(lookUps, 'api.test'), found(lookUps, 'api.test')])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(found(lookUps, 'api.test')).rejects.toThrow('no answer')
    expect(asked).toBe(2)
  })

  it('of the oldest of very many hosts are forgotten', async () => {
    const { asked, lookup } = counting()
    const lookUps = new LookUps({ lookup }, 60_000)
    for (let host = 0; host <= 1000; host++) await found(lookUps, `${host}.test`)
    asked.length = 0
    await found(lookUps, '1.test')
    await found(lookUps, '0.test')
    expect(asked).toEqual(['0.test'])
  })
})

describe('a connector that remembers look-ups', () => {
  it('looks up once for many connections', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const { asked, lookup } = counting()
    const connector = connectorOf({ lookup, lookupCache: 10_000 })
    for (let time = 0; time < 3; time++) {
      const { facts } = await outcome(connector, `http://api.test:${server.port}`)
      expect(facts?.remoteAddress).toBe('127.0.0.1')
      expect(facts?.took.dns).toBeGreaterThanOrEqual(0)
    }
    expect(asked).toEqual(['api.test'])
  })

  it('looks up anew when no connection came about, also for its own next attempt', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    // On 127.0.0.2 nobody listens.
    const addresses = ['127.0.0.2']
    const { asked, lookup } = counting(addresses)
    const connector = connectorOf({ lookup, lookupCache: 10_000 })
    expect((await outcome(connector, `http://api.test:${server.port}`)).failure?.code).toBe('CONNECT')
    addresses[0] = '127.0.0.1'
    expect((await outcome(connector, `http://api.test:${server.port}`)).facts?.remoteAddress).toBe('127.0.0.1')
    expect(asked).toHaveLength(2)

    const moving: LookupFunction = (host, options, done) => {
      asked.push(host)
      finding(asked.length % 2 === 1 ? '127.0.0.2' : '127.0.0.1')(host, options, done)
    }
    asked.length = 0
    const trying = connectorOf({ lookup: moving, lookupCache: 10_000, connectAttempts: 2 })
    expect((await outcome(trying, `http://api.test:${server.port}`)).facts?.remoteAddress).toBe('127.0.0.1')
    expect(asked).toHaveLength(2)
  })
})
