/** DER, as much of it as a certificate needs (ITU-T X.690). */

const tagged = (tag: number, ...contents: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(contents)
  const size: number[] = []
  for (let left = content.length; left > 0; left >>= 8) size.unshift(left & 0xff)
  const length = content.length < 0x80 ? [content.length] : [0x80 | size.length, ...size]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => tagged(0x30, ...items)
export const set = (...items: readonly Uint8Array[]): Buffer => tagged(0x31, ...items)
export const octets = (bytes: Uint8Array): Buffer => tagged(0x04, bytes)
export const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text))
export const yes: Buffer = tagged(0x01, Buffer.from([0xff]))

/** A positive integer, given in big-endian bytes. */
export const integer = (...bytes: readonly number[]): Buffer =>
  tagged(0x02, Buffer.from((bytes[0] ?? 0) & 0x80 ? [0, ...bytes] : bytes))

/** A bit string whose last `unused` bits do not count. */
export const bits = (bytes: Uint8Array, unused: number = 0): Buffer => tagged(0x03, Buffer.from([unused]), bytes)

/** A field told apart by its number: `constructed` when it holds other values, plain bytes otherwise. */
export const field = (number: number, content: Uint8Array, kind: 'plain' | 'constructed'): Buffer =>
  tagged((kind === 'constructed' ? 0xa0 : 0x80) | number, content)

/** A UTCTime: what RFC 5280 §4.1.2.5 asks for up to the year 2049. */
export const time = (date: Date): Buffer =>
  tagged(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .slice(2)
        .replace(/\.\d+Z$|[-:T]/g, '')}Z`,
    ),
  )

/** An object identifier, given with dots. */
export const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = rest.flatMap(part => {
    const base128 = [part & 0x7f]
    for (let left = part >> 7; left > 0; left >>= 7) base128.unshift(0x80 | (left & 0x7f))
    return base128
  })
  return tagged(0x06, Buffer.from([first * 40 + second, ...bytes]))
}
