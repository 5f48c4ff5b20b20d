/** The TLS handshake of one accepted socket. */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import tls from 'node:tls'
import type { OpenConnectionAccount, TlsAccount } from './account.ts'

/** Does the handshake on `raw`, and hands over the TLS socket when it is through. */
export type Handshake = (raw: Socket, account: OpenConnectionAccount, secured: (socket: tls.TLSSocket) => void) => void

/** Makes the function that does the handshakes of a server. Throws what `node:tls` throws for a bad key or certificate. */
export function handshaker(options: tls.TlsOptions, protocols: string[]): Handshake {
  const shared = { ALPNProtocols: protocols, ticketKeys: randomBytes(48), ...options }
  tls.createServer(shared)
  return (raw, account, secured) => {
    // A TLS server for each socket, which never listens: its events then belong to that socket, however early it dies.
    const server = tls.createServer(shared)
    const unexplained = (): void => {
      account.closedBy ??= 'client-fin'
    }
    server.once('secureConnection', socket => {
      raw.off('close', unexplained)
      socket.allowHalfOpen = true
      account.tls = tlsAccount(socket)
      secured(socket)
    })
    server.once('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      account.tlsError = error.code ?? error.message
      // Node makes an ECONNRESET of a FIN in the handshake too, after the close; a real one comes from a system call.
      if (error.code !== 'ECONNRESET') account.closedBy ??= 'server'
      else if (error.syscall !== undefined) account.closedBy ??= 'client-reset'
      socket.destroy()
    })
    raw.prependOnceListener('close', unexplained)
    // Otherwise a FIN in the middle of the handshake would go unseen.
    raw.allowHalfOpen = false
    server.emit('connection', raw)
  }
}

function tlsAccount(socket: tls.TLSSocket): TlsAccount {
  const { subject } = socket.getPeerCertificate() as Partial<tls.PeerCertificate>
  const name = subject?.CN
  return {
    protocol: socket.getProtocol() ?? undefined,
    alpn: socket.alpnProtocol || undefined,
    servername: (socket as { servername?: string | false }).servername || undefined,
    resumed: socket.isSessionReused(),
    authorized: socket.authorized,
    clientName: Array.isArray(name) ? name[0] : name,
  }
}
