/** What a proxy says in place of a tunnel. Node reads the head of it and leaves the rest to whoever asked. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ProxyHop } from '../../src/index.ts'
import { Dechunking } from '../connector/proxy/dechunking.ts'
import type { ConnectFailure } from '../connector/failure.ts'
import { proxyFailed } from '../connector/proxy/failure.ts'
import { valuesOf, type ProxyHead } from '../connector/proxy/head.ts'
import { Reading } from '../connector/proxy/reading.ts'
import { lengthOf, Refusal } from '../connector/proxy/refusal.ts'

/** Reads the page of it, as far as that is worth it, then tells; `begun` came with the head. The returned function stops that. */
export function readRefused(
  hop: ProxyHop,
  { statusCode: status = 0, statusMessage: statusText = '', rawHeaders: fields, httpVersion }: IncomingMessage,
  authority: string,
  socket: Socket,
  begun: Buffer,
  tell: (failure: ConnectFailure) => void,
): () => void {
  const head: ProxyHead = { httpVersion: httpVersion === '1.0' ? '1.0' : '1.1', status, statusText, fields }
  const coded = valuesOf(fields, 'transfer-encoding').at(-1)?.toLowerCase().endsWith('chunked') === true
  const dechunking = coded ? new Dechunking() : undefined
  // Stays for as long as the socket lives, so that an error nobody waits for any more is not thrown.
  socket.on('error', () => undefined)
  const stop = (): void => {
    refusal.stop()
    reading.stop()
    socket.destroy()
  }
  const refusal = new Refusal(hop, head, lengthOf(head), refused => {
    stop()
    const said = statusText === '' ? status : `${status} (${statusText})`
    tell({ ...proxyFailed(hop, `answered ${said} to CONNECT ${authority}`), refused })
  })
  const took = (bytes: Buffer): void => {
    const page = dechunking === undefined ? bytes : dechunking.take(bytes)
    if (page.length > 0) refusal.took(page)
    if (dechunking?.over === true) refusal.end()
  }
  const reading = new Reading(socket, {
    took,
    ended: () => {
      refusal.end()
    },
  })
  took(begun)
  return stop
}
