/** Typed notes on a request, by which plugins further out talk to plugins and engines further in. */

/**
 * Names a typed note on a request. Two tokens of the same name are still two tokens.
 *
 * @example
 * ```ts
 * import { createClient, definePlugin, Token } from 'sluice'
 *
 * const TENANT = new Token<string>('tenant')
 * const tenant = definePlugin({
 *   name: 'tenant',
 *   scope: 'call',
 *   defaults: { id: 'acme' },
 *   install: () => (request, next, { id }) => next(request.note(TENANT, id)),
 * })
 * createClient({ plugins: [tenant({ id: 'globex' })] }).close()
 * ```
 */
export class Token<T> {
  readonly name: string
  /** What is read from a request on which nothing was noted. */
  readonly fallback: T | undefined

  constructor(name: string, fallback?: T) {
    this.name = name
    this.fallback = fallback
  }
}

/** The notes of a request: the newest first, each pointing at the older ones. */
export interface Notes {
  readonly token: Token<never>
  readonly value: unknown
  readonly older: Notes | undefined
}

/** Puts a note in front of the others. */
export function note<T>(notes: Notes | undefined, token: Token<T>, value: T): Notes {
  return { token: token as Token<never>, value, older: notes }
}

/** Finds the newest note of a token. */
export function read<T>(notes: Notes | undefined, token: Token<T>): T | undefined {
  for (let at = notes; at !== undefined; at = at.older) {
    if ((at.token as Token<unknown>) === token) return at.value as T
  }
  return token.fallback
}
