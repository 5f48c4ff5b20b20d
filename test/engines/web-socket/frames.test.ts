import { once } from 'node:events'
import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { converse, describeSpeaking } from '../../support/web-socket-engines.ts'
import { BINARY, CLOSE, CONTINUATION, frame, goodbye, PING, PONG, TEXT } from '../../support/web-socket-raw.ts'

const DEFLATE = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }

/** A message as permessage-deflate has it: without the four bytes each would end with (RFC 7692 §7.2.1). */
function deflated(text: string | Uint8Array): Buffer {
  const bytes = deflateRawSync(text, { finishFlush: 2 })
  return bytes.subarray(0, -4)
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const euro = Buffer.from('€')

describeSpeaking('frames that are right', engine => {
  it.each<[string, readonly Buffer[], readonly unknown[]]>([
    ['an empty text', [frame(TEXT)], ['']],
    ['an empty binary message', [frame(BINARY)], [new Uint8Array()]],
    ['text and bytes', [frame(TEXT, 'a€😀'), frame(BINARY, bytes('b'))], ['a€😀', bytes('b')]],
    [
      '125, 126, 65535 and 65536 bytes',
      [125, 126, 65_535, 65_536].map(size => frame(TEXT, 'x'.repeat(size))),
      [125, 126, 65_535, 65_536].map(size => 'x'.repeat(size)),
    ],
    [
      'a message in pieces',
      [frame(TEXT, 'a', { fin: false }), frame(CONTINUATION, 'b', { fin: false }), frame(CONTINUATION, 'c')],
      ['abc'],
    ],
    [
      'a message in empty pieces',
      [frame(TEXT, '', { fin: false }), frame(CONTINUATION, '', { fin: false }), frame(CONTINUATION)],
      [''],
    ],
    [
      'a character in two pieces',
      [frame(TEXT, euro.subarray(0, 1), { fin: false }), frame(CONTINUATION, euro.subarray(1))],
      ['€'],
    ],
    [
      'ping and pong between the pieces',
      [frame(TEXT, 'a', { fin: false }), frame(PING, 'x'), frame(PONG), frame(CONTINUATION, 'b')],
      [{ pong: true }, 'ab'],
    ],
    ['a byte order mark', [frame(TEXT, '\uFEFFa')], ['\uFEFFa']],
  ])('hears %s, together and byte by byte', async (_, frames, heard) => {
    const { talk, peer } = await converse(engine)
    peer.send(...frames)
    expect(await talk.hears(heard.length)).toEqual(heard)
    const small = Buffer.concat(frames)
    if (small.length < 1000) {
      await peer.drip(small)
      expect(await talk.hears(2 * heard.length)).toEqual([...heard, ...heard])
    }
    expect(talk.over).toBe(false)
  })

  it('answers a ping with what it said', async () => {
    const { talk, peer } = await converse(engine)
    peer.send(frame(PING, 'are you there?'))
    expect(await peer.frame(1)).toMatchObject({
      opcode: PONG,
      masked: true,
      fin: true,
      payload: Buffer.from('are you there?'),
    })
    expect(talk.heard).toEqual([])
  })

  it('masks what it sends, each frame by another mask', async () => {
    const { talk, peer } = await converse(engine)
    for (let round = 0; round < 50; round++) talk.socket.send('same')
    talk.socket.send(bytes('bytes'))
    talk.socket.send('')
    talk.socket.ping()
    await peer.frame(53)
    expect(peer.frames.every(({ masked, fin, rsv1 }) => masked && fin && !rsv1)).toBe(true)
    expect(peer.frames.slice(49).map(({ opcode, payload }) => [opcode, payload.toString()])).toEqual([
      [TEXT, 'same'],
      [BINARY, 'bytes'],
      [TEXT, ''],
      [PING, ''],
    ])
  })

  it('does not change the bytes it is given to send', async () => {
    const { talk, peer } = await converse(engine)
    const given = bytes('given')
    talk.socket.send(given)
    expect((await peer.frame(1)).payload.toString()).toBe('given')
    expect(given).toEqual(bytes('given'))
  })

  it('hears what came in the packet of the handshake', async () => {
    const { talk } = await converse(engine, {}, { behind: Buffer.concat([frame(TEXT, 'early'), frame(TEXT, 'bird')]) })
    expect(await talk.hears(2)).toEqual(['early', 'bird'])
  })

  it('hears compressed messages, and plain ones between them', async () => {
    const { talk, peer } = await converse(engine, { compress: true }, { fields: DEFLATE })
    expect(talk.socket.compressed).toBe(true)
    const long = 'tell me more '.repeat(1000)
    const packed = deflated(long)
    peer.send(
      frame(TEXT, packed.subarray(0, 10), { rsv: 4, fin: false }),
      frame(PING, 'x'),
      frame(CONTINUATION, packed.subarray(10)),
      frame(TEXT, 'plain'),
      frame(BINARY, deflated(bytes('bytes')), { rsv: 4 }),
    )
    expect(await talk.hears(3)).toEqual([long, 'plain', bytes('bytes')])
    talk.socket.send(long)
    talk.socket.send('short')
    const [first, second] = await Promise.all([peer.frame(2), peer.frame(3)])
    expect(first).toMatchObject({ opcode: TEXT, rsv1: true })
    expect(first.payload.length).toBeLessThan(500)
    expect(second).toMatchObject({ opcode: TEXT, rsv1: false, payload: Buffer.from('short') })
  })
})

describeSpeaking('frames that are wrong', engine => {
  it.each<[string, Buffer, number, RegExp]>([
    ['a masked frame', frame(TEXT, 'a', { mask: true }), 1002, /MASK must be clear/],
    ['a reserved bit', frame(TEXT, 'a', { rsv: 1 }), 1002, /RSV2 and RSV3 must be clear/],
    ['compression that was not agreed to', frame(TEXT, 'a', { rsv: 4 }), 1002, /RSV1 must be clear/],
    ['opcode 3', frame(3, 'a'), 1002, /invalid opcode 3/],
    ['opcode 11', frame(11, 'a'), 1002, /invalid opcode 11/],
    ['the rest of nothing', frame(CONTINUATION, 'a'), 1002, /invalid opcode 0/],
    [
      'a message in the middle of another',
      Buffer.concat([frame(TEXT, 'a', { fin: false }), frame(TEXT, 'b')]),
      1002,
      /invalid opcode 1/,
    ],
    ['a ping of 126 bytes', frame(PING, 'x'.repeat(126)), 1002, /invalid payload length 126/],
    ['a ping in pieces', frame(PING, 'x', { fin: false }), 1002, /FIN must be set/],
    ['a goodbye of one byte', frame(CLOSE, 'x'), 1002, /invalid payload length 1/],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map(
      code =>
        [`a goodbye with ${code}`, goodbye(code), 1002, new RegExp(`invalid status code ${code}`)] as [
          string,
          Buffer,
          number,
          RegExp,
        ],
    ),
    ['a goodbye that is no UTF-8', goodbye(1000, Buffer.of(0xff)), 1007, /invalid UTF-8/],
    ['text that is no UTF-8', frame(TEXT, Buffer.of(0x61, 0xc0, 0x80)), 1007, /invalid UTF-8/],
    ['half a surrogate pair', frame(TEXT, Buffer.of(0xed, 0xa0, 0x80)), 1007, /invalid UTF-8/],
    ['a character that is cut off', frame(TEXT, euro.subarray(0, 2)), 1007, /invalid UTF-8/],
    [
      'text in pieces that together are no UTF-8',
      Buffer.concat([frame(TEXT, euro.subarray(0, 1), { fin: false }), frame(CONTINUATION, 'x')]),
      1007,
      /invalid UTF-8/,
    ],
  ])('refuses %s, and says so to both', async (_, sent, code, why) => {
    const { talk, peer } = await converse(engine)
    peer.send(frame(TEXT, 'before'), sent, frame(TEXT, 'behind'))
    await talk.end()
    expect(talk.error).toMatchObject({ code: 'PROTOCOL', phase: 'body', message: why, requestWritten: 'yes' })
    expect(talk.heard).toEqual(['before'])
    await peer.until('the goodbye', ({ closedWith }) => closedWith !== undefined)
    expect(peer.closedWith).toBe(code)
  })

  it.each<[string, Buffer]>([
    ['one that announces 2^63 bytes', frame(BINARY, 'x', { length: 2n ** 63n })],
    ['one that announces 2^53 bytes', frame(BINARY, 'x', { length: 2n ** 53n })],
    ['one of a byte too many', frame(TEXT, 'x'.repeat(1001))],
    [
      'one whose pieces have a byte too many',
      Buffer.concat([frame(TEXT, 'x'.repeat(600), { fin: false }), frame(CONTINUATION, 'x'.repeat(401))]),
    ],
  ])('refuses a message that is too long: %s', async (_, sent) => {
    const { talk, peer } = await converse(engine, { maxMessage: 1000 })
    peer.send(frame(TEXT, 'y'.repeat(1000)), sent)
    await talk.end()
    expect(talk.error).toMatchObject({ code: 'TOO_LARGE', phase: 'body', message: /a message of more than 1000 bytes/ })
    expect(talk.heard).toEqual(['y'.repeat(1000)])
    await peer.until('the goodbye', ({ closedWith }) => closedWith !== undefined)
    expect(peer.closedWith).toBe(1009)
  })

  it('refuses a compressed bomb before it has grown', async () => {
    const { talk, peer } = await converse(engine, { compress: true, maxMessage: 100_000 }, { fields: DEFLATE })
    const bomb = deflated(Buffer.alloc(100_000_000))
    const before = process.memoryUsage().rss
    peer.send(frame(BINARY, bomb.subarray(0, 90_000), { rsv: 4 }))
    await talk.end()
    expect(talk.error).toMatchObject({ code: 'TOO_LARGE', phase: 'body' })
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
    await peer.until('the goodbye', ({ closedWith }) => closedWith !== undefined)
    expect(peer.closedWith).toBe(1009)
  })

  it('refuses what cannot be decompressed', async () => {
    const { talk, peer } = await converse(engine, { compress: true }, { fields: DEFLATE })
    peer.send(frame(TEXT, Buffer.alloc(20, 0xff), { rsv: 4 }))
    await talk.end()
    expect(talk.error).toMatchObject({ code: 'PROTOCOL', phase: 'body', message: /cannot be decompressed/ })
    await peer.until('the goodbye', ({ closedWith }) => closedWith !== undefined)
    expect(peer.closedWith).toBe(1007)
  })

  it('refuses a message in more pieces than one may have', async () => {
    const { talk, peer } = await converse(engine)
    const one = frame(CONTINUATION, 'x', { fin: false })
    peer.send(frame(TEXT, 'x', { fin: false }), Buffer.concat(Array<Buffer>(70_000).fill(one)))
    await talk.end()
    expect(talk.error).toMatchObject({ code: 'TOO_LARGE', phase: 'body', message: /in more pieces than one may have/ })
  })

  it('is not filled by pings: the newest is answered, the others are as good as answered', async () => {
    const { talk, peer } = await converse(engine)
    peer.wire.pause()
    const flood = Buffer.concat(Array.from({ length: 1000 }, () => frame(PING, 'x'.repeat(125))))
    let sent = 0
    for (; sent < 64 * 1024 * 1024 && !talk.over; sent += flood.length)
      if (!peer.wire.write(flood)) await once(peer.wire, 'drain')
    peer.send(frame(PING, 'last'), frame(TEXT, 'still there'))
    await talk.until('the flood is over', ({ heard }) => heard.includes('still there'), 10_000)
    peer.wire.resume()
    await peer.until('the last is answered', ({ frames }) => frames.at(-1)?.payload.toString() === 'last')
    // What the system keeps for a peer that does not read is its affair; all others were never written.
    expect(peer.frames.length).toBeLessThan(sent / 127 / 4)
  })
})

describe('the frames of the tests', () => {
  it('are those of RFC 6455 §5.7', () => {
    expect(frame(TEXT, 'Hello').toString('hex')).toBe('810548656c6c6f')
    expect(frame(BINARY, Buffer.alloc(256)).subarray(0, 4).toString('hex')).toBe('827e0100')
    expect(frame(BINARY, Buffer.alloc(65_536)).subarray(0, 10).toString('hex')).toBe('827f0000000000010000')
  })
})
