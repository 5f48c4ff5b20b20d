/** A piece of a file, and how far it has come. */
export class Range {
  start: number
  /** The offset of the next byte that is missing. */
  at: number
  /** Where it ends, exclusively; unknown until the server says so. */
  end: number | undefined

  constructor(start = 0, end?: number, at: number = start) {
    this.start = start
    this.end = end
    this.at = at
  }

  /** True when nothing of it is missing. */
  isFull(): boolean {
    return this.end !== undefined && this.at >= this.end
  }

  get loaded(): number {
    return this.at - this.start
  }
}

/** The most ranges a download can have at the same time. */
export const MOST_RANGES = 16

/** The least a range is worth a request of its own for, in bytes. */
const LEAST = 1024 * 1024

/** Cuts a file into `most` ranges or fewer. */
export function cut(total: number, most: number): readonly Range[] {
  const many = Math.max(1, Math.min(most, Math.floor(total / LEAST)))
  const size = Math.ceil(total / many)
  return Array.from({ length: many }, (_, at) => new Range(at * size, Math.min((at + 1) * size, total)))
}
