/** The hash of a body, for proofs that cover it. */
import { hashing } from '#hashing'
import { map, of, type Observable } from 'rxjs'
import { hexadecimal, type DigestAlgorithm, type HttpRequest, type RequestBody } from '../../src/index.ts'
import { readThrough } from '../hashing/upload-digest.ts'

/** True for a body whose hash can be known before it is sent: it is there, or can be made once more. */
export function isHashable(body: RequestBody): boolean {
  return body === undefined || body instanceof Uint8Array || body.replayable
}

/** A request, and the hash of its body. */
export interface Covered {
  readonly request: HttpRequest
  readonly hash: string
}

/** The hash of the body of a request, and the request to send; a body that is made while it is sent is read through before. */
export function covered(request: HttpRequest, algorithm: DigestAlgorithm): Observable<Covered> {
  const { body } = request
  if (body === undefined || body instanceof Uint8Array) return of({ request, hash: hashOf(body, algorithm) })
  return readThrough(request, body, algorithm, 'proof').pipe(
    map(read => ({ request: request.with({ body: read.body }), hash: hexadecimal(read.digest) })),
  )
}

/** The hash of bytes as Digest writes it. */
export function hashOf(bytes: Uint8Array | undefined, algorithm: DigestAlgorithm): string {
  const hash = hashing(algorithm)
  if (bytes !== undefined) hash.update(bytes)
  return hexadecimal(hash.digest())
}
