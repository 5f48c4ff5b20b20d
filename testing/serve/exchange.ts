/** One request and its answer: the route is asked, the request body is read at its pace, the reply is sent. */
import type { Ledger, OpenConnectionAccount, OpenRequestAccount } from './account.ts'
import { answer, strike } from './answer.ts'
import { headBytes } from './encode.ts'
import { checkFault } from './fault.ts'
import { Gone, pause } from './gone.ts'
import { BadRequest, framingOf, type RequestHead } from './head.ts'
import { reply as replies, type ReadPace, type Reply } from './reply.ts'
import { servedRequest } from './request.ts'
import { RequestBody } from './request-body.ts'
import type { Route } from './routes.ts'
import type { Wire } from './wire.ts'

/** Finds the route of a request, and what its pattern found in the path. */
export type Choose = (request: RequestHead) => { route: Route; params: Readonly<Record<string, string>> }

export interface ExchangeParts {
  readonly wire: Wire
  readonly head: RequestHead
  readonly connection: OpenConnectionAccount
  readonly ledger: Ledger
  readonly choose: Choose
  readonly keepBody: number
}

/** Serves one request. Resolves with whether the connection ends with it. Rejects with `Gone` or `BadRequest`. */
export async function exchange(parts: ExchangeParts): Promise<boolean> {
  const { wire, head, ledger } = parts
  const { inlet, outlet, gone } = wire
  const framing = framingOf(head)
  const { account, index } = openAccount(parts)
  const state = { mayContinue: true, continued: false }
  const expects = head.headers['expect']?.toLowerCase() === '100-continue'
  const body = new RequestBody({
    inlet,
    framing,
    account,
    keep: parts.keepBody,
    changed: () => ledger.changed(),
    begin: async () => {
      if (!expects || !state.mayContinue) return
      state.continued = true
      await outlet.write(headBytes(100, undefined, undefined))
    },
  })
  ledger.changed()

  const { route, params } = parts.choose(head)
  const reply = typeof route === 'function' ? await ask(route) : route
  const { fault, read = 'all' } = reply
  if (reply.continue === false) state.mayContinue = false
  if (read === 'none') inlet.hold()
  const broken = (): void => {
    if (fault?.at === 'body-of-request' && fault.kind === 'stall') inlet.hold()
    void body.drain().then(
      () => inlet.swallow(),
      () => {},
    )
  }
  if (fault?.at === 'body-of-request') {
    await readBytes(body, fault.bytes ?? 0)
    await strike(fault, { wire, broken })
  }
  const early = reply.early === true || read === 'none'
  if (!early) await readAll(body, read, gone)
  state.mayContinue = false

  const answering = answer(reply, {
    wire,
    request: head,
    broken,
    headSent: status => {
      account.status = status
      ledger.changed()
    },
  })
  // An answer that may be made out of the request body must get it all; then the account reads only what it left.
  const shared =
    body.taken || (typeof reply.body === 'object' && reply.body !== null && Symbol.asyncIterator in reply.body)
  const reading = early && !shared ? readAll(body, read, gone) : undefined
  reading?.catch(() => {})
  const closes = await answering
  account.answered = true
  ledger.changed()
  // A client that was never told to continue may send its body or not: nobody can know what comes next.
  if (closes || (expects && !state.continued && !account.complete)) {
    wire.fin()
    broken()
    return true
  }
  await (reading ?? readAll(body, read, gone))
  return false

  async function ask(route: Exclude<Route, Reply>): Promise<Reply> {
    try {
      const made = await untilSettled(route)
      if (made.fault) checkFault(made.fault, made.raw !== undefined)
      return made
    } catch (error) {
      if (error instanceof Gone || error instanceof BadRequest) throw error
      ledger.errors.push(error instanceof Error ? error : new Error(String(error)))
      return replies.text(`the route of ${head.method} ${head.target} failed: ${String(error)}\n`, { status: 500 })
    }
  }

  function untilSettled(route: Exclude<Route, Reply>): Promise<Reply> {
    return Promise.resolve(route(servedRequest({ head, body, account, index, gone }, params)))
  }
}

function openAccount({ head, connection, ledger }: ExchangeParts): { account: OpenRequestAccount; index: number } {
  const account: OpenRequestAccount = {
    method: head.method,
    target: head.target,
    httpVersion: head.httpVersion,
    rawHeaders: head.rawHeaders,
    headers: head.headers,
    rawTrailers: [],
    bodyBytes: 0,
    body: undefined,
    complete: false,
    connection: connection.id,
    at: performance.now(),
    status: undefined,
    answered: false,
  }
  connection.requests += 1
  return { account, index: ledger.requests.push(account) - 1 }
}

async function readBytes(body: RequestBody, count: number): Promise<void> {
  for (let left = count; left > 0;) {
    const piece = await body.next(left)
    if (piece === undefined) return
    left -= piece.length
  }
}

async function readAll(body: RequestBody, pace: ReadPace, gone: AbortSignal): Promise<void> {
  if (pace === 'all' || pace === 'none') {
    await body.drain()
    return
  }
  const { bytes, every } = pace === 'slow' ? { bytes: 16 * 1024, every: 20 } : pace
  while (await body.next(bytes)) await pause(gone, every)
}
