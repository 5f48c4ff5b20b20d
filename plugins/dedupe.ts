/** Sends once what several ask for at the same time. */
import {
  callback,
  config,
  definePlugin,
  headerName,
  listOf,
  LIVE,
  optional,
  shown,
  staged,
  type Check,
  type HttpRequest,
  type PluginFactory,
} from '../src/index.ts'
import { Flights } from './dedupe/flights.ts'
import { Joined } from './dedupe/joined.ts'
import { Changing } from './dedupe/changing.ts'

/** What counts as the same request. */
export interface DedupeOptions {
  /** The methods whose requests are shared; those that change something are refused. Default: `GET` and `HEAD`. */
  methods: readonly string[]
  /**
   * Headers in which requests may differ and still be the same; sent are those of the first. Default: what differs with every
   * call and only names it, `x-request-id`, `traceparent` and `tracestate`.
   */
  ignore: readonly string[]
  /**
   * Names the group a request belongs to; requests of different groups are never the same. Default: unset, one group. Needed
   * where answers differ by something neither url, headers nor notes of the request tell.
   */
  partition: ((request: HttpRequest) => string) | undefined
}

const DEFAULTS: DedupeOptions = {
  methods: ['GET', 'HEAD'],
  ignore: ['x-request-id', 'traceparent', 'tracestate'],
  partition: undefined,
}

const UNSAFE: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT']
/** RFC 9110 §9.2.1, and the registry of methods. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH'])

const method: Check = value =>
  typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(value) && !UNSAFE.includes(value)
    ? undefined
    : 'a method in capitals that changes nothing, such as GET'

/**
 * Lets identical requests that are in flight at the same time share one exchange: each gets the whole answer, or the error.
 * It lives as long as somebody waits for it. Whoever leaves, the first included, disturbs nobody; when the last one leaves, the
 * exchange is aborted. Once the answer or error is there, the next request is sent anew: keeping answers is what `cache` does.
 *
 * Identical are requests without a body whose method, url, headers, plugin options, notes and {@link DedupeOptions.partition}
 * are the same, and which go in the same name. When in doubt each is sent by itself; so is what is read while it arrives
 * (`client.stream`). A request that may change something, such as a POST, closes what is in flight to its origin to all who
 * come after its answer, which could be older than the change. Who joins hears a notice `joined`, and how far it has come. The bytes
 * of an answer are copied for each, so that writing into them stays the business of whoever does.
 *
 * Do not use it where every request has to be counted by the server, as with long polling for events that are handed out once.
 *
 * It stands inside of all that gives a request headers of its own (`cookies`, `xsrf`, `userAgent`), because only then it can tell
 * in whose name it goes, and inside of `retry` and `redirect`, so that each who waits decides for itself whether to ask again.
 *
 * Throws `CONFIG` for a method that is not safe, for what is no name of a header, and when `partition` returns no string.
 *
 * @example
 * ```ts
 * import { forkJoin } from 'rxjs'
 * import { createClient } from 'sluice'
 * import { dedupe } from 'sluice/plugins/dedupe'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [dedupe()] })
 * const user = client.get('users/7')
 * forkJoin([user, user]).subscribe(([one, other]) => {
 *   console.log(one.connection === other.connection) // true
 * })
 * ```
 */
export const dedupe: PluginFactory<'dedupe', DedupeOptions> = definePlugin({
  name: 'dedupe',
  scope: 'attempt',
  inside: {
    cookies: 'cookies tell in whose name a request goes, and what is shared must be in one name',
    xsrf: 'a token tells in whose name a request goes, and what is shared must be in one name',
    userAgent: 'what is the same can only be told once all headers are there',
  },
  defaults: DEFAULTS,
  check: { methods: listOf(method), ignore: listOf(headerName), partition: optional(callback) },
  install: () => {
    const flights = new Flights()
    return (request, next, { methods, ignore, partition }) => {
      if (!methods.includes(request.method)) {
        return SAFE.has(request.method)
          ? next(request)
          : staged(out => new Changing(request, flights, out))(next(request))
      }
      if (request.body !== undefined || request.read(LIVE) === true) return next(request)
      return new Joined(flights, {
        request,
        next,
        ignore,
        group: partition === undefined ? '' : group(partition(request)),
      })
    }
  },
})

function group(named: unknown): string {
  if (typeof named === 'string') return named
  throw config(`dedupe({ partition }) must return a string, not ${shown(named)}.`)
}
