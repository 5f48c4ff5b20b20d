/** Letting a device in: a person says yes elsewhere, while the device asks again and again (RFC 8628). */
import { defer, of, retry, switchMap, throwError, timer, type Observable } from 'rxjs'
import { clock, describe, HttpError, isTransient, milliseconds, own, type HttpRequest } from '../../src/index.ts'
import { codeOf, failureOf } from './failure.ts'
import { speaking, type Door } from './fetching.ts'
import type { DeviceCode, OAuth2Tokens } from './options.ts'
import type { AuthorizationServer } from './server.ts'

/** Shows the code, and asks for tokens until they are there, or until it is too late. */
export function byDevice(
  server: AuthorizationServer,
  door: Door,
  waiting: HttpRequest,
  prompt: (device: DeviceCode) => void,
): Observable<OAuth2Tokens> {
  const begun = speaking(door, (fetch, trail) =>
    server.device(fetch).catch((error: unknown) => {
      throw failureOf(error, trail, waiting)
    }),
  )
  return begun.pipe(
    switchMap(answer => {
      const device = own(answer)
      const expiresAt = clock.now() + device.expires_in * 1_000
      const pace = new Pace((device.interval ?? 5) * 1_000, expiresAt, waiting)
      prompt({
        userCode: device.user_code,
        verificationUri: device.verification_uri,
        verificationUriComplete: device.verification_uri_complete,
        expiresAt,
      })
      const ask = speaking<Answer>(door, (fetch, trail) =>
        server.forDevice(fetch, trail, device.device_code).then(
          tokens => ({ tokens }),
          (error: unknown) => ({ code: codeOf(error), failure: failureOf(error, trail, waiting) }),
        ),
      )
      const asked = ask.pipe(switchMap(answer => ('tokens' in answer ? of(answer.tokens) : pace.refused(answer))))
      return defer(() => pace.wait().pipe(switchMap(() => asked))).pipe(
        retry({ delay: (error: Error) => (pace.goesOn ? of(true) : throwError(() => error)) }),
      )
    }),
  )
}

type Answer = { readonly tokens: OAuth2Tokens } | Refusal

interface Refusal {
  readonly code: string | undefined
  readonly failure: HttpError
}

/** What RFC 8628 §3.5 adds to the interval when the server wants it slower. */
const SLOWER = 5_000

/** How often it may be asked, and until when. */
class Pace {
  #interval: number
  readonly #expiresAt: number
  readonly #waiting: HttpRequest
  /** True when the last refusal was one that may become a yes. */
  goesOn = false

  constructor(interval: number, expiresAt: number, waiting: HttpRequest) {
    this.#interval = interval
    this.#expiresAt = expiresAt
    this.#waiting = waiting
  }

  /** Waits until it may be asked. */
  wait(): Observable<unknown> {
    this.goesOn = false
    const late = clock.now() + this.#interval >= this.#expiresAt
    return late || milliseconds(this.#interval) !== undefined ? throwError(() => this.#late()) : timer(this.#interval)
  }

  refused({ code, failure }: Refusal): Observable<never> {
    if (code === 'slow_down') this.#interval += SLOWER
    else if (isTransient(failure)) this.#interval *= 2
    else if (code === 'expired_token') return throwError(() => this.#late())
    else if (code !== 'authorization_pending') return throwError(() => failure)
    this.goesOn = true
    return throwError(() => failure)
  }

  #late(): HttpError {
    const request = this.#waiting
    return new HttpError('TIMEOUT', `Nobody let the device in in time; there is no token for ${describe(request)}.`, {
      phase: 'deadline',
      request,
      requestWritten: 'no',
    })
  }
}
