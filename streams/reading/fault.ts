/** The errors of bodies that cannot be read as what they should be. */
import { describe, HttpError, type ErrorCode, type HttpErrorDetails, type StreamingResponse } from '../../src/index.ts'

/** What is read of an answer, for its errors. */
export type Origin = Pick<StreamingResponse, 'request'>

/** Makes the error of a part of a body: `Line 3 of the answer to GET … has more than …`. It never quotes the part. */
export function fault(
  code: Extract<ErrorCode, 'BODY' | 'TOO_LARGE'>,
  { request }: Origin,
  part: string,
  what: string,
  details: HttpErrorDetails = {},
): HttpError {
  const { attempt } = request
  return new HttpError(code, `${part} the answer to ${describe(request, attempt)} ${what}.`, {
    phase: code === 'BODY' ? 'decode' : 'body',
    request,
    attempt,
    requestWritten: 'yes',
    ...details,
  })
}
