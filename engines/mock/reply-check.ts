/** Checks replies and options when a test says them, so that a slip is found there and not in what comes of it. */
import { HttpError, milliseconds, oneOf, shown, size, type Check } from '../../src/index.ts'
import { isStep } from './peer.ts'
import type { MockReply } from './reply.ts'

const anything: Check = () => undefined

function integer(from: number, to: number): Check {
  return value =>
    Number.isInteger(value) && (value as number) >= from && (value as number) <= to
      ? undefined
      : `a whole number from ${from} to ${to}`
}

const informational: Check = value => {
  const wanted = 'a list of { status, headers } with statuses from 100 to 199, but for 101'
  const fits = (one: unknown): boolean =>
    typeof one === 'object' &&
    one !== null &&
    'status' in one &&
    one.status !== 101 &&
    integer(100, 199)(one.status) === undefined
  return Array.isArray(value) && value.every(fits) ? undefined : wanted
}

const FIELDS: Readonly<Record<keyof MockReply, Check>> = {
  status: integer(200, 599),
  statusText: value => (typeof value === 'string' ? undefined : 'a string'),
  headers: anything,
  body: anything,
  chunks: value =>
    typeof value === 'object' && value !== null && Symbol.iterator in value && !ArrayBuffer.isView(value)
      ? undefined
      : 'a list of strings, bytes and pauses in milliseconds',
  trailers: anything,
  informational,
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
  webSocket: value =>
    typeof value === 'function' || (Array.isArray(value) && value.every(isStep))
      ? undefined
      : 'a function, or a list of messages, pauses in milliseconds, { close: code } and { reset: true }',
}

/** Throws `CONFIG` for a reply that is none, and for a field that is unknown or wrong. */
export function checkReply(reply: unknown): asserts reply is MockReply {
  if (typeof reply !== 'object' || reply === null) {
    throw wrong(
      `cannot be ${shown(reply)}; give an object such as { body: 'text' }, a status, an Error or the code of a failure`,
    )
  }
  for (const [name, value] of Object.entries(reply) as [string, unknown][]) {
    if (!Object.hasOwn(FIELDS, name)) {
      throw wrong(`has no ${JSON.stringify(name)}; what is to be sent as JSON goes into { body: … }`)
    }
    if (value === undefined) continue
    const wanted = FIELDS[name as keyof MockReply](value)
    if (wanted !== undefined) throw wrong(`must have as ${name} ${wanted}, not ${shown(value)}`)
  }
}

/** Throws `CONFIG` for an option that nobody understands. */
export function checkOptions(where: string, given: object, known: readonly string[]): void {
  const stranger = Object.keys(given).find(key => !known.includes(key))
  if (stranger === undefined) return
  throw new HttpError('CONFIG', `${where} has no option ${JSON.stringify(stranger)}; it has ${known.join(', ')}.`, {
    phase: 'config',
  })
}

/** The error of a reply that could never be played. */
export function wrong(what: string): HttpError {
  return new HttpError('CONFIG', `A reply of the mock ${what}.`, { phase: 'config' })
}
