/** What options of OAuth 2 have to be. */
import { limit, own, type Check } from '../../src/index.ts'

/** A url of a server; whether http will do is said when it is asked. */
const url: Check = value => {
  const parsed = typeof value === 'string' ? URL.parse(value) : null
  const fine = parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.hash === ''
  return fine ? undefined : 'a url such as https://login.example.com/'
}

/** The url an authorization server is named by. */
export const issuer: Check = value => (URL.parse(String(value))?.search === '' ? url(value) : url(undefined))

/** Where it is asked. */
export const endpoints: Check = value => {
  const { token, deviceAuthorization } = own(objectOf(value))
  const wrong = url(token) ?? (deviceAuthorization === undefined ? undefined : url(deviceAuthorization))
  return wrong === undefined ? undefined : `{ token, deviceAuthorization }, each ${wrong}`
}

/** How a client proves who it is; a secret is not shown. */
export const authentication: Check = value => {
  const { method, secret, key } = own(objectOf(value))
  switch (method) {
    case 'none':
      return undefined
    case 'client_secret_basic':
    case 'client_secret_post':
      return typeof secret === 'string' && secret !== '' ? undefined : `{ method: '${method}', secret }`
    case 'private_key_jwt':
      return isKey(key, 'private') ? undefined : `{ method: '${method}', key }, a private CryptoKey`
    default:
      return "{ method }, one of 'none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'"
  }
}

/** What a token is to be used at. */
export const resource: Check = value => {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  return all.every(one => typeof one === 'string' && URL.canParse(one))
    ? undefined
    : 'an absolute url, or a list of them'
}

/** What is sent beside. */
export const parameters: Check = value => {
  const fine = typeof value === 'object' && value !== null && Object.values(value).every(one => typeof one === 'string')
  return fine && !Array.isArray(value) ? undefined : 'an object of texts'
}

/** To what key tokens are bound. */
export const dpop: Check = value => {
  const { privateKey, publicKey } = objectOf(value)
  const pair = isKey(privateKey, 'private') && isKey(publicKey, 'public')
  return typeof value === 'boolean' || pair ? undefined : 'true, false, or a CryptoKeyPair'
}

/** What keeps tokens. */
export const store: Check = value => {
  const { load, save } = objectOf(value)
  return typeof load === 'function' && typeof save === 'function' ? undefined : 'an object with load() and save()'
}

/** Who is told of tokens. */
export const tokens: Check = value =>
  typeof objectOf(value)['next'] === 'function' ? undefined : 'an observer, such as a Subject'

/** How long before its end. */
export const ahead: Check = value => (value === 0 ? undefined : limit(value))

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isKey(value: unknown, type: CryptoKey['type']): boolean {
  return value instanceof CryptoKey && value.type === type
}
