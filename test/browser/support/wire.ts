/** What Node and a page say to each other so that an engine in the page serves a client in Node. */

/** From Node to the page. `x` names an exchange, `e` an engine. */
export type ToPage =
  | { readonly type: 'engine'; readonly e: number; readonly kind: Kind; readonly options: object }
  | {
      readonly type: 'end'
      readonly e: number
      readonly how: 'close' | 'destroy'
      readonly message: string
      readonly call: number
    }
  | { readonly type: 'exchange'; readonly e: number; readonly x: number; readonly request: WireRequest }
  | { readonly type: 'abort' | 'pause' | 'resume'; readonly x: number }
  | { readonly type: 'taken'; readonly x: number; readonly bytes: number }
  | { readonly type: 'piece'; readonly x: number; readonly bytes?: string; readonly failed?: string }

/** From the page to Node. */
export type ToNode =
  | { readonly type: 'ended'; readonly call: number }
  | { readonly type: 'event'; readonly x: number; readonly event: object; readonly fields?: readonly string[] }
  | { readonly type: 'chunk'; readonly x: number; readonly bytes: string }
  | { readonly type: 'error'; readonly x: number; readonly error: WireError }
  | { readonly type: 'complete' | 'pull' | 'return'; readonly x: number }

/** The engines a page has. */
export type Kind = 'fetch' | 'xhr'

/** A request as text. */
export interface WireRequest {
  readonly id: number
  readonly method: string
  readonly url: string
  readonly fields: readonly (readonly [string, string])[]
  readonly attempt: number
  readonly progress: boolean
  /** The bytes in base64, or what is known of a source that stays in Node. */
  readonly body?: string | { readonly length?: number | undefined; readonly replayable: boolean } | undefined
}

/** An error as text. */
export interface WireError {
  readonly code: string
  readonly message: string
  readonly phase?: string | undefined
  readonly requestWritten?: string | undefined
}
