/** The parts of ws that read and write frames. It exports them, and its types do not know of it yet. */
import type { Duplex, Writable } from 'node:stream'
import * as ws from 'ws'

/** Reads frames: emits `message`, `ping`, `pong` and `conclude`, and an `error` with one of its codes. */
export interface Receiver extends Pick<Writable, 'write' | 'end' | 'destroyed' | 'writableEnded'> {
  on(event: 'message', listener: (data: Buffer, binary: boolean) => void): this
  on(event: 'ping' | 'pong', listener: (data: Buffer) => void): this
  on(event: 'conclude', listener: (code: number, reason: Buffer) => void): this
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'drain' | 'finish', listener: () => void): this
}

/** Hears that bytes were taken, or why not. */
export type Written = (error?: Error | null) => void

/** Writes frames, masked (RFC 6455 §5.3). */
export interface Sender {
  onerror: (error: Error) => void
  send(
    data: string | Uint8Array,
    options: { readonly binary: boolean; readonly compress: boolean; readonly fin: true; readonly mask: true },
    written: Written,
  ): void
  ping(data: Uint8Array, mask: true, written?: Written): void
  pong(data: Uint8Array, mask: true, written?: Written): void
  close(code: number | undefined, reason: string, mask: true, written?: Written): void
}

/** What a compressed message becomes, or why it cannot be read. */
export type Inflated = (error: Error | null, data?: Buffer) => void

/** permessage-deflate (RFC 7692). */
export interface Deflate {
  offer(): Readonly<Record<string, unknown>>
  /** Throws for what a server may not answer. */
  accept(answers: readonly object[]): void
  decompress(data: Buffer, last: boolean, done: Inflated): void
  cleanup(): void
}

interface Parts {
  readonly Receiver: new (options: {
    readonly allowSynchronousEvents: boolean
    readonly extensions: Readonly<Record<string, Deflate>>
    readonly isServer: boolean
    readonly maxBufferedChunks: number
    readonly maxFragments: number
    readonly maxPayload: number
  }) => Receiver
  readonly Sender: new (socket: Duplex, extensions: Readonly<Record<string, Deflate>>) => Sender
  readonly PerMessageDeflate: {
    new (options: { readonly maxPayload: number; readonly clientMaxWindowBits: true }): Deflate
    readonly extensionName: 'permessage-deflate'
  }
  readonly extension: {
    format(offers: Readonly<Record<string, object>>): string
    /** Throws for what is no list of extensions. */
    parse(text: string): Readonly<Record<string, readonly object[]>>
  }
}

const parts = ws as unknown as Parts

/** Makes one that reads what a server sends. */
export const Receiver: Parts['Receiver'] = parts.Receiver
/** Makes one that writes to a stream. */
export const Sender: Parts['Sender'] = parts.Sender
/** Compresses and decompresses messages. */
export const PerMessageDeflate: Parts['PerMessageDeflate'] = parts.PerMessageDeflate
/** Reads and writes `Sec-WebSocket-Extensions`. */
export const extension: Parts['extension'] = parts.extension
