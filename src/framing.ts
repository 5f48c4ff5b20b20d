/** What a request looks like on the wire is decided here, once, and by nobody else. */
import { describe, HttpError } from './errors.ts'
import { gate } from './headers.ts'
import { checkMethod, type HttpRequest } from './request.ts'
import { guarded } from './guarded.ts'
import { Unencoded } from './unencoded.ts'
import { spent, type UploadSource } from './upload.ts'

/** Headers that frame a message or belong to one connection: ours to set (RFC 9110 §7.6.1, RFC 9112 §6). */
const OURS: ReadonlyMap<string, string> = new Map([
  ['transfer-encoding', 'the engine frames the body'],
  ['upgrade', 'the engine upgrades connections'],
  ['connection', 'the engine manages connections'],
  ['keep-alive', 'the engine manages connections'],
  ['proxy-connection', 'the engine manages connections'],
  ['proxy-authorization', 'credentials for a proxy go with its url, and to that proxy alone'],
  ['te', 'the engine says what it can read'],
  ['trailer', 'the engine announces trailers'],
  ['expect', 'the engine decides when to wait for 100 Continue'],
  ['host', 'the host is that of the url'],
  ['http2-settings', 'the engine negotiates HTTP/2'],
])

/** Methods whose requests carry a length even without a body (RFC 9110 §8.6). */
const WITH_LENGTH: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/** Checks a request, sets `Content-Length` where it is known, and guards the source of the body. */
export function frame(made: HttpRequest): HttpRequest {
  const request = sound(made)
  const given = checkHeaders(request)
  const { body } = request
  if (body === undefined) {
    if (given !== undefined && given !== 0) throw mismatch(request, given, 0)
    return WITH_LENGTH.has(request.method) && given === undefined ? request.header('content-length', 0) : request
  }
  if (!(body instanceof Uint8Array)) {
    if (typeof (body as Partial<UploadSource>).open !== 'function')
      throw refused(request, 'has a body that is not prepared; use prepareBody()')
    if (body instanceof Unencoded) throw refused(request, 'has a value as its body that no plugin has encoded')
    if (body.spent) throw spent().with({ request, attempt: request.attempt })
  }
  const known = body.length
  if (given !== undefined && known !== undefined && given !== known) throw mismatch(request, given, known)
  const length = known ?? given
  const framed = length === undefined || given !== undefined ? request : request.header('content-length', length)
  return body instanceof Uint8Array ? framed : framed.with({ body: guarded(request, body, length) })
}

const SENDABLE = /^https?:\/\/[^\s/?#@\\]+\/[!"$-~]*$/

/** Checks what plugins made of a request; what the user said of it was checked before them. */
function sound(request: HttpRequest): HttpRequest {
  const { method, url } = request
  const headers = gate(request.headers)
  const name = checkMethod(method)
  if (!SENDABLE.test(url)) {
    throw refused(request, 'has no url that can be sent; give an absolute one without user, fragment and line ends')
  }
  return headers === request.headers && name === method ? request : request.with({ headers, method: name })
}

/** Refuses headers that are not the user's to set; answers the length the user gave. */
function checkHeaders(request: HttpRequest): number | undefined {
  const { flat } = request.headers
  let length: number | undefined
  for (let at = 0; at < flat.length; at += 2) {
    const name = (flat[at] ?? '').toLowerCase()
    if (name === 'content-length') {
      const value = flat[at + 1] ?? ''
      if (length !== undefined || !/^(?:0|[1-9]\d{0,14})$/.test(value)) {
        throw refused(
          request,
          `has the header content-length ${length === undefined ? JSON.stringify(value) : 'twice'}; leave it out, it is set from the body`,
        )
      }
      length = Number(value)
    } else {
      const why = OURS.get(name)
      if (why !== undefined) throw refused(request, `may not carry the header ${JSON.stringify(name)}: ${why}`)
    }
  }
  return length
}

function mismatch(request: HttpRequest, given: number, known: number): HttpError {
  return refused(request, `announces content-length ${given} but its body has ${known} bytes; leave the header out`)
}

function refused(request: HttpRequest, why: string): HttpError {
  return new HttpError('CONFIG', `${describe(request)} ${why}.`, { phase: 'config', request, requestWritten: 'no' })
}
