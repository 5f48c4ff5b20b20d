/** What can be said of Basic. */
import type { LoginPart } from '../auth/login.ts'

/** Options of `basic`. Bad input throws `CONFIG`. */
export interface BasicOptions {
  /** Who asks. Without a colon, which ends it, and without control characters. A function is asked before each request. */
  readonly username: LoginPart | undefined
  /** Their password; may be empty. Without control characters. A function is asked before each request. */
  readonly password: LoginPart | undefined
  /** The origins that may see both, as in `'https://api.example.com'`. Default: that of the client's `baseUrl`. */
  readonly origins: readonly string[] | undefined
  /**
   * Sends them without being asked. `false` waits for a 401 that asks for Basic, once for each path and what is below it.
   * Default: over https they are sent at once, over http, and where a `realm` is given, they wait.
   */
  readonly preemptive: boolean | undefined
  /** Answers only who asks for this realm. Default: any. */
  readonly realm: string | undefined
}
