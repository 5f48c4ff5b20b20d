/** Events out of bytes, to the letter of the standard. */
import { createParser, type ParserConfig } from 'eventsource-parser'
import type { HttpError } from '../../src/index.ts'
import { fault, type Origin } from '../reading/fault.ts'
import type { Emit, Parser } from '../reading/parser.ts'
import type { Place, ServerSentEvent } from './event.ts'
import { WholeLines } from './whole-lines.ts'

/** The longest id, in bytes: it has to fit into a header field when the stream is taken up again. */
const MOST_ID = 1_024

/** Thrown through the library when nobody wants more. */
const ENOUGH = new Error('Nobody wants more.')

/**
 * The parsing is eventsource-parser's. It is fed whole lines only: a line whose end it has to wait for it joins with everything that
 * comes with that end, so that each boundary between chunks would cost it a copy of a chunk.
 */
export class EventParser implements Parser<ServerSentEvent> {
  readonly #origin: Origin
  readonly #maxEvent: number | false
  readonly #place: Place
  readonly #library: { feed(text: string): void }
  readonly #lines: WholeLines
  #emit: Emit<ServerSentEvent> = () => false
  #retry: number | undefined
  /** Characters since the last event, or a little more; the library keeps no more of them. */
  #undispatched = 0

  constructor(origin: Origin, maxEvent: number | false, place: Place = { id: undefined, retry: undefined }) {
    this.#origin = origin
    this.#maxEvent = maxEvent
    this.#place = place
    const callbacks: ParserConfig = {
      onEvent: ({ event, data }) => {
        this.#dispatch(event, data)
      },
      onId: id => {
        if (longerThan(MOST_ID, id))
          throw fault('TOO_LARGE', origin, 'An event id in', `has more than ${MOST_ID} bytes`)
        place.id = id
      },
      onRetry: retry => {
        this.#retry = retry
        place.retry = retry
      },
      maxBufferSize: maxEvent === false ? undefined : maxEvent,
    }
    // Without a prototype: the library asks it for callbacks that are not given.
    this.#library = createParser(Object.assign(Object.create(null) as ParserConfig, callbacks))
    // The byte order mark is taken off below, where it cannot be mistaken for text that looks like its bytes. An empty line means
    // nothing, and tells the library that the time for one is over.
    this.#library.feed('\n')
    this.#lines = new WholeLines(text => {
      this.#feed(text)
    })
  }

  push(bytes: Uint8Array, emit: Emit<ServerSentEvent>): void {
    this.#emit = emit
    try {
      this.#lines.push(bytes)
    } catch (error) {
      if (error !== ENOUGH) throw error
    }
    const { waiting } = this.#lines
    // The name of a field is no part of its event.
    if (this.#maxEvent !== false && waiting > this.#maxEvent + 'data: '.length) throw this.#tooLong()
  }

  /** What was not ended by an empty line is dropped, as the standard says. */
  end(): void {
    this.#lines.forget()
  }

  #feed(text: string): void {
    const most = this.#undispatched + text.length
    this.#undispatched = most
    this.#library.feed(text)
    if (this.#undispatched === 0) this.#undispatched = text.length
    if (this.#maxEvent === false || most <= this.#maxEvent) return
    // The library says that an event became too long by taking nothing more.
    try {
      this.#library.feed('')
    } catch {
      throw this.#tooLong()
    }
  }

  #dispatch(event: string | undefined, data: string): void {
    if (this.#maxEvent !== false && longerThan(this.#maxEvent, data)) throw this.#tooLong()
    this.#undispatched = 0
    const retry = this.#retry
    this.#retry = undefined
    if (!this.#emit({ type: event ?? 'message', data, id: this.#place.id ?? '', retry })) throw ENOUGH
  }

  #tooLong(): HttpError {
    const what = `has more than the ${String(this.#maxEvent)} bytes that maxEvent allows`
    return fault('TOO_LARGE', this.#origin, 'An event in', what)
  }
}

/** Whether a text has more bytes of UTF-8; they are counted only when it is not clear. */
function longerThan(most: number, text: string): boolean {
  if (text.length * 3 <= most) return false
  return text.length > most || new TextEncoder().encode(text).length > most
}
