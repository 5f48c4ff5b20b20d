/** The witness that tells a RST from a FIN where Node calls both an end. */
import type { Socket } from 'node:net'

/**
 * Tells whether a TCP socket that has just said `end` was in truth reset. Node 22 (libuv before 1.52) takes a RST for
 * an end when it comes right behind some bytes. A write of nothing puts nothing on the wire, and still fails with the
 * error that the kernel keeps: ECONNRESET after a RST, EPIPE after a FIN and a RST.
 */
export function wasReset(raw: Socket): boolean {
  if (raw.writable) {
    // The answer is there when write() returns; its event, a turn later, is no news.
    raw.once('error', () => {})
    raw.write('')
  }
  const error: NodeJS.ErrnoException | null = raw.errored
  return error?.code === 'ECONNRESET'
}
