/** Challenges that are not answered although they could be: the caller hears why, with the answer. */
import {
  describe,
  HttpError,
  HttpResponse,
  type ErrorCode,
  type HttpErrorDetails,
  type HttpRequest,
  type Outcome,
} from '../../src/index.ts'

const NO_BODY = new Uint8Array(0)

/** The error of a body that would have to be sent again and cannot be. */
export function cannotBeSentAgain(scheme: string, request: HttpRequest, outcome: Outcome): HttpError {
  return unanswered(
    request,
    outcome,
    'BODY',
    `was answered 401 and has to be sent again with ${scheme} credentials, but its body can be sent only once; give a function that returns a new one, as in () => createReadStream(path)`,
    { phase: 'send' },
  )
}

/** The error of a challenge that is not answered; `why` follows the name of the request. */
export function unanswered(
  request: HttpRequest,
  { head, response }: Outcome,
  code: ErrorCode,
  why: string,
  details: HttpErrorDetails = {},
): HttpError {
  return new HttpError(code, `${describe(request, request.attempt)} ${why}.`, {
    phase: 'headers',
    request,
    attempt: request.attempt,
    response: response ?? (head && new HttpResponse({ head, bytes: NO_BODY })),
    ...details,
  })
}
