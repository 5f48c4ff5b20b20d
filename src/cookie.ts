/** A cookie as a client keeps it. */

/** A cookie and whom it is for. */
export interface Cookie {
  /** Case-sensitive; empty for a cookie that is sent as its value alone. */
  readonly name: string
  /** As the server wrote it: nothing in it is decoded. */
  readonly value: string
  /** Host or domain it is for, in lower case, without a dot around it. */
  readonly domain: string
  /** True when it is for this very host; false when it is for hosts below it, too. */
  readonly hostOnly: boolean
  /** It is for urls whose path begins with this one. */
  readonly path: string
  /** True when it goes over https alone. */
  readonly secure: boolean
  /** True when scripts of a page are not to see it. Here it changes nothing. */
  readonly httpOnly: boolean
  /** What the server said of requests that began elsewhere; missing when it said nothing, which counts as `lax`. */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined
  /** Until when it lives, in milliseconds since the epoch; missing when it lives as long as the session. */
  readonly expiresAt?: number | undefined
  /** Since when a cookie of this name is there, in milliseconds since the epoch. */
  readonly createdAt: number
}
