/** One HTTP/1.1 connection: requests in their order, each answered before the next is read. */
import type { Ledger } from '../account.ts'
import { strike } from '../answer.ts'
import { watchEnd, type Accepted, type Conversation, type Talk } from '../conversation.ts'
import { exchange } from '../exchange.ts'
import type { Break } from '../fault.ts'
import { Gone, untilGone } from '../gone.ts'
import type { Reply, ReplyHeaders } from '../reply.ts'
import { BadRequest, framingOf, parseHead, type RequestHead } from '../request-head.ts'
import type { Voice, Wire } from '../wire.ts'
import { Inlet } from './inlet.ts'
import { Outlet } from '../outlet.ts'
import { headBytes, PlainVoice } from './voice.ts'

/** Talks HTTP/1.1 on a socket until one side ends it. */
export function converse(accepted: Accepted, conversation: Conversation): Talk {
  const wire = new PlainWire(accepted, conversation.ledger)
  void serveRequests(accepted, wire, conversation)
  return wire.inlet
}

class PlainWire implements Wire {
  readonly inlet: Inlet
  readonly outlet: Outlet
  readonly gone: AbortSignal
  readonly #accepted: Accepted

  constructor(accepted: Accepted, ledger: Ledger) {
    const { socket, account } = accepted
    this.#accepted = accepted
    this.gone = watchEnd(accepted)
    this.inlet = new Inlet(
      socket,
      bytes => {
        account.bytesIn += bytes
        ledger.changed()
      },
      reading => {
        account.reading = reading
        ledger.changed()
      },
    )
    this.outlet = new Outlet(socket, this.gone, bytes => {
      account.bytesOut += bytes
      ledger.changed()
    })
  }

  voice(reply: Reply, request: RequestHead): Voice {
    return new PlainVoice(this.outlet, reply, request)
  }

  inform(status: number, headers: ReplyHeaders | undefined): Promise<void> {
    return this.outlet.write(headBytes(status, undefined, headers))
  }

  strike({ kind }: Break): boolean {
    if (kind === 'goaway') throw new TypeError('HTTP/1.1 has no GOAWAY; serve with protocol h2 or h2c')
    if (kind === 'reset') this.reset()
    if (kind === 'fin') this.leave()
    return false
  }

  /** Sends a RST. */
  reset(): void {
    this.#accepted.account.closedBy ??= 'server'
    this.#accepted.raw.resetAndDestroy()
  }

  /** Sends a FIN once everything written is out, and goes on reading. */
  leave(): void {
    this.#accepted.account.closedBy ??= 'server'
    this.#accepted.socket.end()
  }
}

async function serveRequests(
  { socket, account }: Accepted,
  wire: PlainWire,
  { ledger, choose, earlyFault, keepBody, idleTimeout, maxRequests = Infinity }: Conversation,
): Promise<void> {
  const { inlet, outlet, gone } = wire
  const leave = (): void => {
    account.closedBy ??= 'server'
    socket.destroySoon()
  }
  try {
    while (account.requests < maxRequests) {
      if (!(await nextRequest())) return
      const fault = earlyFault('head-of-request', account.id)
      if (fault) await strike(fault, { wire, broken: () => inlet.swallow() })
      const head = await readHead(wire)
      if (head === undefined) return
      const parts = { wire, head, framing: framingOf(head), connection: account, ledger, choose, keepBody }
      if (await exchange(parts)) await untilGone(gone)
    }
    leave()
  } catch (error) {
    if (error instanceof Gone) return
    ledger.errors.push(error as Error)
    ledger.changed()
    if (!(error instanceof BadRequest)) {
      wire.reset()
      return
    }
    const text = Buffer.from(`${error.message}\n`)
    const head = headBytes(error.status, undefined, { 'content-length': text.length, connection: 'close' })
    await outlet.write(Buffer.concat([head, text])).catch(() => {})
    wire.leave()
    inlet.swallow()
  }

  async function nextRequest(): Promise<boolean> {
    const timer = idleTimeout === undefined || account.requests === 0 ? undefined : setTimeout(leave, idleTimeout)
    const more = await inlet.ready()
    clearTimeout(timer)
    return more
  }
}

async function readHead({ inlet }: PlainWire): Promise<RequestHead | undefined> {
  const block = await inlet.takeThrough('\r\n\r\n', 64 * 1024).catch(() => {
    throw new BadRequest(431, 'the head of the request is longer than 64 KiB')
  })
  return block && parseHead(block)
}
