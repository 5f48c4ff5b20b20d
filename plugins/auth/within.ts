/** How long credentials are waited for. */
import { throwError, timeout, type MonoTypeOperatorFunction } from 'rxjs'
import { describe, HttpError, type HttpRequest } from '../../src/index.ts'

/** Fails with what `late` makes when nothing has come in so many milliseconds; `false` waits for ever. */
export function within<T>(ms: number | false, late: () => HttpError): MonoTypeOperatorFunction<T> {
  return source => (ms === false ? source : source.pipe(timeout({ first: ms, with: () => throwError(() => late()) })))
}

/** The same for what a user does, who may have sent a request that waits for it; `what` is what was waited for. */
export function givenWithin<T>(
  ms: number | false,
  request: HttpRequest,
  plugin: string,
  what: string,
): MonoTypeOperatorFunction<T> {
  return within(
    ms,
    () =>
      new HttpError(
        'TIMEOUT',
        `${describe(request)} waited longer than ${String(ms)} ms for ${what}. Requests that it sends through the same client need the option { ${plugin}: false }, or they wait for it.`,
        { phase: 'queue', request, requestWritten: 'no' },
      ),
  )
}
