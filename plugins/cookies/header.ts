/** Writing `Cookie`. */
import type { Cookie } from '../../src/index.ts'

/** What goes into a `Cookie` header, and how many cookies found no room in it. */
export interface Sent {
  readonly header: string
  readonly leftOut: number
}

const MOST = 150
const LONGEST = 8190

/** As many as a server can be expected to take: what finds no room is left out, the least specific first. */
export function headerOf(cookies: readonly Cookie[]): Sent {
  let header = ''
  let sent = 0
  for (const { name, value } of cookies) {
    const pair = name === '' ? value : `${name}=${value}`
    const longer = header === '' ? pair : `${header}; ${pair}`
    if (longer.length > LONGEST || sent === MOST) break
    header = longer
    sent++
  }
  return { header, leftOut: cookies.length - sent }
}
