/** What can be said of redirects. */

/** Options of `redirect`. Bad input throws `CONFIG`. */
export interface RedirectOptions {
  /** Redirects a call follows at most; one more is an error. Default 10. */
  readonly limit: number
  /** Other origins that may see all headers, as in `'https://login.example.com'`. Default none. */
  readonly trustedOrigins: readonly string[]
  /** Headers that may be seen by any origin, beside the harmless ones, as in `'traceparent'`. Default none. */
  readonly keepHeaders: readonly string[]
  /** Follows redirects from https to http. Default false. */
  readonly allowDowngrade: boolean
}
