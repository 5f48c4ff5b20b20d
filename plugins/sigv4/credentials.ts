/** Credentials, kept until they are about to expire and got once for all who wait. */
import { catchError, defer, map, of, throwError, type Observable } from 'rxjs'
import { clock, config, describe, isHttpError, type HttpRequest } from '../../src/index.ts'
import { Errands } from '../auth/errands.ts'
import { isLater, observed } from '../auth/later.ts'
import { SingleFlight } from '../auth/single-flight.ts'
import type { AwsCredentials, SigV4Options } from './options.ts'

/** Credentials in hand. */
export interface Held {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
  /** Milliseconds since the epoch; `undefined` when nobody knows. */
  readonly expiresAt: number | undefined
}

/** How long before they expire others are got, in milliseconds: requests that are signed now arrive later. */
const AHEAD = 5 * 60_000

/** Where the credentials of one option come from. */
export class Credentials {
  readonly #given: NonNullable<SigV4Options['credentials']>
  readonly #flight = new SingleFlight<Held>()
  readonly #errands = new Errands()
  #held: Held | undefined

  constructor(given: NonNullable<SigV4Options['credentials']>) {
    this.#given = given
  }

  /** True for a request that is sent to get the credentials. */
  includes(request: HttpRequest): boolean {
    return this.#errands.includes(request)
  }

  /** The credentials to sign a request with. */
  get(request: HttpRequest): Observable<Held> {
    const given = this.#given
    if (typeof given !== 'function') return defer(() => of(checked(given)))
    return defer(() => {
      const held = this.#held
      if (held?.expiresAt !== undefined && clock.now() < held.expiresAt - AHEAD) return of(held)
      const got = this.#flight.join(() => this.#errands.run(() => this.#ask(given)))
      return got.pipe(
        map(fresh => {
          if (fresh === undefined) throw config('sigv4({ credentials }) gave nothing.')
          return (this.#held = fresh)
        }),
        // While those in hand are good, what failed may be tried again with the next request.
        catchError((cause: unknown) => (isGood(held) ? of(held) : throwError(() => failed(request, cause)))),
      )
    })
  }

  #ask(provide: () => unknown): Observable<Held> {
    const given = provide()
    return (isLater<unknown>(given) ? observed(given) : of(given)).pipe(map(checked))
  }
}

function isGood(held: Held | undefined): held is Held {
  return held?.expiresAt !== undefined && clock.now() < held.expiresAt
}

function failed(request: HttpRequest, cause: unknown): Error {
  if (isHttpError(cause)) return cause
  return config(`sigv4({ credentials }) failed for ${describe(request, request.attempt)}.`).with({ request, cause })
}

/** Takes over what somebody gave. No error shows it. */
function checked(given: unknown): Held {
  if (typeof given !== 'object' || given === null) throw wrong('an object with accessKeyId and secretAccessKey')
  const own = Object.assign(Object.create(null), given) as { readonly [K in keyof AwsCredentials]: unknown }
  const { accessKeyId, secretAccessKey, sessionToken } = own
  if (typeof accessKeyId !== 'string' || !/^[\x21-\x2b\x2d\x2e\x30-\x7e]+$/.test(accessKeyId)) {
    throw wrong('with an accessKeyId of visible ASCII characters without comma and slash')
  }
  if (typeof secretAccessKey !== 'string' || secretAccessKey === '') throw wrong('with a secretAccessKey')
  if (sessionToken !== undefined && (typeof sessionToken !== 'string' || !/^[\x21-\x7e]+$/.test(sessionToken))) {
    throw wrong('with a sessionToken of visible ASCII characters, if any')
  }
  return { accessKeyId, secretAccessKey, sessionToken, expiresAt: timeOf(own.expiration) }
}

function timeOf(expiration: unknown): number | undefined {
  if (expiration === undefined) return undefined
  const time = expiration instanceof Date ? expiration.getTime() : expiration
  if (typeof time !== 'number' || Number.isNaN(time)) throw wrong('with a Date or milliseconds as expiration, if any')
  return time
}

function wrong(wanted: string): Error {
  return config(`sigv4({ credentials }) must be ${wanted}.`)
}
