/** The head of a request in HTTP/2, read strictly (RFC 9113 §8): what a careful server would refuse is refused. */
import { BadRequest, joined, type RequestHead } from '../request-head.ts'
import type { Field } from './hpack.ts'

const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':authority', ':path', ':protocol'])
const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const VALUE = /^(?:[!-~\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[!-~\x80-\xff])?)?$/

/** Makes a head out of the fields of a HEADERS frame. `:authority` is shown as `host`. Throws `BadRequest`. */
export function requestHead(fields: readonly Field[]): RequestHead {
  const pseudo = new Map<string, string>()
  const rawHeaders: string[] = []
  for (const [name, value] of fields) {
    if (!name.startsWith(':')) {
      rawHeaders.push(...checked(name, value))
      continue
    }
    if (!PSEUDO.has(name) || pseudo.has(name)) throw new BadRequest(400, `${name} is unknown or there twice`)
    if (rawHeaders.length > 0) throw new BadRequest(400, `${name} comes after the header fields`)
    pseudo.set(name, value)
  }
  const method = pseudo.get(':method')
  const target = method === 'CONNECT' ? pseudo.get(':authority') : pseudo.get(':path')
  if (method === undefined || target === undefined || target === '')
    throw new BadRequest(400, 'the request has no :method, or no :path')
  if (method !== 'CONNECT' && pseudo.get(':scheme') === undefined)
    throw new BadRequest(400, 'the request has no :scheme')
  const headers = joined(rawHeaders)
  const authority = pseudo.get(':authority')
  if (authority !== undefined) headers['host'] ??= authority
  if (headers['host'] === undefined) throw new BadRequest(400, `${method} ${target} has no :authority`)
  if (headers['te'] !== undefined && headers['te'] !== 'trailers')
    throw new BadRequest(400, `te: ${headers['te']} belongs to a connection`)
  return { method, target, httpVersion: '2', rawHeaders, headers }
}

/** Makes trailers out of the fields of a HEADERS frame. Throws `BadRequest`. */
export function requestTrailers(fields: readonly Field[]): readonly string[] {
  return fields.flatMap(([name, value]) => checked(name, value))
}

function checked(name: string, value: string): readonly [string, string] {
  if (!NAME.test(name)) throw new BadRequest(400, `this is no name of a header: ${JSON.stringify(name)}`)
  if (!VALUE.test(value)) throw new BadRequest(400, `this is no value of ${name}: ${JSON.stringify(value)}`)
  if (OF_CONNECTIONS.has(name)) throw new BadRequest(400, `${name} belongs to a connection, and HTTP/2 has none such`)
  return [name, value]
}
