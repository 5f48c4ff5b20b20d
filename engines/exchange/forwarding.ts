/** A request that a proxy is asked for in place of its server: in absolute form (RFC 9112 §3.2.2), and again after 407. */
import { describe, HttpError, type HttpRequest, type Route } from '../../src/index.ts'
import { Admission } from '../connector/proxy/access.ts'
import type { ProxyHead } from '../connector/proxy/head.ts'
import { Refusal, responseOf, type Refused } from '../connector/proxy/refusal.ts'

/** Says what is written for the proxy, and what its refusal means. */
export class Forwarding {
  /** The whole url. */
  readonly target: string
  readonly #request: HttpRequest
  readonly #admission: Admission

  constructor(request: HttpRequest, route: Route) {
    this.#request = request
    this.#admission = new Admission(route, 0)
    this.target = request.origin + request.target
  }

  /** The fields of the request, and what is for the proxy alone. */
  fields(fields: readonly string[]): readonly string[] {
    const authorization = this.#admission.authorization(this.#request.method, this.target)
    return authorization === undefined ? fields : [...fields, 'Proxy-Authorization', authorization]
  }

  /** Whether an answer is that of the proxy. Other answers of a proxy cannot be told from those of a server. */
  refuses(status: number): boolean {
    return status === 407
  }

  /** Reads what the proxy has to say; `done` is called once and never at once. */
  read(head: ProxyHead, done: (refused: Refused) => void): Refusal {
    return new Refusal(this.#admission.hop, head, undefined, done)
  }

  /** Decides what becomes of the request: undefined when it is to be sent again, or the error it ends with. */
  async decide(refused: Refused): Promise<HttpError | undefined> {
    try {
      const again = this.#request.replayable && (await this.#admission.refused(refused.fields))
      return again ? undefined : this.#error(refused)
    } catch (cause) {
      return this.#error(refused, cause)
    }
  }

  #error(refused: Refused, cause?: unknown): HttpError {
    const request = this.#request
    const { status, statusText, proxy } = refused
    const said = statusText === '' ? status : `${status} (${statusText})`
    return new HttpError(
      'PROXY',
      `${describe(request, request.attempt)} was not let through: the proxy ${proxy} answered ${said}.`,
      {
        phase: 'proxy',
        request,
        attempt: request.attempt,
        response: responseOf(refused, request),
        // It never reached the server.
        requestWritten: 'no',
        cause,
      },
    )
  }
}
