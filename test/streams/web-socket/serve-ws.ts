/** A server of WebSockets by ws. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket as Peer } from 'ws'

/** It runs. */
export interface Served extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly peers: Set<Peer>
}

/** Starts it; by default every peer says back what it hears. */
export async function serveWs(
  port = 0,
  onPeer: (peer: Peer, request: IncomingMessage) => void = echo,
): Promise<Served> {
  const server: Server = createServer()
  const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 10 } })
  sockets.on('connection', (peer, request) => {
    // A peer that is given something illegal says so by an error; what the client makes of it is what tests look at.
    peer.on('error', () => undefined)
    onPeer(peer, request)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: taken } = server.address() as AddressInfo
  return {
    port: taken,
    url: `ws://127.0.0.1:${taken}/`,
    peers: sockets.clients,
    async [Symbol.asyncDispose]() {
      for (const peer of sockets.clients) peer.terminate()
      sockets.close()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function echo(peer: Peer): void {
  peer.on('message', (data, isBinary) => {
    peer.send(data as Buffer, { binary: isBinary })
  })
}
