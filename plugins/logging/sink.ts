/** Where records go: a function, a console, or a logger that takes objects. */
import { pretty } from './pretty.ts'
import type { LogRecord, Severity } from './record.ts'

/** Takes one line, and the record it was made of. What it throws, or a promise of it rejects with, is the call's error. */
export type LogFunction = (line: string, record: LogRecord) => unknown

/** Takes messages by severity, as `console` and pino do. Where a severity is missing, `info` takes its messages. */
export interface Logger {
  info(message: unknown, ...more: unknown[]): unknown
  warn?(message: unknown, ...more: unknown[]): unknown
  error?(message: unknown, ...more: unknown[]): unknown
}

/** Writes one record; `late` hears of a sink that fails only after it has returned. */
export type Write = (record: LogRecord, late: (error: unknown) => void) => void

/** Makes the writer for a sink. To loggers other than a console, `json` hands the record itself, and the line as message. */
export function writer(log: LogFunction | Logger, format: 'pretty' | 'json', brief: boolean): Write {
  const linesOf = (record: LogRecord): string[] =>
    format === 'pretty' ? pretty(record, brief) : [JSON.stringify(record)]
  if (typeof log === 'function') {
    return (record, late) => {
      for (const line of linesOf(record)) heed(log(line, record), late)
    }
  }
  // Only a console groups; loggers such as pino and winston take objects.
  if (format === 'json' && !('group' in log)) {
    return (record, late) => {
      heed(take(log, record.severity, record, pretty(record, true)[0]), late)
    }
  }
  return (record, late) => {
    for (const line of linesOf(record)) heed(take(log, record.severity, line), late)
  }
}

function take(log: Logger, severity: Severity, ...message: [unknown, ...unknown[]]): unknown {
  if (severity === 'warn' && log.warn) return log.warn(...message)
  if (severity === 'error' && log.error) return log.error(...message)
  return log.info(...message)
}

function heed(result: unknown, late: (error: unknown) => void): void {
  if (result instanceof Promise) result.catch(late)
}
