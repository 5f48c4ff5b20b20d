/** From a reply as a user writes it to the script an exchange plays. */
import { isHttpError, type ConnectionInfo, type HttpHeaders, type Phase } from '../../src/index.ts'
import { checkReply, wrong } from './reply-check.ts'
import type { MockAnswer, MockChunk, MockFailure, MockReply, ResetPhase, StallPhase } from './reply.ts'
import { fieldsOf, headersOf, wireBodyOf, type WireBody } from './wire-body.ts'

/** What goes wrong, where, and after how many bytes of a body. */
export type Fault = { readonly at: Phase; readonly after: number } & (
  | { readonly kind: 'stall'; readonly at: StallPhase }
  | { readonly kind: 'reset'; readonly at: Exclude<ResetPhase, 'body'> }
  | { readonly kind: 'cut'; readonly at: 'body' }
  | { readonly kind: 'failure'; readonly code: MockFailure }
  | { readonly kind: 'error'; readonly error: Error }
)

/** How an exchange goes. */
export interface Script {
  readonly status: number
  readonly statusText: string
  readonly headers: HttpHeaders
  readonly chunks: Iterable<MockChunk>
  readonly trailers: HttpHeaders | undefined
  readonly informational: readonly { readonly status: number; readonly headers: HttpHeaders }[]
  readonly delay: number
  readonly bodyDelay: number
  readonly connection: Partial<ConnectionInfo>
  /** Bytes of the request body to take before answering; `Infinity` is all of them. */
  readonly answersAfter: number
  readonly readDelay: number
  /** What the server of a WebSocket does; nothing where it agrees to none. */
  readonly webSocket: MockReply['webSocket']
  readonly fault: Fault | undefined
  /** What it says of the time before the answer: too late for a script that is made when the request was read. */
  readonly foresight: readonly string[]
}

const FAILS_AT: Readonly<Record<MockFailure, Phase>> = {
  DNS: 'dns',
  CONNECT: 'connect',
  TLS: 'tls',
  PROXY: 'proxy',
  RESET: 'headers',
  PROTOCOL: 'headers',
}

const BEFORE_ANSWER: readonly Phase[] = ['queue', 'dns', 'connect', 'proxy', 'tls', 'send']

/** Checks an answer and makes a script of it. Throws `CONFIG` for what could never be played. */
export function scriptOf(answer: MockAnswer): Script {
  if (typeof answer === 'number') return scriptOf({ status: answer })
  if (typeof answer === 'string') return failing(answer)
  if (answer instanceof Error) {
    return { ...scriptOf({}), fault: { kind: 'error', error: answer, at: momentOf(answer), after: 0 } }
  }
  checkReply(answer)
  checkAgreement(answer)
  const body = wireBodyOf(answer)
  const fault = faultOf(answer, body)
  // What breaks off had more to say, so its head must not announce that nothing comes.
  const announced = fault?.at === 'body' && body.length === 0 ? { ...body, length: undefined } : body
  const { early = false } = answer
  return {
    status: answer.webSocket === undefined ? (answer.status ?? 200) : 101,
    statusText: answer.statusText ?? '',
    headers: answer.webSocket === undefined ? headersOf(answer, announced) : fieldsOf(answer.headers),
    chunks: body.chunks,
    trailers: answer.trailers === undefined ? undefined : fieldsOf(answer.trailers),
    informational: (answer.informational ?? []).map(one => ({ status: one.status, headers: fieldsOf(one.headers) })),
    delay: answer.delay ?? 0,
    bodyDelay: answer.bodyDelay ?? 0,
    connection: answer.connection ?? {},
    answersAfter: typeof early === 'number' ? early : early ? 0 : Infinity,
    readDelay: answer.readDelay ?? 0,
    webSocket: answer.webSocket,
    fault,
    foresight: foresightOf(answer),
  }
}

function failing(code: MockFailure): Script {
  if (!Object.hasOwn(FAILS_AT, code)) {
    const known = Object.keys(FAILS_AT).join(', ')
    throw wrong(
      `cannot be ${JSON.stringify(code)}; codes it can fail with are ${known}; for TIMEOUT and BODY write { stall: … } and { cut: true }, for text { body: … }`,
    )
  }
  const at = FAILS_AT[code]
  return {
    ...scriptOf({}),
    fault: { kind: 'failure', code, at, after: 0 },
    foresight: at === 'headers' ? [] : [`'${code}'`],
  }
}

/** Who agrees to a WebSocket has no body, and what goes wrong in it is for its server to say. */
function checkAgreement(answer: MockReply): void {
  if (answer.webSocket === undefined) return
  const beside = NOT_BESIDE.find(name => answer[name] !== undefined)
  if (beside !== undefined) throw wrong(`with webSocket cannot have ${beside} too`)
  if (answer.stall === 'body' || answer.reset === 'body')
    throw wrong('with webSocket stalls and breaks off by what its server does: peer.stall() and peer.reset()')
}

const NOT_BESIDE = ['status', 'body', 'chunks', 'trailers', 'bodyDelay', 'early', 'cut', 'after'] as const

/** When an error happens: in its phase, or when an answer was due. */
function momentOf(error: Error): Phase {
  const phase = isHttpError(error) ? error.phase : undefined
  return phase !== undefined && BEFORE_ANSWER.includes(phase) ? phase : 'headers'
}

function faultOf({ stall, reset, cut, after }: MockReply, { length }: WireBody): Fault | undefined {
  if ([stall, reset, cut === true ? cut : undefined].filter(one => one !== undefined).length > 1) {
    throw wrong('can have one of stall, reset and cut')
  }
  const at = stall ?? reset ?? (cut === true ? 'body' : undefined)
  if (after !== undefined && at !== 'body' && at !== 'send') {
    throw wrong("can say after how many bytes only with cut, or with stall or reset in 'send' or 'body'")
  }
  if (at === undefined) return undefined
  const bytes = after ?? (at === 'send' ? 0 : length === undefined || length === 0 ? Infinity : Math.floor(length / 2))
  if (at === 'body' && after !== undefined && length !== undefined && length > 0 && after >= length) {
    throw wrong(`cannot break off after ${after} bytes: its body has no more than ${length}`)
  }
  if (stall !== undefined) return { kind: 'stall', at: stall, after: bytes }
  // A body that is not whole is just that, however it broke off.
  if (reset === undefined || reset === 'body') return { kind: 'cut', at: 'body', after: bytes }
  return { kind: 'reset', at: reset, after: bytes }
}

function foresightOf({ stall, reset, connection, early, readDelay, webSocket }: MockReply): readonly string[] {
  const said: readonly (string | false)[] = [
    stall !== undefined && stall !== 'headers' && stall !== 'body' && `stall: '${stall}'`,
    reset === 'send' && "reset: 'send'",
    connection !== undefined && 'connection',
    early !== undefined && 'early',
    readDelay !== undefined && webSocket === undefined && 'readDelay',
  ]
  return said.filter(one => one !== false)
}
