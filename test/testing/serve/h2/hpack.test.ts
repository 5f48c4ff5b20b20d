import { connect, type ClientHttp2Session } from 'node:http2'
import { describe, expect, it } from 'vitest'
import { serve } from '../../../../testing/serve.ts'
import { encodeFields, FieldReader } from '../../../../testing/serve/h2/hpack.ts'
import { unhuffman } from '../../../../testing/serve/h2/huffman.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** Sends headers with Node's encoder, and resolves with what our decoder made of them. */
async function through(session: ClientHttp2Session, headers: Record<string, string>): Promise<void> {
  const stream = session.request({ ':path': '/', ...headers })
  stream.resume()
  await new Promise((resolve, reject) => stream.once('close', resolve).once('error', reject))
}

describe('reading header fields', () => {
  it('knows the example of RFC 7541 C.4, with Huffman and a table that is filled', () => {
    const reader = new FieldReader()
    expect(reader.read(bytes('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'))).toEqual([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
    ])
    expect(reader.read(bytes('8286 84be 5886 a8eb 1064 9cbf'))).toEqual([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
      ['cache-control', 'no-cache'],
    ])
  })

  it('reads back what we write, long strings too', () => {
    const fields = [
      [':status', '200'],
      ['x', ''],
      ['y', 'caf\u00e9'],
      ['z', 'z'.repeat(70_000)],
    ] as const
    expect(new FieldReader().read(encodeFields(fields))).toEqual(fields)
  })

  it('decodes every byte a header may have as Node encodes it', async () => {
    await using server = await serve({ '/': { status: 204 } }, { protocol: 'h2c' })
    const session = connect(server.url)
    const allowed = Array.from({ length: 256 }, (_, byte) => byte).filter(byte => byte > 0x20 && byte !== 0x7f)
    const values = allowed.map(byte => `${'a'.repeat(40)}${String.fromCharCode(byte)}${'a'.repeat(40)}`)
    // In packs, and twice, so that the table is filled, evicted and referred to.
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < values.length; at += 20) {
        const pack = values.slice(at, at + 20)
        await through(session, Object.fromEntries(pack.map((value, index) => [`x-${index}`, value])))
        const headers = server.requests.at(-1)?.headers
        expect(pack.map((_, index) => headers?.[`x-${index}`])).toEqual(pack)
      }
    }
    session.destroy()
    expect(server.errors).toEqual([])
  })

  it.each([
    ['an index that nobody gave', 'ff 80 01', 'there is no field'],
    ['a string that is longer than its block', '00 05 61', 'longer than its block'],
    ['a number without end', 'ff ff ff ff ff ff', 'a number is too long'],
    ['a table that was not offered', '3f ff ff 01', 'was not offered'],
    ['a Huffman string with its own end', '00 01 61 84 ff ff ff ff', 'its own end'],
    ['a Huffman string with wrong padding', '00 01 61 81 18', 'not padded with ones'],
  ])('refuses %s', (_, hex, why) => {
    expect(() => new FieldReader().read(bytes(hex))).toThrow(why)
  })

  it('decodes Huffman strings', () => {
    expect(unhuffman(bytes('19 0a bf')).toString()).toBe('ace.')
    expect(unhuffman(bytes('')).length).toBe(0)
  })
})
