/** A server of WebSockets for the contract: `ws`, over HTTP/1.1 and over streams of HTTP/2 (RFC 8441). */
import { once, type EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import {
  createSecureServer,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createSecure } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import type { Identity, Spoken } from './case.ts'

/** What it does with a handshake. */
export interface Manners {
  /** Agrees to permessage-deflate. */
  readonly compress?: boolean
  /** Chooses this sub-protocol. */
  readonly protocol?: string
  /** Answers with this status and a body that says so, or not at all. */
  readonly refuses?: number | 'silence'
}

/** The server's end of a WebSocket, as far as the cases use what ws makes; its types are not installed with this package. */
export interface Peer extends EventEmitter {
  send(data: string | Uint8Array, sent?: () => void): void
  send(data: string | Uint8Array, options: { readonly binary?: boolean; readonly fin?: boolean }): void
  ping(data: string): void
  close(code?: number, reason?: string): void
  terminate(): void
  pause(): void
  resume(): void
}

/** One that is running. */
export interface SocketServer {
  readonly url: string
  /** How many handshakes it has seen. */
  readonly handshakes: number
  /** When the last of them was given up, or their WebSocket was broken off: by `performance.now()`. */
  readonly leftAt: number | undefined
  /** Resolves with the next WebSocket that is opened. */
  next(): Promise<Peer>
  close(): Promise<void>
}

/** What ws does with a connection that is upgraded, and its types do not tell of. */
interface Settable {
  setSocket(socket: Duplex, head: Buffer, options: object): void
}

/** Starts it on a port of 127.0.0.1 that the system chooses. */
export async function socketServer(
  protocol: Spoken,
  tls: Identity | undefined,
  { compress = false, protocol: chosen, refuses }: Manners = {},
): Promise<SocketServer> {
  const upgrades = new WebSocketServer({
    noServer: true,
    perMessageDeflate: compress,
    handleProtocols: () => chosen ?? false,
  })
  const opened: Peer[] = []
  const waiting: ((socket: Peer) => void)[] = []
  const sockets = new Set<Socket>()
  const account: { handshakes: number; leftAt: number | undefined } = { handshakes: 0, leftAt: undefined }

  const watch = (wire: Duplex): void => {
    account.handshakes++
    const left = (): void => {
      account.leftAt ??= performance.now()
    }
    wire.on('error', left)
    wire.once('end', left)
    wire.once('close', left)
    // A handshake that is not answered is watched too.
    if (refuses === 'silence') wire.resume()
  }
  const open = (socket: Peer): void => {
    const next = waiting.shift()
    if (next === undefined) opened.push(socket)
    else next(socket)
  }
  const upgrade = (request: IncomingMessage, wire: Duplex, head: Buffer): void => {
    account.leftAt = undefined
    watch(wire)
    if (refuses === 'silence') return
    if (refuses !== undefined) {
      const body = `no: ${refuses}`
      wire.end(`HTTP/1.1 ${refuses} No\r\nContent-Length: ${body.length}\r\nX-Why: because\r\n\r\n${body}`)
      return
    }
    upgrades.handleUpgrade(request, wire, head, open)
  }
  const stream = (wire: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    if (headers[':protocol'] !== 'websocket') {
      wire.respond({ ':status': 404 }, { endStream: true })
      return
    }
    account.leftAt = undefined
    watch(wire)
    if (refuses === 'silence') return
    if (refuses !== undefined) {
      wire.respond({ ':status': refuses, 'x-why': 'because' })
      wire.end(`no: ${refuses}`)
      return
    }
    wire.respond({ ':status': 200, ...(chosen === undefined ? {} : { 'sec-websocket-protocol': chosen }) })
    const socket = new WebSocket(null as never, undefined, { autoPong: true })
    ;(socket as unknown as Settable).setSocket(wire, Buffer.alloc(0), {
      allowSynchronousEvents: true,
      maxPayload: 0,
      skipUTF8Validation: false,
    })
    open(socket)
  }

  const server = serverOf(protocol, tls)
  server.on('upgrade', upgrade)
  server.on('stream', stream)
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http${tls === undefined ? '' : 's'}://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get handshakes() {
      return account.handshakes
    },
    get leftAt() {
      return account.leftAt
    },
    next: () =>
      new Promise(resolve => {
        const socket = opened.shift()
        if (socket === undefined) waiting.push(resolve)
        else resolve(socket)
      }),
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function serverOf(protocol: Spoken, tls: Identity | undefined): Server {
  const settings = { enableConnectProtocol: true }
  // Both are servers of streams, whatever Node's types say of them.
  if (protocol === 'h2c') return createHttp2Server({ settings }) as unknown as Server
  if (protocol === 'h2') return createSecureServer({ ...tls, settings, allowHTTP1: true }) as unknown as Server
  return tls === undefined ? createServer() : createSecure({ ...tls })
}
