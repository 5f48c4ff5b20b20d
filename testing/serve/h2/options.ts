/** What a server allows a client of HTTP/2, and how it misbehaves. */

/** What a server allows a client of HTTP/2, and how it misbehaves. */
export interface Http2Options {
  /** How many streams may be open at a time; one more is refused with REFUSED_STREAM. Default 100. */
  readonly maxConcurrentStreams?: number
  /** How many bytes of a body a client may send before the server reads them. Default 65 535. */
  readonly initialWindowSize?: number
  /** `false` sends no SETTINGS and nothing else: a connection that looks open and is not. Default `true`. */
  readonly settings?: boolean
  /** `false` answers no PING. Default `true`. */
  readonly pong?: boolean
}
