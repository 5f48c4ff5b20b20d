/** SOCKS5 (RFC 1928) with user and password (RFC 1929). Names are looked up by the proxy. */
import { isIP, SocketAddress, type Socket } from 'node:net'
import type { ProxyHop } from '../../../src/index.ts'
import { proxyFailed } from './failure.ts'
import { Reading } from './reading.ts'
import type { Handshake, TunnelListener } from './handshake.ts'

const VERSION = 5
const NO_CREDENTIALS = 0
const USER_AND_PASSWORD = 2
const NONE_OF_THESE = 0xff

/** What it is made of says in one byte how long it is. */
const MOST = 255

const WHY_REFUSED: Readonly<Record<number, string>> = {
  1: 'has failed',
  2: 'does not allow this connection',
  3: 'cannot reach its network',
  4: 'cannot reach it',
  5: 'was refused by it',
  6: 'found that it is too many hops away',
  7: 'does not connect for anybody',
  8: 'does not know this kind of address',
}

/** Reads a step of the handshake from the bytes so far. Answers how many it has used: none when it takes more of them. */
type Step = (bytes: Buffer) => number

/** The handshake up to the open tunnel. */
export class Socks5 implements Handshake {
  readonly #socket: Socket
  readonly #hop: ProxyHop
  readonly #host: string
  readonly #port: number
  readonly #listener: TunnelListener
  #reading: Reading | undefined
  #bytes: Buffer = Buffer.alloc(0)
  #step: Step | undefined
  #over = false

  constructor(
    socket: Socket,
    hop: ProxyHop,
    { host, port }: { readonly host: string; readonly port: number },
    listener: TunnelListener,
  ) {
    this.#socket = socket
    this.#hop = hop
    this.#host = host
    this.#port = port
    this.#listener = listener
  }

  start(): void {
    const tooLong = this.#tooLong()
    if (tooLong !== undefined) {
      queueMicrotask(() => {
        if (!this.#over) this.#fail(tooLong)
      })
      return
    }
    this.#reading = new Reading(this.#socket, {
      took: bytes => {
        this.#took(bytes)
      },
      ended: cause => {
        this.#fail('closed the connection in the middle of the SOCKS handshake', cause)
      },
    })
    const methods = this.#hop.credentials === undefined ? [NO_CREDENTIALS] : [NO_CREDENTIALS, USER_AND_PASSWORD]
    this.#say([VERSION, methods.length, ...methods], bytes => this.#chosen(bytes))
  }

  stop(): void {
    this.#over = true
    this.#reading?.stop()
  }

  #took(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    const used = this.#step?.(this.#bytes) ?? 0
    if (used === 0 || this.#over) return
    const more = this.#bytes.length - used
    this.#bytes = this.#bytes.subarray(used)
    if (more > 0) this.#fail(`sent ${more} bytes for which it was not asked`)
  }

  /** The proxy chose how it wants to know who we are. */
  #chosen(bytes: Buffer): number {
    if (bytes[0] !== VERSION) return this.#fail('answered with something that is not SOCKS5')
    if (bytes.length < 2) return 0
    const { credentials } = this.#hop
    const method = bytes[1]
    if (method === NO_CREDENTIALS) this.#ask()
    else if (method === USER_AND_PASSWORD && credentials !== undefined)
      this.#say([1, ...counted(credentials.username), ...counted(credentials.password)], more => this.#admitted(more))
    else if (method === NONE_OF_THESE && credentials === undefined) return this.#fail('wants credentials and has none')
    else return this.#fail('wants to know who we are in a way that we do not speak')
    return 2
  }

  /** It was told user and password. */
  #admitted(bytes: Buffer): number {
    if (bytes.length < 2) return 0
    if (bytes[0] !== 1) return this.#fail('answered with something that is not SOCKS5')
    if (bytes[1] !== 0) return this.#fail('does not accept the credentials')
    this.#ask()
    return 2
  }

  #ask(): void {
    const port = [Math.floor(this.#port / 256), this.#port % 256]
    this.#say([VERSION, 1, 0, ...addressOf(this.#host), ...port], bytes => this.#answered(bytes))
  }

  #answered(bytes: Buffer): number {
    if (bytes[0] !== VERSION) return this.#fail('answered with something that is not SOCKS5')
    if (bytes.length < 2) return 0
    const code = bytes[1] ?? 1
    if (code !== 0) {
      const where = isIP(this.#host) === 6 ? `[${this.#host}]:${this.#port}` : `${this.#host}:${this.#port}`
      return this.#fail(`was asked for ${where} and ${WHY_REFUSED[code] ?? 'has failed'} (SOCKS error ${code})`)
    }
    if (bytes.length < 5) return 0
    const kind = bytes[3] ?? 0
    const length = kind === 1 ? 4 : kind === 4 ? 16 : kind === 3 ? 1 + (bytes[4] ?? 0) : undefined
    if (length === undefined) return this.#fail('answered with something that is not SOCKS5')
    const used = 4 + length + 2
    if (bytes.length < used) return 0
    this.stop()
    this.#listener.opened(bytes.subarray(used))
    return used
  }

  #say(bytes: readonly number[], step: Step): void {
    this.#step = step
    this.#socket.write(Buffer.from(bytes))
  }

  /** Answers with 0, for a step that ends with it. */
  #fail(why: string, cause?: unknown): number {
    if (this.#over) return 0
    this.stop()
    this.#listener.failed(proxyFailed(this.#hop, why, cause))
    return 0
  }

  #tooLong(): string | undefined {
    const { username = '', password = '' } = this.#hop.credentials ?? {}
    if (Buffer.byteLength(this.#host) > MOST) return `cannot be asked for a name of more than ${MOST} bytes`
    if (Buffer.byteLength(username) > MOST || Buffer.byteLength(password) > MOST)
      return `cannot be told a user or password of more than ${MOST} bytes`
    return undefined
  }
}

/** Names go as names: what they mean is for the proxy to find out (as curl's `socks5h`). */
function addressOf(host: string): readonly number[] {
  const family = isIP(host)
  if (family === 4) return [1, ...host.split('.').map(Number)]
  return family === 6 ? [4, ...bytesOf(host)] : [3, ...counted(host)]
}

/** The sixteen bytes of an IPv6 address. */
function bytesOf(host: string): readonly number[] {
  // Written by the platform, an address has its shortest form, in which no part of it is IPv4.
  const { address } = new SocketAddress({ address: host, family: 'ipv6' })
  const [front = '', back] = hexOf(address).split('::')
  const parts = (text: string): number[] => (text === '' ? [] : text.split(':').map(part => Number.parseInt(part, 16)))
  const [before, after] = [parts(front), parts(back ?? '')]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0)
  return [...before, ...zeros, ...after].flatMap(part => [Math.floor(part / 256), part % 256])
}

/** `::ffff:192.0.2.1` in hexadecimal. */
function hexOf(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...found: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = found.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
}

function counted(text: string): readonly number[] {
  const bytes = Buffer.from(text)
  return [bytes.length, ...bytes]
}
