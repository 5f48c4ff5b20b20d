/** Which header fields of an answer are kept, and what a 304 changes of them (RFC 9111 §3.1, §3.2). */
import { HttpHeaders } from '../../src/index.ts'

/** Said of the connection, or to this one client at this one time. */
const NEVER_KEPT: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  // Answers one proof of Digest; to the next one it would be a wrong answer, and its nonce an old one.
  'authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Played back, it would set what has been changed since.
  'set-cookie',
  'set-cookie2',
  // Computed anew for every use.
  'age',
])

/** Said of the bytes that are kept: the new answer has others, or none. */
const OF_THE_BYTES: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-range',
  'content-digest',
  'repr-digest',
  'digest',
])

/** The fields to keep. */
export function keptFields(headers: HttpHeaders): HttpHeaders {
  const named = connectionOptions(headers)
  return headers.filter(name => {
    const field = name.toLowerCase()
    return !NEVER_KEPT.has(field) && !named.has(field)
  })
}

/** The fields of a kept answer after a 304: those it says replace all of the same name. */
export function merged(kept: HttpHeaders, confirmed: HttpHeaders): HttpHeaders {
  const news = keptFields(confirmed).filter(name => !OF_THE_BYTES.has(name.toLowerCase()))
  const names = new Set<string>()
  for (const [name] of news) names.add(name.toLowerCase())
  const stayed = kept.filter(name => !names.has(name.toLowerCase()) && name.toLowerCase() !== 'date')
  return HttpHeaders.received([...stayed.flat, ...news.flat])
}

function connectionOptions(headers: HttpHeaders): ReadonlySet<string> {
  const options = headers.get('connection')
  return new Set(options?.split(',').map(option => option.trim().toLowerCase()))
}
