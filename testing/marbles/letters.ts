/** The alphabet in which events of an exchange are written in a marble diagram. */
import { filter, map, type Observable } from 'rxjs'
import { isHttpError, type ErrorCode, type HttpEvent, type Phase } from '../../src/index.ts'

const LETTERS: Readonly<Record<HttpEvent['type'], string>> = {
  connection: 'c',
  sent: 's',
  progress: 'p',
  informational: 'i',
  notice: 'n',
  head: 'h',
  chunk: 'd',
  trailers: 't',
  response: 'r',
}

/** What is shown unless something else is wanted: not what every exchange has. */
export const USUAL = 'inhdtr'

/** An error in a diagram: its code, or code and phase, as in `TIMEOUT headers`. */
export type ErrorMark = ErrorCode | `${ErrorCode} ${Phase}`

/** Writes events as letters, leaving out those that are not in `shown`. */
export function lettersOf(source: Observable<HttpEvent>, shown: string): Observable<string> {
  return source.pipe(
    map(({ type }) => LETTERS[type]),
    filter(letter => shown.includes(letter)),
  )
}

/** Writes an error as precisely as `wanted` does; errors of others as they are. */
export function markOf(error: unknown, wanted: ErrorMark | undefined): unknown {
  if (!isHttpError(error)) return error
  return wanted?.includes(' ') === true ? `${error.code} ${error.phase ?? ''}` : error.code
}
