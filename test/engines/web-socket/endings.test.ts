import { deflateRawSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { setTimeout as delay } from 'node:timers/promises'
import { converse, current, describeSpeaking } from '../../support/web-socket-engines.ts'
import { CLOSE, frame, goodbye, PING, TEXT } from '../../support/web-socket-raw.ts'

describeSpeaking('how a WebSocket ends', engine => {
  it.each<[string, Buffer, { closed: number; reason: string }, number]>([
    ['a code and a reason', goodbye(4001, 'über'), { closed: 4001, reason: 'über' }, 4001],
    ['a code', goodbye(1001), { closed: 1001, reason: '' }, 1001],
    ['no code', frame(CLOSE), { closed: 1005, reason: '' }, 1005],
    ['123 bytes of reason', goodbye(1000, 'x'.repeat(123)), { closed: 1000, reason: 'x'.repeat(123) }, 1000],
  ])('the peer closes with %s, and is answered', async (_, sent, closed, answered) => {
    const { talk, peer } = await converse(engine)
    peer.send(frame(TEXT, 'last'), sent, frame(TEXT, 'too late'), frame(PING))
    await talk.end()
    expect(talk.heard).toEqual(['last', closed])
    expect(talk.completed).toBe(true)
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(peer.closedWith).toBe(answered)
    expect(peer.frames).toHaveLength(1)
  })

  it.each<[string, number | undefined, string, number]>([
    ['a code and a reason', 4000, 'über', 4000],
    ['nothing', undefined, '', 1005],
  ])('we close with %s, and hear on until the peer closes too', async (_, code, reason, seen) => {
    const { talk, peer } = await converse(engine)
    talk.socket.send('last')
    talk.socket.close(code, reason)
    talk.socket.send('never')
    talk.socket.ping()
    talk.socket.close(1000)
    await peer.frame(2)
    expect(peer.closedWith).toBe(seen)
    expect(peer.frames[1]?.payload.subarray(2).toString()).toBe(reason)
    peer.send(frame(TEXT, 'still here'), goodbye(1000, 'bye'))
    await talk.end()
    expect(talk.heard).toEqual(['still here', { closed: 1000, reason: 'bye' }])
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(peer.frames).toHaveLength(2)
  })

  it('both close at once', async () => {
    const { talk, peer } = await converse(engine)
    talk.socket.close(4000)
    peer.send(goodbye(4001, 'me too'))
    await talk.end()
    expect(talk.heard).toEqual([{ closed: 4001, reason: 'me too' }])
    expect(talk.completed).toBe(true)
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(peer.frames.map(({ opcode }) => opcode)).toEqual([CLOSE])
  })

  it('a peer that ends the connection without a word has broken off', async () => {
    const { talk, peer } = await converse(engine)
    peer.send(frame(TEXT, 'a'), frame(TEXT, 'half').subarray(0, 3))
    peer.end()
    await talk.end()
    expect(talk.heard).toEqual(['a'])
    expect(talk.error).toMatchObject({
      code: 'RESET',
      phase: 'body',
      requestWritten: 'yes',
      message: /^GET http:\S+ was cut off: the server ended the connection without closing the WebSocket\.$/,
    })
  })

  it('a peer that resets the connection has broken off', async () => {
    const { talk, peer } = await converse(engine)
    peer.send(frame(TEXT, 'a'))
    await talk.hears(1)
    peer.reset()
    await talk.end()
    expect(talk.error).toMatchObject({ code: 'RESET', phase: 'body' })
    expect(engine.protocol === 'h2c' ? talk.error?.h2Code : talk.error?.cause).toBeDefined()
  })

  it('a peer that answers our goodbye by ending the connection has not said goodbye: 1006', async () => {
    const { talk, peer } = await converse(engine)
    talk.socket.close(1000)
    await peer.frame(1)
    peer.end()
    await talk.end()
    expect(talk.heard).toEqual([{ closed: 1006, reason: '' }])
    expect(talk.completed).toBe(true)
  })

  it('a peer that does not answer our goodbye is left after three seconds, also when nothing is read', async () => {
    const [first, second] = await Promise.all([converse(engine), converse(engine)])
    const began = performance.now()
    first.talk.socket.close(1000)
    second.talk.socket.pause()
    second.talk.socket.close(1000)
    await Promise.all([first.talk.end(), second.talk.end()])
    expect(performance.now() - began).toBeGreaterThan(2900)
    expect(first.talk.heard).toEqual([{ closed: 1006, reason: '' }])
    expect(second.talk.heard).toEqual([{ closed: 1006, reason: '' }])
    await first.peer.until('its end', ({ endedAt }) => endedAt !== undefined)
  })

  it('the goodbye of a peer that is held back is heard three seconds after ours', async () => {
    const { talk, peer } = await converse(engine)
    const heard: unknown[] = []
    talk.socket.listen({
      message(data) {
        heard.push(data)
        talk.socket.pause()
        talk.socket.close(1000)
      },
      pong() {},
      closed(...how) {
        heard.push(how)
      },
    })
    peer.send(frame(TEXT, 'a'), frame(TEXT, 'held back'), goodbye(4005, 'why'))
    await talk.end()
    expect(heard).toEqual(['a', [4005, 'why']])
    expect(talk.completed).toBe(true)
  })

  it('a peer that goes on after it was told that it breaks the rules is left', async () => {
    const { talk, peer } = await converse(engine)
    peer.send(frame(3))
    await talk.end()
    const told = performance.now()
    while (peer.endedAt === undefined && performance.now() - told < 3000) {
      peer.wire.write(frame(TEXT, 'la la la'))
      await delay(10)
    }
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(talk.heard).toEqual([])
  })

  it.each([
    [999, ''],
    [1005, ''],
    [1006, ''],
    [1015, ''],
    [2000, ''],
    [5000, ''],
    [1000.5, ''],
    [undefined, 'why'],
    [1000, 'é'.repeat(62)],
  ])('cannot be closed with %s and %j', async (code, reason) => {
    const { talk } = await converse(engine)
    expect(() => {
      talk.socket.close(code, reason)
    }).toThrow(expect.objectContaining({ code: 'CONFIG' }))
    expect(talk.over).toBe(false)
  })

  it('what waits to be heard is heard before how it ended', async () => {
    const { talk, peer } = await converse(engine)
    talk.socket.pause()
    peer.send(frame(TEXT, 'a'), frame(TEXT, 'b'), goodbye(1000))
    await delay(50)
    expect(talk.heard).toEqual([])
    expect(talk.over).toBe(false)
    talk.socket.resume()
    await talk.end()
    expect(talk.heard).toEqual(['a', 'b', { closed: 1000, reason: '' }])
  })

  it('is ended by what listens to it when that throws', async () => {
    const { talk, peer } = await converse(engine)
    const mishap = new RangeError('not this one')
    talk.socket.listen({
      message() {
        throw mishap
      },
      pong() {},
      closed() {},
    })
    peer.send(frame(TEXT, 'a'), frame(TEXT, 'b'))
    await talk.end()
    expect(talk.error).toMatchObject({ code: 'CANCELLED', cause: mishap })
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
  })
})

describeSpeaking('leaving a WebSocket', engine => {
  it('is seen by the peer at once', async () => {
    const took: number[] = []
    for (let round = 0; round < 5; round++) {
      const { talk, peer } = await converse(engine)
      const left = performance.now()
      talk.exchange.abort()
      await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
      took.push((peer.endedAt ?? Infinity) - left)
      expect(talk.over).toBe(false)
      expect(peer.closedWith).toBeUndefined()
    }
    expect(Math.min(...took)).toBeLessThan(50)
  })

  it('right behind a goodbye lets that through', async () => {
    const { talk, peer } = await converse(engine)
    talk.socket.send('x'.repeat(10_000))
    talk.socket.close(1001, 'gone')
    talk.exchange.abort()
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(peer.frames.map(({ opcode }) => opcode)).toEqual([TEXT, CLOSE])
    expect(peer.closedWith).toBe(1001)
    expect(talk.over).toBe(false)
  })

  it('with compressed messages on their way, in both directions, leaves nothing behind', async () => {
    const fields = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }
    for (let round = 0; round < 10; round++) {
      const { talk, peer } = await converse(engine, { compress: true }, { fields })
      const noise = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * at) % 251))
      for (let sent = 0; sent < 5; sent++) talk.socket.send(noise)
      if (round % 2 === 0) talk.socket.close(1000)
      if (round % 3 === 0) await delay(round)
      talk.exchange.abort()
      await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    }
  })

  it('of an engine that is closed is not: it waits for its end', async () => {
    const { talk, peer } = await converse(engine)
    let closed = false
    const closing = current()
      .close()
      .then(() => (closed = true))
    peer.send(frame(TEXT, 'still open'))
    await talk.hears(1)
    expect(closed).toBe(false)
    peer.send(goodbye(1000))
    await closing
    expect(talk.completed).toBe(true)
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(peer.closedWith).toBe(1000)
  })

  it('of an engine that is destroyed ends them', async () => {
    const { talk, peer } = await converse(engine)
    await current().destroy()
    expect(talk.error).toMatchObject({ code: 'CANCELLED' })
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
  })
})

describeSpeaking('back-pressure', engine => {
  it('holds a server back that nobody listens to, and loses nothing', async () => {
    const { talk, peer } = await converse(engine, { maxMessage: 100_000 })
    talk.socket.pause()
    const message = frame(TEXT, 'x'.repeat(64 * 1024))
    let sent = 0
    const flood = (): void => {
      while (sent < 400) {
        sent++
        if (!peer.wire.write(message)) {
          peer.wire.once('drain', flood)
          return
        }
      }
    }
    flood()
    let last = -1
    while (last !== sent) {
      last = sent
      await delay(200)
    }
    expect(sent * message.length).toBeLessThan(engine.protocol === 'h2c' ? 1024 * 1024 + 128 * 1024 : 8 * 1024 * 1024)
    expect(talk.heard).toEqual([])
    talk.socket.resume()
    await talk.until('all of it', ({ heard }) => heard.length === 400)
  })

  it('decompresses no further than somebody reads', async () => {
    const fields = { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_no_context_takeover' }
    const { talk, peer } = await converse(engine, { compress: true, maxMessage: 2_000_000 }, { fields })
    const sizes: number[] = []
    talk.socket.listen({
      message(data) {
        sizes.push(data.length)
        talk.socket.pause()
      },
      pong() {},
      closed() {},
    })
    const packed = deflateRawSync(Buffer.alloc(1_000_000), { finishFlush: 2 }).subarray(0, -4)
    const before = process.memoryUsage().arrayBuffers
    // 60 MB in 60 KB: they come in one piece.
    peer.send(...Array.from({ length: 60 }, () => frame(2, packed, { rsv: 4 })))
    await talk.until('the first was heard', () => sizes.length === 1)
    await delay(200)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000)
    for (let count = 2; count <= 60; count++) {
      talk.socket.resume()
      await talk.until('the next was heard', () => sizes.length === count)
    }
    expect(new Set(sizes)).toEqual(new Set([1_000_000]))
  })

  it('tells what waits to be sent, and when it was taken', async () => {
    const { talk, peer } = await converse(engine)
    peer.wire.pause()
    const taken: number[] = []
    for (let index = 0; index < 300; index++) talk.socket.send('x'.repeat(100_000), () => taken.push(index))
    expect(talk.socket.bufferedAmount).toBe(30_000_000)
    await delay(200)
    expect(talk.socket.bufferedAmount).toBe(30_000_000 - taken.length * 100_000)
    expect(taken.length).toBeLessThan(200)
    peer.wire.resume()
    await talk.until('all was taken', () => taken.length === 300)
    expect(taken).toEqual(taken.toSorted((a, b) => a - b))
    expect(talk.socket.bufferedAmount).toBe(0)
  })

  it('does not call what breaks taken', async () => {
    const { talk, peer } = await converse(engine)
    peer.wire.pause()
    let taken = 0
    for (let index = 0; index < 300; index++) talk.socket.send('x'.repeat(100_000), () => taken++)
    await delay(100)
    const before = taken
    talk.exchange.abort()
    peer.wire.resume()
    await peer.until('its end', ({ endedAt }) => endedAt !== undefined)
    expect(taken).toBe(before)
  })
})
