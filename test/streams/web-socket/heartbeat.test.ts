import { map, timer } from 'rxjs'
import { createClient, isHttpError } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { webSocket } from 'sluice/streams/web-socket'
import { marbles } from 'sluice/testing'
import { describe, expect, it, vi } from 'vitest'
import { at, over, talk } from './talk.ts'
import { wordless } from './wordless.ts'

const heartbeat = { every: 100, within: 30 }

describe('a heartbeat', () => {
  it('asks a silent peer for signs of life, as long as it gives them', () => {
    marbles(() => {
      const { api, heard, leave } = talk({ heartbeat }, [])
      at(350, () => {
        expect(api.history[0]?.webSocket?.pings).toBe(3)
        expect(heard).toEqual([])
        leave()
      })
    })
  })

  it('is on by itself, every 30 seconds', () => {
    marbles(() => {
      const api = mock({ '*': { webSocket: [] } })
      const subscription = webSocket(over(api), 'x').subscribe()
      at(29_999, () => {
        expect(api.history[0]?.webSocket?.pings).toBe(0)
      })
      at(30_001, () => {
        expect(api.history[0]?.webSocket?.pings).toBe(1)
      })
      at(90_001, () => {
        expect(api.history[0]?.webSocket?.pings).toBe(3)
        subscription.unsubscribe()
      })
    })
  })

  it('ends a connection whose peer gives none', () => {
    marbles(() => {
      const talking = talk({ heartbeat }, peer => peer.after(50, () => peer.stall()))
      at(1000, () => {
        expect(talking.heard).toEqual(['130 TIMEOUT idle'])
        expect(talking.error.message).toBe(
          'The WebSocket of GET https://api.test/talk has a peer that shows no sign of life.',
        )
        expect(talking.api.history[0]?.outcome).toBe('aborted')
      })
    })
  })

  it('asks nothing of a peer that speaks', () => {
    marbles(() => {
      const { api, leave } = talk({ heartbeat }, ['a', 99, 'b', 99, 'c'])
      at(297, () => {
        expect(api.history[0]?.webSocket?.pings).toBe(0)
      })
      at(299, () => {
        expect(api.history[0]?.webSocket?.pings).toBe(1)
        leave()
      })
    })
  })

  it('takes a message for a sign of life', () => {
    marbles(() => {
      const { heard, leave } = talk({ heartbeat }, peer => {
        peer.after(129, () => {
          peer.send('late')
        })
      })
      at(200, () => {
        expect(heard).toEqual(['129 late'])
        leave()
      })
    })
  })

  it('expects nothing while the peer is held back', () => {
    marbles(() => {
      const project = (message: unknown) => timer(1000).pipe(map(() => message))
      const { api, heard, leave } = talk({ heartbeat, project }, peer => {
        peer.send('a')
        peer.after(1001, () => peer.stall())
      })
      at(1099, () => {
        expect(heard).toEqual(['1000 a'])
        expect(api.history[0]?.webSocket?.pings).toBe(0)
      })
      at(2000, () => {
        expect(heard).toEqual(['1000 a', '1130 TIMEOUT idle'])
        leave()
      })
    })
  })

  it('is over with our goodbye, for which the engine has a limit', () => {
    marbles(() => {
      const { api, socket, heard } = talk({ heartbeat }, peer => peer.stall())
      at(50, () => {
        socket.complete()
      })
      at(5000, () => {
        expect(api.history[0]?.webSocket?.pings).toBe(0)
        expect(heard).toEqual(['3050 |'])
      })
    })
  })

  it('leads to another connection if so wished', () => {
    marbles(() => {
      vi.spyOn(Math, 'random').mockReturnValueOnce(0.5)
      const { heard } = talk({ heartbeat, reconnect: { first: 100 } }, peer => peer.stall(), ['a', { close: 1000 }])
      at(1000, () => {
        expect(heard).toEqual(['180 a', '180 |'])
      })
    })
  })

  it('can be turned off', () => {
    marbles(() => {
      const { api, leave } = talk({ heartbeat: false }, peer => peer.stall())
      at(1_000_000, () => {
        expect(api.history[0]?.webSocket?.pings).toBe(0)
        leave()
      })
    })
  })

  it('is left out where the platform keeps pings to itself, and UNSUPPORTED where it was asked for', () => {
    const { engine, asked } = wordless({ pings: false })
    const client = createClient({ engine, plugins: [] })
    const errors: unknown[] = []
    webSocket(client, 'wss://api.test/').subscribe().unsubscribe()
    expect(asked).toEqual(['listen', 'close 1000'])
    webSocket(client, 'wss://api.test/', { heartbeat: {} }).subscribe({ error: (error: unknown) => errors.push(error) })
    const [error] = errors
    expect(isHttpError(error) && [error.code, error.phase, error.message]).toEqual([
      'UNSUPPORTED',
      'config',
      'The WebSocket of GET https://api.test/ cannot have a heartbeat: the platform of its engine keeps pings to itself. Leave webSocket({ heartbeat }) out, or use an engine that can: undici, http, http2.',
    ])
    expect(engine.last.aborted).toBe(true)
  })
})
