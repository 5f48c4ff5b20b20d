/** How long a server says that it keeps an idle connection. */
import type { Settings } from './settings.ts'

/** The announced second is the one in which it closes the connection: so much earlier we do. */
const MARGIN = 1000

/** How many milliseconds a connection may be idle after an answer with these header fields. */
export function restOf(fields: readonly string[], { keepAlive, keepAliveAnnounced }: Settings): number {
  if (keepAlive === false || keepAliveAnnounced === false) return 0
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (name.length !== 10 || name.toLowerCase() !== 'keep-alive') continue
    const seconds = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,9})/i.exec(fields[at + 1] ?? '')?.[1]
    if (seconds === undefined) break
    const announced = Number(seconds) * 1000
    return Math.min(announced - Math.min(MARGIN, announced / 2), keepAliveAnnounced)
  }
  return keepAlive
}
