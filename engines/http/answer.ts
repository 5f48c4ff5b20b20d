/** An answer whose body is on its way from Node to whoever reads it. */
import type { IncomingMessage } from 'node:http'
import { HttpHeaders, type HttpRequest, type ResponseHead } from '../../src/index.ts'
import { framingOf, type Framing } from '../exchange/head.ts'
import type { Fault } from '../exchange/progress.ts'
import type { Wire } from './wire.ts'

/** Counts the bytes that were told, and keeps what was held back when the peer breaks off. */
export class Answer {
  readonly framing: Framing
  readonly #wire: Wire
  readonly #response: IncomingMessage
  #received = 0
  #rest: Buffer | undefined

  constructor(wire: Wire, response: IncomingMessage, status: number) {
    this.#wire = wire
    this.#response = response
    this.framing = framingOf(response.rawHeaders, wire.method, status)
  }

  /** Bytes of the body that were told. */
  get received(): number {
    return this.#received
  }
  /** Bytes the body is to have, if that was announced. */
  get expected(): number | undefined {
    return typeof this.framing === 'number' ? this.framing : undefined
  }
  /** True when all of it has arrived, told or not. */
  get whole(): boolean {
    return this.#response.complete
  }
  /** True when all of it was told, and that is as much as was announced. */
  get sound(): boolean {
    return this.whole && (this.expected ?? this.#received) === this.#received
  }
  /** True for chunks in HTTP/1.0, put together by somebody who may not have understood them (RFC 9112 §6.1). */
  get doubtful(): boolean {
    return this.#response.httpVersion === '1.0' && this.framing === 'chunked'
  }
  get trailers(): readonly string[] {
    return this.#response.rawTrailers
  }
  /** True when there are bytes left that were held back until the peer had broken off. */
  get hasRest(): boolean {
    return this.#rest !== undefined
  }

  headFor(request: HttpRequest): ResponseHead {
    const { statusCode: status = 0, statusMessage: statusText = '', httpVersion, rawHeaders } = this.#response
    return {
      status,
      statusText,
      headers: HttpHeaders.received(rawHeaders),
      httpVersion: httpVersion === '1.0' ? '1.0' : '1.1',
      url: request.url,
      request,
    }
  }

  /** Lets the body come. */
  read(): void {
    this.#wire.read(this.#response)
  }

  pause(): void {
    // After the last byte nothing is held back, and the end is told.
    if (this.#received !== this.framing) this.#response.pause()
  }

  resume(): void {
    this.#response.resume()
  }

  /** Counts what is told; the end, if only that is missing, is not held back. */
  took(bytes: Uint8Array): void {
    this.#received += bytes.length
    if (this.#received === this.framing && this.#response.isPaused()) this.#response.resume()
  }

  /** The peer broke off: Node is about to throw away what was held back of a body that is not whole. */
  keepRest(): void {
    // Also what was let go a moment ago may not have been told yet.
    if (this.#rest !== undefined || this.whole || this.framing === 'close' || this.#response.readableLength === 0)
      return
    const rest = this.#wire.rest(this.#response)
    if (rest.length > 0) this.#rest = rest
  }

  /** Gives out what was kept. */
  takeRest(): Buffer {
    const rest = this.#rest ?? Buffer.alloc(0)
    this.#rest = undefined
    return rest
  }
}

/** The parser lets pass versions of which there are no messages in this form. */
export function versionFault({ httpVersion }: IncomingMessage): Fault | undefined {
  if (httpVersion === '1.1' || httpVersion === '1.0') return undefined
  const what = `was answered in HTTP/${httpVersion} over a connection for HTTP/1.1`
  return { code: 'PROTOCOL', phase: 'headers', what }
}
