/** Bytes in pieces of a bounded size. */
import type { Readable } from './parser.ts'

/**
 * The most bytes whose items wait for a projector at a time. Few, so that nearly all of them are gone when the garbage collector looks:
 * V8 makes its young heap larger, up to twice, the more it finds alive there in the course of time.
 */
const PIECE = 4 * 1024

/** Cuts what comes in larger pieces: from a socket, and all the more from a cache or a decoder. */
export function sliced(body: Readable, most: number = PIECE): Readable {
  let left: Uint8Array | undefined
  const cut = (bytes: Uint8Array | undefined): Uint8Array | undefined => {
    if (bytes === undefined || bytes.length <= most) {
      left = undefined
      return bytes
    }
    left = bytes.subarray(most)
    return bytes.subarray(0, most)
  }
  return { read: () => (left === undefined ? body.read().then(cut) : Promise.resolve(cut(left))) }
}
