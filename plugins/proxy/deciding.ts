/** Asking a resolver for the way of one send. */
import { catchError, defer, map, throwError, type Observable } from 'rxjs'
import { describe, HttpError, isHttpError, type HttpRequest } from '../../src/index.ts'
import { answerOf } from './later.ts'
import type { ProxyOptions } from './options.ts'
import type { Plan, Ways } from './plan.ts'

/** The ways of a request as a resolver chooses them; what the other options say where it has no choice of its own. */
export function resolved(
  request: HttpRequest,
  resolve: NonNullable<ProxyOptions['resolve']>,
  plan: Plan,
): Observable<Ways> {
  return defer(() => answerOf(resolve(request))).pipe(
    map(choice => (choice === undefined ? plan.decided(request.origin) : plan.chosen(choice))),
    catchError((error: unknown) => throwError(() => undecided(request, error))),
  )
}

function undecided(request: HttpRequest, cause: unknown): HttpError {
  const { attempt } = request
  const details = { request, attempt, requestWritten: 'no' } as const
  if (isHttpError(cause) && cause.code === 'CONFIG') return cause.with(details)
  const message = `${describe(request, attempt)} was not sent: proxy({ resolve }) failed to say by which proxy.`
  return new HttpError('PROXY', message, { ...details, phase: 'proxy', cause })
}
