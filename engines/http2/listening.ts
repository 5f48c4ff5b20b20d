/** How a stream of Node is listened to: by functions that all streams share, because every request makes a stream. */
import type { ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2'
import { Readable } from 'node:stream'

/** Hears what a stream says. */
export interface StreamListener {
  /** The server has ended the stream as it should; what it sent before may not be read yet. */
  whole(): void
  informed(raw: readonly string[]): void
  answered(stream: ClientHttp2Stream, status: number, raw: readonly string[]): void
  took(bytes: Uint8Array): void
  trailed(raw: readonly string[]): void
  /** Everything was read. Says nothing about how the stream came to its end. */
  readAll(): void
  failed(error: Error): void
  closed(stream: ClientHttp2Stream): void
}

const LISTENER: unique symbol = Symbol('listener')

interface Heard extends ClientHttp2Stream {
  [LISTENER]?: StreamListener | undefined
}

/** Listens to a stream. Its body is not heard before {@link listenToBody}. */
export function listen(stream: Heard, listener: StreamListener): void {
  stream[LISTENER] = listener
  // A stream ends for its reader when it was reset, too. Only here it can be seen which of both it was.
  stream.push = push
  stream.on('error', onError)
  stream.on('headers', onHeaders)
  stream.on('response', onResponse)
  stream.on('trailers', onTrailers)
  stream.on('end', onEnd)
  stream.on('close', onClose)
}

/** Lets the body come. */
export function listenToBody(stream: ClientHttp2Stream): void {
  stream.on('data', onData)
}

/** Hears nothing more of a stream. */
export function stopListening(stream: Heard): void {
  stream[LISTENER] = undefined
}

function push(this: Heard, bytes: unknown, encoding?: BufferEncoding): boolean {
  if (bytes === null && !this.closed) this[LISTENER]?.whole()
  return Readable.prototype.push.call(this, bytes, encoding)
}

function onError(this: Heard, error: Error): void {
  this[LISTENER]?.failed(error)
}

function onHeaders(this: Heard, _: unknown, __: unknown, raw: readonly string[]): void {
  this[LISTENER]?.informed(raw)
}

function onResponse(
  this: Heard,
  headers: IncomingHttpHeaders & IncomingHttpStatusHeader,
  _: unknown,
  raw: readonly string[],
): void {
  this[LISTENER]?.answered(this, Number(headers[':status']), raw)
}

function onTrailers(this: Heard, _: unknown, __: unknown, raw: readonly string[]): void {
  this[LISTENER]?.trailed(raw)
}

function onData(this: Heard, bytes: Uint8Array): void {
  this[LISTENER]?.took(bytes)
}

function onEnd(this: Heard): void {
  this[LISTENER]?.readAll()
}

function onClose(this: Heard): void {
  this[LISTENER]?.closed(this)
}
