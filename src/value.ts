/** What the value of an answer is: what a plugin reads from its body, else its JSON or its text. */
import { describe, HttpError } from './errors.ts'
import type { HttpResponse } from './response.ts'
import { Token } from './token.ts'

/** Makes a value of a whole answer, anew each time. Throws `BODY` when it cannot. */
export type ValueReader = (response: HttpResponse) => unknown

/** By this note a plugin says how `response.value()` reads the answer to a request. */
export const VALUE_READER: Token<ValueReader> = new Token<ValueReader>('valueReader')

const JSON_TYPE = /^\s*(?:(?:application|text)\/json|[^\s/;]+\/[^\s;]+\+json)\s*(?:;|$)/i
const TEXT_TYPE = /^\s*text\//i

/** Reads JSON as JSON and text as text. Throws `BODY` for anything else. */
export const readValue: ValueReader = response => {
  if (isBodiless(response)) return undefined
  const type = response.headers.get('content-type') ?? ''
  if (JSON_TYPE.test(type)) return response.json()
  if (TEXT_TYPE.test(type)) return response.text()
  throw unreadable(
    response,
    `has ${nameOfType(response)}, of which value() can make nothing; take its bytes, or install codecs() with a codec for it`,
  )
}

/** True for an answer that has no body to make a value of: by its method, by its status, or because there is nothing and no type of it. */
export function isBodiless({ bytes, status, headers, request }: HttpResponse): boolean {
  if (bytes.length > 0) return false
  return request.method === 'HEAD' || status === 204 || status === 205 || status === 304 || !headers.has('content-type')
}

/** Names the type of an answer in the middle of a sentence. */
export function nameOfType({ headers }: HttpResponse): string {
  const type = headers.get('content-type')
  if (type === undefined) return 'no content-type'
  return `the content-type ${JSON.stringify(type.length > 100 ? `${type.slice(0, 100)}…` : type)}`
}

/** Makes the error of a body that cannot be read as what it should be. `why` never quotes it. */
export function unreadable(response: HttpResponse, why: string, cause?: unknown): HttpError {
  const { request, status } = response
  return new HttpError('BODY', `The answer ${status} to ${describe(request)} ${why}.`, {
    phase: 'decode',
    request,
    response,
    cause,
  })
}
