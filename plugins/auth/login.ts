/** User and password: as they stand, or as they are asked for when a request needs them. */
import { defaultIfEmpty, forkJoin, map, Observable, of } from 'rxjs'
import { config, type Check } from '../../src/index.ts'
import type { Errands } from './errands.ts'
import { isLater, observed, type Later } from './later.ts'

/** A text, or a function that gives it, at once or later: a Promise, an Observable or an async iterable, of which the first value counts. */
export type LoginPart = string | (() => string | Later<string>)

/** User and password as they go into credentials. */
export interface Login {
  readonly username: string
  readonly password: string
}

/** What the options of a plugin say of them. */
export interface LoginOptions {
  readonly username: LoginPart | undefined
  readonly password: LoginPart | undefined
}

/** Answers what is wrong with a name or a password, without showing it. */
export type LoginCheck = (part: keyof Login, text: string) => string | undefined

/** Wants a text or a function; what is wrong with the text is not shown, for somebody may have written the password there. */
export function loginPart(plugin: string, part: keyof Login, wrong: LoginCheck): Check {
  return value => {
    if (typeof value === 'function') return undefined
    if (typeof value !== 'string') return 'a string, or a function that gives one'
    checked(plugin, part, value, wrong)
    return undefined
  }
}

/** The login of these options, now or later. What is sent for it at once is one of `errands`. Throws `CONFIG` when there is none. */
export function loginOf(
  plugin: string,
  options: LoginOptions,
  wrong: LoginCheck,
  errands: Errands,
): Login | Observable<Login> {
  checkLogin(plugin, options)
  const username = valueOf(options.username, errands)
  const password = valueOf(options.password, errands)
  const whole = (user: unknown, secret: unknown): Login => ({
    username: checked(plugin, 'username', user, wrong),
    password: checked(plugin, 'password', secret, wrong),
  })
  if (!isLater<unknown>(username) && !isLater<unknown>(password)) return whole(username, password)
  return forkJoin([first(username, errands), first(password, errands)]).pipe(
    map(([user, secret]) => whole(user, secret)),
  )
}

/** Throws `CONFIG` where a part of the login is missing. */
export function checkLogin(plugin: string, options: LoginOptions): void {
  const part = options.username === undefined ? 'username' : 'password'
  if (options[part] !== undefined) return
  throw config(
    `${plugin} has no ${part}: give the client ${plugin}({ username, password }), or the call { ${plugin}: { username, password } }; { ${plugin}: false } sends it without.`,
  )
}

/** What a part is; what its function throws comes later, so that the other part is heard to its end too. */
function valueOf(given: LoginPart | undefined, errands: Errands): unknown {
  if (typeof given !== 'function') return given
  try {
    return errands.call(given)
  } catch (error) {
    return new Observable(subscriber => {
      subscriber.error(error)
    })
  }
}

function first(given: unknown, errands: Errands): Observable<unknown> {
  return isLater<unknown>(given) ? errands.run(() => observed(given)).pipe(defaultIfEmpty(undefined)) : of(given)
}

function checked(plugin: string, part: keyof Login, value: unknown, wrong: LoginCheck): string {
  if (typeof value !== 'string') {
    throw config(`${plugin}({ ${part} }) must give a string, not a value of type ${typeof value}.`)
  }
  const wanted = value.isWellFormed() ? wrong(part, value) : 'text without halves of characters'
  if (wanted !== undefined) throw config(`${plugin}({ ${part} }) must be ${wanted}.`)
  return value
}
