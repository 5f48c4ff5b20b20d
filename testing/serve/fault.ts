/** Faults: how an answer goes wrong, and at which byte. */

/** A place in an exchange, in the order in which they are passed. */
export type FaultPlace =
  /** The connection was accepted; under TLS before the handshake. No route is known yet, see `ServeOptions.onConnection`. */
  | 'accept'
  /** The first byte of a request arrived. No route is known yet, see `ServeOptions.onConnection`. */
  | 'head-of-request'
  /** `bytes` bytes of the request body were read (default: none), and no more will be. */
  | 'body-of-request'
  /** The request was read (with `early`: its head), nothing is answered. */
  | 'before-head'
  /** `bytes` bytes of the head are out (default: half of it). */
  | 'mid-head'
  /** The head is out with its empty line. */
  | 'after-head'
  /** `bytes` bytes of the body are out (default: half of it, or half of the first piece where no length is known). */
  | 'mid-body'
  /** Everything is out, framing and trailers too. */
  | 'after-body'

/** A fault that ends the conversation. */
export interface Break {
  /**
   * - `reset`: a TCP RST, also under TLS.
   * - `fin`: a FIN (under TLS with `close_notify`) although more was promised; what still arrives is read and dropped.
   * - `stall`: nothing more is said and the socket stays open. Arriving bytes are read and dropped, so that the
   *   client's leaving is seen at once; only at `body-of-request` reading stops too, until `server.resume()`.
   * - `goaway`: HTTP/2 only; a GOAWAY with `code` and `last`. An exchange it covers goes on.
   *
   * In HTTP/2 a `reset` or `fin` is one of the stream (RST_STREAM with `code`, END_STREAM) unless `scope` says otherwise,
   * and a fault at `mid-head` one of the connection.
   */
  readonly kind: 'reset' | 'fin' | 'stall' | 'goaway'
  readonly at: FaultPlace
  /** How many bytes pass before the fault at `body-of-request`, `mid-head` and `mid-body`. A body is counted without its framing. */
  readonly bytes?: number
  /** What a `reset` or `fin` ends. Default: the stream in HTTP/2; HTTP/1.1 has only the connection. */
  readonly scope?: 'stream' | 'connection'
  /** The error code of RST_STREAM or GOAWAY (RFC 9113 §7). Default 2 (INTERNAL_ERROR) for RST_STREAM, 0 for GOAWAY. */
  readonly code?: number
  /** The last stream a GOAWAY covers. Default: the one before this. */
  readonly last?: number
}

/** A fault that makes everything from a place on arrive byte by byte. */
export interface Drip {
  readonly kind: 'drip'
  readonly at: 'before-head' | 'mid-head' | 'after-head' | 'mid-body'
  /** How many bytes go out at full speed first, as with the other kinds. */
  readonly bytes?: number
  /** Milliseconds before each byte. Default 20. */
  readonly every?: number
}

/** What goes wrong with an answer, and where. */
export type Fault = Break | Drip

/** A fault at a place where no route is known yet. */
export interface EarlyFault {
  readonly kind: Exclude<Break['kind'], 'goaway'>
  readonly at: 'accept' | 'head-of-request'
}

/** Tells whether a fault strikes before a route can be known. */
export function isEarly(fault: Fault | undefined): fault is EarlyFault {
  return fault !== undefined && fault.kind !== 'drip' && (fault.at === 'accept' || fault.at === 'head-of-request')
}

/** Throws a `TypeError` for a fault that could never strike where it says. */
export function checkFault(fault: Fault, raw: boolean): void {
  const places = raw ? ['body-of-request', 'before-head', 'mid-body', 'after-body'] : PLACES
  if (!places.includes(fault.at)) {
    throw new TypeError(
      `a ${raw ? 'raw ' : ''}reply cannot have a fault at '${fault.at}'; it can at ${places.join(', ')}${isEarly(fault) ? '. Use the option onConnection or serveSequence()' : ''}`,
    )
  }
  if (fault.kind === 'drip' && (fault.at as string).endsWith('of-request')) {
    throw new TypeError("a drip slows down an answer; to read a request slowly give the reply read: 'slow'")
  }
  if (fault.kind === 'drip' && (fault.at as string) === 'after-body')
    throw new TypeError('nothing is left to drip after the body')
}

const PLACES: readonly string[] = ['body-of-request', 'before-head', 'mid-head', 'after-head', 'mid-body', 'after-body']
