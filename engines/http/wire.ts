/** One request as Node sends it, over the socket it is given. */
import { ClientRequest, type Agent, type ClientRequestArgs, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Target } from '../connector/target.ts'

/** An answer before the answer, as Node tells of it. */
export interface Informational {
  readonly statusCode: number
  readonly rawHeaders: string[]
}

/** Hears what becomes of a request. */
export interface WireListener {
  /** The head was given to the socket, unless that is closed by now. */
  onFlushed(): void
  onInformational(answer: Informational): void
  onResponse(response: IncomingMessage): void
  onData(bytes: Buffer): void
  /** All of the answer was read. */
  onEnd(): void
  onError(error: Error): void
  /** Nothing more comes. */
  onClosed(): void
}

/** What Node takes for an agent: it hands over one socket, and keeps none. */
export class HandOver {
  readonly protocol: string
  readonly defaultPort: number
  /** Together with the next one this is by what Node judges whether it may keep the connection. */
  readonly keepAlive: boolean
  readonly maxSockets: number = Infinity
  readonly #socket: Socket

  constructor(socket: Socket, { secure }: Target, keepAlive: boolean) {
    this.protocol = secure ? 'https:' : 'http:'
    this.defaultPort = secure ? 443 : 80
    this.keepAlive = keepAlive
    this.#socket = socket
  }

  addRequest(request: Wire): void {
    // Node writes the head in the next turn of this queue, and we are called behind that.
    request.onSocket(this.#socket)
    process.nextTick(flushed, request)
  }
}

/** What is to be sent, beside the body. */
export interface WireOptions {
  readonly target: Target
  readonly method: string
  readonly path: string
  /** A flat list, which Node writes as it is. */
  readonly headers: string[]
  readonly maxHeaderSize: number
  readonly tolerant: boolean
}

/** A request that knows who listens to it, as long as somebody does. */
export class Wire extends ClientRequest {
  listener: WireListener | undefined
  /** The answer, also one that Node does not tell of. */
  declare readonly res?: (IncomingMessage & { readonly upgrade?: boolean }) | null

  /** Throws what Node finds wrong with the request. */
  constructor(listener: WireListener, handOver: HandOver, options: WireOptions) {
    super(argumentsOf(handOver, options))
    this.listener = listener
    // Node would drop what is above a limit without a word; what is too much is judged by us.
    this.maxHeadersCount = 0
    if (this.method !== options.method) this.#keepCase(options.method)
    this.on('response', onResponse)
    this.on('information', onInformation)
    this.on('error', onError)
    this.on('close', onClose)
  }

  /** Begins to read the body of an answer. */
  read(response: IncomingMessage): void {
    response.on('data', onData)
    response.on('end', onEnd)
  }

  /** What has arrived of the body of an answer and was held back. It is not told any more. */
  rest(response: IncomingMessage): Buffer {
    response.off('data', onData)
    const pieces: Buffer[] = []
    for (;;) {
      const piece = response.read() as Buffer | null
      if (piece === null) return Buffer.concat(pieces)
      pieces.push(piece)
    }
  }

  /** Ends it; nothing more is heard. */
  leave(): void {
    this.listener = undefined
    this.destroy()
  }

  /** Node writes methods in capitals, but `Report` is another method than `REPORT` (RFC 9110 §9.1). */
  #keepCase(method: string): void {
    const message = this as unknown as { _header: string }
    message._header = method + message._header.slice(method.length)
  }
}

/** Node reads more than is set here: for some of it a polluted `Object.prototype` must not answer. */
function argumentsOf(
  handOver: HandOver,
  { target, method, path, headers, maxHeaderSize, tolerant }: WireOptions,
): ClientRequestArgs {
  return {
    // Node asks of an agent no more than it has.
    agent: handOver as unknown as Agent,
    protocol: handOver.protocol,
    host: target.host,
    port: target.port,
    method,
    path,
    headers,
    maxHeaderSize,
    insecureHTTPParser: tolerant,
    hostname: undefined,
    signal: undefined,
    socketPath: undefined,
    timeout: undefined,
    // Node announces a body for some methods that have none.
    setDefaultHeaders: false,
    joinDuplicateHeaders: undefined,
    uniqueHeaders: undefined,
  }
}

function flushed({ listener }: Wire): void {
  listener?.onFlushed()
}

function onResponse(this: Wire, response: IncomingMessage): void {
  this.listener?.onResponse(response)
}

function onInformation(this: Wire, answer: Informational): void {
  this.listener?.onInformational(answer)
}

function onError(this: Wire, error: Error): void {
  this.listener?.onError(error)
}

function onClose(this: Wire): void {
  this.listener?.onClosed()
}

/** An answer, which knows the request it belongs to. */
type Answer = IncomingMessage & { readonly req: Wire }

function onData(this: IncomingMessage, bytes: Buffer): void {
  ;(this as Answer).req.listener?.onData(bytes)
}

function onEnd(this: IncomingMessage): void {
  ;(this as Answer).req.listener?.onEnd()
}
