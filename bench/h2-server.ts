/** A server of HTTP/2 that answers every request with the same small JSON. */
import { createServer } from 'node:http2'
import { forked, listenIfForked, stayAwake, type Forked } from './forked.ts'

const BODY = Buffer.from(
  '{"id":7,"name":"Ada Lovelace","mail":"ada@api.test","roles":["author","reader"],"active":true}',
)
const HEADERS = {
  ':status': 200,
  'content-type': 'application/json',
  'content-length': BODY.length,
  'cache-control': 'no-store',
}

/** Starts it, with prior knowledge and without TLS. */
export function startH2Server(): Promise<Forked> {
  return forked(import.meta.url)
}

listenIfForked(import.meta.url, () => {
  stayAwake()
  const server = createServer()
  server.on('stream', stream => {
    stream.on('error', () => undefined)
    stream.respond(HEADERS)
    stream.end(BODY)
  })
  return server
})
