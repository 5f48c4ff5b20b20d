/** Guesses what a misspelt name was meant to be, for error messages. */

/** The known name nearest to what was written, if it is near enough to be a slip. */
export function closest(written: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Infinity
  for (const name of known) {
    const steps = distance(written.toLowerCase(), name.toLowerCase())
    // Two letters in five may be wrong, or anything would be like a short name.
    if (steps < least && steps <= Math.round(0.4 * Math.max(written.length, name.length))) {
      best = name
      least = steps
    }
  }
  return best
}

/** Ends a message about a name nobody knows: what it may have been meant to be, or what there is. */
export function hint(written: string, known: readonly string[], otherwise: string): string {
  const guess = closest(written, known)
  return guess === undefined ? otherwise : `Did you mean ${JSON.stringify(guess)}?`
}

/** How many letters to insert, delete, replace or swap with their neighbour. */
function distance(a: string, b: string): number {
  let before: readonly number[] = []
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? 0) + 1 : Infinity
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced, swapped))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
