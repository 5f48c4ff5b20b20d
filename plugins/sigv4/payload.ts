/** What of a body goes into the signature of its request. */
import { map, of, type Observable } from 'rxjs'
import { config, describe, type HttpRequest, type UploadSource } from '../../src/index.ts'
import { readThrough } from '../hashing/upload-digest.ts'
import { chunkedLength, STREAMING } from './chunks.ts'
import { hex, sha256Hex } from './hex.ts'
import type { SigV4Options } from './options.ts'

/** A request that is ready to be signed. */
export interface Prepared {
  readonly request: HttpRequest
  /** The body that is to be sent in signed chunks, and its length. */
  readonly chunks?: { readonly source: UploadSource; readonly length: number } | undefined
}

const HASH = 'x-amz-content-sha256'
const NO_BYTES = new Uint8Array(0)

/** Says in the header what stands for the body. `always` says it for no body, too. Throws `CONFIG` for what cannot be signed that way. */
export function prepared(
  request: HttpRequest,
  payload: SigV4Options['payload'],
  always: boolean,
): Observable<Prepared> {
  const { body } = request
  if (request.headers.has(HASH)) return of({ request })
  if (body === undefined) return of({ request: always ? request.header(HASH, sha256Hex(NO_BYTES)) : request })
  if (payload === 'unsigned') return of({ request: unsigned(request) })
  if (body instanceof Uint8Array) return of({ request: request.header(HASH, sha256Hex(body)) })
  return payload === 'streaming' ? of(streaming(request, body)) : hashed(request, body)
}

function unsigned(request: HttpRequest): HttpRequest {
  if (request.url.startsWith('https:')) return request.header(HASH, 'UNSIGNED-PAYLOAD')
  throw config(
    `The body of ${describe(request)} cannot go unsigned over http, where everybody on the way could change it; use https, or sigv4({ payload: 'signed' }).`,
  )
}

function streaming(request: HttpRequest, source: UploadSource): Prepared {
  const given = request.headers.get('content-length')
  const length = source.length ?? (given !== undefined && /^\d{1,15}$/.test(given) ? Number(given) : undefined)
  if (length === undefined) {
    throw config(
      `The body of ${describe(request)} cannot be signed in chunks without its length; give it as the header content-length, or send a Blob.`,
    )
  }
  const coding = request.headers.get('content-encoding')
  const framed = request.withHeaders({
    [HASH]: STREAMING,
    'content-encoding': coding === undefined ? 'aws-chunked' : `aws-chunked,${coding}`,
    'content-length': chunkedLength(length),
    'x-amz-decoded-content-length': length,
  })
  return { request: framed, chunks: { source, length } }
}

function hashed(request: HttpRequest, source: UploadSource): Observable<Prepared> {
  if (!source.replayable) {
    throw config(
      `The body of ${describe(request)} can be read only once, and would have to be read for its signature before it is sent; give a function that returns a new one, as in () => createReadStream(path), or use sigv4({ payload: 'streaming' }).`,
    )
  }
  return readThrough(request, source, 'sha-256', 'signature').pipe(
    map(({ digest, body }) => ({ request: request.with({ body }).header(HASH, hex(digest)) })),
  )
}
