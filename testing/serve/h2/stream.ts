/** One stream: a request comes on it and its answer goes out. */
import type { OpenRequestAccount } from '../account.ts'
import type { Break } from '../fault.ts'
import { Gone } from '../gone.ts'
import type { Reply, ReplyHeaders } from '../reply.ts'
import { BadRequest, type RequestHead } from '../request-head.ts'
import type { Wire } from '../wire.ts'
import { CODE, FRAME_SIZE } from './frames.ts'
import { StreamInlet } from './inlet.ts'
import type { Session } from './session.ts'
import { informationalFrames, StreamVoice } from './voice.ts'

/** What an exchange runs on in HTTP/2. */
export class Stream implements Wire {
  readonly id: number
  readonly session: Session
  readonly inlet: StreamInlet
  account: OpenRequestAccount | undefined
  /** Whether it is one of those that may be open at a time. */
  counts: boolean = true
  readonly #leaving = new AbortController()
  readonly #waiting = new Set<() => void>()
  /** How many bytes the body of the request announces. */
  readonly #announced: number | undefined
  /** How many bytes we may send, and how many the client may. */
  #window: number
  #allowed: number
  #received = 0
  #requestEnded = false
  #answerEnded = false
  #closing = false

  constructor(session: Session, id: number, announced: number | undefined, windows: { send: number; receive: number }) {
    this.session = session
    this.id = id
    this.#announced = announced
    this.#window = windows.send
    this.#allowed = windows.receive
    this.inlet = new StreamInlet(bytes => {
      if (bytes === 0 || this.#requestEnded || this.gone.aborted) return
      this.#allowed += bytes
      session.allow(id, bytes)
    })
  }

  get gone(): AbortSignal {
    return this.#leaving.signal
  }

  // What the exchange does.

  voice(reply: Reply, request: RequestHead): StreamVoice {
    const voice = new StreamVoice(this, reply, request)
    this.#closing = voice.closes
    return voice
  }

  inform(status: number, headers: ReplyHeaders | undefined): Promise<void> {
    return this.session.out.say(informationalFrames(this.id, status, headers))
  }

  strike(fault: Break): boolean {
    const { kind, at, code, last = Math.max(this.id - 2, 0) } = fault
    const whole = fault.scope === 'connection' || at === 'mid-head'
    if (kind === 'goaway') {
      this.session.goaway(last, code ?? CODE.noError)
      return this.id <= last
    }
    if (kind === 'reset' && whole) this.session.reset()
    else if (kind === 'fin' && whole) this.session.fin()
    else if (kind === 'reset') this.reset(code ?? CODE.internal)
    else if (kind === 'fin') this.finish()
    return false
  }

  leave(): void {
    // RFC 9113 §8.1: the rest of the request is not wanted, and its answer is whole.
    if (!this.#requestEnded) this.reset(CODE.noError)
    if (this.#closing) this.session.retire()
  }

  // What the voice does.

  /** Resolves with how many of `wanted` bytes may be sent now, and takes them as sent. */
  async room(wanted: number): Promise<number> {
    for (;;) {
      if (this.gone.aborted) throw new Gone()
      const room = Math.min(wanted, this.#window, this.session.window, FRAME_SIZE)
      if (room > 0) {
        this.#window -= room
        this.session.window -= room
        return room
      }
      await new Promise<void>(resolve => this.#waiting.add(resolve))
    }
  }

  /** END_STREAM goes out: the client may open another stream before we hear that the kernel has it. */
  ending(): void {
    this.counts = !this.#requestEnded
  }

  /** END_STREAM is out. */
  ended(): void {
    this.#answerEnded = true
    this.#endWhenThrough()
  }

  /** Sends END_STREAM, whatever was promised. */
  finish(): void {
    this.session.endStream(this.id)
    this.ended()
  }

  // What the session does.

  /** The client may be sent more. */
  grow(bytes: number): void {
    this.#window += bytes
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  /** A part of the request body came; `flowing` counts its padding. */
  data(bytes: Buffer, flowing: number): void {
    this.#allowed -= flowing
    if (this.#allowed < 0) {
      this.refuse(CODE.flowControl, 'the client sent more than it was allowed to')
      return
    }
    this.#received += bytes.length
    if (this.#announced !== undefined && this.#received > this.#announced) {
      this.refuse(CODE.protocol, `the body of the request is longer than the ${this.#announced} bytes it announced`)
      return
    }
    if (flowing > bytes.length) {
      this.#allowed += flowing - bytes.length
      this.session.allow(this.id, flowing - bytes.length)
    }
    if (bytes.length > 0) this.inlet.push(bytes)
  }

  /** The request is over. */
  end(trailers: readonly string[] = []): void {
    if (this.#announced !== undefined && this.#received !== this.#announced) {
      this.refuse(
        CODE.protocol,
        `the body of the request has ${this.#received} of the ${this.#announced} bytes it announced`,
      )
      return
    }
    this.#requestEnded = true
    this.inlet.trailers = trailers
    this.inlet.end('ended')
    this.#endWhenThrough()
  }

  /** Whether the client may still send a part of its request. */
  get receiving(): boolean {
    return !this.#requestEnded
  }

  /** The client has reset it. */
  left(code: number): void {
    if (this.account) this.account.resetCode = code
    this.gave()
  }

  /** Resets it because of what the client did. */
  refuse(code: number, why: string): void {
    this.session.note(new BadRequest(400, why))
    this.reset(code)
  }

  /** Sends RST_STREAM. */
  reset(code: number): void {
    this.session.resetStream(this.id, code)
    this.gave()
  }

  /** Nothing more is said on it. */
  gave(): void {
    this.inlet.end('broken')
    this.session.drop(this)
    this.#leaving.abort()
    this.grow(0)
  }

  /** The exchange is over; what the client still sends is read and dropped. */
  #endWhenThrough(): void {
    if (this.#answerEnded && this.#requestEnded) this.session.drop(this)
  }
}
