/** The mock engine behind a client, as its users see it. */
import { firstValueFrom, type Observable } from 'rxjs'
import { createClient, isHttpError, type Client, type HttpError, type HttpResponse } from 'sluice'
import type { MockEngine } from 'sluice/engines/mock'

/** A client without plugins. */
export const clientOf = (engine: MockEngine): Client =>
  createClient({ engine, baseUrl: 'https://api.test/', plugins: [] })

/** The answer of a call that needs no waiting. */
export const now = (call: Observable<HttpResponse>): HttpResponse => {
  let got: HttpResponse | undefined
  let why: unknown
  call.subscribe({
    next: response => {
      got = response
    },
    error: (error: unknown) => {
      why = error
    },
  })
  if (got === undefined) throw new Error('no answer came before subscribe() had returned', { cause: why })
  return got
}

/** The error of a call that needs no waiting. */
export const errorOf = (call: Observable<unknown>): unknown => {
  let got: unknown
  call.subscribe({
    error: (error: unknown) => {
      got = error
    },
  })
  return got
}

/** The error of a call. */
export const failure = async (call: Observable<unknown>): Promise<HttpError> => {
  try {
    await firstValueFrom(call)
  } catch (error) {
    if (isHttpError(error)) return error
    throw error
  }
  throw new Error('the call did not fail')
}
