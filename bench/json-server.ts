/** A server that answers every request with the same small JSON, as cheaply as Node can. */
import { createServer } from 'node:net'
import { forked, listenIfForked, stayAwake, type Forked } from './forked.ts'

const BODY = '{"id":7,"name":"Ada Lovelace","mail":"ada@api.test","roles":["author","reader"],"active":true}'
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\ndate: Sat, 21 Nov 2026 12:00:00 GMT\r\nserver: bench\r\ncache-control: no-store\r\n\r\n${BODY}`,
)

/** Starts it. */
export function startJsonServer(): Promise<Forked> {
  return forked(import.meta.url)
}

listenIfForked(import.meta.url, () => {
  stayAwake()
  return createServer(socket => {
    let rest = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', data => {
      const heads = (rest + data.toString('latin1')).split('\r\n\r\n')
      rest = heads.pop() ?? ''
      for (let at = 0; at < heads.length; at++) socket.write(ANSWER)
    })
  })
})
