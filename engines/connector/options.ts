/** The options of connecting that all engines on Node share, and how options are checked. */
import { isIP, type LookupFunction } from 'node:net'
import { callback, type Check, config, limit, oneOf, optional, shown, text } from '../../src/index.ts'
import { isPin } from './pins.ts'
import type { TlsOptions } from './tls.ts'

/** How connections are made, with every default filled in. */
export interface ConnectOptions {
  readonly connectAttempts: number
  readonly tls: TlsOptions
  readonly lookup: LookupFunction | undefined
  /** How long addresses are remembered, in milliseconds. Missing and `false`: every connection looks up its host. */
  readonly lookupCache?: number | false | undefined
  readonly family: 4 | 6 | undefined
  readonly localAddress: string | undefined
  readonly socketPath: string | undefined
}

/** Wants a whole number of at least 1. */
export const atLeastOne: Check = value =>
  Number.isSafeInteger(value) && (value as number) >= 1 ? undefined : 'a whole number of at least 1'

/** Wants a whole number of at least 1, or `Infinity` for "no limit". */
export const atLeastOneOrInfinity: Check = value =>
  value === Infinity || atLeastOne(value) === undefined
    ? undefined
    : 'a whole number of at least 1, or Infinity for no limit'

const address: Check = value =>
  typeof value === 'string' && isIP(value) !== 0 ? undefined : 'an IP address of this machine, as in "192.0.2.1"'

const pem: Check = value =>
  [value].flat().every(item => typeof item === 'string' || item instanceof Uint8Array)
    ? undefined
    : 'the content of a PEM or DER file as string or bytes, or a list of such'

const pins: Check = value =>
  Array.isArray(value) && value.length === 0
    ? 'at least one key'
    : [value].flat().every(isPin)
      ? undefined
      : 'the SHA-256 of a public key in base64, as in "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", or a list of such'

const version: Check = oneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3')

const TLS_CHECKS: Readonly<Record<keyof TlsOptions, Check>> = {
  ca: pem,
  cert: pem,
  key: pem,
  pfx: pem,
  passphrase: text,
  servername: text,
  ciphers: text,
  minVersion: version,
  maxVersion: version,
  pins,
  dangerouslyAcceptAnyCertificate: value => (typeof value === 'boolean' ? undefined : 'true or false'),
}

/** The checks of the options that all engines on Node share. */
export const CONNECT_CHECKS: Readonly<Record<keyof ConnectOptions, Check>> = {
  connectAttempts: atLeastOne,
  tls: value =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object of TLS options',
  lookup: callback,
  lookupCache: limit,
  family: oneOf(4, 6),
  localAddress: address,
  socketPath: text,
}

/** What was given and nothing that a polluted `Object.prototype` adds. */
export function ownOf<T extends object>(given: T): T {
  return Object.assign(Object.create(null) as T, given)
}

/** Checks options by name. Throws `CONFIG`, saying what would have been right, for a wrong value and an unknown name. */
export function checkOptions(where: string, options: object, checks: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) {
      throw config(`${where} has no option ${JSON.stringify(name)}; it has ${Object.keys(checks).join(', ')}.`)
    }
    const wanted = optional(check)(value)
    if (wanted !== undefined) throw config(`The option ${name} of ${where} must be ${wanted}, not ${shown(value)}.`)
  }
}

/** Checks the options of TLS, and that what belongs together came together. */
export function checkTls(where: string, tls: TlsOptions): void {
  checkOptions(`${where}({ tls })`, tls, TLS_CHECKS)
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw config(
      `${where}({ tls }) has ${tls.cert === undefined ? 'key' : 'cert'} alone; a client certificate needs cert and key.`,
    )
  }
}
