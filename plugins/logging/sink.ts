/** Where records go: a function, a console, or a logger that takes objects. */
import { pretty } from './pretty.ts'
import type { LogRecord, Severity } from './record.ts'

/** Takes one line, and the record it was made of. */
export type LogFunction = (line: string, record: LogRecord) => void

/** Takes messages by severity, as `console` and pino do. Where a severity is missing, `info` takes its messages. */
export interface Logger {
  info(message: unknown, ...more: unknown[]): void
  warn?(message: unknown, ...more: unknown[]): void
  error?(message: unknown, ...more: unknown[]): void
}

/** Writes one record. */
export type Write = (record: LogRecord) => void

/** Makes the writer for a sink. To loggers other than a console, `json` hands the record itself, and the line as message. */
export function writer(log: LogFunction | Logger, format: 'pretty' | 'json', brief: boolean): Write {
  const linesOf = (record: LogRecord): string[] =>
    format === 'pretty' ? pretty(record, brief) : [JSON.stringify(record)]
  if (typeof log === 'function') {
    return record => {
      for (const line of linesOf(record)) log(line, record)
    }
  }
  // Only a console groups; loggers such as pino and winston take objects.
  if (format === 'json' && !('group' in log)) {
    return record => {
      take(log, record.severity, record, pretty(record, true)[0])
    }
  }
  return record => {
    for (const line of linesOf(record)) take(log, record.severity, line)
  }
}

function take(log: Logger, severity: Severity, ...message: [unknown, ...unknown[]]): void {
  if (severity === 'warn' && log.warn) log.warn(...message)
  else if (severity === 'error' && log.error) log.error(...message)
  else log.info(...message)
}
