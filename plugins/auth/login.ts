/** User and password: as they stand, or as they are asked for when a request needs them. */
import { defaultIfEmpty, forkJoin, from, map, Observable, of, take } from 'rxjs'
import { config, type Check } from '../../src/index.ts'
import { isLater, type Later } from './later.ts'

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

/** The login of these options, now or later. Throws `CONFIG` when there is none. */
export function loginOf(plugin: string, options: LoginOptions, wrong: LoginCheck): Login | Observable<Login> {
  checkLogin(plugin, options)
  const username = valueOf(options.username)
  const password = valueOf(options.password)
  const whole = (user: unknown, secret: unknown): Login => ({
    username: checked(plugin, 'username', user, wrong),
    password: checked(plugin, 'password', secret, wrong),
  })
  if (!isLater<unknown>(username) && !isLater<unknown>(password)) return whole(username, password)
  return forkJoin([first(username), first(password)]).pipe(map(([user, secret]) => whole(user, secret)))
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
function valueOf(given: LoginPart | undefined): unknown {
  if (typeof given !== 'function') return given
  try {
    return given()
  } catch (error) {
    return new Observable(subscriber => {
      subscriber.error(error)
    })
  }
}

function first(given: unknown): Observable<unknown> {
  return (isLater<unknown>(given) ? from(given) : of(given)).pipe(take(1), defaultIfEmpty(undefined))
}

function checked(plugin: string, part: keyof Login, value: unknown, wrong: LoginCheck): string {
  if (typeof value !== 'string') {
    throw config(`${plugin}({ ${part} }) must give a string, not a value of type ${typeof value}.`)
  }
  const wanted = value.isWellFormed() ? wrong(part, value) : 'text without halves of characters'
  if (wanted !== undefined) throw config(`${plugin}({ ${part} }) must be ${wanted}.`)
  return value
}
