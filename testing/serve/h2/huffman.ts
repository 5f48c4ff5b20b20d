/** The Huffman code of HPACK (RFC 7541 Appendix B), decoding only. It is canonical, so the lengths say everything. */

/** How long the code of each byte is, runs as [length, times]; the last one is the end of the string. */
// prettier-ignore
const LENGTHS: readonly (number | readonly [length: number, times: number])[] = [
  13, 23, [28, 7], 24, 30, [28, 2], 30, [28, 8], 30, [28, 9],
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, [5, 3], [6, 7], 7, 8, 15, 6, 12, 10,
  13, 6, [7, 22], 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, [7, 5], 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, [23, 5], 24, 23, 24, 24, 22, 23, 24, [23, 4], 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, [27, 5], 28, [27, 5], 26,
  30,
]

const END = 256
const SYMBOLS: ReadonlyMap<number, number> = assign()

/** Decodes a string. Throws an `Error` for one that is not padded as it should be. */
export function unhuffman(bytes: Uint8Array): Buffer {
  const out: number[] = []
  let code = 0
  let length = 0
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1)
      length += 1
      const symbol = SYMBOLS.get(keyOf(code, length))
      if (symbol === undefined) continue
      if (symbol === END) throw new Error('a Huffman string contains its own end')
      out.push(symbol)
      code = length = 0
    }
  }
  // What is left must be the beginning of the end mark: less than a byte of ones.
  if (length > 7 || code !== (1 << length) - 1) throw new Error('a Huffman string is not padded with ones')
  return Buffer.from(out)
}

/** Gives out the codes in their order: shorter ones first, bytes of equal length by their value. */
function assign(): Map<number, number> {
  const lengths = LENGTHS.flatMap(entry =>
    typeof entry === 'number' ? [entry] : Array<number>(entry[1]).fill(entry[0]),
  )
  const codes = new Map<number, number>()
  let code = 0
  for (let length = 1; length <= 30; length++) {
    for (const [symbol, its] of lengths.entries()) if (its === length) codes.set(keyOf(code++, length), symbol)
    code <<= 1
  }
  return codes
}

/** No code is longer than 30 bits, so that a code and its length fit into one number. */
function keyOf(code: number, length: number): number {
  return length * 2 ** 30 + code
}
