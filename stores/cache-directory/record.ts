/**
 * An entry as a file: 8 bytes of mark, 4 bytes that count the description, 32 bytes of its SHA-256, the description as JSON, the body,
 * and 32 bytes of SHA-256 of all that came before. A file that was cut, or changed in any bit, is found out.
 */
import { createHash } from 'node:crypto'
import type { CacheMeta } from '../../plugins/cache.ts'

/** What a file says of itself before the body. */
export interface Description {
  readonly id: string
  /** The hash of its key, so that a file under another's name is found out. */
  readonly key: string
  readonly variant: string
  readonly meta: CacheMeta
}

const MARK = Buffer.from('sluice/1', 'latin1')
const HASH = 32
/** Mark, count and hash. */
export const HEAD: number = MARK.length + 4 + HASH
/** The hash at the end. */
export const TAIL: number = HASH
/** The longest description; headers of an answer are far shorter. */
export const MOST_DESCRIBED: number = 1024 * 1024

/** Writes the head and the description. Throws a `RangeError` for one that is too long. */
export function described(description: Description): Buffer {
  const json = Buffer.from(JSON.stringify(description))
  if (json.length > MOST_DESCRIBED) throw new RangeError(`a description of ${json.length} bytes is too long`)
  const count = Buffer.alloc(4)
  count.writeUInt32BE(json.length)
  return Buffer.concat([MARK, count, sha256(json), json])
}

/** How long the description is; `undefined` when this is the head of nothing we wrote. */
export function describedLength(head: Buffer): number | undefined {
  if (head.length < HEAD || !head.subarray(0, MARK.length).equals(MARK)) return undefined
  const length = head.readUInt32BE(MARK.length)
  return length <= MOST_DESCRIBED ? length : undefined
}

/** Reads the description from the beginning of a file; `undefined` when it is not whole or not as it was written. */
export function readDescription(start: Buffer): Description | undefined {
  const length = describedLength(start)
  if (length === undefined || start.length < HEAD + length) return undefined
  const json = start.subarray(HEAD, HEAD + length)
  if (!sha256(json).equals(start.subarray(HEAD - HASH, HEAD))) return undefined
  try {
    const read: unknown = JSON.parse(json.toString())
    return isDescription(read) ? read : undefined
  } catch {
    return undefined
  }
}

/** How long the body is in a file of so many bytes; less than 0 when it cannot be. */
export function sizeOfBody(start: Buffer, file: number): number {
  const length = describedLength(start)
  return length === undefined ? -1 : file - HEAD - length - TAIL
}

/** Reads a whole file; `undefined` when anything in it is not as it was written. */
export function readRecord(file: Buffer): { readonly description: Description; readonly body: Uint8Array } | undefined {
  const description = readDescription(file)
  const length = describedLength(file)
  const end = file.length - TAIL
  if (description === undefined || length === undefined || end < HEAD + length) return undefined
  if (!sha256(file.subarray(0, end)).equals(file.subarray(end))) return undefined
  // A plain array: what a Buffer calls slice() is no copy.
  return { description, body: new Uint8Array(file.buffer, file.byteOffset + HEAD + length, end - HEAD - length) }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function isDescription(read: unknown): read is Description {
  if (typeof read !== 'object' || read === null) return false
  const { id, key, variant, meta } = read as Partial<Description>
  const texts = typeof id === 'string' && typeof key === 'string' && typeof variant === 'string'
  return texts && typeof meta === 'object' && (meta as object | null) !== null && typeof meta.until === 'number'
}
