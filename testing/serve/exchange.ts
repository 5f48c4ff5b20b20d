/** One request and its answer: the route is asked, the request body is read at its pace, the reply is sent. */
import type { OpenConnectionAccount, OpenRequestAccount } from './account.ts'
import { answer, strike } from './answer.ts'
import { checkFault } from './fault.ts'
import { Gone, whileHere } from './gone.ts'
import { reply as replies, type Reply } from './reply.ts'
import { BadRequest, type RequestHead } from './request-head.ts'
import { servedRequest, type RequestParts, type ServedRequest } from './request.ts'
import type { Route } from './routes.ts'
import { openUpload, readAll, readBytes, type UploadParts } from './upload.ts'
import type { Voice } from './wire.ts'

/** Finds the route of a request, and what its pattern found in the path. */
export type Choose = (request: RequestHead) => { route: Route; params: Readonly<Record<string, string>> }

/** What serving one request needs. */
export interface ExchangeParts extends UploadParts {
  readonly connection: OpenConnectionAccount
  readonly choose: Choose
  /** Number of the HTTP/2 stream. */
  readonly stream?: number
  /** Told the account of the request when it is opened. */
  readonly opened?: (account: OpenRequestAccount) => void
}

/** Serves one request. Resolves with whether the connection ends with it. Rejects with `Gone` or `BadRequest`. */
export async function exchange(parts: ExchangeParts): Promise<boolean> {
  const { account, index } = openAccount(parts)
  parts.opened?.(account)
  const { gone } = parts.wire
  const leave = (): void => {
    account.brokenAt = performance.now()
    parts.ledger.changed()
  }
  gone.addEventListener('abort', leave, { once: true })
  try {
    return await converse(parts, account, index)
  } finally {
    gone.removeEventListener('abort', leave)
  }
}

async function converse(parts: ExchangeParts, account: OpenRequestAccount, index: number): Promise<boolean> {
  const { wire, head, ledger } = parts
  const { inlet, gone } = wire
  const upload = openUpload(parts, account)
  const { body } = upload
  ledger.changed()

  const { reply, voice } = await decide(parts, { head, body, account, index, gone })
  const { fault, read = 'all' } = reply
  if (reply.continue === false) upload.refuse()
  if (read === 'none') inlet.hold()
  let reading: Promise<void> | undefined
  const readRest = (): Promise<void> => (reading ??= readAll(body, read, gone))
  const broken = (): void => {
    readRest().then(
      () => inlet.swallow(),
      () => {},
    )
  }

  if (fault?.at === 'body-of-request') {
    await readBytes(body, fault.bytes ?? 0)
    if (fault.kind === 'stall') inlet.hold()
    await strike(fault, { wire, broken })
  }
  const early = reply.early === true || read === 'none'
  if (!early) await readRest()
  upload.refuse()
  const headSent = (status: number): void => {
    account.status = status
    ledger.changed()
  }
  const bodySent = (bytes: number): void => {
    account.bytesOut += bytes
    ledger.changed()
  }
  const answering = answer(reply, { wire, voice, broken, headSent, bodySent })
  // An answer that may be made out of the request body must get all of it; the account reads what it left.
  const shared = body.taken || Symbol.asyncIterator in voice.body.pieces
  if (early && !shared) readRest().catch(() => {})
  await answering
  account.answered = true
  ledger.changed()
  // A client that was never told to continue may send its body or not: nobody can know what comes next.
  if (voice.closes || (upload.unasked && !account.complete)) {
    wire.leave()
    broken()
    return true
  }
  await readRest().catch((error: unknown) => {
    // Too late for a 400.
    throw error instanceof BadRequest ? new Error(`after its answer began: ${error.message}`, { cause: error }) : error
  })
  return false
}

/** Asks the route. What it throws, and a reply that cannot be sent, becomes a 500. */
async function decide(
  { wire, head, choose, ledger }: ExchangeParts,
  request: RequestParts,
): Promise<{ reply: Reply; voice: Voice }> {
  try {
    const { route, params } = choose(head)
    const reply =
      typeof route === 'function' ? await whileHere(request.gone, ask(route, servedRequest(request, params))) : route
    if (reply.fault) checkFault(reply.fault, reply.raw !== undefined)
    return { reply, voice: wire.voice(reply, head) }
  } catch (error) {
    if (error instanceof Gone || error instanceof BadRequest) throw error
    ledger.errors.push(error instanceof Error ? error : new Error(String(error)))
    const reply = replies.text(`the route of ${head.method} ${head.target} failed: ${String(error)}\n`, { status: 500 })
    return { reply, voice: wire.voice(reply, head) }
  }
}

/** Makes a rejection of what a route throws. */
const ask = async (route: Exclude<Route, Reply>, request: ServedRequest): Promise<Reply> => route(request)

function openAccount({ head, connection, ledger, stream }: ExchangeParts): {
  account: OpenRequestAccount
  index: number
} {
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
    stream,
    at: performance.now(),
    status: undefined,
    answered: false,
    bytesOut: 0,
    brokenAt: undefined,
    resetCode: undefined,
  }
  connection.requests += 1
  return { account, index: ledger.requests.push(account) - 1 }
}
