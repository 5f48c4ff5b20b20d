/** Lines of a journal: each says by its checksum that it is whole, so that a file cut off anywhere has all lines before the cut. */
import { crc32 } from 'node:zlib'

/** Writes records, one a line. Each begins a line of its own, also behind one that was cut off. */
export function writeLines(records: readonly unknown[]): string {
  return records
    .map(record => {
      const text = JSON.stringify(record)
      return `\n${checksum(text)} ${text}\n`
    })
    .join('')
}

/** Reads the records of all lines that are whole, in their order; what is none is passed over. */
export function readLines(file: string): readonly unknown[] {
  const records: unknown[] = []
  // What stands behind the last line end was cut off, even where nothing seems to be missing.
  for (const line of file.split('\n').slice(0, -1)) {
    const text = line.slice(9)
    if (line.length > 9 && line.slice(0, 9) === `${checksum(text)} `) records.push(JSON.parse(text))
  }
  return records
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
