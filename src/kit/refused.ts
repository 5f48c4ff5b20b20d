/** Kit for authors: the error of an answer that nobody wanted, be it whole or live. */
import { describe, HttpError, type HttpErrorDetails } from '../errors.ts'
import { concat } from '../gather.ts'
import { HttpResponse, issuesOf } from '../response.ts'
import type { StreamingResponse } from '../streaming.ts'
import { Token } from '../token.ts'

/** How much of the body of an unwanted live answer is read for its error, in bytes. */
export const MOST_REFUSED: number = 64 * 1024

/** Says more about an answer that nobody wanted, for its error; noted by plugins that read such answers. */
export const DETAILS: Token<(response: HttpResponse) => HttpErrorDetails> = new Token('details')

/** Makes the error of an answer that is no success: code `STATUS`, with the answer as its `response`. */
export function refused(response: HttpResponse, cause?: unknown): HttpError {
  const { request, status, statusText } = response
  const said = /^[\x20-\x7e]{1,80}$/.test(statusText) ? `${status} ${statusText}` : String(status)
  const { attempt } = request
  return new HttpError('STATUS', `${describe(request, attempt)} was answered ${said}.`, {
    phase: 'headers',
    request,
    attempt,
    response,
    requestWritten: 'yes',
    cause,
    issues: issuesOf(response),
    ...request.read(DETAILS)?.(response),
  })
}

/**
 * Makes the same error of a live answer, for readers: the first 64 KiB of its body are read for it. What breaks off on the way is
 * the error's cause.
 *
 * @example
 * ```ts
 * import { createClient, refusedLive } from 'sluice'
 *
 * createClient()
 *   .stream('https://api.example.com/missing', async response => {
 *     if (!response.ok) throw await refusedLive(response)
 *     return []
 *   })
 *   .subscribe({ error: error => console.log(error.code, error.response.status) }) // STATUS 404
 * ```
 */
export async function refusedLive(response: StreamingResponse): Promise<HttpError> {
  const chunks: Uint8Array[] = []
  let cause: unknown
  try {
    for (let size = 0; size < MOST_REFUSED;) {
      const bytes = await response.read()
      if (bytes === undefined) break
      chunks.push(bytes)
      size += bytes.length
    }
  } catch (error) {
    cause = error
  }
  const bytes = concat(chunks).subarray(0, MOST_REFUSED)
  return refused(new HttpResponse({ head: response.head, bytes, trailers: response.trailers }), cause)
}
