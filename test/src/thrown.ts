/** Takes errors out of calls that should fail, so that a test can look at them. */
import { firstValueFrom, type Observable } from 'rxjs'
import { HttpError, isHttpError } from '../../src/index.ts'

/** The `HttpError` that `work` throws; fails when it throws none. */
export function thrown(work: () => unknown): HttpError {
  try {
    work()
  } catch (error) {
    if (error instanceof HttpError) return error
    throw new Error(`threw something else than an HttpError: ${String(error)}`, { cause: error })
  }
  throw new Error('threw nothing')
}

/** The `HttpError` an Observable fails with; fails when it emits or completes first. */
export async function failure(source: Observable<unknown>): Promise<HttpError> {
  const error = await reason(firstValueFrom(source))
  if (isHttpError(error)) return error
  throw new Error(`failed with something else than an HttpError: ${String(error)}`, { cause: error })
}

/** What a promise rejects with; fails when it resolves. */
export async function reason(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`resolved with ${String(value)}`)
}
