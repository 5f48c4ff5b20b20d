import { clock, type HttpEvent, type HttpRequest, type WebSocketConnection, WEB_SOCKET } from 'sluice'
import { mock, type MockEngine, type MockReply } from 'sluice/engines/mock'
import { marbles } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { hear, requestTo, type Heard } from './drive.ts'

const WISH = { protocols: ['chat', 'chat.v2'], compress: true, maxMessage: 1000 }
const asked = requestTo('https://api.test/').note(WEB_SOCKET, WISH)

/** An exchange with a WebSocket, and what is heard over it with the frame in which it is. */
interface Talk extends Heard {
  readonly socket: WebSocketConnection
  readonly said: readonly (readonly [at: number, what: unknown, ...more: unknown[]])[]
}

function talk(api: MockEngine, request: HttpRequest = asked): Talk {
  const said: [at: number, what: unknown, ...more: unknown[]][] = []
  let socket: WebSocketConnection | undefined
  const heard = hear(api, request, (event: HttpEvent) => {
    if (event.type !== 'head') return
    socket = event.socket
    socket?.listen({
      message: data => said.push([clock.now(), data]),
      pong: () => said.push([clock.now(), 'pong!']),
      closed: (code, reason) => said.push([clock.now(), code, reason]),
    })
  })
  if (socket === undefined) throw new Error('there is no socket', { cause: heard.error })
  return Object.assign(heard, { socket, said })
}

const at = (ms: number, work: () => void): unknown => clock.schedule(work, ms)

describe('a reply that agrees to a WebSocket', () => {
  it('tells of it with the head, then takes its steps one after the other', () => {
    marbles(({ api }) => {
      api.enqueue({ webSocket: ['a', 10, new Uint8Array([1]), 5, { close: 4001, reason: 'enough' }] })
      const { events, said, socket } = talk(api)
      const head = events.at(-1)
      expect(events.map(({ type }) => type)).toEqual(['connection', 'sent', 'head'])
      expect(head).toMatchObject({ type: 'head', head: { status: 101 } })
      expect(socket).toMatchObject({ protocol: '', compressed: true, pings: true, bufferedAmount: 0 })
      at(100, () => {
        expect(said).toEqual([
          [0, 'a'],
          [10, new Uint8Array([1])],
          [15, 4001, 'enough'],
        ])
        expect(api.history[0]).toMatchObject({ outcome: 'completed', status: 101, endedAt: 15, delivered: 2 })
        expect(api.history[0]?.webSocket?.close).toEqual({ code: 4001, reason: '' })
      })
    })
  })

  it('may be a function, which hears every message, and whose clock ends with it', () => {
    marbles(({ api }) => {
      const ends: unknown[] = []
      api.enqueue({
        headers: { 'sec-websocket-protocol': 'chat.v2' },
        webSocket: peer => {
          peer.onMessage(data => {
            peer.send(`${peer.protocol}: ${String(data)}`)
          })
          peer.onClose((...how) => ends.push(how))
          peer.after(50, () => {
            peer.send('too late')
          })
        },
      })
      const { said, socket, exchange } = talk(api)
      const taken: number[] = []
      socket.send('héllo', () => taken.push(clock.now()))
      expect(socket.bufferedAmount).toBe(6)
      at(5, () => {
        expect(taken).toEqual([0])
        expect(socket.bufferedAmount).toBe(0)
        exchange.abort()
        exchange.abort()
      })
      at(100, () => {
        expect(said).toEqual([[0, 'chat.v2: héllo']])
        expect(ends).toEqual([[1006, '']])
        expect(api.history[0]).toMatchObject({ outcome: 'aborted', webSocket: { messages: ['héllo'], pings: 0 } })
      })
    })
  })

  it('is heard by its peer from its first word on', () => {
    marbles(({ api }) => {
      const heard: unknown[] = []
      api.enqueue({ webSocket: peer => peer.onMessage(data => heard.push(data)) })
      hear(api, asked, event => {
        if (event.type === 'head') event.socket?.send('as soon as it is open')
      })
      at(1, () => {
        expect(heard).toEqual(['as soon as it is open'])
      })
    })
  })

  it('says goodbye back, once it has taken all that was said before', () => {
    marbles(({ api }) => {
      const ends: unknown[] = []
      api.enqueue({ readDelay: 10, webSocket: peer => peer.onClose((...how) => ends.push(how)) })
      const talking = talk(api)
      const { socket } = talking
      socket.send('a')
      socket.send('b')
      socket.close(4000, 'bye')
      socket.send('not any more')
      at(100, () => {
        expect(talking.said).toEqual([[30, 4000, '']])
        expect(talking.completed).toBe(true)
        expect(ends).toEqual([[4000, 'bye']])
        expect(api.history[0]?.webSocket).toEqual({
          messages: ['a', 'b'],
          pings: 0,
          close: { code: 4000, reason: 'bye' },
        })
      })
    })
  })

  it('answers pings until it stalls, and one that does not say goodbye is left after three seconds', () => {
    marbles(({ api }) => {
      api.enqueue({ webSocket: peer => peer.after(10, () => peer.stall()) })
      const talking = talk(api)
      const { socket } = talking
      socket.ping()
      at(20, () => {
        socket.ping()
        socket.send('never taken', () => {
          throw new Error('it was taken')
        })
      })
      at(30, () => {
        expect(socket.bufferedAmount).toBe(11)
        socket.close(1000)
      })
      at(5000, () => {
        expect(talking.said).toEqual([
          [0, 'pong!'],
          [3030, 1006, ''],
        ])
        expect(talking.completed).toBe(true)
        expect(api.history[0]?.webSocket).toEqual({ messages: [], pings: 2, close: undefined })
      })
    })
  })

  it('is left three seconds after goodbye by a client that holds it back, too', () => {
    marbles(({ api }) => {
      api.enqueue({ webSocket: ['a'] })
      const talking = talk(api)
      talking.socket.pause()
      talking.socket.close(4000)
      at(5000, () => {
        expect(talking.said).toEqual([[3000, 4000, '']])
        expect(talking.completed).toBe(true)
        expect(api.paused).toBe(0)
      })
    })
  })

  it('is heard no further while it is held back, nor before somebody listens', () => {
    marbles(({ api }) => {
      api.enqueue({ webSocket: ['a', 'b', 10, 'c', { close: 1000 }] })
      const said: string[] = []
      let socket: WebSocketConnection | undefined
      const heard = hear(api, asked, event => {
        if (event.type === 'head') socket = event.socket
      })
      at(5, () => {
        socket?.listen({
          message(data) {
            said.push(`${clock.now()} ${String(data)}`)
            if (data === 'a') socket?.pause()
          },
          pong: () => said.push('pong!'),
          closed: code => said.push(`${clock.now()} ${code}`),
        })
        expect(api.paused).toBe(1)
      })
      at(20, () => {
        expect(said).toEqual(['5 a'])
        socket?.resume()
        expect(said).toEqual(['5 a', '20 b', '20 c', '20 1000'])
        expect(heard.completed).toBe(true)
      })
    })
  })

  it('breaks off behind what was said: RESET', () => {
    marbles(({ api }) => {
      api.enqueue({ webSocket: ['a', { reset: true }, 'b'] })
      const talking = talk(api)
      at(1, () => {
        expect(talking.said).toEqual([[0, 'a']])
        expect(talking.error).toMatchObject({ code: 'RESET', phase: 'body', requestWritten: 'yes' })
        expect(talking.error?.message).toBe(
          'GET https://api.test/ was cut off: the server ended the connection without closing the WebSocket.',
        )
      })
    })
  })

  it('fails with TOO_LARGE for a message that is longer than wished for', () => {
    marbles(({ api }) => {
      api.enqueue({ webSocket: ['é'.repeat(500), 'é'.repeat(501)] })
      const talking = talk(api)
      at(1, () => {
        expect(talking.said).toHaveLength(1)
        expect(talking.error).toMatchObject({ code: 'TOO_LARGE', phase: 'body' })
        expect(api.history[0]?.webSocket?.close).toEqual({ code: 1009, reason: '' })
      })
    })
  })

  it('fails with what the test throws', () => {
    marbles(({ api }) => {
      const mishap = new RangeError('not this one')
      api.enqueue({
        webSocket: peer =>
          peer.onMessage(() => {
            throw mishap
          }),
      })
      const talking = talk(api)
      talking.socket.send('a')
      at(1, () => {
        expect(talking.error).toBe(mishap)
      })
    })
  })

  it('may not choose a sub-protocol that was not offered', () => {
    const api = mock({ '*': { headers: { 'sec-websocket-protocol': 'mqtt' }, webSocket: [] } })
    expect(hear(api, asked).error).toMatchObject({
      code: 'PROTOCOL',
      phase: 'headers',
      message: /only chat, chat.v2 was/,
    })
  })

  it('is a mistake where no WebSocket is asked for', () => {
    expect(hear(mock({ '*': { webSocket: [] } }), requestTo('https://api.test/')).error).toMatchObject({
      code: 'CONFIG',
      message: /asks for no WebSocket/,
    })
  })

  it.each<[MockReply, RegExp]>([
    [{ webSocket: [], body: 'x' }, /with webSocket cannot have body too/],
    [{ webSocket: [], status: 200 }, /cannot have status too/],
    [{ webSocket: [], stall: 'body' }, /peer\.stall\(\) and peer\.reset\(\)/],
    [{ webSocket: [{ close: 1.5 }] }, /must have as webSocket a function, or a list of messages/],
    [{ webSocket: [-1] }, /must have as webSocket/],
  ])('is refused as %j', (reply, why) => {
    expect(() => mock({ '*': reply })).toThrow(why)
  })
})

it('a handshake that is refused is answered like any other request', () => {
  const heard = hear(mock({ '*': { status: 401, body: 'who are you?' } }), asked)
  expect(heard.chunks).toEqual(['who are you?'])
  expect(heard.events.find(({ type }) => type === 'head')).toMatchObject({ head: { status: 401 } })
  expect(heard.completed).toBe(true)
})

it.each([
  ['a POST', requestTo('https://api.test/', { method: 'POST' }).note(WEB_SOCKET, WISH), /a handshake is a GET/],
  ['a header of the handshake', asked.header('Sec-WebSocket-Key', 'x'), /may not carry the header "sec-websocket-key"/],
  ['a sub-protocol that is none', asked.note(WEB_SOCKET, { ...WISH, protocols: ['a b'] }), /the sub-protocol "a b"/],
  ['one sub-protocol twice', asked.note(WEB_SOCKET, { ...WISH, protocols: ['a', 'a'] }), /given once/],
])('refuses a handshake with %s', (_, request, why) => {
  expect(hear(mock({ '*': { webSocket: [] } }), request).error).toMatchObject({ code: 'CONFIG', message: why })
})
