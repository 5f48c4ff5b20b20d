/** Keeps cookies between requests. */
import { catchError, concat, defer, from, of, switchMap, type Observable } from 'rxjs'
import {
  config,
  definePlugin,
  describe,
  HttpError,
  identified,
  notice,
  redactUrl,
  tapHead,
  type Handler,
  type HttpErrorDetails,
  type HttpEvent,
  type HttpRequest,
  type NoticeEvent,
  type PluginContext,
  type PluginFactory,
  type ResponseHead,
} from '../src/index.ts'
import { CookieJar, hands } from './cookies/jar.ts'
import { aStore, type CookieStore } from './cookies/store.ts'

export type { CookieInit } from './cookies/given.ts'
export { CookieJar } from './cookies/jar.ts'
export type { CookieJarOptions, RefusedCookie } from './cookies/options.ts'
export type { CookieChange, CookieStore } from './cookies/store.ts'

/** Whose cookies these are, and where they are kept. */
export interface CookiesOptions {
  /**
   * Where the cookies are. Default: a jar of the client's own. Give one to several clients, and they share it; give one to a
   * call, and that goes in another name. Throws `CONFIG` for what is no `CookieJar`.
   */
  jar: CookieJar | undefined
  /**
   * Keeps the client's own jar beyond the process, as `cookieFile(path)` does. Default: none. Throws `CONFIG` together with
   * `jar`, which has a store of its own, and in a call.
   */
  store: CookieStore | undefined
}

const DEFAULTS: CookiesOptions = { jar: undefined, store: undefined }

/**
 * Keeps the cookies that servers set and sends them back as RFC 6265bis says, for every attempt and every redirect anew. It
 * takes `Set-Cookie` from every answer the moment its head is there: of redirects, errors, live streams and bodies
 * that break off, and of no answer that a cache kept.
 *
 * Not kept are cookies for other hosts, public suffixes, `Secure` ones without TLS, what would hide a secure one, prefixes that
 * do not hold what they promise, control characters, names and values above 4,096 bytes together, and the 51st of
 * an answer. Sent are at most 150 cookies in 8,190 bytes. Nothing lives longer than 400 days. To a place that another site
 * redirected to go no `SameSite=Strict` cookies, and with an unsafe method only `SameSite=None`.
 *
 * A request that has a `Cookie` header is left alone: the jar adds nothing to it and takes nothing of its answer, which
 * is somebody else's. `cookies: false` does the same for a call without one.
 *
 * When its store cannot be loaded, calls fail with `CONFIG`: they would go in nobody's name. When it cannot save, calls go on,
 * the next one tells of it (`notice` "not saved"), and `client.close()` fails unless it can in the end.
 *
 * Not for browsers, which keep cookies by themselves and show none: there it throws `UNSUPPORTED`. It works once per send, inside
 * of whatever sends again; a cache further in sees in whose name a request goes.
 *
 * @example
 * ```ts
 * import { createClient, recommended } from 'sluice'
 * import { cookies } from 'sluice/plugins/cookies'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: recommended(cookies()) })
 * client.get('login').subscribe(async () => {
 *   console.log((await client.cookies('users')).map(({ name }) => name)) // [ 'session' ]
 * })
 * ```
 */
export const cookies: PluginFactory<'cookies', CookiesOptions> = definePlugin({
  name: 'cookies',
  scope: 'attempt',
  defaults: DEFAULTS,
  check: { jar: aJar, store: aStore },
  install: (context, given) => {
    refuseWhere(context)
    if (given.jar !== undefined && given.store !== undefined) {
      throw config(
        'cookies({ jar, store }): a jar keeps its own store; write cookies({ jar: new CookieJar({ store }) }).',
      )
    }
    const own = given.jar ?? new CookieJar({ store: given.store })
    const hosts = new Hosts(own)
    context.onClose(() => hosts.close())
    context.provide({
      async cookies(url) {
        await own.load().catch((cause: unknown) => {
          throw notLoaded(`The cookies for ${redactUrl(url)} could not be loaded; see the cause.`, { cause })
        })
        return own.get(url)
      },
    })
    return (request, next, { jar = own, store }) => {
      if (store !== given.store)
        throw config('cookies: { store } cannot be given to a call; give it a jar that has the store.')
      return request.headers.has('cookie') ? next(request) : hosts.of(jar).send(request, next)
    }
  },
})

/** The jars that requests of a client used, each with what stands between it and them. */
class Hosts {
  readonly #own: Host
  readonly #others = new WeakMap<CookieJar, Host>()
  /** Jars of calls in which something waits to be saved. */
  readonly #unsaved = new Set<CookieJar>()

  constructor(own: CookieJar) {
    this.#own = new Host(own, undefined, () => undefined)
  }

  of(jar: CookieJar): Host {
    if (jar === this.#own.jar) return this.#own
    let host = this.#others.get(jar)
    if (host === undefined) {
      host = new Host(jar, `cookies ${crypto.getRandomValues(new Uint32Array(4)).join('-')}`, () => {
        this.#save(jar)
      })
      this.#others.set(jar, host)
    }
    return host
  }

  async close(): Promise<void> {
    const ends = await Promise.allSettled([this.#own.jar, ...this.#unsaved].map(jar => jar.save()))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  #save(jar: CookieJar): void {
    if (this.#unsaved.has(jar) || !hands.kept(jar)) return
    this.#unsaved.add(jar)
    jar.save().then(
      () => this.#unsaved.delete(jar),
      () => undefined, // It stays: whoever closes the client hears of it.
    )
  }
}

/** A jar in a client. */
class Host {
  readonly jar: CookieJar
  /** In whose name requests go, where it is not the client's. */
  readonly #name: string | undefined
  readonly #look: (head: ResponseHead) => void

  constructor(jar: CookieJar, name: string | undefined, received: () => void) {
    this.jar = jar
    this.#name = name
    this.#look = head => {
      hands.receive(jar, head)
      received()
    }
  }

  send(request: HttpRequest, next: Handler): Observable<HttpEvent> {
    return hands.ready(this.jar) ? this.#go(request, next) : this.#loaded(request, () => this.#go(request, next))
  }

  #go(request: HttpRequest, next: Handler): Observable<HttpEvent> {
    const { header, leftOut } = hands.send(this.jar, request)
    const named = this.#name === undefined ? request : identified(request, this.#name)
    const watched = tapHead(named, this.#look)
    const sent = next(header === '' ? watched : watched.with({ headers: watched.headers.append('cookie', header) }))
    const failure = hands.failure(this.jar)
    if (leftOut === 0 && failure === undefined) return sent
    const notices: NoticeEvent[] = []
    if (leftOut > 0) notices.push(notice('cookies', 'left out', { count: leftOut }))
    if (failure !== undefined) notices.push(notice('cookies', 'not saved', { error: failure.cause }))
    return concat(of(...notices), sent)
  }

  #loaded(request: HttpRequest, go: () => Observable<HttpEvent>): Observable<HttpEvent> {
    return defer(() => from(this.jar.load())).pipe(
      catchError((cause: unknown) => {
        throw notLoaded(
          `${describe(request, request.attempt)} was not sent: the cookies that were kept for it could not be loaded; see the cause.`,
          { request, attempt: request.attempt, cause },
        )
      }),
      switchMap(go),
    )
  }
}

function notLoaded(message: string, details: HttpErrorDetails): HttpError {
  return new HttpError('CONFIG', message, { phase: 'config', requestWritten: 'no', ...details })
}

function refuseWhere({ engine }: PluginContext): void {
  if (engine.capabilities.reserves?.includes('cookies') !== true) return
  throw new HttpError(
    'UNSUPPORTED',
    `cookies() cannot keep cookies with the engine ${engine.name}: its platform keeps them itself and shows none. Leave the plugin out there; fetch({ credentials: 'include' }) sends those of the platform.`,
    { phase: 'config', requestWritten: 'no' },
  )
}

function aJar(value: unknown): string | undefined {
  return value instanceof CookieJar ? undefined : 'a CookieJar of sluice/plugins/cookies'
}
