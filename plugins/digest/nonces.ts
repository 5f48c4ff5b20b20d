/** The nonces a client was given, by whom, for whom and for what. */
import type { Challenge, DigestNonce } from '../../src/index.ts'
import { isRealm } from '../auth/realm.ts'
import { Spaces } from '../auth/spaces.ts'

/** How many nonces of one place are counted at a time: answers that cross each other bring several. */
const MOST = 32

/** What is known of one realm of one origin, for one user. */
export class Room {
  readonly username: string
  /** The oldest first. */
  readonly #nonces: DigestNonce[] = []
  /** What the next request proves itself with, unasked. */
  current: DigestNonce | undefined

  constructor(username: string) {
    this.username = username
  }

  /** Takes note of a nonce; one that is known is counted on. */
  note(offered: DigestNonce): DigestNonce {
    const known = this.#nonces.find(nonce => nonce.isSame(offered))
    if (known !== undefined) return known
    this.#nonces.push(offered)
    if (this.#nonces.length > MOST) this.#nonces.shift()
    return offered
  }

  /** A proof was taken: its nonce is good for more, unless there is a newer one. */
  accepted(nonce: DigestNonce): void {
    const { current } = this
    if (current === undefined || this.#nonces.indexOf(nonce) > this.#nonces.indexOf(current)) this.current = nonce
  }

  /** A proof was not taken. */
  refused(nonce: DigestNonce): void {
    if (this.current === nonce) this.current = undefined
  }
}

/** All rooms of a client. */
export class Nonces {
  readonly #spaces = new Spaces<Room>()

  /** The room a url is in, when its server has let this user in before; only one of `realm`, if one is named. */
  find(url: string, username: string, realm: string | undefined): Room | undefined {
    return this.#spaces.find(url, ({ current, username: whose }) => {
      return current !== undefined && whose === username && isRealm(current.realm, realm)
    })
  }

  /** The room a challenge is about, made when it is a new one. */
  room(origin: string, { params }: Challenge, realm: string, username: string): Room {
    const key = JSON.stringify([origin, realm, username])
    const room = this.#spaces.get(key) ?? new Room(username)
    this.#spaces.learn(key, placesOf(origin, params.get('domain')), room)
    return room
  }
}

/**
 * The urls a challenge is about (RFC 7616 §3.3): those that begin like one of its `domain`, else the whole origin. What it says
 * of other origins is not heard: they can ask for themselves.
 */
function placesOf(origin: string, domain: string | undefined): readonly string[] {
  const places = (domain ?? '').split(/\s+/, 64).flatMap(place => {
    const url = place === '' ? null : URL.parse(place, `${origin}/`)
    return url === null || url.origin !== origin ? [] : [url.origin + url.pathname + url.search]
  })
  return places.length > 0 ? places : [`${origin}/`]
}
