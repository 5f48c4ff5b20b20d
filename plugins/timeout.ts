/** Ends an attempt that takes too long, and says in which phase. */
import {
  alarms,
  definePlugin,
  derived,
  HttpError,
  limit,
  LIMITS,
  LIVE,
  optional,
  staged,
  UPLOAD_PROGRESS,
  type Engine,
  type HttpRequest,
  type Limits,
  type PluginFactory,
} from '../src/index.ts'
import { Watch } from './timeout/watch.ts'

/** Options of {@link timeout}, in milliseconds above 0; `false` turns a limit off. Bad input throws `CONFIG`. */
export interface TimeoutOptions {
  /** Waiting in the queue of a full pool. Default 30 000. */
  readonly queue: number | false
  /** Looking up the host name. Default 5 000. */
  readonly dns: number | false
  /** Everything from the look-up to a connection that can be written to, proxy and TLS included. Default 10 000. */
  readonly connect: number | false
  /** The TLS handshake. Default 10 000. */
  readonly tls: number | false
  /** The server taking no byte of a body that is ready to be sent. Default 30 000. */
  readonly send: number | false
  /** From the end of the request to the head of the answer. Default 30 000. */
  readonly headers: number | false
  /**
   * The server sending no byte of the body. Time in which whoever reads holds it back does not count.
   * Of a WebSocket: neither a message nor an answer to a ping.
   * Default 30 000, and off for a WebSocket and a live `text/event-stream`, which are silent as long as nothing happens.
   */
  readonly idle: number | false | undefined
  /** The whole attempt, body included, from being handed to the engine. Default `false`. */
  readonly attempt: number | false
}

const defaults: TimeoutOptions = {
  queue: 30_000,
  dns: 5_000,
  connect: 10_000,
  tls: 10_000,
  send: 30_000,
  headers: 30_000,
  idle: undefined,
  attempt: false,
}

/** Limits only an engine can keep, because only it sees these phases. */
const ENGINES = ['queue', 'dns', 'connect', 'tls', 'send'] as const

/**
 * Ends an attempt that takes too long. Each phase has its own limit, so that a slow download is no error as long as
 * bytes come, and a dead server is noticed all the same. The error is always `HttpError` code `TIMEOUT`, and its
 * `phase` says which limit it was: `queue dns connect tls send headers idle attempt`.
 *
 * Each attempt of a `retry` has the limits anew. For a limit over everything use `deadline`.
 *
 * Limits before the request is on the wire are kept by the engine; asking for one it cannot keep fails with
 * `UNSUPPORTED`, while the defaults apply as far as it can.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { timeout } from 'sluice/plugins/timeout'
 *
 * const client = createClient({ plugins: [timeout({ headers: 2_000, idle: 10_000 })] })
 * client.get('https://api.example.com/slow', { timeout: { headers: 50 } }).subscribe({
 *   error: error => console.log(error.code, error.phase), // TIMEOUT headers
 * })
 * ```
 */
export const timeout: PluginFactory<'timeout', TimeoutOptions> = definePlugin({
  name: 'timeout',
  scope: 'wire',
  inside: {
    decode: 'idle counts what the server sends, not what decoding makes of it',
    progress: 'it asks for the progress of uploads too, and passes on only what was asked for further out',
  },
  defaults,
  check: {
    queue: limit,
    dns: limit,
    connect: limit,
    tls: limit,
    send: limit,
    headers: limit,
    idle: optional(limit),
    attempt: limit,
  },
  install: ({ engine }) => {
    const alarm = alarms()
    const limitsOf = derived((options: TimeoutOptions) => engineLimits(options, engine))
    return (request, next, options) => {
      const inner = noted(request, limitsOf(options))
      if (options.headers === false && options.idle === false && options.attempt === false) return next(inner)
      const asks = options.headers !== false && engine.capabilities.uploadProgress && takesTime(request.body)
      const asked = request.read(UPLOAD_PROGRESS) === true
      const sent = asks && !asked ? inner.note(UPLOAD_PROGRESS, true) : inner
      const kind = { uploads: asks, passes: asked, live: request.read(LIVE) === true }
      return staged(out => new Watch(request, options, kind, alarm, out))(next(sent))
    }
  },
})

/** A body that fits into the buffers of a socket is sent with its head. */
function takesTime(body: HttpRequest['body']): boolean {
  return body !== undefined && (!(body instanceof Uint8Array) || body.length > 64 * 1024)
}

/** Tells the engine its limits; of two for the same phase the smaller wins. */
function noted(request: HttpRequest, limits: Limits): HttpRequest {
  const outer = request.read(LIMITS)
  if (outer === undefined) return request.note(LIMITS, limits)
  const merged: { -readonly [K in keyof Limits]: Limits[K] } = {}
  for (const name of ENGINES) merged[name] = smaller(outer[name], limits[name])
  return request.note(LIMITS, merged)
}

function smaller(a: number | false | undefined, b: number | false | undefined): number | false {
  const least = Math.min(a || Infinity, b || Infinity)
  return least === Infinity ? false : least
}

function engineLimits(options: TimeoutOptions, { name, capabilities }: Pick<Engine, 'name' | 'capabilities'>): Limits {
  const { queue, dns, connect, tls, send } = options
  for (const one of ENGINES) {
    if (options[one] === false || options[one] === defaults[one] || capabilities.limits.includes(one)) continue
    throw new HttpError(
      'UNSUPPORTED',
      `The engine ${name} cannot keep timeout({ ${one}: ${options[one]} }), it does not see that phase; limit the whole with timeout({ attempt }), or use an engine that can: undici, http2, http.`,
      { phase: 'config', requestWritten: 'no' },
    )
  }
  return { queue, dns, connect, tls, send }
}
