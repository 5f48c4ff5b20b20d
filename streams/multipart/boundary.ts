/** What stands between the parts of an answer. */
import { delimiterOf, parametersOf, type StreamingResponse } from '../../src/index.ts'
import { fault } from '../reading/fault.ts'

/** The boundary `Content-Type` names, with what belongs before it. Throws `BODY` when there is none. */
export function boundaryOf(response: StreamingResponse): Uint8Array {
  const type = response.headers.get('content-type') ?? 'missing'
  const delimiter = /^multipart\/[^\s;]+/i.test(type) ? delimiterOf(parametersOf(type).get('boundary')) : undefined
  if (delimiter !== undefined) return delimiter
  const shown = type.length > 100 ? `${type.slice(0, 100)}…` : type
  throw fault(
    'BODY',
    response,
    'The content-type of',
    `must be multipart/… with a boundary (RFC 2046), and is ${JSON.stringify(shown)}`,
  )
}
