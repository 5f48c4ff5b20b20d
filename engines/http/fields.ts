/** The header fields of a request as they are written. */
import type { HttpRequest } from '../../src/index.ts'
import type { Forwarding } from '../exchange/forwarding.ts'
import type { Connection } from './connection.ts'

/** Its own, those for a proxy that is asked in place of the server, and those that come of the connection and the body; `waits` where the server is to ask for that. */
export function fieldsFor(
  { headers: given, body }: HttpRequest,
  { authority, handOver }: Connection,
  forwarding: Forwarding | undefined,
  waits: boolean,
): string[] {
  const kept = handOver.keepAlive ? 'keep-alive' : 'close'
  const fields = forwarding?.fields(given.flat) ?? given.flat
  const headers = ['Host', authority, 'Connection', kept, ...fields]
  if (body !== undefined && body.length === undefined && !given.has('content-length'))
    headers.push('Transfer-Encoding', 'chunked')
  if (waits) headers.push('Expect', '100-continue')
  return headers
}
