/** What can be said of a jar. */
import { callback, config, flag, shown, type Check } from '../../src/index.ts'
import { aStore, type CookieStore } from './store.ts'

/** How a jar is made. */
export interface CookieJarOptions {
  /** Keeps the cookies beyond the process. Default: none; they end with the jar. */
  readonly store?: CookieStore | undefined
  /**
   * Treats `localhost`, names that end in `.localhost` and loopback addresses as if they had TLS, as browsers do, so that
   * cookies for https work in development. Default: `false`.
   */
  readonly secureLocalhost?: boolean | undefined
  /** Hears of cookies that servers set and may not. What it throws fails the exchange. Default: nobody does. */
  readonly onRefused?: ((refused: RefusedCookie) => void) | undefined
}

/** A cookie that is not kept. */
export interface RefusedCookie {
  /** As the server wrote it; empty where it could not be read. */
  readonly name: string
  /** Who set it, query values redacted. */
  readonly url: string
  /** Completes the sentence "The cookie …", as in "is Secure, which only https may set". */
  readonly why: string
}

const CHECKS: Readonly<Record<keyof CookieJarOptions, Check>> = {
  store: aStore,
  secureLocalhost: flag,
  onRefused: callback,
}

/** Reads the options of a jar. Throws `CONFIG` for what are none. */
export function optionsOf(given: CookieJarOptions): CookieJarOptions {
  if (typeof given !== 'object' || (given as object | null) === null) {
    throw config(`The options of CookieJar must be an object, not ${shown(given)}.`)
  }
  const options = { __proto__: null, ...given } as CookieJarOptions
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, name)) {
      const known = Object.keys(CHECKS)
      throw config(`CookieJar has no option ${JSON.stringify(name)}. It has ${known.join(', ')}.`)
    }
    const wanted = value === undefined ? undefined : CHECKS[name as keyof CookieJarOptions](value)
    if (wanted !== undefined) throw config(`CookieJar({ ${name} }) must be ${wanted}, not ${shown(value)}.`)
  }
  return options
}
