/** What a platform sends of a request, and what it refuses to. */
import { describe, HttpError, type HttpRequest } from '../../src/index.ts'

/** Header fields that a browser sets itself, and drops without a word when anybody else does (Fetch standard). */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'accept-charset',
  'accept-encoding',
  'access-control-request-headers',
  'access-control-request-method',
  'connection',
  'cookie',
  'cookie2',
  'date',
  'dnt',
  'expect',
  'host',
  'keep-alive',
  'origin',
  'referer',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

/** Methods that no platform sends. */
const NEVER: ReadonlySet<string> = new Set(['TRACE', 'TRACK'])

/** Which of our engines can do what a platform cannot. */
const ABLE = 'undici, http2, http'

/** What of a request `engine` cannot send, as an error; `strict` platforms refuse header fields too. */
export function refusalOf(request: HttpRequest, engine: string, strict: boolean): HttpError | undefined {
  const { method, headers, body } = request
  if (NEVER.has(method.toUpperCase())) return unsupported(request, engine, `is not sent by this platform's ${engine}`)
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    return unsupported(request, engine, `has a body, which this platform's ${engine} does not send with ${method}`)
  if (!strict) return undefined
  for (const [field] of headers) {
    const name = field.toLowerCase()
    if (FORBIDDEN.has(name) || name.startsWith('proxy-') || name.startsWith('sec-'))
      return unsupported(request, engine, `has the header ${name}, which this platform sets itself or not at all`)
  }
  return undefined
}

/** The error of a body that could only be sent as it is produced. */
export function needsStreaming(request: HttpRequest, engine: string): HttpError {
  const what = `needs streamingUpload, which the engine ${engine} cannot do on this platform: its body has no length known beforehand; give bytes or a Blob`
  return unsupported(request, engine, what)
}

/** An error of a request that this platform does not send; `what` is a clause that follows the request's name. */
export function unsupported(request: HttpRequest, engine: string, what: string, cause?: unknown): HttpError {
  const others = `engines that can${engine === 'fetch' ? ', outside of browsers' : ''}: ${ABLE}`
  return new HttpError('UNSUPPORTED', `${describe(request, request.attempt)} ${what}; ${others}.`, {
    phase: 'config',
    request,
    attempt: request.attempt,
    requestWritten: 'no',
    cause,
  })
}

/** The header fields as pairs. The length is left out where the platform finds it out by itself. */
export function fieldsOf({ headers }: HttpRequest, withLength: boolean): [name: string, value: string][] {
  const fields: [string, string][] = []
  for (const [name, value] of headers)
    if (withLength || name.toLowerCase() !== 'content-length') fields.push([name, value])
  return fields
}
