/** What a service does with a signature: computes it again out of what arrived, by the words of Amazon's documentation and nothing of ours. */
import { createHash, createHmac } from 'node:crypto'

/** A request as it arrived. */
export interface Arrived {
  readonly method: string
  readonly target: string
  /** Name, value, name, value … */
  readonly rawHeaders: readonly string[]
  readonly body: Uint8Array
  /** In HTTP/2 the host is no field. */
  readonly host?: string
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Uint8Array, data: string) => createHmac('sha256', key).update(data).digest()

/** Throws with the reason when the signature is wrong; answers with the body, out of its chunks. */
export function verify(request: Arrived, secrets: Readonly<Record<string, string>>): Uint8Array {
  const all = (name: string) =>
    request.rawHeaders.filter((_, at) => at % 2 === 1 && request.rawHeaders[at - 1]?.toLowerCase() === name)
  const [authorization = ''] = all('authorization')
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    authorization,
  )
  if (parts === null) throw new Error(`no signature in ${authorization}`)
  const [, credential = '', signedHeaders = '', signature = ''] = parts
  const [id = '', day = '', region = '', service = '', end = ''] = credential.split('/')
  const secret = secrets[id]
  if (secret === undefined || end !== 'aws4_request') throw new Error('nobody knows this key')
  const [date = ''] = all('x-amz-date')
  if (!date.startsWith(`${day}T`)) throw new Error('the date is not that of the scope')
  const names = signedHeaders.split(';')
  for (const must of ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256', 'content-type', 'range']) {
    if ((must === 'host' || all(must).length > 0) && !names.includes(must)) throw new Error(`${must} is not signed`)
  }
  const [claimed] = all('x-amz-content-sha256')
  const hash = claimed ?? sha256(request.body)
  const fields = names.map(name => {
    const values = name === 'host' && all('host').length === 0 ? [request.host ?? ''] : all(name)
    if (values.length === 0) throw new Error(`${name} was signed and did not arrive`)
    return `${name}:${values.map(value => value.trim().replace(/ +/g, ' ')).join(',')}\n`
  })
  const canonical = [
    request.method,
    pathOf(request.target, service),
    queryOf(request.target),
    fields.join(''),
    signedHeaders,
    hash,
  ].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), service), 'aws4_request')
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`
  if (hmac(key, toSign).toString('hex') !== signature) throw new Error(`another signature for\n${canonical}`)
  if (claimed === 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD') {
    const body = verifyChunks(request.body, signature, (before, data) =>
      hmac(key, `AWS4-HMAC-SHA256-PAYLOAD\n${date}\n${scope}\n${before}\n${sha256('')}\n${sha256(data)}`).toString(
        'hex',
      ),
    )
    if (all('x-amz-decoded-content-length')[0] !== String(body.length)) throw new Error('another decoded length')
    if (!all('content-encoding')[0]?.startsWith('aws-chunked')) throw new Error('not said to be aws-chunked')
    return body
  }
  if (claimed !== undefined && claimed !== 'UNSIGNED-PAYLOAD' && claimed !== sha256(request.body)) {
    throw new Error('another body')
  }
  return request.body
}

function verifyChunks(bytes: Uint8Array, seed: string, sign: (before: string, data: Uint8Array) => string): Uint8Array {
  const body = Buffer.from(bytes)
  const found: Uint8Array[] = []
  let signature = seed
  for (let at = 0; ;) {
    const end = body.indexOf('\r\n', at)
    const head = /^([0-9a-f]+);chunk-signature=([0-9a-f]{64})$/.exec(body.toString('latin1', at, end))
    if (head === null) throw new Error(`no chunk at ${at}`)
    const size = Number.parseInt(head[1] ?? '', 16)
    const data = body.subarray(end + 2, end + 2 + size)
    signature = sign(signature, data)
    if (signature !== head[2]) throw new Error(`another signature of the chunk at ${at}`)
    found.push(data)
    at = end + 2 + size + 2
    if (body.toString('latin1', at - 2, at) !== '\r\n') throw new Error('a chunk of another length')
    if (size === 0) {
      if (at !== body.length) throw new Error('something behind the last chunk')
      return Buffer.concat(found)
    }
    if (size < 8192 && body[at] !== 0x30) throw new Error('a chunk that is too small')
  }
}

/** UriEncode() of the documentation, on bytes. */
function encode(bytes: Uint8Array): string {
  return [...bytes]
    .map(byte => {
      const char = String.fromCharCode(byte)
      return /[A-Za-z0-9\-._~]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

function decode(text: string): Uint8Array {
  return Buffer.from(
    text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

/** S3 encodes what it decoded; all others encode what arrived once more, without empty and dot segments. */
function pathOf(target: string, service: string): string {
  const [path = '/'] = target.split('?', 1)
  if (service === 's3')
    return path
      .split('/')
      .map(part => encode(decode(part)))
      .join('/')
  const parts = path.split('/').filter(part => part !== '')
  const tail = parts.length > 0 && path.endsWith('/') ? '/' : ''
  return `/${parts.map(part => encode(Buffer.from(part))).join('/')}${tail}`
}

function queryOf(target: string): string {
  const at = target.indexOf('?')
  if (at < 0) return ''
  return target
    .slice(at + 1)
    .split('&')
    .filter(pair => pair !== '')
    .map(pair => {
      const [name = '', ...value] = pair.replaceAll('+', ' ').split('=')
      return [encode(decode(name)), encode(decode(value.join('=')))] as const
    })
    .toSorted(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}
