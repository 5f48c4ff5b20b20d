/** HPACK (RFC 7541): reads whatever a client sends, and writes the plainest form there is. */
import { CODE, ConnectionError } from './frames.ts'
import { unhuffman } from './huffman.ts'

/** One header field. */
export type Field = readonly [name: string, value: string]

/** Writes header fields as literals that nobody has to remember. Text is latin1. */
export function encodeFields(fields: Iterable<Field>): Buffer {
  const parts: Buffer[] = []
  for (const [name, value] of fields) parts.push(LITERAL, encodeString(name), encodeString(value))
  return Buffer.concat(parts)
}

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length < 0x7f) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const size: number[] = [0x7f]
  let left = bytes.length - 0x7f
  for (; left >= 0x80; left >>= 7) size.push((left & 0x7f) | 0x80)
  return Buffer.concat([Buffer.from([...size, left]), bytes])
}

/** Reads blocks of header fields, in the order in which they came: each may refer to what an earlier one said. */
export class FieldReader {
  readonly #known: Field[] = []
  #size = 0
  #limit = TABLE_SIZE

  /** Reads one block. Throws `ConnectionError`: with a block that cannot be read all later ones are lost. */
  read(block: Buffer): Field[] {
    try {
      return this.#fields(new Cursor(block))
    } catch (error) {
      throw new ConnectionError(CODE.compression, `the header fields cannot be read: ${(error as Error).message}`)
    }
  }

  #fields(cursor: Cursor): Field[] {
    const fields: Field[] = []
    while (cursor.more) {
      const first = cursor.peek
      if (first & 0x80) fields.push(this.#at(cursor.number(7)))
      else if ((first & 0xe0) === 0x20) {
        this.#limit = cursor.number(5)
        if (this.#limit > TABLE_SIZE) throw new Error(`a table of ${this.#limit} bytes was not offered`)
        this.#evict()
      } else {
        const keeps = (first & 0x40) !== 0
        const index = cursor.number(keeps ? 6 : 4)
        const name = index === 0 ? cursor.string() : this.#at(index)[0]
        const field: Field = [name, cursor.string()]
        fields.push(field)
        if (keeps) this.#remember(field)
      }
    }
    return fields
  }

  #at(index: number): Field {
    const field = index <= STATIC.length ? STATIC[index - 1] : this.#known[index - STATIC.length - 1]
    if (field === undefined) throw new Error(`there is no field ${index}`)
    return field
  }

  #remember(field: Field): void {
    this.#known.unshift(field)
    this.#size += sizeOf(field)
    this.#evict()
  }

  #evict(): void {
    while (this.#size > this.#limit) {
      const oldest = this.#known.pop()
      if (oldest === undefined) return
      this.#size -= sizeOf(oldest)
    }
  }
}

class Cursor {
  readonly #block: Buffer
  #at = 0

  constructor(block: Buffer) {
    this.#block = block
  }

  get more(): boolean {
    return this.#at < this.#block.length
  }

  get peek(): number {
    return this.#block.readUInt8(this.#at)
  }

  number(prefix: number): number {
    const most = (1 << prefix) - 1
    let value = this.#block.readUInt8(this.#at++) & most
    if (value < most) return value
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw new Error('a number is too long')
      const byte = this.#block.readUInt8(this.#at++)
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  string(): string {
    const huffman = (this.peek & 0x80) !== 0
    const length = this.number(7)
    if (this.#at + length > this.#block.length) throw new Error('a string is longer than its block')
    const bytes = this.#block.subarray(this.#at, (this.#at += length))
    return (huffman ? unhuffman(bytes) : bytes).toString('latin1')
  }
}

const LITERAL = Buffer.from([0])
/** What a peer may keep in mind of ours; the size every connection begins with. */
const TABLE_SIZE = 4096
const sizeOf = ([name, value]: Field): number => name.length + value.length + 32

/** The fields everybody knows (RFC 7541 Appendix A), as `name` or `name: value`. */
const STATIC: readonly Field[] =
  `:authority|:method: GET|:method: POST|:path: /|:path: /index.html|:scheme: http|:scheme: https
|:status: 200|:status: 204|:status: 206|:status: 304|:status: 400|:status: 404|:status: 500|accept-charset
|accept-encoding: gzip, deflate|accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization
|cache-control|content-disposition|content-encoding|content-language|content-length|content-location|content-range
|content-type|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range
|if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh
|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate`
    .replaceAll('\n', '')
    .split('|')
    .map(entry => {
      const at = entry.indexOf(': ')
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 2)]
    })
