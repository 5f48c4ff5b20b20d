/** One connection: requests in their order, each answered before the next is read. */
import type { Socket } from 'node:net'
import type { Ledger, OpenConnectionAccount } from './account.ts'
import { strike } from './answer.ts'
import { headBytes } from './encode.ts'
import { exchange, type Choose } from './exchange.ts'
import type { EarlyFault } from './fault.ts'
import { Gone, untilGone } from './gone.ts'
import { BadRequest, parseHead, type RequestHead } from './head.ts'
import { Inlet } from './inlet.ts'
import { Outlet } from './outlet.ts'
import { wasReset } from './was-reset.ts'
import type { Wire } from './wire.ts'

/** Finds the fault that strikes a connection where no route is known yet, if any. Asked once at each place. */
export type EarlyFaults = (at: EarlyFault['at'], connection: number) => EarlyFault | undefined

/** What all connections of a server have in common. */
export interface Conversation {
  readonly ledger: Ledger
  readonly choose: Choose
  readonly earlyFault: EarlyFaults
  readonly keepBody: number
  readonly idleTimeout: number | undefined
  readonly maxRequests: number | undefined
}

/** Talks HTTP on a socket until one side ends it. `raw` is the TCP socket below it: itself, or what TLS runs over. */
export function converse(
  socket: Socket,
  account: OpenConnectionAccount,
  conversation: Conversation,
  raw: Socket,
): Wire {
  const wire = openWire(socket, account, conversation.ledger, raw)
  void serveRequests(socket, wire, account, conversation)
  return wire
}

function openWire(socket: Socket, account: OpenConnectionAccount, ledger: Ledger, raw: Socket): Wire {
  const leaving = new AbortController()
  const gone = leaving.signal
  const left = (how: OpenConnectionAccount['closedBy']): void => {
    account.closedBy ??= how
    leaving.abort()
    socket.destroy()
  }
  socket.on('end', () => left(wasReset(raw) ? 'client-reset' : 'client-fin'))
  socket.on('error', () => left('client-reset'))
  socket.on('close', () => left('server'))
  const end = (act: () => void): void => {
    account.closedBy ??= 'server'
    act()
  }
  return {
    inlet: new Inlet(
      socket,
      bytes => {
        account.bytesIn += bytes
        ledger.changed()
      },
      reading => {
        account.reading = reading
        ledger.changed()
      },
    ),
    outlet: new Outlet(socket, gone, bytes => {
      account.bytesOut += bytes
      ledger.changed()
    }),
    gone,
    reset: () => end(() => raw.resetAndDestroy()),
    fin: () => end(() => socket.end()),
  }
}

async function serveRequests(
  socket: Socket,
  wire: Wire,
  account: OpenConnectionAccount,
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
      if (await exchange({ wire, head, connection: account, ledger, choose, keepBody })) await untilGone(gone)
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
    wire.fin()
    inlet.swallow()
  }

  async function nextRequest(): Promise<boolean> {
    const timer = idleTimeout === undefined || account.requests === 0 ? undefined : setTimeout(leave, idleTimeout)
    const more = await inlet.ready()
    clearTimeout(timer)
    return more
  }
}

async function readHead({ inlet }: Wire): Promise<RequestHead | undefined> {
  const block = await inlet.takeThrough('\r\n\r\n', 64 * 1024).catch(() => {
    throw new BadRequest(431, 'the head of the request is longer than 64 KiB')
  })
  return block && parseHead(block)
}
