/** Request bodies: everything a user may give becomes nothing, bytes, or one source of bytes. */
import { isObservable, type Observable } from 'rxjs'
import { shown } from './check.ts'
import { HttpError } from './errors.ts'
import { isFormData, multipart } from './multipart.ts'
import { toBytes } from './pull.ts'
import { Unencoded } from './unencoded.ts'
import {
  fromAsyncIterable,
  fromBlob,
  fromObservable,
  fromReadableStream,
  replayed,
  type UploadSource,
} from './upload.ts'

/** A body that is ready to be sent: none, all its bytes, or a source that engines pull from. */
export type RequestBody = undefined | Uint8Array | UploadSource

/** A body as a value: it is sent as it stands. */
export type BodyValue =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | FormData
  | URLSearchParams
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | Observable<Uint8Array | string>
  | JsonBody

/** What is sent as JSON: a plain object, a list, or something with `toJSON()`. */
export type JsonBody = object

/** Everything a request body can be. A function is called for every send, which makes a stream replayable. */
export type Body = BodyValue | (() => BodyValue) | null | undefined

/** A body that is ready, and the media type it has unless the user says otherwise. */
export interface PreparedBody {
  readonly body: RequestBody
  readonly contentType: string | undefined
}

const NOTHING: PreparedBody = { body: undefined, contentType: undefined }
const encoder = new TextEncoder()

/**
 * Prepares a body for being sent. Throws `CONFIG` for what cannot be one. With `keep`, what would be sent as JSON stays a value,
 * an {@link Unencoded}.
 */
export function prepareBody(given: Body, keep = false): PreparedBody {
  if (given === undefined || given === null) return NOTHING
  if (typeof given !== 'function') return prepareValue(given, keep)
  const make = given as () => BodyValue
  const first = prepareValue(make(), keep)
  const { body } = first
  if (body === undefined || body instanceof Uint8Array || body.replayable) return first
  return { ...first, body: replayed(body, () => sourceOf(prepareValue(make(), keep).body)) }
}

function prepareValue(value: BodyValue, keep: boolean): PreparedBody {
  if (typeof value === 'string') return as('text/plain;charset=UTF-8', encoder.encode(value))
  if (typeof value !== 'object' || (value as object | null) === null) throw notABody(value)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return as(undefined, toBytes(value))
  if (value instanceof URLSearchParams) {
    return as('application/x-www-form-urlencoded;charset=UTF-8', encoder.encode(value.toString()))
  }
  if (isFormData(value)) return multipart(value)
  if (value instanceof Blob) return as(value.type || undefined, fromBlob(value))
  if (value instanceof ReadableStream) return as(undefined, fromReadableStream(value))
  if (isObservable(value)) return as(undefined, fromObservable(value as Observable<Uint8Array>))
  if (Symbol.asyncIterator in value) return as(undefined, fromAsyncIterable(value))
  return keep ? as(undefined, new Unencoded(value)) : as('application/json', encoder.encode(stringify(value)))
}

function as(contentType: string | undefined, body: RequestBody): PreparedBody {
  return { body, contentType }
}

/** Writes JSON, but for objects of which JSON shows nothing: they would go out as `{}` without a word. */
function stringify(value: object & { readonly toJSON?: unknown }): string {
  if (typeof value.toJSON !== 'function' && !isPlain(value)) throw notABody(value)
  let json: unknown
  try {
    json = JSON.stringify(value)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : shown(cause)
    throw new HttpError('CONFIG', `The body cannot be written as JSON: ${why ?? ''}.`, { phase: 'config', cause })
  }
  if (typeof json !== 'string') throw notABody(value)
  return json
}

function isPlain(value: object): boolean {
  return (
    Array.isArray(value) || (Object.prototype.toString.call(value) === '[object Object]' && !(Symbol.iterator in value))
  )
}

function sourceOf(body: RequestBody): UploadSource {
  if (body !== undefined && !(body instanceof Uint8Array)) return body
  return fromBlob(new Blob(body === undefined ? [] : [body as Uint8Array<ArrayBuffer>]))
}

function notABody(value: unknown): HttpError {
  return new HttpError(
    'CONFIG',
    `${nameOf(value)} cannot be a body; give a plain object or a list (sent as JSON), a string, bytes, Blob, FormData, URLSearchParams, a stream, an async iterable or an Observable of bytes, or a function returning one of these.`,
    { phase: 'config' },
  )
}

function nameOf(value: unknown): string {
  const name =
    typeof value === 'object' && value !== null
      ? (value.constructor as { name?: unknown } | undefined)?.name
      : typeof value
  if (typeof name !== 'string' || name === '' || value === undefined || value === null)
    return value === null ? 'Null' : 'This'
  return `${/^[AEIOU]/i.test(name) ? 'An' : 'A'} ${name}`
}
