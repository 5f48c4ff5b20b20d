/** The error of a request that nothing answers: says what is mocked, and what comes nearest. */
import { describe, HttpError, type HttpRequest } from '../../src/index.ts'
import type { Entry } from './routes.ts'

/** How many routes a message lists at most. */
const LISTED = 12

/** Code `CONFIG`, so that nothing retries it: the test has to be mended. */
export function unmatched(request: HttpRequest, entries: readonly Entry[]): HttpError {
  const url = new URL(request.url)
  return new HttpError(
    'CONFIG',
    `The mock has no reply for ${describe(request)}. ${hint(request.method, url, entries)}`,
    {
      phase: 'config',
      request,
      attempt: request.attempt,
      requestWritten: 'no',
    },
  )
}

function hint(method: string, url: URL, entries: readonly Entry[]): string {
  if (entries.length === 0) return "Nothing is mocked; use mock({ 'GET /users/:id': { body: … } }), on() or enqueue()."
  const names = entries.map(
    ({ pattern, times, hits }) => `'${pattern.text}'${times !== undefined && hits >= times ? ' (used up)' : ''}`,
  )
  const list = names.slice(0, LISTED).join(', ')
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : ''
  const near = nearest(method, url, entries)
  return `Mocked are ${list}${more}.${near === undefined ? '' : ` Nearest is '${near.pattern.text}'.`}`
}

function nearest(method: string, url: URL, entries: readonly Entry[]): Entry | undefined {
  let best: Entry | undefined
  let most = 0.5
  for (const entry of entries) {
    const score = likeness(method, url, entry)
    if (score > most) {
      best = entry
      most = score
    }
  }
  return entries.length > 1 ? best : undefined
}

/** From 0 to 1: the share of parts that are alike. */
function likeness(method: string, url: URL, { pattern }: Entry): number {
  const wanted = [pattern.method ?? method, pattern.origin ?? url.origin, ...pattern.path.split('/').slice(1)]
  const asked = [method, url.origin, ...url.pathname.split('/').slice(1)]
  const alike = wanted.map((part, at) => similar(part, asked[at] ?? ''))
  return alike.reduce((sum, one) => sum + one, 0) / Math.max(wanted.length, asked.length)
}

function similar(wanted: string, asked: string): number {
  if (wanted === asked || (wanted.includes(':') && asked !== '') || wanted === '*') return 1
  const length = Math.max(wanted.length, asked.length)
  let head = 0
  while (head < length && wanted[head] === asked[head]) head++
  let tail = 0
  while (tail < length - head && wanted.at(-1 - tail) === asked.at(-1 - tail)) tail++
  return (head + tail) / length
}
