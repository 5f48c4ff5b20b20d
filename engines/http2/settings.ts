/** What sessions need to know of the options. */

/** The options of HTTP/2 sessions, with every default filled in. Times are milliseconds. */
export interface SessionSettings {
  /** How long a session without requests is kept. */
  readonly keepAlive: number | false
  /** How many requests may be on one session at a time, if its server takes as many. */
  readonly streams: number
  /** How many bytes of an answer may be on their way or unread. */
  readonly streamWindow: number
  /** How many bytes the head of an answer may have, and its trailers. */
  readonly maxHeaderSize: number
  /** How long a session with requests may be silent before it is asked whether it lives. */
  readonly pingInterval: number | false
}

/** How many bytes of all answers of a session may be on their way. What has arrived does not count, read or not. */
export const SESSION_WINDOW: number = 4 * 1024 * 1024

/** What is right for most servers, where no option says otherwise. */
export const SESSION_DEFAULTS: Pick<SessionSettings, 'streams' | 'streamWindow' | 'pingInterval'> = {
  streams: 100,
  streamWindow: 512 * 1024,
  pingInterval: 30_000,
}
