/** What messages are, and what goes over the wire for them. */
import { shown } from '../../src/index.ts'

/** Turns messages into what is sent, and what is received into messages. */
export interface WebSocketCodec<In, Out> {
  /** Makes a text or bytes of a message. What it throws ends the WebSocket. */
  encode(message: Out): string | Uint8Array
  /** Makes a message of a text or bytes. What it throws is the cause of a `BODY` error. */
  decode(data: string | Uint8Array): In
}

/** The codecs that have a name. */
export type CodecName = 'json' | 'text' | 'binary'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const json: WebSocketCodec<unknown, unknown> = {
  encode(message) {
    const text: unknown = JSON.stringify(message)
    if (typeof text === 'string') return text
    throw new TypeError(`${shown(message)} has no form in JSON`)
  },
  decode(data) {
    const said = textOf(data)
    try {
      return JSON.parse(said) as unknown
    } catch {
      // The parser's own message quotes the text, which may hold secrets.
      throw new SyntaxError('The text is no valid JSON.')
    }
  },
}

const text: WebSocketCodec<unknown, unknown> = {
  encode(message) {
    if (typeof message === 'string') return message
    throw new TypeError(`it is ${shown(message)} where codec: 'text' sends strings`)
  },
  decode: textOf,
}

const binary: WebSocketCodec<unknown, unknown> = {
  encode(message) {
    if (message instanceof Uint8Array) return message
    if (message instanceof ArrayBuffer) return new Uint8Array(message)
    throw new TypeError(`it is ${shown(message)} where codec: 'binary' sends a Uint8Array or an ArrayBuffer`)
  },
  decode: data => (typeof data === 'string' ? encoder.encode(data) : data),
}

/** The codecs by their names. */
export const CODECS: Readonly<Record<CodecName, WebSocketCodec<unknown, unknown>>> = { json, text, binary }

function textOf(data: string | Uint8Array): string {
  return typeof data === 'string' ? data : decoder.decode(data)
}

/** Bytes of a message on the wire, without its frame. */
export function sizeOf(data: string | Uint8Array): number {
  return typeof data === 'string' ? encoder.encode(data).length : data.length
}
