/** The body of a request on its way into the socket, at once or piece by piece, now or when the server asks for it. */
import type { EventObserver, HttpRequest } from '../../src/index.ts'
import { after } from '../connector/after.ts'
import { Upload } from '../exchange/upload.ts'
import type { Expecting } from './settings.ts'
import type { Wire } from './wire.ts'

/** Hears how sending goes. */
export interface SendingListener {
  /** All of the request is with the system. */
  sentAll(): void
  /** The server has taken nothing for so many milliseconds, which is longer than the request allows. */
  stalled(ms: number): void
  /** The source of the body failed. */
  sourceFailed(error: unknown): void
}

/** Bytes up to this size are as good as sent when they are written: the kernel takes them whatever the peer does. */
const AT_ONCE = 64 * 1024

/** Sends one body once, and stops its source exactly once when the exchange ends before it. */
export class Sending {
  readonly #body: HttpRequest['body']
  readonly #upload: Upload | undefined
  readonly #expecting: Expecting | undefined
  readonly #listener: SendingListener
  #wire: Wire | undefined
  #stopWaiting: (() => void) | undefined
  #begun = false
  #stopped = false

  constructor(
    request: HttpRequest,
    observer: EventObserver,
    expecting: Expecting | undefined,
    listener: SendingListener,
  ) {
    const { body } = request
    this.#body = body
    this.#listener = listener
    this.#upload = Upload.of(request, observer, ms => {
      listener.stalled(ms)
    })
    if (expecting !== undefined && body !== undefined && (body.length ?? Infinity) >= expecting.from)
      this.#expecting = expecting
  }

  /** True when the server is to ask for the body. */
  get waits(): boolean {
    return this.#expecting !== undefined
  }

  /** True while it still waits for that. */
  get held(): boolean {
    return this.waits && !this.#begun
  }

  /** Starts the source, unless the server has to ask first. Throws what the source throws. */
  open(): void {
    if (!this.waits) this.#upload?.open()
  }

  /** Gives the head to the request, and the body if that is bytes which may go now. */
  prepare(wire: Wire): void {
    this.#wire = wire
    if (this.waits || this.#given instanceof Upload) wire.flushHeaders()
    else this.#sendBytes(wire, this.#given)
  }

  /** The head is written: the body may follow. */
  flushed(): void {
    if (this.#expecting === undefined) this.#begin()
    else {
      this.#stopWaiting = after(this.#expecting.wait, () => {
        this.ask()
      })
    }
  }

  /** The server asks for the body, or took too long to. */
  ask(): void {
    if (!this.held || this.#stopped || this.#wire === undefined) return
    try {
      this.#upload?.open()
    } catch (error) {
      this.#listener.sourceFailed(error)
      return
    }
    if (!(this.#given instanceof Upload)) this.#sendBytes(this.#wire, this.#given)
    this.#begin()
  }

  /** The server has answered. A body it did not ask for by then is not sent. */
  answered(): void {
    if (this.held) this.stop()
  }

  /** Ends it. */
  stop(): void {
    this.#stopped = true
    this.#stopWaiting?.()
    this.#upload?.stop()
  }

  /** The body as it goes out: bytes as they are, unless somebody watches them go. */
  get #given(): Uint8Array | Upload | undefined {
    return this.#upload === undefined ? (this.#body as Uint8Array | undefined) : this.#upload.given
  }

  #begin(): void {
    this.#begun = true
    this.#stopWaiting?.()
    if (this.#given instanceof Upload) this.#pump(this.#given)
    else if ((this.#given?.length ?? 0) <= AT_ONCE && this.#upload === undefined) this.#listener.sentAll()
  }

  #sendBytes(wire: Wire, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) wire.end()
    else if (bytes.length <= AT_ONCE && this.#upload === undefined) wire.end(bytes)
    else {
      wire.end(bytes, () => {
        this.#upload?.took(bytes.length)
        this.#tookAll()
      })
    }
  }

  /** One piece at a time: the next one is asked for when the system has taken the last. */
  #pump(upload: Upload): void {
    upload.next().then(
      ({ done, value }) => {
        if (this.#stopped) return
        if (done) {
          this.#wire?.end(() => {
            this.#tookAll()
          })
          return
        }
        this.#wire?.write(value, error => {
          // What is wrong with the socket is heard from the request.
          if (this.#stopped || (error !== undefined && error !== null)) return
          upload.took(value.length)
          this.#pump(upload)
        })
      },
      (error: unknown) => {
        if (!this.#stopped) this.#listener.sourceFailed(error)
      },
    )
  }

  #tookAll(): void {
    if (this.#stopped) return
    this.#listener.sentAll()
    this.#upload?.tookAll()
  }
}
