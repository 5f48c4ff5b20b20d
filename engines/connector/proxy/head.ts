/** The head of what a proxy answers, read by ourselves: not a byte of it is for anybody who reads answers of servers. */

/** How many bytes a head may have. */
const MOST = 64 * 1024

/** How many 1xx answers are taken before the answer. */
const MOST_INFORMATIONAL = 16

/** Status line and header fields. */
export interface ProxyHead {
  readonly httpVersion: '1.0' | '1.1'
  readonly status: number
  readonly statusText: string
  /** Names and values in turn, as they came. */
  readonly fields: readonly string[]
}

/** What came: a head and the bytes behind it, nothing that is whole yet, or why it cannot be one. */
export type HeadRead = { readonly head: ProxyHead; readonly rest: Buffer } | { readonly fault: string } | undefined

/** Gathers bytes until a head is whole. */
export class HeadReader {
  #bytes: Buffer = Buffer.alloc(0)
  #informational = 0

  /** Takes what came. A fault is a clause that follows the name of the proxy. */
  take(bytes: Uint8Array): HeadRead {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    for (;;) {
      const begun = this.#bytes.toString('latin1', 0, BEGINNING.length)
      if (!BEGINNING.startsWith(begun)) return { fault: 'answered with something that is not HTTP/1.1' }
      const end = this.#bytes.indexOf('\r\n\r\n')
      if (end < 0 ? this.#bytes.length > MOST : end > MOST)
        return { fault: `answered with a head of more than ${MOST} bytes` }
      if (end < 0) return undefined
      const head = parse(this.#bytes.toString('latin1', 0, end))
      const rest = this.#bytes.subarray(end + 4)
      if (head === undefined || head.status === 101) return { fault: 'answered with something that is not HTTP/1.1' }
      if (head.status >= 200) return { head, rest }
      if (++this.#informational > MOST_INFORMATIONAL)
        return { fault: `answered with more than ${MOST_INFORMATIONAL} informational answers` }
      this.#bytes = rest
    }
  }
}

const BEGINNING = 'HTTP/1.'
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/
const FIELD = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/

function parse(text: string): ProxyHead | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const status = STATUS_LINE.exec(first)
  if (status === null) return undefined
  const fields: string[] = []
  for (const line of lines) {
    const field = FIELD.exec(line)
    if (field === null) return undefined
    fields.push(field[1] ?? '', field[2] ?? '')
  }
  const [, minor, code, statusText = ''] = status
  return { httpVersion: minor === '0' ? '1.0' : '1.1', status: Number(code), statusText, fields }
}

/** All values of a field, in their order. */
export function valuesOf(fields: readonly string[], name: string): readonly string[] {
  return fields.filter((_, at) => at % 2 === 1 && fields[at - 1]?.toLowerCase() === name)
}
