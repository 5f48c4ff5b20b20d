import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Connecting } from '../../../engines/connector/connecting.ts'
import { targetOf } from '../../../engines/connector/target.ts'
import { blackHole } from '../../support/black-hole.ts'
import { silentServer } from '../../support/silent-server.ts'
import { connectorOf, finding } from './drive.ts'

/** The sockets that are opened while it is used. */
function opened(): Disposable & { readonly sockets: Socket[] } {
  const sockets: Socket[] = []
  const note = (message: unknown): void => {
    sockets.push((message as { socket: Socket }).socket)
  }
  subscribe('net.client.socket', note)
  return {
    sockets,
    [Symbol.dispose]: () => {
      unsubscribe('net.client.socket', note)
    },
  }
}

/** Begins to connect; resolves when `phase` is reached. What is heard afterwards is a fault. */
async function until(
  phase: string,
  origin: string,
  options?: Parameters<typeof connectorOf>[0],
): Promise<{ connecting: Connecting; heard: string[] }> {
  const heard: string[] = []
  const reached = Promise.withResolvers<undefined>()
  const connecting = connectorOf(options).prepare(targetOf(origin), {
    phase: entered => {
      if (entered === phase) reached.resolve(undefined)
    },
    connected: () => heard.push('connected'),
    failed: ({ why }) => heard.push(why),
  })
  connecting.start()
  await reached.promise
  return { connecting, heard }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('a connection that is called off closes its sockets in the same tick', () => {
  it('while it waits for an answer to its SYN, to all addresses', async () => {
    await using hole = await blackHole()
    using all = opened()
    const lookup = finding('127.0.0.1', '127.0.0.1')
    const { connecting, heard } = await until('connect', `http://api.test:${hole.port}`, { lookup })
    while (all.sockets.length < 2) await turn()
    connecting.destroy()
    expect(all.sockets.map(({ destroyed }) => destroyed)).toEqual([true, true])
    await turn()
    expect(heard).toEqual([])
  })

  it('in the tick in which it was begun', async () => {
    await using hole = await blackHole()
    using all = opened()
    const heard: string[] = []
    const connecting = connectorOf().prepare(targetOf(`http://127.0.0.1:${hole.port}`), {
      phase: () => undefined,
      connected: () => heard.push('connected'),
      failed: ({ why }) => heard.push(why),
    })
    connecting.start()
    connecting.destroy()
    expect(all.sockets.map(({ destroyed }) => destroyed)).toEqual([true])
    await turn()
    expect(heard).toEqual([])
  })

  it('in the handshake', async () => {
    await using silent = await silentServer()
    using all = opened()
    const { connecting, heard } = await until('tls', `https://127.0.0.1:${silent.port}`)
    await silent.until(({ connections }) => (connections[0]?.bytesIn ?? 0) > 0)
    connecting.destroy()
    expect(all.sockets.map(({ destroyed }) => destroyed)).toEqual([true])
    await silent.closed(1)
    expect(heard).toEqual([])
  })

  it('and opens none when it was called off in the look-up', async () => {
    using all = opened()
    const answer = Promise.withResolvers<() => void>()
    const { connecting, heard } = await until('dns', 'http://api.test:1', {
      lookup: (_host, _options, done) => {
        answer.resolve(() => {
          done(null, '127.0.0.1', 4)
        })
      },
    })
    connecting.destroy()
    ;(await answer.promise)()
    await turn()
    expect(all.sockets).toEqual([])
    expect(heard).toEqual([])
  })
})
