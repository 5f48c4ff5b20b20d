/** What a client or a call asks for, sends and reads. */
import { parse } from 'content-type'
import {
  config,
  describe,
  HttpError,
  HttpHeaders,
  isBodiless,
  isPromise,
  nameOfType,
  Unencoded,
  unreadable,
  type HttpRequest,
  type HttpResponse,
  type ValueReader,
} from '../../src/index.ts'
import { builtIn, type FieldLimit } from './built-in.ts'
import { codec, mediaTypeOf, type Codec, type MediaType } from './codec.ts'
import { Refusal } from './refusal.ts'
import { Registry } from './registry.ts'

/** What it is made of. */
export interface Wishes extends FieldLimit {
  readonly add: readonly Codec[]
  readonly accept: string | readonly string[] | undefined
  readonly send: string
}

const encoder = new TextEncoder()

/** Made once for the options of a client, and once for those of a call. */
export class Negotiation {
  /** Stands on requests that ask for nothing themselves. */
  readonly accept: HttpHeaders
  readonly #registry: Registry
  readonly #send: string

  /** Throws `CONFIG` when nothing can write what is to be sent. */
  constructor({ add, accept, send, ...limit }: Wishes) {
    this.#registry = new Registry([...add.map(codec), ...builtIn(limit)])
    this.#send = send
    this.#encoder(parse(send, { parameters: false }).type)
    const asked = accept === undefined ? this.#registry.accept : typeof accept === 'string' ? accept : accept.join(', ')
    this.accept = asked === '' ? HttpHeaders.none : HttpHeaders.of({ accept: asked })
  }

  /** The request with the body its value is written as. Throws `CONFIG` when it cannot be. */
  encoded(request: HttpRequest): HttpRequest {
    const { body, headers } = request
    if (!(body instanceof Unencoded)) return request
    const given = headers.has('content-type')
    const typed = given ? headers : headers.set('content-type', this.#send)
    const type = mediaTypeOf(typed)
    if (type === undefined) {
      throw config(`The content-type of ${describe(request)} names no media type, so that its body cannot be written.`)
    }
    return request.with({ headers: typed, body: written(this.#encoder(type.type), body.value, type, request) })
  }

  /** Reads the value of an answer. */
  readonly read: ValueReader = response => {
    if (isBodiless(response)) return undefined
    const type = mediaTypeOf(response.headers)
    const found = type && this.#registry.find(type.type, 'decode')
    if (type === undefined || found?.decode === undefined) {
      const known = this.#registry.names('decode')
      throw unreadable(response, `has ${nameOfType(response)}, which no codec reads; there are codecs for ${known}`)
    }
    return valueOf(found, type, response)
  }

  #encoder(type: string): Codec {
    const found = this.#registry.find(type, 'encode')
    if (found !== undefined) return found
    const hint = type.startsWith('multipart/') ? '; for a form with files give FormData' : ''
    throw config(
      `No codec writes ${JSON.stringify(type)}; there are codecs that write ${this.#registry.names('encode')}${hint}.`,
    )
  }
}

function written({ encode }: Codec, value: object, type: MediaType, request: HttpRequest): Uint8Array {
  let bytes: unknown
  try {
    bytes = encode?.(value, type)
  } catch (cause) {
    if (cause instanceof HttpError) throw cause
    throw new HttpError('CONFIG', `The body of ${describe(request)} cannot be written as ${type.type}.`, {
      phase: 'config',
      request,
      cause,
    })
  }
  if (bytes instanceof Uint8Array) return bytes
  if (typeof bytes === 'string') return encoder.encode(bytes)
  throw config(`The codec of ${type.type} must write a body as bytes or text.`)
}

function valueOf({ decode }: Codec, type: MediaType, response: HttpResponse): unknown {
  let value: unknown
  try {
    value = decode?.(response.bytes, type, response)
  } catch (error) {
    throw failure(error, type, response)
  }
  if (isPromise(value as never)) {
    throw config(`The codec of ${type.type} reads asynchronously; value() needs one that answers at once.`)
  }
  return value
}

function failure(error: unknown, { type }: MediaType, response: HttpResponse): HttpError {
  if (error instanceof HttpError) return error
  if (!(error instanceof Refusal)) return unreadable(response, `cannot be read as ${type}`, error)
  const made = unreadable(response, error.message, error.cause)
  if (error.code === 'BODY') return made
  const { request } = response
  return new HttpError(error.code, made.message, { phase: 'decode', request, response })
}
