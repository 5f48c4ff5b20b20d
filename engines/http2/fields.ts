/** Header fields as HTTP/2 has them on the wire (RFC 9113 §8.2, §8.3). */
import type { HttpRequest } from '../../src/index.ts'

/** Fields that frame a message or belong to a connection of HTTP/1.1; a peer must refuse a request with one (§8.2.2). */
const NOT_HERE: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** The head of a request, name, value, name, value …, as Node takes it. */
export function fieldsOf(request: HttpRequest): string[] {
  return headOf(request, request.method, [], request.headers.flat)
}

/** The head of a request for a WebSocket, with the fields of its handshake (RFC 8441 §5). */
export function connectFieldsOf(request: HttpRequest, handshake: readonly string[]): string[] {
  return headOf(request, 'CONNECT', [':protocol', 'websocket'], [...handshake, ...request.headers.flat])
}

function headOf(
  { origin, target }: HttpRequest,
  method: string,
  protocol: readonly string[],
  flat: readonly string[],
): string[] {
  const scheme = origin.indexOf(':')
  const fields = [
    ':method',
    method,
    ':scheme',
    origin.slice(0, scheme),
    ':authority',
    origin.slice(scheme + 3),
    ':path',
    target,
    ...protocol,
  ]
  for (let at = 0; at < flat.length; at += 2) {
    const name = (flat[at] ?? '').toLowerCase()
    if (!NOT_HERE.has(name)) fields.push(name, flat[at + 1] ?? '')
  }
  return fields
}

/** The fields of an answer without its pseudo-header, which comes first and is the only one. */
export function regular(raw: readonly string[]): readonly string[] {
  return raw[0]?.startsWith(':') === true ? raw.slice(2) : raw
}

/** How large a block of fields is, counted as peers do (RFC 9113 §6.5.2). */
export function sizeOf(fields: readonly string[]): number {
  let size = fields.length * 16
  for (const part of fields) size += part.length
  return size
}
