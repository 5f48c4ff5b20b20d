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
import { codeFor, faultFor } from './misspoken.ts'
import { Receiver, Sender } from './ws.ts'

/** Smaller messages do not get smaller. */
const WORTH_COMPRESSING = 1024

/** How long a stream may take to end behind the last word, in milliseconds. */
const LINGER = 1000

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
  /** What was heard and is held back, in its order. */
  readonly #held: ((listener: WebSocketListener) => void)[] = []
  #listener: WebSocketListener | undefined
  #buffered = 0
  #paused = false
  #telling = false
  /** The receiver has more than it can read at once. */
  #full = false
  /** Our goodbye was said. */
  #closing = false
  /** Also that was taken. */
  #saidAll = false
  #onSaid: (() => void) | undefined
  /** The peer has said its last word, whichever. */
  #deaf = false
  #over = false
  #fault: Error | undefined
  /** What the newest ping said that is not answered, while an answer is on its way. */
  #asked: Buffer | undefined
  #answering = false
  #stopFarewell: (() => void) | undefined
  #stopLinger: (() => void) | undefined

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
    this.#hear()
  }

  get compressed(): boolean {
    return this.#deflate !== undefined
  }
  get bufferedAmount(): number {
    return this.#buffered
  }

  listen(listener: WebSocketListener): void {
    this.#listener = listener
    this.#tell()
  }

  pause(): void {
    this.#paused = true
    this.#flow()
  }

  resume(): void {
    this.#paused = false
    this.#tell()
  }

  send(data: string | Uint8Array, taken?: () => void): void {
    if (this.#closing || this.#deaf || this.#over) return
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
    if (this.#closing || this.#deaf || this.#over) return
    this.#sender.ping(NOTHING, true)
  }

  close(code?: number, reason = ''): void {
    checkGoodbye(code, reason)
    if (this.#closing || this.#deaf || this.#over) return
    this.#closing = true
    this.#sayGoodbye(code, reason)
    this.#stopFarewell = after(FAREWELL, () => {
      this.#conclude(1006, '')
      this.#owner.sever()
    })
  }

  /** Nobody wants it any more. What was said before goodbye still gets there. */
  abort(): void {
    const politely = this.#closing && !this.#over
    this.#end()
    if (politely) this.#leave()
    else this.#owner.sever()
  }

  #hear(): void {
    const wire = this.#wire
    const receiver = this.#receiver
    wire.on('data', (bytes: Buffer) => {
      // What comes behind the last word is read so that the stream can end, and thrown away.
      if (this.#deaf) return
      if (!receiver.write(bytes)) {
        this.#full = true
        this.#flow()
      }
    })
    wire.on('error', (error: Error) => {
      this.#fault ??= error
    })
    // What arrived before is heard before.
    wire.once('end', () => {
      this.#ended()
    })
    wire.once('close', () => {
      this.#stopLinger?.()
      this.#ended()
      if (this.#over) this.#deflate?.cleanup()
    })
    receiver.on('drain', () => {
      this.#full = false
      this.#flow()
    })
    receiver.on('message', (data, binary) => {
      const message = binary ? ownBytes(data) : data.toString()
      this.#say(listener => {
        listener.message(message)
      })
    })
    receiver.on('ping', data => {
      this.#answer(data)
    })
    receiver.on('pong', () => {
      this.#say(listener => {
        listener.pong()
      })
    })
    receiver.on('conclude', (code, reason) => {
      this.#concluded(code, reason.toString())
    })
    receiver.on('error', error => {
      this.#misspoken(error)
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

  /** Answers the newest ping, when the answer to the last one was taken: who only asks must not fill our memory. */
  #answer(data: Buffer): void {
    if (this.#closing || this.#over) return
    // A copy: it is a view of all that arrived with it.
    this.#asked = Buffer.from(data)
    if (this.#answering) return
    const next = (): void => {
      const asked = this.#asked
      this.#asked = undefined
      this.#answering = asked !== undefined && !this.#closing && !this.#over
      if (asked !== undefined && this.#answering) this.#sender.pong(asked, true, next)
    }
    next()
  }

  /** The peer says goodbye: so do we, with its code, unless we have. */
  #concluded(code: number, reason: string): void {
    if (this.#deaf) return
    this.#deaf = true
    this.#stopFarewell?.()
    if (this.#closing) this.#leave()
    else this.#sayLast(code === 1005 ? undefined : code)
    this.#then(() => {
      this.#whenSaid(() => {
        this.#conclude(code, reason)
      })
    })
  }

  /** The peer broke the rules, and is told so. */
  #misspoken(error: Error): void {
    if (this.#deaf) return
    this.#deaf = true
    this.#stopFarewell?.()
    if (this.#closing) this.#leave()
    else this.#sayLast(codeFor(error))
    this.#then(() => {
      this.#whenSaid(() => {
        this.#break(faultFor(error, this.#most), error)
      })
    })
  }

  /** The stream ended without a goodbye. Who was said goodbye to may do that. */
  #brokenOff(): void {
    this.#deaf = true
    this.#stopFarewell?.()
    this.#then(() => {
      if (this.#closing) this.#conclude(1006, '')
      else this.#break(BROKEN_OFF, this.#fault)
      this.#owner.sever()
    })
  }

  #sayLast(code: number | undefined): void {
    this.#closing = true
    this.#sayGoodbye(code, '')
    this.#leave()
  }

  #sayGoodbye(code: number | undefined, reason: string): void {
    this.#sender.close(code, reason, true, () => {
      this.#saidAll = true
      if (this.#stopLinger !== undefined) this.#wire.end()
      this.#onSaid?.()
    })
  }

  /** Waits until our goodbye was taken, or cannot be any more: whoever hears of the end may end the connection. */
  #whenSaid(work: () => void): void {
    if (this.#saidAll) work()
    else this.#onSaid = work
  }

  /** Ends the stream behind what was said, and waits for the peer to do so, not for long. */
  #leave(): void {
    if (this.#stopLinger !== undefined) return
    this.#deaf = true
    this.#stopLinger = after(LINGER, () => {
      this.#owner.sever()
    })
    // What is still being compressed goes before.
    if (this.#saidAll) this.#wire.end()
    this.#wire.resume()
  }

  #conclude(code: number, reason: string): void {
    if (this.#over) return
    this.#owner.call(() => {
      this.#listener?.closed(code, reason)
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
    this.#held.length = 0
    // What is still compressed finds out by the stream that nobody wants it.
    if (this.#wire.destroyed) this.#deflate?.cleanup()
  }

  /** Tells whoever listens, behind what is held back. */
  #say(work: (listener: WebSocketListener) => void): void {
    this.#then(listener => {
      this.#owner.call(() => {
        work(listener)
      })
    })
  }

  /** Does it behind what is held back. */
  #then(work: (listener: WebSocketListener) => void): void {
    this.#held.push(work)
    this.#tell()
  }

  #tell(): void {
    if (this.#telling) return
    this.#telling = true
    while (!this.#over && !this.#paused && this.#listener !== undefined) {
      const next = this.#held.shift()
      if (next === undefined) break
      next(this.#listener)
    }
    this.#telling = false
    this.#flow()
  }

  /** Lets the peer go on, or holds it back. */
  #flow(): void {
    if (this.#stopLinger !== undefined) return
    const wanted = this.#listener !== undefined && !this.#paused && !this.#over
    if (wanted) this.#deflate?.release()
    else this.#deflate?.hold()
    if (wanted && !this.#full) this.#wire.resume()
    else this.#wire.pause()
  }
}

/** Bytes that stay as they are, and keep no more memory than they need. */
function ownBytes(data: Buffer): Uint8Array {
  if (data.length * 2 < data.buffer.byteLength) return new Uint8Array(data)
  return new Uint8Array(data.buffer, data.byteOffset, data.length)
}
