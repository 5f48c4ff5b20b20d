/** Requests with the digest of their body. */
import { hashing } from '#hashing'
import { catchError, map, throwError, type Observable } from 'rxjs'
import { describe, HttpError, isHttpError, type HttpRequest, type UploadSource } from '../../src/index.ts'
import { digestOf, heldTo } from '../hashing/upload-digest.ts'
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
  const details = { request, attempt: request.attempt, requestWritten: 'no' } as const
  const name = describe(request, request.attempt)
  if (!source.replayable) {
    throw new HttpError(
      'UNSUPPORTED',
      `The digest of the body of ${name} stands before it, and it can be read only once; give a function that returns a new one, as in () => createReadStream(path), or send it without a digest: { checksum: { request: false } }.`,
      { phase: 'config', ...details },
    )
  }
  return digestOf(source, algorithm).pipe(
    map(({ digest }) => {
      const changed = (): HttpError =>
        new HttpError('BODY', `The body of ${name} is not the one its digest was made of: it changed in between.`, {
          phase: 'send',
          ...details,
          requestWritten: 'maybe',
        })
      const body = heldTo(source, algorithm, digest, changed)
      return request.header('content-digest', contentDigest(algorithm, digest)).with({ body })
    }),
    catchError((cause: unknown) =>
      throwError(() =>
        isHttpError(cause)
          ? cause.with(details)
          : new HttpError('BODY', `The body of ${name} failed while it was read for its digest.`, {
              phase: 'send',
              ...details,
              cause,
            }),
      ),
    ),
  )
}
