/** Who may use the proxies, and how they are told. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import type { ProxyCredentials } from 'sluice'

/** With everything a url has to have percent-encoded, and something that must not be decoded twice. */
export const ADA: ProxyCredentials = { username: 'ada', password: 's:ecr%40t/?#' }

/** With nothing special, for proxies that cannot keep anything special. */
export const BOB: ProxyCredentials = { username: 'bob', password: 'plain.secret' }

/** The same name with the wrong password. */
export const MALLORY: ProxyCredentials = { username: 'ada', password: 'guessed' }

/** The line of crypt(3) for a password, SHA-512. */
export function crypted(password: string): string {
  return execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: password, encoding: 'utf8' }).trim()
}

/** The A1 hash of RFC 7616 §3.4.2 with MD5, in which proxies keep passwords for Digest. */
export function digestHash({ username, password }: ProxyCredentials, realm: string): string {
  return createHash('md5').update(`${username}:${realm}:${password}`).digest('hex')
}
