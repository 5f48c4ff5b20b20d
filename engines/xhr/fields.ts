/** Header fields as an `XMLHttpRequest` shows them. */

/** Reads `getAllResponseHeaders()`: lines of lower-case names, those of one name joined. */
export function receivedFields(block: string): string[] {
  return block.split('\r\n').flatMap(line => {
    const colon = line.indexOf(':')
    return colon < 1 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
}
