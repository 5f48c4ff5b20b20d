/** What a request looks like on the wire is decided here, once, and by nobody else. */
import { describe, HttpError } from './errors.ts'
import type { HttpRequest } from './request.ts'
import { spent, type UploadIterator, type UploadSource } from './upload.ts'

/** Headers that frame a message or belong to one connection: ours to set (RFC 9110 §7.6.1, RFC 9112 §6). */
const OURS: ReadonlyMap<string, string> = new Map([
  ['transfer-encoding', 'the engine frames the body'],
  ['upgrade', 'the engine upgrades connections'],
  ['connection', 'the engine manages connections'],
  ['keep-alive', 'the engine manages connections'],
  ['proxy-connection', 'the engine manages connections'],
  ['te', 'the engine says what it can read'],
  ['trailer', 'the engine announces trailers'],
  ['expect', 'the engine decides when to wait for 100 Continue'],
  ['host', 'the host is that of the url'],
  ['http2-settings', 'the engine negotiates HTTP/2'],
])

/** Methods whose requests carry a length even without a body (RFC 9110 §8.6). */
const WITH_LENGTH: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/** Checks the headers, sets `Content-Length` where it is known, and guards the source of the body. */
export function frame(request: HttpRequest): HttpRequest {
  const given = checkHeaders(request)
  const { body } = request
  if (body === undefined) {
    if (given !== undefined && given !== 0) throw mismatch(request, given, 0)
    return WITH_LENGTH.has(request.method) && given === undefined ? request.header('content-length', 0) : request
  }
  if (!(body instanceof Uint8Array) && body.spent) throw spent().with({ request, attempt: request.attempt })
  const known = body.length
  if (given !== undefined && known !== undefined && given !== known) throw mismatch(request, given, known)
  const length = known ?? given
  const framed = length === undefined || given !== undefined ? request : request.header('content-length', length)
  return body instanceof Uint8Array ? framed : framed.with({ body: guarded(request, body, length) })
}

/** Refuses headers that are not the user's to set; answers the length the user gave. */
function checkHeaders(request: HttpRequest): number | undefined {
  const { flat } = request.headers
  let length: number | undefined
  for (let at = 0; at < flat.length; at += 2) {
    const name = (flat[at] ?? '').toLowerCase()
    if (name === 'content-length') {
      const value = flat[at + 1] ?? ''
      if (length !== undefined || !/^\d{1,15}$/.test(value)) {
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

/** A source that keeps to its length and whose failures are ours. */
function guarded(request: HttpRequest, source: UploadSource, length: number | undefined): UploadSource {
  return { length, replayable: source.replayable, open: () => guard(request, source.open(), length) }
}

function guard(request: HttpRequest, iterator: UploadIterator, length: number | undefined): UploadIterator {
  let sent = 0
  return {
    async next() {
      const step = await iterator.next().catch((cause: unknown) => {
        throw cause instanceof HttpError ? cause : failed(request, 'failed while it was sent', cause)
      })
      if (step.done) {
        if (length !== undefined && sent < length)
          throw failed(request, `ended after ${sent} of the ${length} bytes announced`)
        return step
      }
      sent += step.value.length
      if (length === undefined || sent <= length) return step
      iterator.return().catch(ignore)
      throw failed(request, `has more than the ${length} bytes announced`)
    },
    return: () => iterator.return(),
  }
}

function ignore(): void {
  // The source was given up; how it takes that is its own affair.
}

function failed(request: HttpRequest, what: string, cause?: unknown): HttpError {
  return new HttpError('BODY', `The body of ${describe(request, request.attempt)} ${what}.`, {
    phase: 'send',
    request,
    attempt: request.attempt,
    cause,
  })
}

function mismatch(request: HttpRequest, given: number, known: number): HttpError {
  return refused(request, `announces content-length ${given} but its body has ${known} bytes; leave the header out`)
}

function refused(request: HttpRequest, why: string): HttpError {
  return new HttpError('CONFIG', `${describe(request)} ${why}.`, { phase: 'config', request, requestWritten: 'no' })
}
