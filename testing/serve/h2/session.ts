/** One HTTP/2 connection: frames in, each stream an exchange of its own, frames out one at a time. */
import type { OpenConnectionAccount } from '../account.ts'
import { watchEnd, type Accepted, type Conversation, type Talk } from '../conversation.ts'
import { exchange } from '../exchange.ts'
import { Gone } from '../gone.ts'
import { BadRequest, type RequestHead } from '../request-head.ts'
import { CODE, ConnectionError, FLAG, frame, FrameReader, SETTING, settingsFrame, TYPE, words } from './frames.ts'
import { Frames } from './receiving.ts'
import { Stream } from './stream.ts'
import { FrameWriter } from './writer.ts'

const DEFAULT_WINDOW = 65_535

/** Talks HTTP/2 on a socket until one side ends it. */
export class Session implements Talk {
  readonly #accepted: Accepted
  readonly #conversation: Conversation
  readonly #account: OpenConnectionAccount
  readonly #streams = new Map<number, Stream>()
  /** Where frames go out. */
  readonly out: FrameWriter
  readonly #gone: AbortSignal
  readonly #receives: number
  #sends = DEFAULT_WINDOW
  #highest = 0
  #last = Infinity
  #idle: NodeJS.Timeout | undefined
  #deaf = false
  /** How many bytes of all bodies together we may send. */
  window: number = DEFAULT_WINDOW

  constructor(accepted: Accepted, conversation: Conversation) {
    this.#accepted = accepted
    this.#conversation = conversation
    this.#account = accepted.account
    this.#gone = watchEnd(accepted)
    const { socket, account } = accepted
    const { ledger, http2 } = conversation
    this.#receives = http2.initialWindowSize ?? DEFAULT_WINDOW
    this.out = new FrameWriter(socket, this.#gone, bytes => {
      account.bytesOut += bytes
      ledger.changed()
    })
    this.#gone.addEventListener('abort', () => {
      clearTimeout(this.#idle)
      for (const stream of [...this.#streams.values()]) stream.gave()
    })
    const reader = new FrameReader()
    const frames = new Frames(this)
    socket.on('data', (bytes: Buffer) => {
      account.bytesIn += bytes.length
      try {
        for (const one of reader.push(bytes)) {
          if (this.#isDeaf()) return
          frames.take(one)
        }
      } catch (error) {
        this.#giveUp(error as Error)
      }
      ledger.changed()
    })
    if (http2.settings === false) this.out.mute()
    this.out.send(
      settingsFrame([
        [SETTING.maxConcurrentStreams, this.#most],
        [SETTING.initialWindowSize, this.#receives],
      ]),
    )
  }

  // What a client asks for.

  /** The stream of this number, if it is open. */
  stream(id: number): Stream | undefined {
    return this.#streams.get(id)
  }

  /** A request begins: `true` when its head will be read. */
  begins(id: number): boolean {
    if (id % 2 === 0 || id <= this.#highest) throw new ConnectionError(CODE.protocol, `stream ${id} cannot be opened`)
    this.#highest = id
    if (id > this.#last) return false
    const fault = this.#conversation.earlyFault('head-of-request', this.#account.id)
    if (fault === undefined) return true
    if (fault.kind === 'reset') this.reset()
    else if (fault.kind === 'fin') this.fin()
    this.#deaf = true
    return false
  }

  /** A request has come. */
  request(id: number, head: RequestHead, ends: boolean): void {
    if ([...this.#streams.values()].filter(({ counts }) => counts).length >= this.#most) {
      this.#account.refused += 1
      this.resetStream(id, CODE.refusedStream)
      return
    }
    clearTimeout(this.#idle)
    const length = head.headers['content-length']
    const windows = { send: this.#sends, receive: this.#receives }
    const stream = new Stream(this, id, length === undefined ? undefined : Number(length), windows)
    this.#streams.set(id, stream)
    if (ends) stream.end()
    // The length of the body was wrong.
    if (stream.gone.aborted) return
    void this.#serve(stream, head, ends)
    const { maxRequests = Infinity } = this.#conversation
    if (this.#account.requests >= maxRequests) this.goaway(id, CODE.noError)
  }

  /** The client takes more of one body, or of all together. */
  grow(id: number, bytes: number): void {
    if (id !== 0) {
      this.#streams.get(id)?.grow(bytes)
      return
    }
    this.window += bytes
    for (const stream of this.#streams.values()) stream.grow(0)
  }

  /** The client takes this much of every body at first. */
  sends(bytes: number): void {
    for (const stream of this.#streams.values()) stream.grow(bytes - this.#sends)
    this.#sends = bytes
  }

  /** Says that SETTINGS were read. */
  agree(): void {
    this.out.send(frame(TYPE.settings, FLAG.ack, 0))
  }

  /** Answers a PING. */
  pong(payload: Buffer): void {
    if (this.#conversation.http2.pong === false) return
    this.#account.pings += 1
    this.out.send(frame(TYPE.ping, FLAG.ack, 0, payload))
  }

  /** The client says that it will not ask for more. */
  farewell(code: number): void {
    this.#account.goaway = code
  }

  // What streams say.

  /** Lets the client send more of a body. */
  allow(id: number, bytes: number): void {
    this.out.send(frame(TYPE.windowUpdate, 0, id, words(bytes)))
  }

  /** Sends RST_STREAM. */
  resetStream(id: number, code: number): void {
    this.out.send(frame(TYPE.rstStream, 0, id, words(code)))
  }

  /** Sends END_STREAM. */
  endStream(id: number): void {
    this.out.send(frame(TYPE.data, FLAG.endStream, id))
  }

  /** Sends GOAWAY: what is beyond `last` is forgotten, the rest goes on, and then the connection ends. */
  goaway(last: number, code: number): void {
    this.#last = Math.min(this.#last, last)
    this.out.send(frame(TYPE.goaway, 0, 0, words(last, code)))
    for (const stream of [...this.#streams.values()]) if (stream.id > last) stream.gave()
    this.#endWhenDone()
  }

  /** Lets the client open no more streams, and ends when the last one is over. */
  retire(): void {
    this.goaway(this.#highest, CODE.noError)
  }

  /** A stream is over. */
  drop(stream: Stream): void {
    if (!this.#streams.delete(stream.id)) return
    this.#conversation.ledger.changed()
    this.#endWhenDone()
    const { idleTimeout } = this.#conversation
    if (idleTimeout === undefined || this.#streams.size > 0 || this.#gone.aborted) return
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.retire(), idleTimeout)
  }

  /** Sends a RST of the connection. */
  reset(): void {
    this.#account.closedBy ??= 'server'
    this.#deaf = true
    this.#accepted.raw.resetAndDestroy()
  }

  /** Sends a FIN of the connection once everything written is out, and reads on without listening. */
  fin(): void {
    this.#account.closedBy ??= 'server'
    this.#deaf = true
    this.#accepted.socket.end()
  }

  /** Writes down what went wrong. */
  note(error: Error): void {
    this.#conversation.ledger.errors.push(error)
    this.#conversation.ledger.changed()
  }

  flow(): void {
    for (const stream of this.#streams.values()) stream.inlet.flow()
  }

  #isDeaf(): boolean {
    return this.#deaf
  }

  get #most(): number {
    return this.#conversation.http2.maxConcurrentStreams ?? 100
  }

  async #serve(stream: Stream, head: RequestHead, ends: boolean): Promise<void> {
    const { ledger, choose, keepBody } = this.#conversation
    const opened = (account: NonNullable<Stream['account']>): void => {
      stream.account = account
    }
    const parts = {
      wire: stream,
      head,
      framing: ends ? 0 : ('stream' as const),
      connection: this.#account,
      ledger,
      choose,
      keepBody,
    }
    try {
      await exchange({ ...parts, stream: stream.id, opened })
    } catch (error) {
      if (error instanceof Gone) return
      this.note(error as Error)
      stream.reset(error instanceof BadRequest ? CODE.protocol : CODE.internal)
    }
  }

  #endWhenDone(): void {
    if (this.#last === Infinity || this.#streams.size > 0 || this.#deaf) return
    this.out.whenWritten(() => {
      this.fin()
    })
  }

  #giveUp(error: Error): void {
    this.note(error)
    const code = error instanceof ConnectionError ? error.code : CODE.internal
    this.out.send(frame(TYPE.goaway, 0, 0, words(this.#highest, code)))
    for (const stream of [...this.#streams.values()]) stream.gave()
    this.#last = 0
    this.#endWhenDone()
  }
}
