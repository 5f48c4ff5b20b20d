/** What a server says of a problem (RFC 9457). */

/** The problem details of an answer, as the plugin `problem` reads them. */
export interface Problem {
  /** Identifies the kind of problem: an absolute URI. `about:blank` when the server names none: the status says all there is. */
  readonly type: string
  /** The kind of problem in a few words, the same each time. */
  readonly title?: string | undefined
  /** The status the server gave when it made this; a proxy may have changed that of the answer since. */
  readonly status?: number | undefined
  /** What is the matter this time, for people. */
  readonly detail?: string | undefined
  /** Identifies this very occurrence: an absolute URI. */
  readonly instance?: string | undefined
  /** What this kind of problem has besides. */
  readonly [extension: string]: unknown
}
