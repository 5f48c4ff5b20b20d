/** Signatures, as @smithy/signature-v4 makes them, with the hashes of the platform. */
import { hashing, hmac } from '#hashing'
import { getSigningKey, SignatureV4 } from '@smithy/signature-v4'
import { concat, config, describe, type HttpHeaders, type HttpRequest } from '../../src/index.ts'
import type { Held } from './credentials.ts'
import { strictUrl } from './strict-url.ts'

/** For whom a signature is. */
export interface Scope {
  readonly region: string
  readonly service: string
}

/** A request with its signature, and what further signatures are made of. */
export interface Signed {
  readonly request: HttpRequest
  /** In hexadecimal. */
  readonly signature: string
  /** As it is signed, as in `20150830T123600Z`. */
  readonly date: string
  /** As it is signed, as in `20150830/us-east-1/s3/aws4_request`. */
  readonly scope: string
}

/** What others put on a request or change on it further in, and what the way may change. All of it arrives unsigned. */
const UNSIGNED: ReadonlySet<string> = new Set([
  '__proto__',
  'accept-encoding',
  'authorization',
  'baggage',
  'cookie',
  'date',
  'host',
  'if-modified-since',
  'if-none-match',
  'traceparent',
  'tracestate',
  'want-content-digest',
  'x-amz-date',
  'x-amz-security-token',
])

/** True for the services whose urls are encoded once, and that want the hash of the body with every request. */
export function isS3({ service }: Scope): boolean {
  return /^s3(?:-|express$|$)/.test(service)
}

/** Signs a request as it stands. What its header `x-amz-content-sha256` says stands for the body, else the body itself. */
export async function sign(request: HttpRequest, held: Held, scope: Scope, now: number): Promise<Signed> {
  const { url, path, query } = strictUrl(request)
  const { sessionToken } = held
  // Every option is named, so that none is read from the prototype of everything.
  const signer = new SignatureV4({
    applyChecksum: false,
    credentials: bare(held),
    region: scope.region,
    service: scope.service,
    sha256: Sha256,
    uriEscapePath: !isS3(scope),
  })
  const { host, hostname, protocol } = new URL(request.origin)
  const lines = signable(request)
  const headers = { ...lines, host }
  const { body, method } = request
  const bytes = body instanceof Uint8Array ? body : undefined
  const { headers: signed } = await signer.sign(
    { method, protocol, hostname, path, query, headers, body: bytes },
    {
      signingDate: new Date(now),
      signableHeaders: NO_NAMES,
      unsignableHeaders: NO_NAMES,
      signingRegion: scope.region,
      signingService: scope.service,
    },
  )
  const { authorization = '', 'x-amz-date': date = '' } = signed
  const made: Record<string, string> = { 'x-amz-date': date, authorization }
  if (sessionToken !== undefined) made['x-amz-security-token'] = sessionToken
  return {
    request: request.with({ url, headers: joined(request.headers, lines).delete('x-amz-security-token').merge(made) }),
    signature: /Signature=([0-9a-f]+)$/.exec(authorization)?.[1] ?? '',
    date,
    scope: /Credential=[^/]+\/([^,]+),/.exec(authorization)?.[1] ?? '',
  }
}

const NO_NAMES: Set<string> = new Set()

/** The key that signs for a day, region and service. */
export function signingKey(held: Held, { region, service }: Scope, date: string): Promise<Uint8Array> {
  return getSigningKey(Sha256, bare(held), date.slice(0, 8), region, service)
}

/** The credentials for the library, with nothing behind them. */
function bare({ accessKeyId, secretAccessKey, sessionToken }: Held): BareCredentials {
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  return Object.assign(Object.create(null) as object, credentials)
}

interface BareCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

function signable(request: HttpRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [field] of request.headers) {
    const name = field.toLowerCase()
    if (UNSIGNED.has(name) || Object.hasOwn(headers, name)) continue
    headers[name] = lineOf(request, request.headers, name)
  }
  return headers
}

/** Several lines of a name are signed as one. */
function lineOf(request: HttpRequest, headers: HttpHeaders, name: string): string {
  const line = headers
    .getAll(name)
    .map(value => value.trim())
    .join(',')
  if (!/[^\t\x20-\x7e]/.test(line)) return line
  throw config(
    `${describe(request)} has in its header ${name} characters that servers read in more than one way, which cannot be signed; encode them (RFC 2047, RFC 8187).`,
  )
}

/** And are sent as one: platforms join them with a space behind the comma, which is another value. */
function joined(headers: HttpHeaders, lines: Readonly<Record<string, string>>): HttpHeaders {
  if (headers.size === Object.keys(lines).length) return headers
  return Object.entries(lines).reduce(
    (all, [name, line]) => (all.getAll(name).length > 1 ? all.set(name, line) : all),
    headers,
  )
}

/** SHA-256, and with a secret HMAC, in the form the library asks for. */
class Sha256 {
  readonly #secret: Uint8Array | undefined
  #parts: Uint8Array[] = []

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret)
  }

  update(bytes: string | ArrayBuffer | ArrayBufferView): void {
    this.#parts.push(bytesOf(bytes))
  }

  digest(): Promise<Uint8Array> {
    const secret = this.#secret
    if (secret !== undefined) return Promise.resolve(hmac('sha-256', secret, concat(this.#parts)))
    const hash = hashing('sha-256')
    for (const part of this.#parts) hash.update(part)
    return Promise.resolve(hash.digest())
  }

  reset(): void {
    this.#parts = []
  }
}

const encoder = new TextEncoder()

function bytesOf(given: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof given === 'string') return encoder.encode(given)
  if (given instanceof ArrayBuffer) return new Uint8Array(given)
  return new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
}
