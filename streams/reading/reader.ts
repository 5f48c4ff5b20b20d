/** What all readers do alike: what they ask for, and which answers they do not read. */
import { EMPTY, type ObservableInput } from 'rxjs'
import { HttpHeaders, refusedLive, type Reader, type StreamingResponse } from '../../src/index.ts'

/**
 * Makes a reader. The request says `accept` unless it says something else. An answer that is no success (200–299) is not read as
 * what was asked for: it is the error `STATUS`, with the first 64 KiB of its body. 204 and 205 have nothing to read.
 */
export function reader<T>(
  accept: string | undefined,
  read: (response: StreamingResponse) => ObservableInput<T>,
): Reader<T> {
  const reading = (response: StreamingResponse): ObservableInput<T> => {
    if (!response.ok) return refuse(response)
    return response.status === 204 || response.status === 205 ? EMPTY : read(response)
  }
  if (accept === undefined) return reading
  const wanted = HttpHeaders.of({ accept })
  const prepare: Reader<T>['prepare'] = request => request.with({ headers: request.headers.fill(wanted) })
  return Object.assign(reading, { prepare })
}

async function refuse(response: StreamingResponse): Promise<never> {
  throw await refusedLive(response)
}
