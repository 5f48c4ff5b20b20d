/** Bytes in pieces of a bounded size. */
import type { Readable } from './parser.ts'

/** The most bytes of a piece. */
export const PIECE: number = 64 * 1024

/** Cuts what comes in one piece from a cache or a decoder, so that its items do not become one long queue. */
export function sliced(body: Readable): Readable {
  let left: Uint8Array | undefined
  return {
    async read() {
      const bytes = left ?? (await body.read())
      if (bytes === undefined || bytes.length <= PIECE) {
        left = undefined
        return bytes
      }
      left = bytes.subarray(PIECE)
      return bytes.subarray(0, PIECE)
    },
  }
}
