/** A jar: whose cookies are kept together. */
import { clock, config, redactUrl, shown, type Cookie, type HttpRequest, type ResponseHead } from '../../src/index.ts'
import { admitted } from './admission.ts'
import { keptBefore, saidBy, type CookieInit } from './given.ts'
import { headerOf, type Sent } from './header.ts'
import { optionsOf, type CookieJarOptions } from './options.ts'
import { placeOf, placeOfAny, type Place } from './place.ts'
import { isOver, Shelf } from './shelf.ts'
import { crossing } from './site.ts'
import { parseSetCookie, type SetCookie } from './set-cookie.ts'
import { Saving, type CookieStore } from './store.ts'

/** What the plugin does with a jar. */
export interface Hands {
  /** The cookies for a request. */
  send(jar: CookieJar, request: HttpRequest): Sent
  /** Takes what an answer sets. */
  receive(jar: CookieJar, head: ResponseHead): void
  /** False until what was kept before is there. */
  ready(jar: CookieJar): boolean
  /** True when it has a store. */
  kept(jar: CookieJar): boolean
  /** Why the last attempt to save failed, said once. */
  failure(jar: CookieJar): { readonly cause: unknown } | undefined
}

/** For the plugin: what a jar does not do for its users. */
export let hands: Hands

const MOST_RECEIVED = 50

/**
 * Keeps cookies as RFC 6265bis says. A client has its own unless it is given one; clients that are given the same share it.
 *
 * At most 50 cookies of a domain and 3,000 in all: what was not used for longest goes first. With a `store`, `load()` has to
 * come before anything else; clients do that by themselves.
 *
 * @example
 * ```ts
 * import { CookieJar } from 'sluice/plugins/cookies'
 *
 * const jar = new CookieJar()
 * jar.set({ name: 'theme', value: 'dark', path: '/' }, 'https://api.example.com/')
 * console.log(jar.get('https://api.example.com/users/7').map(({ name, value }) => `${name}=${value}`)) // [ 'theme=dark' ]
 * ```
 */
export class CookieJar implements Iterable<Cookie> {
  readonly #shelf: Shelf
  readonly #store: CookieStore | undefined
  readonly #saving: Saving | undefined
  readonly #localhost: boolean
  readonly #onRefused: CookieJarOptions['onRefused']
  #ready: boolean
  #loading: Promise<void> | undefined
  #told: unknown

  constructor(options: CookieJarOptions = {}) {
    const { store, secureLocalhost = false, onRefused } = optionsOf(options)
    this.#shelf = new Shelf(cookie => {
      this.#saving?.add({ cookie, removed: true })
    })
    this.#store = store
    this.#saving = store && new Saving(store)
    this.#localhost = secureLocalhost
    this.#onRefused = onRefused
    this.#ready = store === undefined
  }

  /** Makes a jar of what `toJSON()` gave. Throws `CONFIG` for anything else. */
  static fromJSON(json: unknown, options: CookieJarOptions = {}): CookieJar {
    const { cookies } = { __proto__: null, ...Object(json) } as { readonly cookies?: unknown }
    if (!Array.isArray(cookies)) throw config(`A jar is made of what toJSON() of a jar gave, not of ${shown(json)}.`)
    const jar = new CookieJar(options)
    const now = clock.now()
    for (const cookie of keptBefore(cookies, now)) jar.#keep(cookie, now)
    return jar
  }

  /** The cookies that a GET of `url` would be sent with, in their order. Throws `CONFIG` for what is no absolute http(s) url. */
  get(url: string | URL): readonly Cookie[] {
    this.#demandReady()
    return this.#shelf.matching({ ...placeOfAny(url, this.#localhost), lax: true, strict: true }, clock.now(), false)
  }

  /**
   * Sets a cookie as if `url` had done so, given as in `Set-Cookie` or as an object; one that is over is removed. Throws
   * `CONFIG` when `url` may not set it, and says why.
   */
  set(cookie: string | CookieInit, url: string | URL): void {
    this.#demandReady()
    const place = placeOfAny(url, this.#localhost)
    const said = typeof cookie === 'string' ? parseSetCookie(cookie) : saidBy(cookie)
    const why = typeof said === 'string' ? said : this.#take(said, place, clock.now())
    if (why !== undefined) throw config(`A cookie of ${redactUrl(String(url))} was refused: it ${why}.`)
  }

  /** Removes the cookies of this name that `url` would be sent with; tells whether there were any. */
  delete(name: string, url: string | URL): boolean {
    const found = this.get(url).filter(cookie => cookie.name === name)
    for (const cookie of found) this.#remove(cookie)
    return found.length > 0
  }

  /** Removes all cookies, or those that `which` says yes to: `jar.clear(({ expiresAt }) => expiresAt === undefined)` ends a session. */
  clear(which: (cookie: Cookie) => boolean = () => true): void {
    for (const cookie of this) if (which(cookie)) this.#remove(cookie)
  }

  /** How many cookies live in it. */
  get size(): number {
    return [...this].length
  }

  /** The cookies that live, the oldest first. */
  [Symbol.iterator](): Iterator<Cookie> {
    this.#demandReady()
    return this.#shelf.alive(clock.now())[Symbol.iterator]()
  }

  /** All that lives in it, for `fromJSON()`. It holds secrets in clear. */
  toJSON(): { readonly cookies: readonly Cookie[] } {
    return { cookies: [...this] }
  }

  /** Brings what its store has kept; once, whoever asks. Fails with what the store fails with, and can be asked again. */
  load(): Promise<void> {
    return (this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    }))
  }

  /** Resolves when the store has kept everything; fails with what the store fails with. */
  async save(): Promise<void> {
    await this.#saving?.settle()
  }

  async #load(): Promise<void> {
    if (this.#store === undefined) return
    const cookies = await this.#store.load()
    const now = clock.now()
    for (const cookie of keptBefore(cookies, now)) this.#shelf.put(cookie, now)
    this.#ready = true
  }

  /** Why a cookie is not taken. */
  #take(said: SetCookie, place: Place, now: number): string | undefined {
    const cookie = admitted(said, place, now)
    if (typeof cookie === 'string') return cookie
    if (!cookie.secure && !place.secure && this.#shelf.hidesSecure(cookie, now)) {
      return 'would hide one that https has set'
    }
    this.#keep(cookie, now)
    return undefined
  }

  #keep(cookie: Cookie, now: number): void {
    if (isOver(cookie, now)) this.#remove(cookie)
    else {
      const kept = this.#shelf.put(cookie, now)
      if (kept !== undefined) this.#saving?.add({ cookie: kept, removed: false })
    }
  }

  #remove(cookie: Cookie): void {
    const removed = this.#shelf.remove(cookie)
    if (removed !== undefined) this.#saving?.add({ cookie: removed, removed: true })
  }

  #demandReady(): void {
    if (!this.#ready) throw config('This jar has a store, which was not asked yet: await jar.load() before.')
  }

  #send(request: HttpRequest): Sent {
    const { host, path, secure } = placeOf(request.url, this.#localhost)
    const wanted = { host, path, secure, ...crossing(request) }
    return headerOf(this.#shelf.matching(wanted, clock.now(), true))
  }

  #receive({ headers, request }: ResponseHead): void {
    const lines = headers.getAll('set-cookie')
    if (lines.length === 0) return
    const place = placeOf(request.url, this.#localhost)
    const now = clock.now()
    for (const [at, line] of lines.entries()) {
      const said =
        at < MOST_RECEIVED ? parseSetCookie(line) : `is one of more than ${MOST_RECEIVED} that an answer sets`
      const why = typeof said === 'string' ? said : this.#take(said, place, now)
      if (why === undefined) continue
      this.#onRefused?.({ name: typeof said === 'string' ? '' : said.name, url: redactUrl(request.url), why })
      if (at >= MOST_RECEIVED) break
    }
  }

  static {
    hands = {
      send: (jar, request) => jar.#send(request),
      receive: (jar, head) => {
        jar.#receive(head)
      },
      ready: jar => jar.#ready,
      kept: jar => jar.#store !== undefined,
      failure: jar => {
        const failure = jar.#saving?.failure
        if (failure === jar.#told) return undefined
        jar.#told = failure
        return failure
      },
    }
  }
}
