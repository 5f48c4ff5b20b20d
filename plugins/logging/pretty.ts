/** Records as lines for people. */
import type { LoggedBody } from './peek.ts'
import type { LoggedNotice, LogRecord } from './record.ts'

/** Writes a record: one line at level `info`, else one for each thing to say, all beginning with the number of the call. */
export function pretty(record: LogRecord, brief: boolean): string[] {
  const [first, ...more] = [summary(record), ...details(record)]
  if (brief) return [`${record.method} ${record.url} ${first}`]
  const mark = `#${record.id} ${ARROWS[record.event]}`
  const named = record.event === 'notice' || record.event === 'head' ? first : `${record.method} ${record.url} ${first}`
  return [named, ...more].map(line => `${mark} ${line}`.trimEnd())
}

const ARROWS: Readonly<Record<LogRecord['event'], string>> = {
  request: '→',
  notice: '·',
  head: '←',
  response: '←',
  error: '×',
  cancelled: '×',
}

function summary(record: LogRecord): string {
  const { event, status, statusText, ms = 0, bytes, httpVersion, attempt, complete, error, notices = [] } = record
  const told = notices.map(oneNotice).join('; ')
  if (event === 'request') return ''
  if (event === 'notice') return told
  const words: (string | undefined)[] = []
  if (event === 'cancelled') words.push(`cancelled after ${ms} ms`)
  else if (event === 'error') words.push(`${error?.code ?? error?.name ?? 'failed'} after ${ms} ms`)
  else {
    words.push(String(status), statusText, `${ms} ms`, event === 'head' ? undefined : size(bytes ?? 0))
    words.push(`http/${httpVersion ?? '?'}`)
  }
  words.push(attempt === undefined ? undefined : `attempt ${attempt}`)
  if (event === 'head') words.push('and a live body')
  if (complete === false) words.push('left before its end')
  words.push(told === '' ? undefined : `(${told})`)
  return words.filter(word => word !== undefined).join(' ') + (error === undefined ? '' : `: ${error.message}`)
}

function* details({ headers = {}, added = {}, body, requestBody }: LogRecord): Iterable<string> {
  for (const [name, value] of Object.entries(added)) yield `sent ${name}: ${value}`
  for (const [name, value] of Object.entries(headers)) yield `${name}: ${value}`
  if (requestBody !== undefined) yield `sent ${oneBody(requestBody)}`
  if (body !== undefined) yield oneBody(body)
}

function oneBody({ bytes, text, cut }: LoggedBody): string {
  if (text === undefined) return `[${size(bytes)}]`
  return cut === true ? `[${size(bytes)}] ${text} …` : `[${size(bytes)}] ${text}`
}

function oneNotice({ plugin, name, detail: { delay, ...detail } }: LoggedNotice): string {
  const facts = Object.entries(detail).map(
    ([key, value]) => ` ${key}=${/\s/.test(String(value)) ? `"${value}"` : value}`,
  )
  return `${plugin}: ${name}${delay === undefined ? '' : ` in ${delay} ms`}${facts.join('')}`
}

/** A number of bytes, in decimal units. */
function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  for (const [at, unit] of ['kB', 'MB', 'GB'].entries()) {
    const scaled = bytes / 1000 ** (at + 1)
    if (scaled < 999.95 || unit === 'GB') return `${scaled.toFixed(1)} ${unit}`
  }
  return `${bytes} B`
}
