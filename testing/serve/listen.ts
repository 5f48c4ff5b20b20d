/** The listening socket, plain or TLS, and every socket it accepted. */
import net from 'node:net'
import tls from 'node:tls'
import type { Ledger, OpenConnectionAccount } from './account.ts'
import { converse, type Conversation, type OpenConnection } from './connection.ts'

export interface ListenOptions {
  readonly host: string
  readonly tls: tls.TlsOptions | undefined
}

export interface Listener {
  readonly port: number
  readonly connections: ReadonlyMap<number, OpenConnection>
  close(): Promise<void>
}

/** Opens a port that the system chooses, and talks on every connection to it. */
export async function listen(options: ListenOptions, conversation: Conversation): Promise<Listener> {
  const { ledger, earlyFault } = conversation
  const sockets = new Set<net.Socket>()
  const connections = new Map<number, OpenConnection>()
  const handshakes = options.tls && handshaker(options.tls)
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, raw => {
    const account = ledger.accept(raw.remotePort)
    const talk = (socket: net.Socket): void => {
      connections.set(
        account.id,
        converse(socket, account, conversation, () => raw.resetAndDestroy()),
      )
    }
    sockets.add(raw)
    raw.once('close', () => {
      sockets.delete(raw)
      connections.delete(account.id)
      closed(account, ledger)
    })
    const fault = earlyFault('accept', account.id)
    if (fault) {
      sayNothing(raw, account, ledger)
      account.closedBy = fault.kind === 'stall' ? undefined : 'server'
      // A turn later, so that a client in this process hears of its connection before it hears of the end.
      if (fault.kind === 'reset') setImmediate(() => raw.resetAndDestroy())
      if (fault.kind === 'fin') raw.end()
      return
    }
    if (handshakes) handshakes(raw, account, talk)
    else talk(raw)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: 0, host: options.host }, resolve)
  })
  return {
    port: (server.address() as net.AddressInfo).port,
    connections,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function closed(account: OpenConnectionAccount, ledger: Ledger): void {
  account.closedBy ??= 'server'
  account.open = false
  account.closedAt = performance.now()
  ledger.changed()
}

/** Only watches for the client to leave. */
function sayNothing(raw: net.Socket, account: OpenConnectionAccount, ledger: Ledger): void {
  const left = (how: OpenConnectionAccount['closedBy']): void => {
    account.closedBy ??= how
    raw.destroy()
  }
  raw.on('error', () => left('client-reset'))
  raw.on('end', () => left('client-fin'))
  raw.on('data', (bytes: Buffer) => {
    account.bytesIn += bytes.length
    ledger.changed()
  })
}

type Handshake = (raw: net.Socket, account: OpenConnectionAccount, secured: (socket: tls.TLSSocket) => void) => void

/** Makes TLS sockets of accepted ones. A TLS server that never listens does the handshakes, so that faults can come before them. */
function handshaker(options: tls.TlsOptions): Handshake {
  const server = tls.createServer({ ALPNProtocols: ['http/1.1'], ...options, allowHalfOpen: true })
  const waiting = new Map<
    number | undefined,
    { account: OpenConnectionAccount; secured: (socket: tls.TLSSocket) => void }
  >()
  server.on('secureConnection', socket => {
    const found = waiting.get(socket.remotePort)
    if (found === undefined) {
      socket.destroy()
      return
    }
    found.account.tls = {
      protocol: socket.getProtocol() ?? undefined,
      alpn: socket.alpnProtocol || undefined,
      servername: (socket as { servername?: string | false }).servername || undefined,
      resumed: socket.isSessionReused(),
      authorized: socket.authorized,
      clientName: commonName(socket),
    }
    found.secured(socket)
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    const account = waiting.get(socket.remotePort)?.account
    socket.destroy()
    if (!account) return
    account.tlsError = error.code ?? error.message
    // Node calls both a FIN and a RST in the handshake ECONNRESET; only the RST comes from a system call.
    if (error.code === 'ECONNRESET') account.closedBy ??= error.syscall === undefined ? 'client-fin' : 'client-reset'
  })
  return (raw, account, secured) => {
    const port = raw.remotePort
    waiting.set(port, { account, secured })
    raw.once('close', () => waiting.delete(port))
    server.emit('connection', raw)
  }
}

function commonName(socket: tls.TLSSocket): string | undefined {
  const { subject } = socket.getPeerCertificate() as Partial<tls.PeerCertificate>
  const name = subject?.CN
  return Array.isArray(name) ? name[0] : name
}
