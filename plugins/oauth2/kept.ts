/** Tokens that come from a store, which anybody may have written. */
import { config, own } from '../../src/index.ts'
import type { OAuth2Tokens } from './options.ts'

/** Tokens that are none throw `CONFIG`; what is wrong is said, and what is there is not. */
export function checkedTokens(given: unknown): OAuth2Tokens | undefined {
  if (given === undefined || given === null) return undefined
  if (typeof given !== 'object') throw wrong('an object of tokens, or undefined')
  const { accessToken, type, expiresAt, refreshToken, scope } = own<Partial<Record<keyof OAuth2Tokens, unknown>>>(given)
  if (typeof accessToken !== 'string' || accessToken === '') throw wrong('tokens with an accessToken')
  if (type !== 'Bearer' && type !== 'DPoP') throw wrong("tokens of type 'Bearer' or 'DPoP'")
  if (expiresAt !== undefined && typeof expiresAt !== 'number') throw wrong('tokens whose expiresAt is a number')
  if (!isText(refreshToken)) throw wrong('tokens whose refreshToken is a text')
  if (!isText(scope)) throw wrong('tokens whose scope is a text')
  return { accessToken, type, expiresAt, refreshToken, scope }
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function wrong(wanted: string): Error {
  return config(`The store of oauth2({ store }) must load ${wanted}.`)
}
