/** Requests with the digest of their body. */
import { hashing } from '#hashing'
import { map, type Observable } from 'rxjs'
import { describe, HttpError, type HttpRequest, type UploadSource } from '../../src/index.ts'
import { readThrough } from '../hashing/upload-digest.ts'
import { contentDigest, type DigestAlgorithm } from './digest-fields.ts'

/** Puts the digest of a body that is there on its request. */
export function summed(request: HttpRequest, bytes: Uint8Array, algorithm: DigestAlgorithm): HttpRequest {
  const hash = hashing(algorithm)
  hash.update(bytes)
  return request.header('content-digest', contentDigest(algorithm, hash.digest()))
}

/** Reads a source through, then puts its digest on the request. Throws `UNSUPPORTED` for what can be read once only. */
export function summedLater(
  request: HttpRequest,
  source: UploadSource,
  algorithm: DigestAlgorithm,
): Observable<HttpRequest> {
  if (!source.replayable) {
    throw new HttpError(
      'UNSUPPORTED',
      `The digest of the body of ${describe(request, request.attempt)} stands before it, and it can be read only once; give a function that returns a new one, as in () => createReadStream(path), or send it without a digest: { checksum: { request: false } }.`,
      { phase: 'config', request, attempt: request.attempt, requestWritten: 'no' },
    )
  }
  return readThrough(request, source, algorithm, 'digest').pipe(
    map(({ digest, body }) => request.header('content-digest', contentDigest(algorithm, digest)).with({ body })),
  )
}
