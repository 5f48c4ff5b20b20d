/** Request bodies: everything a user may give becomes nothing, bytes, or one source of bytes. */
import { Observable } from 'rxjs'
import { HttpError } from './errors.ts'
import { isFormData, multipart } from './multipart.ts'
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
  readonly contentType?: string | undefined
}

const NOTHING: PreparedBody = { body: undefined }
const encoder = new TextEncoder()

/** Prepares a body for being sent. Throws `CONFIG` for what cannot be one. */
export function prepareBody(given: Body): PreparedBody {
  if (given === undefined || given === null) return NOTHING
  if (typeof given !== 'function') return prepareValue(given)
  const make = given as () => BodyValue
  const first = prepareValue(make())
  if (first.body === undefined || first.body instanceof Uint8Array) return first
  return { ...first, body: replayed(first.body, () => sourceOf(prepareValue(make()).body)) }
}

function prepareValue(value: BodyValue): PreparedBody {
  if (typeof value === 'string') return { body: encoder.encode(value), contentType: 'text/plain;charset=UTF-8' }
  if (value instanceof Uint8Array) return { body: value }
  if (value instanceof ArrayBuffer) return { body: new Uint8Array(value) }
  if (ArrayBuffer.isView(value))
    return { body: new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength) }
  if (typeof value !== 'object' || (value as object | null) === null) throw notABody(value)
  if (value instanceof URLSearchParams) {
    return { body: encoder.encode(value.toString()), contentType: 'application/x-www-form-urlencoded;charset=UTF-8' }
  }
  if (isFormData(value)) return multipart(value)
  if (value instanceof Blob) return { body: fromBlob(value), contentType: value.type || undefined }
  if (value instanceof ReadableStream) return { body: fromReadableStream(value) }
  if (Symbol.asyncIterator in value) return { body: fromAsyncIterable(value) }
  if (value instanceof Observable) return { body: fromObservable(value) }
  return { body: encoder.encode(stringify(value)), contentType: 'application/json' }
}

function stringify(value: object): string {
  if (value instanceof Map || value instanceof Set || value instanceof Promise || isSubscribable(value))
    throw notABody(value)
  let json: string | undefined
  try {
    json = JSON.stringify(value) as string | undefined
  } catch (cause) {
    throw new HttpError('CONFIG', `The body cannot be written as JSON: ${(cause as Error).message}.`, {
      phase: 'config',
      cause,
    })
  }
  if (json === undefined) throw notABody(value)
  return json
}

function isSubscribable(value: object): boolean {
  return 'subscribe' in value && typeof value.subscribe === 'function'
}

function sourceOf(body: RequestBody): UploadSource {
  if (body !== undefined && !(body instanceof Uint8Array)) return body
  const bytes = body ?? new Uint8Array(0)
  return fromBlob(new Blob([bytes as Uint8Array<ArrayBuffer>]))
}

function notABody(value: unknown): HttpError {
  const name =
    typeof value === 'object' && value !== null
      ? (value.constructor as { name?: string } | undefined)?.name
      : typeof value
  return new HttpError(
    'CONFIG',
    `${name === undefined || name === '' ? 'This' : `A ${name}`} cannot be a body; give a plain object (sent as JSON), a string, bytes, Blob, FormData, URLSearchParams, a stream, an async iterable or an Observable of bytes, or a function returning one of these.`,
    { phase: 'config' },
  )
}
