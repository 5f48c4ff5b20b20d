/** What the file system says when it cannot. */

/** The code of an error of the system, such as `ENOENT`. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

/** Waits for work on something that others may remove at any time; `undefined` when they have. */
export async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** For work whose failure changes nothing. */
export function ignore(): void {
  // Nobody waits for it.
}
