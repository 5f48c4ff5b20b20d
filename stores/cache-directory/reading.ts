/** Reads the files of entries, and closes them. */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { unlessGone } from './failures.ts'
import type { Shape } from './known.ts'
import { describedLength, HEAD, MOST_DESCRIBED, readDescription, TAIL, type Description } from './record.ts'

/** What most descriptions fit into, so that one read does. */
const FIRST = 16 * 1024

/** Where the system can, looking at a file does not count as using it: `Places.use` says what does. */
const TO_READ = constants.O_RDONLY | ((constants as { readonly O_NOATIME?: number }).O_NOATIME ?? 0)

/** The beginning of a file. */
export interface Start {
  readonly start: Buffer
  readonly shape: Shape
  /** Missing when the file is none of ours, or not as it was written. */
  readonly description: Description | undefined
}

/** Reads what stands before the body; `undefined` when the file is gone. */
export function readStart(path: string): Promise<Start | undefined> {
  return opened(path, async file => {
    const shape = await file.stat()
    let start = await upTo(file, Math.min(shape.size, FIRST))
    const length = HEAD + (describedLength(start) ?? 0)
    if (length > start.length && length <= shape.size) start = await upTo(file, length)
    return { start, shape, description: readDescription(start) }
  })
}

/** Reads a whole file, and no more than one with a body of `most` bytes can have; `undefined` when it is gone. */
export function readAll(path: string, most: number): Promise<Buffer | undefined> {
  return opened(path, async file => {
    const { size } = await file.stat()
    return upTo(file, Math.min(size, HEAD + MOST_DESCRIBED + most + TAIL))
  })
}

async function opened<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
  const file = await unlessGone(open(path, TO_READ))
  if (file === undefined) return undefined
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

async function upTo(file: FileHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let at = 0
  while (at < length) {
    const { bytesRead } = await file.read(buffer, at, length - at, at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return buffer.subarray(0, at)
}
