/** Asking an HTTP proxy for a tunnel with CONNECT (RFC 9110 §9.3.6). */
import type { Socket } from 'node:net'
import type { Admission } from './access.ts'
import { proxyFailed } from './failure.ts'
import { HeadReader, valuesOf, type ProxyHead } from './head.ts'
import { Dechunking } from './dechunking.ts'
import type { Handshake, TunnelListener } from './handshake.ts'
import { Reading } from './reading.ts'
import { lengthOf, Refusal } from './refusal.ts'

/** The handshake up to the open tunnel. */
export class Tunnel implements Handshake {
  readonly #socket: Socket
  readonly #admission: Admission
  readonly #authority: string
  readonly #listener: TunnelListener
  readonly #head = new HeadReader()
  #reading: Reading | undefined
  #refusal: Refusal | undefined
  #dechunking: Dechunking | undefined

  /** `authority` is where to, with the brackets of an IPv6 address. */
  constructor(socket: Socket, admission: Admission, authority: string, listener: TunnelListener) {
    this.#socket = socket
    this.#admission = admission
    this.#authority = authority
    this.#listener = listener
  }

  start(): void {
    this.#reading = new Reading(this.#socket, {
      took: bytes => {
        if (this.#refusal === undefined) this.#took(bytes)
        else this.#tookPage(bytes)
      },
      ended: cause => {
        if (this.#refusal !== undefined) this.#refusal.end()
        else this.#fail('closed the connection before it had answered', cause)
      },
    })
    const authority = this.#authority
    const authorization = this.#admission.authorization('CONNECT', authority)
    const proof = authorization === undefined ? '' : `Proxy-Authorization: ${authorization}\r\n`
    this.#socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${proof}\r\n`)
  }

  stop(): void {
    this.#reading?.stop()
    this.#refusal?.stop()
  }

  #took(bytes: Buffer): void {
    const read = this.#head.take(bytes)
    if (read === undefined) return
    if ('fault' in read) {
      this.#fail(read.fault)
      return
    }
    const { head, rest } = read
    if (!opens(head.status)) this.#refuse(head, rest)
    else {
      this.stop()
      this.#listener.opened(rest)
    }
  }

  #refuse(head: ProxyHead, rest: Buffer): void {
    const coded = valuesOf(head.fields, 'transfer-encoding').at(-1)?.toLowerCase().endsWith('chunked') === true
    if (coded) this.#dechunking = new Dechunking()
    this.#refusal = new Refusal(this.#admission.hop, head, lengthOf(head), refused => {
      this.stop()
      const { status, statusText } = refused
      const said = statusText === '' ? status : `${status} (${statusText})`
      this.#listener.failed({
        ...proxyFailed(this.#admission.hop, `answered ${said} to CONNECT ${this.#authority}`),
        refused,
      })
    })
    if (rest.length > 0) this.#tookPage(rest)
  }

  #tookPage(bytes: Buffer): void {
    const page = this.#dechunking === undefined ? bytes : this.#dechunking.take(bytes)
    if (page.length > 0) this.#refusal?.took(page)
    if (this.#dechunking?.over === true) this.#refusal?.end()
  }

  #fail(why: string, cause?: unknown): void {
    this.stop()
    this.#listener.failed(proxyFailed(this.#admission.hop, why, cause))
  }
}

/** 204 and 205 say that nothing follows, which is no way to open anything. */
function opens(status: number): boolean {
  return status >= 200 && status < 300 && status !== 204 && status !== 205
}
