/** Who has a password at the real servers, and how those keep it. */
import { createHash } from 'node:crypto'

/** With what has to be escaped in a quoted text, and what is more than one byte. */
export const ADA = { username: 'ada', password: 'love"lace\\ ü:' }

/** What the servers call what they keep. */
export const REALM = 'servers of the tests'

/** Of a file of Basic, as both Apache and nginx read it. */
export const basicLine: string = `${ADA.username}:{SHA}${createHash('sha1').update(ADA.password).digest('base64')}\n`

/** Of a file of Digest (RFC 7616 §3.4.2, by MD5). */
export const digestLine: string = `${ADA.username}:${REALM}:${createHash('md5')
  .update(`${ADA.username}:${REALM}:${ADA.password}`)
  .digest('hex')}\n`
