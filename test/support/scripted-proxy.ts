/** Proxies that do what a test says: tunnels over HTTP, TLS and SOCKS5, and everything that can go wrong with them. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { ProxyHop } from 'sluice'

/** A head that reached a proxy. */
export interface Asked {
  readonly method: string
  readonly target: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Counts the heads that reached this proxy, from 1. */
  readonly number: number
}

/** What to do with a head: write these bytes and wait (or hang up, with `end`), open the tunnel, or anything at all. */
export type Answer = 'tunnel' | { readonly write: string; readonly end?: boolean } | ((socket: Socket) => void)

export interface ScriptedProxy extends AsyncDisposable {
  readonly port: number
  readonly asked: Asked[]
  /** Sockets that are open now. */
  readonly open: number
  /** Every byte that came from clients, as the proxy saw it (under TLS: behind it). */
  readonly heard: string
  /** Resolves when no socket of a client is open; rejects after five seconds. */
  idle(): Promise<void>
  hop(given?: Partial<ProxyHop>): ProxyHop
}

/** Serves on a port of 127.0.0.1 with what `talk` makes of each connection. */
async function listening(
  protocol: ProxyHop['protocol'],
  tls: TlsOptions | undefined,
  talk: (socket: Socket, proxy: { asked: Asked[] }) => void,
): Promise<ScriptedProxy> {
  const sockets = new Set<Socket>()
  const asked: Asked[] = []
  let heard = ''
  let waiting: (() => void)[] = []
  const accept = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    // Enough to find what must not be there.
    socket.on('data', bytes => {
      if (heard.length < 1_000_000) heard += bytes.toString('latin1')
    })
    socket.once('close', () => {
      sockets.delete(socket)
      if (sockets.size === 0) for (const done of waiting.splice(0)) done()
    })
    talk(socket, { asked })
  }
  const server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept)
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    asked,
    get open() {
      return sockets.size
    },
    get heard() {
      return heard
    },
    idle: () =>
      new Promise((resolve, reject) => {
        if (sockets.size === 0) {
          resolve()
          return
        }
        const timer = setTimeout(() => reject(new Error(`${sockets.size} sockets of clients are still open`)), 5000)
        waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      }),
    hop: given => ({ protocol, host: '127.0.0.1', port, ...given }),
    async [Symbol.asyncDispose]() {
      waiting = []
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** A proxy that is asked with CONNECT. Tunnels unless `answer` says otherwise. */
export function scriptedProxy(
  answer: (asked: Asked) => Answer = () => 'tunnel',
  { tls }: { tls?: TlsOptions } = {},
): Promise<ScriptedProxy> {
  return listening(tls === undefined ? 'http' : 'https', tls, (socket, { asked }) => {
    let head = ''
    const gather = (bytes: Buffer): void => {
      head += bytes.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      const [first = '', ...lines] = head.slice(0, end).split('\r\n')
      head = head.slice(end + 4)
      const [method = '', target = ''] = first.split(' ')
      const headers = Object.fromEntries(
        lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      )
      const one: Asked = { method, target, headers, number: asked.length + 1 }
      asked.push(one)
      const what = answer(one)
      if (what === 'tunnel') {
        socket.off('data', gather)
        tunnel(socket, target, 'HTTP/1.1 200 Connection established\r\n\r\n')
      } else if (typeof what === 'function') {
        socket.off('data', gather)
        what(socket)
      } else if (what.end === true) socket.end(what.write, 'latin1')
      else socket.write(what.write, 'latin1')
    }
    socket.on('data', gather)
  })
}

/** Connects to `host:port`, says that it did, and passes everything on. */
function tunnel(socket: Socket, authority: string, said: string | Buffer): Socket {
  const { hostname, port } = new URL(`tcp://${authority}`)
  const far = connect({ host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port), noDelay: true }, () => {
    socket.write(said)
    socket.pipe(far)
    far.pipe(socket)
  })
  far.on('error', () => socket.destroy())
  far.once('close', () => socket.destroy())
  socket.once('close', () => far.destroy())
  return far
}

/** What a SOCKS5 proxy was asked for, and how it behaves. */
export interface SocksScript {
  /** Wants these; without them it lets everybody in. */
  readonly credentials?: { readonly username: string; readonly password: string }
  /** Says this in place of what it should after so many messages of the client. */
  readonly instead?: { readonly at: 1 | 2 | 3; readonly bytes: readonly number[]; readonly end?: boolean }
  /** Names that lead somewhere. */
  readonly names?: Readonly<Record<string, string>>
}

/** A proxy that speaks SOCKS5; `asked` has one entry for each tunnel, with the kind of the address as method. */
export function scriptedSocks({ credentials, instead, names = {} }: SocksScript = {}): Promise<ScriptedProxy> {
  return listening('socks5', undefined, (socket, { asked }) => {
    let step = 0
    let bytes = Buffer.alloc(0)
    const gather = (more: Buffer): void => {
      bytes = Buffer.concat([bytes, more])
      step++
      const said = bytes
      bytes = Buffer.alloc(0)
      const at = credentials === undefined && step === 2 ? 3 : step
      if (instead?.at === at) {
        if (instead.end === true) socket.end(Buffer.from(instead.bytes))
        else socket.write(Buffer.from(instead.bytes))
      } else if (at === 1) socket.write(Buffer.from([5, credentials === undefined ? 0 : said.includes(2, 2) ? 2 : 255]))
      else if (at === 2) {
        const username = said.subarray(2, 2 + (said[1] ?? 0)).toString()
        const password = said.subarray(3 + (said[1] ?? 0)).toString()
        const good = username === credentials?.username && password === credentials.password
        if (good) socket.write(Buffer.from([1, 0]))
        else socket.end(Buffer.from([1, 1]))
      } else {
        socket.off('data', gather)
        const { kind, host, port } = readAddress(said)
        asked.push({ method: kind, target: `${host}:${port}`, headers: {}, number: asked.length + 1 })
        tunnel(socket, `${names[host] ?? host}:${port}`, Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 1]))
      }
    }
    socket.on('data', gather)
  })
}

function readAddress(said: Buffer): { kind: string; host: string; port: number } {
  const kind = said[3]
  const port = said.readUInt16BE(said.length - 2)
  const address = said.subarray(4, -2)
  if (kind === 1) return { kind: 'IPv4', host: [...address].join('.'), port }
  if (kind === 3) return { kind: 'name', host: address.subarray(1).toString(), port }
  const groups = Array.from({ length: 8 }, (_, at) => address.readUInt16BE(2 * at).toString(16))
  return { kind: 'IPv6', host: `[${groups.join(':')}]`, port }
}
