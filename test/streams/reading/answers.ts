/** Live answers whose body is here already, in whatever pieces. */
import fc from 'fast-check'
import { defer, lastValueFrom, toArray } from 'rxjs'
import { StreamingResponse, HttpHeaders, type HeadersInit, type Reader } from 'sluice'
import { LiveBody } from '../../../src/live-body.ts'
import { aHead } from '../../src/samples.ts'

/** What is different about an answer. */
export interface Particulars {
  readonly headers?: HeadersInit
  readonly status?: number
  /** What breaks it off behind the last piece. */
  readonly error?: Error
}

/** An answer with these pieces for a body. */
export function answer(
  pieces: readonly (string | Uint8Array)[],
  { headers, status = 200, error }: Particulars = {},
): StreamingResponse {
  const body = new Pieces(
    pieces.map(piece => (typeof piece === 'string' ? bytesOf(piece) : piece)),
    error,
  )
  return new StreamingResponse(aHead({ status, headers: HttpHeaders.of(headers) }), body)
}

/** A body that is here, and is not moved about while it is read, however many pieces it has. */
class Pieces extends LiveBody {
  readonly #pieces: readonly Uint8Array[]
  readonly #error: Error | undefined
  #at = 0

  constructor(pieces: readonly Uint8Array[], error: Error | undefined) {
    super({ pause() {}, resume() {} })
    this.#pieces = pieces
    this.#error = error
  }

  override read(): Promise<Uint8Array | undefined> {
    const piece = this.#pieces[this.#at++]
    return piece === undefined && this.#error !== undefined ? Promise.reject(this.#error) : Promise.resolve(piece)
  }
}

/** Everything a reader makes of these pieces. */
export function readAll<T>(
  reader: Reader<T>,
  pieces: readonly (string | Uint8Array)[],
  particulars?: Particulars,
): Promise<T[]> {
  return lastValueFrom(defer(() => reader(answer(pieces, particulars))).pipe(toArray()))
}

/** What a reader makes of these pieces, and the error that comes then, if any. */
export async function readUntilError(
  reader: Reader<unknown>,
  pieces: readonly (string | Uint8Array)[],
  particulars?: Particulars,
): Promise<{ readonly got: unknown[]; readonly error: unknown }> {
  const got: unknown[] = []
  const error = await new Promise<unknown>(resolve => {
    defer(() => reader(answer(pieces, particulars))).subscribe({
      next: item => got.push(item),
      error: resolve,
      complete: () => {
        resolve(undefined)
      },
    })
  })
  return { got, error }
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Places to cut at, as parts of the whole. */
export const CUTS: fc.Arbitrary<readonly number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  maxLength: 20,
})

/** The bytes in pieces. */
export function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...cuts.map(place => Math.floor(place * bytes.length)), bytes.length].toSorted((a, b) => a - b)
  return places.map((place, at) => bytes.subarray(places[at - 1] ?? 0, place))
}

/** The bytes one by one. */
export function oneByOne(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
}
