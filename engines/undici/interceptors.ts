/** Interceptors of undici's own kind, between the engine and what sends its requests. */
import type { Dispatcher } from 'undici'
import { HttpError } from '../../src/index.ts'
import { ownOf } from '../connector/options.ts'
import type { Send } from './line.ts'
import { Translated } from './translated.ts'

/** An interceptor as undici's `compose()` takes it. */
export type UndiciInterceptor = Dispatcher.DispatcherComposeInterceptor

/** Whose request it is; interceptors copy it with the options they do not know. */
const EXCHANGE = Symbol('exchange')

interface Marked extends Dispatcher.DispatchOptions {
  [EXCHANGE]?: Translated
}

/** Puts interceptors around what sends the requests to an origin, the first one outermost. */
export function through(
  origin: string,
  dispatch: Dispatcher.Dispatch,
  interceptors: readonly UndiciInterceptor[],
): Send {
  const last: Dispatcher.Dispatch = (options, handler) => {
    const asked = new URL(String(options.origin ?? origin)).origin
    if (asked === origin) return dispatch(options, watched(options, handler))
    // The connection leads to one server, whatever an interceptor has in mind.
    const error = new HttpError(
      'CONFIG',
      `An interceptor of compose wanted to send a request for ${origin} to ${asked}; that takes a plugin, such as redirect().`,
      { phase: 'config' },
    )
    handler.onResponseError?.(NOBODY, error)
    return true
  }
  const first = interceptors.reduceRight((inner, interceptor) => interceptor(inner), last)
  return (options, exchange, explain) => {
    const handler = new Translated(exchange, explain)
    const marked: Marked = ownOf({ ...options, origin, [EXCHANGE]: handler })
    try {
      first(marked, handler)
    } catch (error) {
      handler.onResponseError(NOBODY, error as Error)
    }
  }
}

/** Tells the exchange what interceptors do not pass on: when its request was sent, and when the first byte of an answer came. */
function watched(options: Marked, handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
  const exchange = options[EXCHANGE]
  return {
    onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
    onRequestUpgrade: (controller, status, headers, socket) =>
      handler.onRequestUpgrade?.(controller, status, headers, socket),
    onResponseStart: (controller, status, headers, text) =>
      handler.onResponseStart?.(controller, status, headers, text),
    onResponseData: (controller, bytes) => handler.onResponseData?.(controller, bytes),
    onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
    onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
    onBodySent: bytes => {
      exchange?.bodySent(bytes)
      handler.onBodySent?.(bytes)
    },
    onRequestSent: () => {
      exchange?.requestSent()
      handler.onRequestSent?.()
    },
    onResponseStarted: () => {
      exchange?.responseStarted()
      handler.onResponseStarted?.()
    },
  }
}

/** Stands where undici has no controller yet. */
const NOBODY: Dispatcher.DispatchController = {
  aborted: false,
  paused: false,
  reason: null,
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
}
