/** What is known of the answers to one url: one value, as text with a checksum in front. */
import { createHash } from 'node:crypto'
import type { CacheMeta } from '../../plugins/cache.ts'

/** What is known of one answer. Its body is a value of its own. */
export interface Listed {
  readonly id: string
  readonly variant: string
  readonly meta: CacheMeta
  readonly size: number
  /** SHA-256 of the body, in hexadecimal digits. */
  readonly sum: string
  /** Until when the value of the body is kept, in milliseconds since the epoch. */
  readonly kept: number
}

const SUM = 64

/** Writes a list. */
export function write(list: readonly Listed[]): string {
  const json = JSON.stringify(list)
  return sumOf(json) + json
}

/** Reads a list; an empty one for what is none, or is not as it was written. */
export function read(text: unknown): readonly Listed[] {
  if (typeof text !== 'string') return []
  const json = text.slice(SUM)
  if (sumOf(json) !== text.slice(0, SUM)) return []
  try {
    const list: unknown = JSON.parse(json)
    return Array.isArray(list) ? list.filter(isListed) : []
  } catch {
    return []
  }
}

/** The checksum of a text or of bytes, in hexadecimal digits. */
export function sumOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function isListed(value: unknown): value is Listed {
  if (typeof value !== 'object' || value === null) return false
  const { id, variant, meta, size, sum, kept } = value as Partial<Listed>
  const texts = typeof id === 'string' && typeof variant === 'string' && typeof sum === 'string'
  const numbers = typeof size === 'number' && typeof kept === 'number'
  return (
    texts && numbers && typeof meta === 'object' && (meta as object | null) !== null && typeof meta.until === 'number'
  )
}
