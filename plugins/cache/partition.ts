/** Whose answers a request may see: by default those to requests with the same credentials. */
import { IDENTITY, isSensitive, standsFor, type HttpHeaders, type HttpRequest } from '../../src/index.ts'
import { fingerprint } from '../hashing/fingerprint.ts'

/** Secrets that say nothing of who asks, and come and go with every request. */
const NOBODY = /xsrf|csrf|idempotency/i
/** How many names and credentials are remembered, so that they are judged and hashed once. */
const MOST = 256

/** Says in whose name a request goes; made once per client. */
export class Partition {
  readonly #names = new Map<string, boolean>()
  readonly #hashes = new Map<string, string>()

  /** `''` for one without credentials. */
  of(request: HttpRequest): string {
    const identity = request.read(IDENTITY)
    const fields = request.headers.flat
    let name = identity === undefined ? '' : `as ${JSON.stringify(identity)}`
    for (let at = 0; at < fields.length; at += 2) {
      const field = fields[at] ?? ''
      if (!this.#isCredential(field)) continue
      const value = fields[at + 1] ?? ''
      if (identity !== undefined && field.toLowerCase() === 'authorization' && isNamed(identity, value)) continue
      name += `${name === '' ? '' : ' '}${this.#hashed(field, value)}`
    }
    return name
  }

  /** True when two requests go in the same name: whoever added one further in did so behind the back of the cache. */
  same(seen: HttpRequest, sent: HttpRequest): boolean {
    return (
      seen.read(IDENTITY) === sent.read(IDENTITY) && this.#credentials(seen.headers) === this.#credentials(sent.headers)
    )
  }

  /** True when a request carries any. */
  any(headers: HttpHeaders): boolean {
    return this.#credentials(headers) !== ''
  }

  #credentials(headers: HttpHeaders): string {
    let all = ''
    const fields = headers.flat
    for (let at = 0; at < fields.length; at += 2) {
      const field = fields[at] ?? ''
      if (this.#isCredential(field)) all += `${field.toLowerCase()}:${fields[at + 1] ?? ''}\n`
    }
    return all
  }

  #isCredential(field: string): boolean {
    let is = this.#names.get(field)
    if (is === undefined) {
      is = isSensitive(field) && !NOBODY.test(field)
      remember(this.#names, field, is)
    }
    return is
  }

  #hashed(field: string, value: string): string {
    const text = `${field.toLowerCase()}:${value}`
    let hash = this.#hashes.get(text)
    if (hash === undefined) {
      hash = fingerprint(text)
      remember(this.#hashes, text, hash)
    }
    return hash
  }
}

/** True for what differs with every send (Digest, signatures) where a name was noted in its place; any other name stands for others. */
function isNamed(identity: string, authorization: string): boolean {
  const scheme = /^\S+/.exec(authorization)?.[0]
  return scheme !== undefined && standsFor(identity, scheme)
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= MOST)
    for (const oldest of map.keys()) {
      map.delete(oldest)
      break
    }
  map.set(key, value)
}
