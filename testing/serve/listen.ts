/** The listening socket, and every socket it accepted. */
import net from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Ledger, OpenConnectionAccount } from './account.ts'
import type { Accepted, Conversation, Talk } from './conversation.ts'
import { converse } from './h1/connection.ts'
import { Session } from './h2/session.ts'
import { handshaker } from './handshake.ts'
import { wasReset } from './was-reset.ts'

/** Where to listen, and whether with TLS. */
export interface ListenOptions {
  readonly host: string
  /** A Unix socket, which takes precedence over `host`. */
  readonly socketPath: string | undefined
  readonly tls: TlsOptions | undefined
  readonly protocol: Protocol
}

/**
 * What is spoken: HTTP/1.1, HTTP/2 over TLS, HTTP/2 without TLS and without asking (prior knowledge), or over TLS whichever
 * of the two the client prefers to speak by ALPN, HTTP/2 first.
 */
export type Protocol = 'http/1.1' | 'h2' | 'h2c' | 'auto'

/** An open port. */
export interface Listener {
  /** 0 on a Unix socket. */
  readonly port: number
  /** The connections that are open now, by their ids. */
  readonly talks: ReadonlyMap<number, Talk>
  /** Destroys every socket. Resolves when all are closed and their accounts say so. */
  close(): Promise<void>
}

/** Opens a port that the system chooses, or a Unix socket, and talks on every connection to it. */
export async function listen(options: ListenOptions, conversation: Conversation): Promise<Listener> {
  const { ledger, earlyFault } = conversation
  const sockets = new Map<net.Socket, OpenConnectionAccount>()
  const talks = new Map<number, Talk>()
  const { protocol } = options
  const handshake = options.tls && handshaker(options.tls, ALPN[protocol])
  const talkOn = (accepted: Accepted): Talk => {
    const chosen = accepted.account.tls?.alpn
    const plain = protocol === 'http/1.1' || (protocol === 'auto' && chosen !== 'h2') || chosen === 'http/1.1'
    return plain ? converse(accepted, conversation) : new Session(accepted, conversation)
  }
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, raw => {
    const account = ledger.accept(raw.remotePort)
    sockets.set(raw, account)
    raw.once('close', () => {
      sockets.delete(raw)
      talks.delete(account.id)
      closed(account, ledger)
    })
    const talk = (socket: net.Socket): void => {
      talks.set(account.id, talkOn({ socket, raw, account }))
      ledger.changed()
    }
    const fault = earlyFault('accept', account.id)
    if (!fault) {
      if (handshake) handshake(raw, account, talk)
      else talk(raw)
      return
    }
    sayNothing(raw, account, ledger)
    if (fault.kind === 'stall') return
    account.closedBy = 'server'
    if (fault.kind === 'fin') raw.end()
    // A turn later, so that a client in this process hears of its connection before it hears of the end.
    else setImmediate(() => raw.resetAndDestroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const { host, socketPath } = options
    server.listen(socketPath === undefined ? { port: 0, host } : { path: socketPath }, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    talks,
    async close() {
      const closing = [...sockets].map(([socket, account]) => {
        account.closedBy ??= 'server'
        socket.destroy()
        return new Promise(resolve => socket.once('close', resolve))
      })
      await new Promise(resolve => server.close(resolve))
      await Promise.all(closing)
    },
  }
}

const ALPN: Readonly<Record<Protocol, string[]>> = {
  'http/1.1': ['http/1.1'],
  h2: ['h2'],
  h2c: [],
  auto: ['h2', 'http/1.1'],
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
  raw.on('end', () => left(wasReset(raw) ? 'client-reset' : 'client-fin'))
  raw.on('data', (bytes: Buffer) => {
    account.bytesIn += bytes.length
    ledger.changed()
  })
}
