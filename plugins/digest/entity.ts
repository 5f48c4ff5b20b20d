/** The hash of a body, for proofs that cover it. */
import { hashing } from '#hashing'
import { Observable } from 'rxjs'
import { hexadecimal, type DigestAlgorithm, type RequestBody, type UploadSource } from '../../src/index.ts'

/** True for a body whose hash can be known before it is sent: it is there, or can be made once more. */
export function isHashable(body: RequestBody): boolean {
  return body === undefined || body instanceof Uint8Array || body.replayable
}

/** The hash of a body as Digest writes it; of one that has to be made, later. */
export function hashOf(body: RequestBody, algorithm: DigestAlgorithm): string | Observable<string> {
  if (body !== undefined && !(body instanceof Uint8Array)) return made(body, algorithm)
  const hash = hashing(algorithm)
  if (body !== undefined) hash.update(body)
  return hexadecimal(hash.digest())
}

/** Reads a source to its end, one piece at a time; leaving it ends the source. */
function made(source: UploadSource, algorithm: DigestAlgorithm): Observable<string> {
  return new Observable(subscriber => {
    const hash = hashing(algorithm)
    const pieces = source.open()
    let ended = false
    const pull = async (): Promise<void> => {
      for (let step = await pieces.next(); !step.done; step = await pieces.next()) hash.update(step.value)
      ended = true
    }
    pull().then(
      () => {
        subscriber.next(hexadecimal(hash.digest()))
        subscriber.complete()
      },
      (error: unknown) => {
        ended = true
        subscriber.error(error)
      },
    )
    return () => {
      if (!ended) void pieces.return()
    }
  })
}
