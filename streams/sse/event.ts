/** What a server sends in an event stream. */

/** One event, as the standard dispatches it (WHATWG HTML §9.2.6). */
export interface ServerSentEvent<Type extends string = string, Data = string> {
  /** The field `event`; `message` when there was none. */
  readonly type: Type
  /** The field `data`; its lines are joined by a line feed. */
  readonly data: Data
  /** The last event id: the field `id` of this event, or of the last one before it that had one; else empty. */
  readonly id: string
  /** The field `retry`, if this event came with one: milliseconds to wait before connecting again. */
  readonly retry: number | undefined
}

/** What outlives one connection of an event stream: where it has got to, and how fast it may come back. */
export interface Place {
  /** The last event id; `undefined` until the server has set one. */
  id: string | undefined
  /** The last field `retry`, in milliseconds. */
  retry: number | undefined
}
