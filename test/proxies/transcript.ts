/** Reads what was overheard between a client and a proxy. */
import type { Overheard } from './tap.ts'

/** What one side said: in the clear first, then in records of TLS. */
export interface Transcript {
  /** The heads of HTTP, or the messages of SOCKS5 as bytes in hexadecimal. */
  readonly clear: readonly string[]
  /** The types of the records of TLS behind that. */
  readonly records: readonly number[]
}

/** How many tunnels a proxy was asked for in the clear, and how many it opened. */
export function connectsIn(connections: readonly Overheard[]): { asked: number; opened: number } {
  const asked = connections.flatMap(({ sent }) => sent.toString('latin1').match(/^CONNECT \S+ HTTP\/1\.1\r$/gm) ?? [])
  const opened = connections.filter(({ sent, received }) => {
    return sent.toString('latin1', 0, 8) === 'CONNECT ' && /^HTTP\/1\.[01] 2\d\d/m.test(received.toString('latin1'))
  })
  return { asked: asked.length, opened: opened.length }
}

/** Reads heads of HTTP with their bodies, then records of TLS. Throws where there is anything else. */
export function readHttp(bytes: Buffer): Transcript {
  const clear: string[] = []
  let at = 0
  while (bytes[at] !== undefined && !isRecord(bytes, at)) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end < 0) throw new Error(`neither a head nor TLS: ${bytes.toString('latin1', at, at + 100)}`)
    const head = bytes.toString('latin1', at, end)
    clear.push(head)
    at = end + 4
    // What is said with a 2xx to CONNECT is inside the tunnel already.
    if (/^HTTP\/1\.[01] [^2]/.test(head)) at += Number(/^content-length: *(\d+)\r?$/im.exec(head)?.[1] ?? 0)
  }
  return { clear, records: readRecords(bytes.subarray(at)) }
}

/** Reads messages of SOCKS5 (RFC 1928, RFC 1929) of these lengths, then records of TLS. */
export function readSocks(bytes: Buffer, lengths: readonly ((rest: Buffer) => number)[]): Transcript {
  const clear: string[] = []
  let rest = bytes
  for (const length of lengths) {
    const message = rest.subarray(0, length(rest))
    clear.push(message.toString('hex'))
    rest = rest.subarray(message.length)
  }
  return { clear, records: readRecords(rest) }
}

/** Reads records of TLS (RFC 8446 §5.1) to the last byte. Throws where there is anything else. */
export function readRecords(bytes: Buffer): number[] {
  const types: number[] = []
  let at = 0
  while (at < bytes.length) {
    if (!isRecord(bytes, at)) throw new Error(`not a record of TLS: ${bytes.toString('latin1', at, at + 100)}`)
    types.push(bytes[at] ?? 0)
    at += 5 + bytes.readUInt16BE(at + 3)
  }
  if (at !== bytes.length) throw new Error(`the last record is cut off: ${at - bytes.length} bytes are missing`)
  return types
}

/** ChangeCipherSpec, alert, handshake or data, of TLS, and no longer than may be. */
function isRecord(bytes: Buffer, at: number): boolean {
  const [type = 0, major] = bytes.subarray(at, at + 2)
  return type >= 20 && type <= 23 && major === 3 && at + 5 <= bytes.length && bytes.readUInt16BE(at + 3) <= 16_640
}
