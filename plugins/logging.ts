/** Writes down what calls do. */
import { Observable } from 'rxjs'
import { callback, count, definePlugin, derived, isSensitive, oneOf, type PluginFactory } from '../src/index.ts'
import { CallLog, type LogPlan } from './logging/call-log.ts'
import type { Secret } from './logging/scrub.ts'
import { writer, type LogFunction, type Logger } from './logging/sink.ts'

export type { LoggedBody } from './logging/peek.ts'
export type { LoggedError, LoggedNotice, LogRecord, Severity } from './logging/record.ts'
export type { LogFunction, Logger } from './logging/sink.ts'

/** How much is logged, how, and where. */
export interface LoggingOptions {
  /**
   * `none`: nothing · `info`: one record a call, at its end · `headers`: also when it begins, what plugins tell meanwhile,
   * and headers · `body`: also the beginning of bodies that are text. Default: `info`.
   */
  level: 'none' | 'info' | 'headers' | 'body'
  /** `pretty`: lines for people · `json`: one JSON text, or one object, a record. Default: `pretty`. */
  format: 'pretty' | 'json'
  /**
   * Takes what is logged: a function `(line, record) => void`, or a logger with `info`, `warn` and `error`, such as
   * `console` or a pino logger; with `json` a logger that is no console is given the record as an object. What it throws
   * fails the call, unless that fails or ends anyway. Default: `console`.
   */
  log: LogFunction | Logger
  /** How many bytes of a body are kept to be shown. Default: 1024. */
  maxBody: number
  /**
   * Says whether a value is secret, by its name and where that stands: in a `header`, in the `query` of a url, in a `body`
   * (JSON, forms, XML, `name=value`). Default: all of a query, and everything named like auth, cookie, token, secret, key,
   * passw, session, signature or credential. Tokens, private keys, and users and passwords in urls are redacted always.
   */
  redact: Secret
}

const DEFAULTS: LoggingOptions = {
  level: 'info',
  format: 'pretty',
  log: globalThis.console,
  maxBody: 1024,
  redact: (name, where) => where === 'query' || isSensitive(name),
}

/**
 * Logs every call, cancelled ones too, as lines for people or as records for machines. Secrets are redacted and control
 * characters escaped, whatever a server sends. Bodies are looked at while they pass: nothing is read, held back or kept for
 * the log beyond `maxBody`. First in the list, it sees what the caller sees.
 *
 * Secrets without a telling name (in a path, in free text) cannot be recognised: think before you log bodies.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { logging } from 'sluice/plugins/logging'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [logging()] })
 * client.get('users/7?q=ada').subscribe() // GET https://api.example.com/users/7?q=<redacted:3> 200 OK 12 ms 28 B http/1.1
 * client.get('users/7', { logging: { level: 'headers', format: 'json' } }).subscribe()
 * ```
 */
export const logging: PluginFactory<'logging', LoggingOptions> = definePlugin({
  name: 'logging',
  scope: 'call',
  inside: { codecs: 'a body is logged as it is sent, and not before it is written' },
  defaults: DEFAULTS,
  check: {
    level: oneOf('none', 'info', 'headers', 'body'),
    format: oneOf('pretty', 'json'),
    log: sink,
    maxBody: count,
    redact: callback,
  },
  install: () => {
    const planned = derived(plan)
    return (request, next, options) => {
      if (options.level === 'none') return next(request)
      return new Observable(subscriber => {
        const log = new CallLog(request, planned(options), subscriber)
        return next(log.begin()).subscribe(log)
      })
    }
  },
})

function plan({ level, format, log, maxBody, redact }: LoggingOptions): LogPlan {
  const headers = level !== 'info'
  return { headers, body: level === 'body', maxBody, secret: redact, write: writer(log, format, !headers) }
}

function sink(value: unknown): string | undefined {
  const logs = typeof value === 'object' && value !== null && 'info' in value && typeof value.info === 'function'
  return logs || typeof value === 'function' ? undefined : 'a function, or a logger with the method info'
}
