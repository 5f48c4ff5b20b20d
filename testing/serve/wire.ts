/** What an exchange may do to what it runs on: a whole HTTP/1.1 connection, or one stream of an HTTP/2 connection. */
import type { EncodedBody } from './body.ts'
import type { Break } from './fault.ts'
import type { Reply, ReplyHeaders } from './reply.ts'
import type { RequestHead } from './request-head.ts'

/** Reading, writing and ending of one exchange. */
export interface Wire {
  readonly inlet: Incoming
  /** Is aborted when the exchange cannot go on: the client left it, or a fault has struck. */
  readonly gone: AbortSignal
  /** Gets a reply ready to be sent. Throws a `TypeError` for one that cannot be. */
  voice(reply: Reply, request: RequestHead): Voice
  /** Sends an informational head. */
  inform(status: number, headers: ReplyHeaders | undefined): Promise<void>
  /** Lets a fault happen. Answers with whether the exchange goes on all the same. */
  strike(fault: Break): boolean
  /** Ends the connection in good order once everything written is out. */
  leave(): void
}

/** What comes from a client, on demand. */
export interface Incoming {
  /** What came behind the body; there once the body is read. */
  readonly trailers?: readonly string[]
  /** Stops reading, so that the client meets back-pressure. */
  hold(): void
  /** Reads on after `hold()`. */
  flow(): void
  /** Reads and drops everything from now on. */
  swallow(): void
  /** Takes the next bytes, at most `max`; `undefined` when there will be no more. */
  take(max?: number): Promise<Buffer | undefined>
  /** Takes everything up to and with `marker`. Throws a `RangeError` when it does not come within `limit` bytes. */
  takeThrough(marker: string, limit: number): Promise<Buffer | undefined>
}

/** Says one reply. Each promise is kept when the kernel has the bytes; all reject with `Gone` when the client leaves. */
export interface Voice {
  /** What is written as the head; none for a `raw` reply. */
  readonly head: Uint8Array | undefined
  readonly body: EncodedBody
  /** Whether a body follows on the wire. */
  readonly bodied: boolean
  /** Whether the connection ends with this answer. */
  readonly closes: boolean
  /** Writes one byte every `ms` milliseconds from now on; `undefined` writes at full speed again. */
  drip(ms: number | undefined): void
  /** Writes a part of the head. */
  writeHead(part: Uint8Array): Promise<void>
  /** What is to be written before a piece of the body. */
  begin(length: number): Promise<void>
  /** Writes some of a piece. */
  write(bytes: Uint8Array): Promise<void>
  /** What is to be written after a piece of the body. */
  done(length: number): Promise<void>
  /** Everything is said. */
  end(): Promise<void>
}
