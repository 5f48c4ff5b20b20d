/** From a reply as a user writes it to the script an exchange plays. */
import {
  HttpError,
  HttpHeaders,
  isHttpError,
  milliseconds,
  oneOf,
  shown,
  size,
  type Check,
  type ConnectionInfo,
  type HeadersInit,
  type Phase,
} from '../../src/index.ts'
import type { MockAnswer, MockChunk, MockFailure, MockReply, ResetPhase, StallPhase } from './reply.ts'

/** What goes wrong, where, and after how many bytes of a body. */
export type Fault = { readonly at: Phase; readonly after: number } & (
  | { readonly kind: 'stall'; readonly at: StallPhase }
  | { readonly kind: 'reset'; readonly at: ResetPhase }
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
  readonly fault: Fault | undefined
  /** What it says of the time before the answer; too late for a script that is made when the request was read. */
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

const status: Check = value =>
  Number.isInteger(value) && (value as number) >= 200 && (value as number) <= 599
    ? undefined
    : 'a status from 200 to 599'
const any: Check = () => undefined

const FIELDS: Readonly<Record<keyof MockReply, Check>> = {
  status,
  statusText: value => (typeof value === 'string' ? undefined : 'a string'),
  headers: any,
  body: any,
  chunks: value =>
    typeof value === 'object' && value !== null && Symbol.iterator in value && !ArrayBuffer.isView(value)
      ? undefined
      : 'a list of strings, bytes and pauses in milliseconds',
  trailers: any,
  informational: value => (Array.isArray(value) ? undefined : 'a list of { status, headers }'),
  delay: milliseconds,
  bodyDelay: milliseconds,
  connection: value => (typeof value === 'object' && value !== null ? undefined : 'an object'),
  early: value =>
    typeof value === 'boolean' || size(value) === undefined ? undefined : 'true, false or a number of bytes',
  readDelay: milliseconds,
  stall: oneOf('queue', 'dns', 'connect', 'tls', 'send', 'headers', 'body'),
  reset: oneOf('send', 'headers', 'body'),
  cut: value => (typeof value === 'boolean' ? undefined : 'true or false'),
  after: value => (value === false ? 'a number of bytes' : size(value)),
}

/** Checks an answer and makes a script of it. Throws `CONFIG` for what could never be played. */
export function scriptOf(answer: MockAnswer): Script {
  if (typeof answer === 'number') return scriptOf({ status: answer })
  if (answer instanceof Error) return failing({ kind: 'error', error: answer, at: phaseOf(answer), after: 0 })
  if (typeof answer === 'string') {
    const at = Object.hasOwn(FAILS_AT, answer) ? FAILS_AT[answer] : undefined
    if (at === undefined)
      throw wrong(
        `cannot fail with ${shown(answer)}; it can with ${Object.keys(FAILS_AT).join(', ')}, an Error, or as { stall }, { cut: true }`,
      )
    return failing({ kind: 'failure', code: answer, at, after: 0 }, at === 'headers' ? [] : [`'${answer}'`])
  }
  check(answer)
  const { body, length, type } = bodyOf(answer)
  return {
    status: answer.status ?? 200,
    statusText: answer.statusText ?? '',
    headers: framed(answer, length, type),
    chunks: body,
    trailers: answer.trailers === undefined ? undefined : headersOf(answer.trailers),
    informational: (answer.informational ?? []).map(one => ({ status: one.status, headers: headersOf(one.headers) })),
    delay: answer.delay ?? 0,
    bodyDelay: answer.bodyDelay ?? 0,
    connection: answer.connection ?? {},
    answersAfter: answer.early === true ? 0 : answer.early === false ? Infinity : (answer.early ?? Infinity),
    readDelay: answer.readDelay ?? 0,
    fault: faultOf(answer, length),
    foresight: foresightOf(answer),
  }
}

function failing(fault: Fault, foresight: readonly string[] = []): Script {
  return { ...scriptOf({}), fault, foresight }
}

/** The moment an error happens at: that of its phase, or when an answer was due. */
function phaseOf(error: Error): Phase {
  const phase = isHttpError(error) ? error.phase : undefined
  return phase !== undefined && BEFORE_ANSWER.includes(phase) ? phase : 'headers'
}

function check(answer: MockReply): void {
  if (typeof answer !== 'object' || (answer as object | null) === null)
    throw wrong(
      `cannot answer with ${shown(answer)}; give an object such as { body: 'text' }, a status, or the code of a failure`,
    )
  for (const [name, value] of Object.entries(answer)) {
    if (!Object.hasOwn(FIELDS, name))
      throw wrong(
        `knows no ${JSON.stringify(name)}; it knows ${Object.keys(FIELDS).join(', ')}. A value to be sent as JSON goes into { body }`,
      )
    if (value === undefined) continue
    const wanted = FIELDS[name as keyof MockReply](value)
    if (wanted !== undefined) throw wrong(`needs as ${name} ${wanted}, not ${shown(value)}`)
  }
}

function faultOf({ stall, reset, cut, after, chunks }: MockReply, length: number | undefined): Fault | undefined {
  const given = [stall !== undefined, reset !== undefined, cut === true].filter(Boolean).length
  if (given > 1) throw wrong('can have one of stall, reset and cut')
  const at = stall ?? reset ?? (cut === true ? 'body' : undefined)
  if (after !== undefined && at !== 'body' && at !== 'send')
    throw wrong(
      `can count bytes ({ after }) before something happens to a body: with cut, and with stall or reset in 'send' or 'body'`,
    )
  if (at === undefined) return undefined
  const usual = at === 'send' ? 0 : chunks === undefined ? Math.floor((length ?? 0) / 2) : Infinity
  const bytes = after ?? usual
  if (stall !== undefined) return { kind: 'stall', at: stall, after: bytes }
  return reset === undefined ? { kind: 'cut', at: 'body', after: bytes } : { kind: 'reset', at: reset, after: bytes }
}

function foresightOf(answer: MockReply): readonly string[] {
  const { stall, reset, connection, early, readDelay } = answer
  return [
    ...(stall === undefined || stall === 'headers' || stall === 'body' ? [] : [`stall: '${stall}'`]),
    ...(reset === 'send' ? ["reset: 'send'"] : []),
    ...(connection === undefined ? [] : ['connection']),
    ...(early === undefined ? [] : ['early']),
    ...(readDelay === undefined ? [] : ['readDelay']),
  ]
}

interface WireBody {
  readonly body: Iterable<MockChunk>
  readonly length: number | undefined
  readonly type?: string
}

function bodyOf({ body, chunks }: MockReply): WireBody {
  if (chunks !== undefined) {
    if (body !== undefined) throw wrong('can have a body or chunks, not both')
    return { body: chunks, length: undefined }
  }
  if (body === undefined) return { body: [], length: 0 }
  if (typeof body === 'string') return whole(new TextEncoder().encode(body))
  if (body instanceof Uint8Array) return whole(body)
  if (body instanceof ArrayBuffer) return whole(new Uint8Array(body))
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    if (Symbol.iterator in body) return { body: body as Iterable<MockChunk>, length: undefined }
    if (Symbol.asyncIterator in body || body instanceof Blob || body instanceof Promise || ArrayBuffer.isView(body))
      throw wrong(`cannot have a ${body.constructor.name} as body; give its bytes, or chunks with pauses between them`)
  }
  const json = JSON.stringify(body) as string | undefined
  if (json === undefined) throw wrong(`cannot have ${shown(body)} as body`)
  return { ...whole(new TextEncoder().encode(json)), type: 'application/json' }
}

function whole(bytes: Uint8Array): WireBody {
  return { body: bytes.length === 0 ? [] : [bytes], length: bytes.length }
}

function framed(
  { headers: given, status: code, trailers }: MockReply,
  length: number | undefined,
  type?: string,
): HttpHeaders {
  const headers = headersOf(given)
  const typed = type === undefined || headers.has('content-type') ? headers : headers.set('content-type', type)
  const bodiless = code === 204 || code === 304
  if (length === undefined || bodiless || trailers !== undefined || typed.has('content-length')) return typed
  return typed.set('content-length', length)
}

function headersOf(init: MockReply['headers']): HttpHeaders {
  // The core coerces the numbers of a list of pairs too; its type only speaks of requests.
  return HttpHeaders.of(init as HeadersInit | undefined)
}

function wrong(what: string): HttpError {
  return new HttpError('CONFIG', `A reply of a mock ${what}.`, { phase: 'config' })
}
