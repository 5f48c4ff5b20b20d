/** What can be said of Digest. */
import type { LoginPart } from '../auth/login.ts'

/** Options of `digest`. Bad input throws `CONFIG`. */
export interface DigestOptions {
  /** Who asks. A function is asked before each request. */
  readonly username: LoginPart | undefined
  /** Their password, which never leaves. A function is asked before each request. */
  readonly password: LoginPart | undefined
  /** The origins that may be given proof, as in `'https://api.example.com'`. Default: that of the client's `baseUrl`. */
  readonly origins: readonly string[] | undefined
  /** Answers only who asks for this realm. Default: any. */
  readonly realm: string | undefined
  /**
   * Has the proof cover the body (`auth-int`) where the server offers both. A body that is made while it is sent is then
   * made twice. A server that wants nothing else gets it in any case. Default false.
   */
  readonly integrity: boolean
  /**
   * Answers a server without TLS that knows no better hash than MD5: whoever listens can look for the password at leisure.
   * Default false, such a server is the error `BLOCKED`.
   */
  readonly md5OverHttp: boolean
}
