/** An open WebSocket over any stream of bytes: a socket, or a stream of HTTP/2. Frames are those of ws, all else is here. */
import type { Duplex } from 'node:stream'
import type { WebSocketConnection, WebSocketListener } from '../../src/index.ts'
import { after } from '../connector/after.ts'
import { ownOf } from '../connector/options.ts'
import type { Fault } from '../exchange/progress.ts'
import type { Agreement } from './agreement.ts'
import { BROKEN_OFF } from './faults.ts'
import { checkGoodbye, FAREWELL } from './goodbye.ts'
import { payloadOf, type HeldDeflate } from './held-deflate.ts'
import { Inbox } from './inbox.ts'
import { codeFor, faultFor } from './misspoken.ts'
import { Parting } from './parting.ts'
import { Pongs } from './pongs.ts'
import { Receiver, Sender } from './ws.ts'

/** Smaller messages do not get smaller. */
const WORTH_COMPRESSING = 1024

/** Of how many pieces a message may be made. Each is an object, however few bytes it has. */
const MOST_PIECES = 65_536

const NOTHING = Buffer.alloc(0)

/** Who has it. */
export interface ConversationOwner {
  /** Calls what listens, where it listens. What that throws is the owner's affair. */
  call(work: () => void): void
  /** Both have said goodbye, or nobody waits for that any more. */
  concluded(): void
  /** It broke. */
  broken(fault: Fault, cause: unknown): void
  /** Ends the stream at once. */
  sever(): void
}

/** Speaks for the client. */
export class Conversation implements WebSocketConnection {
  readonly protocol: string
  readonly pings = true
  readonly #wire: Duplex
  readonly #owner: ConversationOwner
  readonly #most: number
  readonly #deflate: HeldDeflate | undefined
  readonly #receiver: Receiver
  readonly #sender: Sender
  readonly #pongs: Pongs
  readonly #parting: Parting
  readonly #inbox = new Inbox(() => {
    this.#flow()
  })
  #buffered = 0
  /** The receiver has more than it can read at once. */
  #full = false
  /** The peer has said its last word, whichever. */
  #deaf = false
  #over = false
  #fault: Error | undefined
  /** How the peer said goodbye. */
  #goodbye = { code: 1006, reason: '' }
  #stopFarewell: (() => void) | undefined

  constructor(wire: Duplex, { protocol, deflate }: Agreement, maxMessage: number, owner: ConversationOwner) {
    this.protocol = protocol
    this.#wire = wire
    this.#owner = owner
    this.#most = maxMessage
    this.#deflate = deflate
    // ws reads more options than are set here: none may come from a polluted `Object.prototype`.
    const extensions = ownOf(deflate === undefined ? {} : { 'permessage-deflate': deflate })
    this.#receiver = new Receiver(
      ownOf({
        allowSynchronousEvents: true,
        extensions,
        isServer: false,
        maxBufferedChunks: MOST_PIECES,
        maxFragments: MOST_PIECES,
        maxPayload: payloadOf(maxMessage),
      }),
    )
    this.#sender = new Sender(wire, extensions)
    this.#pongs = new Pongs(this.#sender)
    this.#parting = new Parting(wire, this.#sender, () => {
      owner.sever()
    })
    this.#hearWire()
    this.#hearFrames()
    this.#flow()
  }

  get compressed(): boolean {
    return this.#deflate !== undefined
  }
  get bufferedAmount(): number {
    return this.#buffered
  }

  listen(listener: WebSocketListener): void {
    this.#inbox.listen(listener)
  }

  pause(): void {
    this.#inbox.pause()
  }

  resume(): void {
    this.#inbox.resume()
  }

  send(data: string | Uint8Array, taken?: () => void): void {
    if (this.#mute) return
    const binary = typeof data !== 'string'
    const size = binary ? data.length : Buffer.byteLength(data)
    const compress = this.#deflate !== undefined && size >= WORTH_COMPRESSING
    this.#buffered += size
    // What waits to be compressed is read later, when it may be something else.
    const bytes = binary && compress ? data.slice() : data
    this.#sender.send(bytes, { binary, compress, fin: true, mask: true }, error => {
      this.#buffered -= size
      if ((error === undefined || error === null) && !this.#over && taken !== undefined) this.#owner.call(taken)
    })
  }

  ping(): void {
    if (!this.#mute) this.#sender.ping(NOTHING, true)
  }

  close(code?: number, reason = ''): void {
    checkGoodbye(code, reason)
    if (this.#mute) return
    this.#say(code, reason)
    // Also for a reader that holds back what the peer says to it.
    this.#stopFarewell = after(FAREWELL, () => {
      this.#conclude()
      this.#owner.sever()
    })
  }

  /** Nobody wants it any more. What was said before a goodbye still gets there. */
  abort(): void {
    const politely = this.#parting.said && !this.#over
    this.#end()
    if (politely) this.#parting.leave()
    else this.#owner.sever()
  }

  /** Nothing can be said any more. */
  get #mute(): boolean {
    return this.#parting.said || this.#deaf || this.#over
  }

  #hearWire(): void {
    const wire = this.#wire
    wire.on('data', (bytes: Buffer) => {
      // What comes behind the last word is read so that the stream can end, and thrown away.
      if (this.#deaf || this.#receiver.write(bytes)) return
      this.#full = true
      this.#flow()
    })
    wire.on('error', (error: Error) => {
      this.#fault ??= error
    })
    // What arrived before is heard before.
    wire.once('end', () => {
      this.#ended()
    })
    wire.once('close', () => {
      this.#ended()
      if (this.#over) this.#deflate?.cleanup()
    })
  }

  #hearFrames(): void {
    const receiver = this.#receiver
    receiver.on('drain', () => {
      this.#full = false
      this.#flow()
    })
    receiver.on('message', (data, binary) => {
      const message = binary ? ownBytes(data) : data.toString()
      this.#tell(listener => {
        listener.message(message)
      })
    })
    receiver.on('ping', data => {
      this.#pongs.answer(data)
    })
    receiver.on('pong', () => {
      this.#tell(listener => {
        listener.pong()
      })
    })
    receiver.on('conclude', (code, reason) => {
      if (this.#deaf) return
      this.#goodbye = { code, reason: reason.toString() }
      // A goodbye is answered with its code (RFC 6455 §5.5.1).
      this.#lastWord(code === 1005 ? undefined : code, () => {
        this.#conclude()
      })
    })
    receiver.on('error', error => {
      if (this.#deaf) return
      this.#lastWord(codeFor(error), () => {
        this.#break(faultFor(error, this.#most), error)
      })
    })
    receiver.on('finish', () => {
      if (!this.#deaf) this.#brokenOff()
    })
    this.#sender.onerror = error => {
      this.#fault ??= error
      this.#brokenOff()
    }
  }

  #ended(): void {
    if (!this.#receiver.writableEnded && !this.#receiver.destroyed) this.#receiver.end()
  }

  /** The peer is heard no further: we say goodbye, unless we have, and then it is over. */
  #lastWord(code: number | undefined, then: () => void): void {
    this.#deaf = true
    if (!this.#parting.said) this.#say(code, '')
    this.#parting.leave()
    this.#inbox.put(() => {
      this.#parting.whenTaken(then)
    })
  }

  /** The stream ended without a goodbye. Who was said goodbye to may do that. */
  #brokenOff(): void {
    this.#deaf = true
    this.#inbox.put(() => {
      if (this.#parting.said) this.#conclude()
      else this.#break(BROKEN_OFF, this.#fault)
      this.#owner.sever()
    })
  }

  #say(code: number | undefined, reason: string): void {
    this.#pongs.stop()
    this.#parting.say(code, reason)
  }

  #conclude(): void {
    if (this.#over) return
    const { code, reason } = this.#goodbye
    this.#owner.call(() => {
      this.#inbox.listener?.closed(code, reason)
    })
    // Whoever hears of it may leave.
    if (this.#isOver()) return
    this.#end()
    this.#owner.concluded()
  }

  #break(fault: Fault, cause: unknown): void {
    if (this.#over) return
    this.#end()
    this.#owner.broken(fault, cause)
  }

  #isOver(): boolean {
    return this.#over
  }

  #end(): void {
    this.#over = true
    this.#deaf = true
    this.#stopFarewell?.()
    this.#pongs.stop()
    this.#inbox.end()
    // What is still compressed finds out by the stream that nobody wants it.
    if (this.#wire.destroyed) this.#deflate?.cleanup()
  }

  /** Tells whoever listens. */
  #tell(work: (listener: WebSocketListener) => void): void {
    this.#inbox.put(listener => {
      this.#owner.call(() => {
        work(listener)
      })
    })
  }

  /** Lets the peer go on, or holds it back. */
  #flow(): void {
    if (this.#parting.leaving) return
    const { wants } = this.#inbox
    if (wants) this.#deflate?.release()
    else this.#deflate?.hold()
    if (wants && !this.#full) this.#wire.resume()
    else this.#wire.pause()
  }
}

/** Bytes that stay as they are, and keep no more memory than they need. */
function ownBytes(data: Buffer): Uint8Array {
  if (data.length * 2 < data.buffer.byteLength) return new Uint8Array(data)
  return new Uint8Array(data.buffer, data.byteOffset, data.length)
}
