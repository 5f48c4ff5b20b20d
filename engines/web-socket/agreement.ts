/** What is offered to a server, and what it agreed to (RFC 6455 §4, RFC 7692 §5). */
import { createHash, randomBytes } from 'node:crypto'
import type { WebSocketWish } from '../../src/index.ts'
import type { Fault } from '../exchange/progress.ts'
import { misanswered, protocolFault } from './faults.ts'
import { HeldDeflate } from './held-deflate.ts'
import { extension, PerMessageDeflate } from './ws.ts'

/** What both sides agreed to. */
export interface Agreement {
  readonly protocol: string
  readonly deflate: HeldDeflate | undefined
}

const DEFLATE = PerMessageDeflate.extensionName

/** Appended to the key by a server that understood it (RFC 6455 §1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** One offer to one server. */
export class Offer {
  readonly #wish: WebSocketWish
  readonly #key: string = randomBytes(16).toString('base64')
  readonly #deflate: HeldDeflate | undefined

  constructor(wish: WebSocketWish) {
    this.#wish = wish
    if (wish.compress) this.#deflate = new HeldDeflate(wish.maxMessage)
  }

  /** The fields that say so, name, value, name, value … */
  get fields(): string[] {
    const { protocols } = this.#wish
    const fields = ['Sec-WebSocket-Version', '13']
    if (protocols.length > 0) fields.push('Sec-WebSocket-Protocol', protocols.join(', '))
    if (this.#deflate !== undefined)
      fields.push('Sec-WebSocket-Extensions', extension.format({ [DEFLATE]: this.#deflate.offer() }))
    return fields
  }

  /** Those by which a connection of HTTP/1.1 is upgraded. */
  get upgrade(): string[] {
    return ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Key', this.#key]
  }

  /** What is wrong with the fields of a 101 beside what was agreed to; a proof of another key is the answer to somebody else. */
  upgradeFault(fields: readonly string[]): Fault | undefined {
    if (!listed(fields, 'connection', 'upgrade') || only(fields, 'upgrade')?.toLowerCase() !== 'websocket')
      return misanswered('101 Switching Protocols, but not to WebSocket')
    const proof = createHash('sha1')
      .update(this.#key + GUID)
      .digest('base64')
    if (only(fields, 'sec-websocket-accept') === proof) return undefined
    return misanswered('a Sec-WebSocket-Accept that does not fit the key it was sent')
  }

  /** Reads what the server agreed to, or says what is wrong with that. */
  read(fields: readonly string[]): Agreement | Fault {
    const chosen = all(fields, 'sec-websocket-protocol')
    if (chosen.length > 1) return misanswered('more than one sub-protocol')
    const [protocol = ''] = chosen
    return (
      protocolFault(protocol, this.#wish.protocols) ?? this.#extended(protocol, all(fields, 'sec-websocket-extensions'))
    )
  }

  #extended(protocol: string, given: readonly string[]): Agreement | Fault {
    if (given.length === 0) return { protocol, deflate: undefined }
    try {
      const { [DEFLATE]: answers, ...others } = extension.parse(given.join(', '))
      if (Object.keys(others).length > 0 || answers?.length !== 1 || this.#deflate === undefined)
        return misanswered('an extension that was not offered')
      this.#deflate.accept(answers)
      return { protocol, deflate: this.#deflate }
    } catch (error) {
      return misanswered(`an extension that cannot be: ${(error as Error).message}`)
    }
  }
}

function all(fields: readonly string[], name: string): string[] {
  return fields.flatMap((field, at) => (at % 2 === 0 && field.toLowerCase() === name ? [fields[at + 1] ?? ''] : []))
}

function only(fields: readonly string[], name: string): string | undefined {
  const found = all(fields, name)
  return found.length === 1 ? found[0]?.trim() : undefined
}

function listed(fields: readonly string[], name: string, token: string): boolean {
  return all(fields, name).some(value => value.split(',').some(one => one.trim().toLowerCase() === token))
}
