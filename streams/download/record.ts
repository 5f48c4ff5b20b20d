/** What a later process has to know of the bytes that are there: a small file beside them. */
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { isRepresentation, type Representation } from '../../src/index.ts'
import { MOST_RANGES, Range } from './range.ts'

/** By what the bytes are known, and where they come from. */
export interface Known extends Representation {
  readonly origin: string | undefined
}

/** The bytes of a file that is not whole yet. */
export interface PartRecord {
  /** Part of the name of the file that holds them. */
  readonly id: string
  /** Digest of the url they come from: the url may hold secrets. */
  readonly resource: string
  /** Missing when they cannot be continued. */
  readonly what: Known | undefined
  /** The ranges; missing for one, whose end is the end of the file. */
  readonly ranges: readonly Range[] | undefined
  /** The process that is still at it; missing when it was left. */
  readonly writer: number | undefined
}

/** The most bytes a record can have. */
const MOST = 64 * 1024
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants
// Windows has none.
const { O_NONBLOCK } = constants as { readonly O_NONBLOCK?: number }

/** Where the record of a file stands. */
export function recordOf(file: string): string {
  return `${file}.part.json`
}

/** Where the bytes stand. */
export function bytesOf(file: string, id: string): string {
  return `${file}.${id}.part`
}

/** Where a record stands until all of it is written. */
function besideOf(file: string, id: string): string {
  return `${recordOf(file)}.${id}`
}

/** Writes a record, all of it or nothing. */
export function write(file: string, record: PartRecord): void {
  const beside = besideOf(file, record.id)
  const { id, resource, what, ranges, writer } = record
  const places = ranges?.map(({ start, at, end }) => [start, at, end])
  const bytes = Buffer.from(JSON.stringify({ id, resource, what, ranges: places, writer }))
  remove(beside)
  try {
    const handle = openSync(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      // A disk that is almost full takes less than it is given, and says so with the next write.
      for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at)
    } finally {
      closeSync(handle)
    }
    renameSync(beside, recordOf(file))
  } catch (error) {
    remove(beside)
    throw error
  }
}

/** Reads a record, if there is one that we may have written; what it says is not believed further than it is checked. */
export function read(file: string): PartRecord | undefined {
  let handle: number
  try {
    // A pipe in its place would have us wait until somebody writes.
    handle = openSync(recordOf(file), O_RDONLY | O_NOFOLLOW | (O_NONBLOCK ?? 0))
  } catch {
    return undefined
  }
  try {
    const stat = fstatSync(handle)
    return stat.isFile() && isMine(stat.uid) && stat.size <= MOST ? parse(readFileSync(handle, 'utf8')) : undefined
  } catch {
    return undefined
  } finally {
    closeSync(handle)
  }
}

/** Removes bytes, and what was written of their record besides the record itself. */
export function removeBytes(file: string, id: string): void {
  remove(bytesOf(file, id))
  remove(besideOf(file, id))
}

/** Removes a file that may be gone already. */
export function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Gone, or not ours to remove.
  }
}

/** Tells whether a file belongs to whoever runs this. */
export function isMine(uid: number): boolean {
  return process.getuid === undefined || uid === process.getuid()
}

function parse(text: string): PartRecord | undefined {
  const given: unknown = JSON.parse(text)
  if (typeof given !== 'object' || given === null) return undefined
  const { id, resource, what, ranges, writer } = Object.assign(
    Object.create(null) as { [K in keyof PartRecord]: unknown },
    given,
  )
  if (typeof id !== 'string' || !/^[0-9a-f]{16}$/.test(id) || typeof resource !== 'string') return undefined
  const common = { id, resource, writer: isProcess(writer) ? writer : undefined }
  if (!isKnown(what)) return { ...common, what: undefined, ranges: undefined }
  if (ranges === undefined) return { ...common, what, ranges: undefined }
  const parsed = rangesOf(ranges, what.total)
  // Without them the size of the file would be taken for how far it has come.
  return { ...common, what: parsed && what, ranges: parsed }
}

function isProcess(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function isKnown(value: unknown): value is Known {
  return isRepresentation(value) && Object.hasOwn(value, 'origin') && typeof (value as Known).origin === 'string'
}

/** Ranges that follow each other from the first byte to the last. */
function rangesOf(given: unknown, total: number): readonly Range[] | undefined {
  if (!Array.isArray(given) || given.length > MOST_RANGES) return undefined
  let next = 0
  const ranges: Range[] = []
  for (const one of given as readonly unknown[]) {
    if (!Array.isArray(one) || one.length !== 3 || !one.every(Number.isSafeInteger)) return undefined
    const [start, at, end] = one as [number, number, number]
    if (start !== next || at < start || at > end || end <= start) return undefined
    next = end
    ranges.push(new Range(start, end, at))
  }
  return next === total && ranges.length > 0 ? ranges : undefined
}
