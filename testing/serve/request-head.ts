/** The head of a request, read strictly (RFC 9112 §2 to §6): what a careful server would refuse is refused. */

/** A request that is not HTTP as the RFC has it; answered with `status`, then the connection is closed. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The request line and the header fields. */
export interface RequestHead {
  readonly method: string
  readonly target: string
  readonly httpVersion: '1.0' | '1.1' | '2'
  readonly rawHeaders: readonly string[]
  readonly headers: Readonly<Record<string, string>>
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP\/1\.([01])$/
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Reads a head, given with its empty line at the end. Throws `BadRequest`. */
export function parseHead(block: Buffer): RequestHead {
  const [line = '', ...fields] = block.toString('latin1').slice(0, -4).split('\r\n')
  const match = REQUEST_LINE.exec(line)
  if (!match) throw new BadRequest(400, `this is no request line: ${JSON.stringify(line.slice(0, 200))}`)
  const [, method = '', target = '', minor] = match
  const rawHeaders = parseFields(fields)
  const headers = joined(rawHeaders)
  const httpVersion = minor === '0' ? '1.0' : '1.1'
  if (httpVersion === '1.1' && headers['host'] === undefined)
    throw new BadRequest(400, `${method} ${target} has no Host header`)
  return { method, target, httpVersion, rawHeaders, headers }
}

/** Reads the lines of a header or trailer section into name, value, name, value … Throws `BadRequest`. */
export function parseFields(lines: readonly string[]): string[] {
  return lines.flatMap(line => {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0))
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
    if (!NAME.test(name) || !VALUE.test(value)) {
      throw new BadRequest(400, `this is no header line: ${JSON.stringify(line.slice(0, 200))}`)
    }
    return [name, value]
  })
}

/** Tells how the body of a request is framed. Throws `BadRequest` for everything that can mean two things. */
export function framingOf(head: RequestHead): number | 'chunked' {
  const length = head.headers['content-length']
  const coding = head.headers['transfer-encoding']
  if (coding !== undefined) {
    if (length !== undefined) throw new BadRequest(400, 'the request has both Transfer-Encoding and Content-Length')
    if (coding.toLowerCase() !== 'chunked') throw new BadRequest(501, `Transfer-Encoding ${coding} is not chunked`)
    return 'chunked'
  }
  if (length === undefined) return 0
  if (!/^\d{1,15}$/.test(length)) throw new BadRequest(400, `Content-Length ${length} is not one plain number`)
  return Number(length)
}

/** Whether the client will send another request on this connection. */
export function wantsMore(head: RequestHead): boolean {
  const options = (head.headers['connection'] ?? '').toLowerCase().split(/[ \t]*,[ \t]*/)
  return head.httpVersion === '1.0' ? options.includes('keep-alive') : !options.includes('close')
}

/** Lower-case names; the lines of one name are joined with a comma (cookies with a semicolon). */
export function joined(rawHeaders: readonly string[]): Record<string, string> {
  // Without a prototype, a header named `constructor` or `__proto__` is a header and nothing else.
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    const value = rawHeaders[at + 1] ?? ''
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  return headers
}
