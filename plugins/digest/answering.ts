/** One request, proven unasked where that is known to be wanted, and once more when its server asks. */
import { hashing } from '#hashing'
import { switchMap, type Observable } from 'rxjs'
import {
  canBeSentAgain,
  describe,
  DigestNonce,
  discard,
  HttpError,
  notice,
  parseAuthParams,
  parseChallenges,
  reissue,
  type Challenge,
  type DigestProof,
  type Handler,
  type HttpEvent,
  type HttpRequest,
  type NoticeEvent,
  type Outcome,
  type ResponseHead,
} from '../../src/index.ts'
import type { Login } from '../auth/login.ts'
import { isRealm } from '../auth/realm.ts'
import { cannotBeSentAgain, unanswered } from '../auth/unanswered.ts'
import { covered, isHashable } from './entity.ts'
import type { Nonces, Room } from './nonces.ts'
import type { DigestOptions } from './options.ts'
import { isProven, saidOf } from './proven.ts'

/** Once for a challenge, and once more when only the nonce was too old. */
const MOST_REPLAYS = 2

/** What was sent last. */
interface Sent {
  readonly room: Room
  readonly nonce: DigestNonce
  readonly proof: DigestProof
  /** True when the nonce came in answer to this very request. */
  readonly fresh: boolean
}

interface Wanted {
  readonly challenge: Challenge
  readonly nonce: DigestNonce
}

/** Sends one request. */
export class Answering {
  readonly #request: HttpRequest
  readonly #next: Handler
  readonly #options: DigestOptions
  readonly #nonces: Nonces
  readonly #login: Login
  #sent: Sent | undefined
  #replays = 0

  constructor(request: HttpRequest, next: Handler, options: DigestOptions, nonces: Nonces, login: Login) {
    this.#request = discard(request, head => this.#leaves(head))
    this.#next = next
    this.#options = options
    this.#nonces = nonces
    this.#login = login
  }

  run(): Observable<HttpEvent> {
    const room = this.#nonces.find(this.#request.url, this.#login.username, this.#options.realm)
    const nonce = room?.current
    const known = room !== undefined && nonce !== undefined && this.#mayAnswer(nonce)
    const events = known ? this.#prove(room, nonce, false) : this.#next(this.#request)
    return events.pipe(reissue((outcome, tell) => this.#decide(outcome, tell)))
  }

  #decide(outcome: Outcome, tell: (event: NoticeEvent) => void): Observable<HttpEvent> | undefined {
    const { head } = outcome
    if (head === undefined) return undefined
    const wanted = this.#wanted(head)
    if (wanted === undefined) {
      this.#settle(outcome, head)
      return undefined
    }
    const { challenge, nonce } = wanted
    const request = this.#request
    if (!this.#mayAnswer(nonce)) {
      throw unanswered(
        request,
        outcome,
        'BLOCKED',
        'was asked for Digest by MD5 over http, where whoever listens can look for the password at leisure; use https, a server that knows SHA-256, or digest({ md5OverHttp: true })',
      )
    }
    if (!canBeSentAgain(request)) throw cannotBeSentAgain('Digest', request, outcome)
    this.#replays++
    const { realm, algorithm, stale } = nonce
    tell(notice('digest', 'answering', { status: head.status, realm, algorithm, stale }))
    const room = this.#nonces.room(request.origin, challenge, realm, this.#login.username)
    return this.#prove(room, room.note(nonce), true)
  }

  #leaves(head: ResponseHead): boolean {
    const wanted = this.#wanted(head)
    return wanted !== undefined && this.#mayAnswer(wanted.nonce) && canBeSentAgain(this.#request)
  }

  /** The best of what an answer asks for, if it would be told something that it does not know yet. */
  #wanted({ status, headers }: ResponseHead): Wanted | undefined {
    if (status !== 401) return undefined
    let best: Wanted | undefined
    for (const challenge of parseChallenges(headers.getAll('www-authenticate'))) {
      const nonce = DigestNonce.of(challenge)
      if (nonce === undefined || !isRealm(nonce.realm, this.#options.realm)) continue
      if (best === undefined || nonce.strength > best.nonce.strength) best = { challenge, nonce }
    }
    return best !== undefined && this.#isNews(best.nonce) ? best : undefined
  }

  #isNews(nonce: DigestNonce): boolean {
    const sent = this.#sent
    if (sent === undefined) return true
    if (this.#replays >= MOST_REPLAYS) return false
    return nonce.stale || (!sent.fresh && nonce.nonce !== sent.nonce.nonce)
  }

  #mayAnswer({ algorithm }: DigestNonce): boolean {
    return algorithm !== 'md5' || this.#options.md5OverHttp || !this.#request.url.startsWith('http:')
  }

  #prove(room: Room, nonce: DigestNonce, fresh: boolean): Observable<HttpEvent> {
    const send = (request: HttpRequest, body?: string): Observable<HttpEvent> => {
      const { method, target } = request
      const proof = nonce.prove(this.#login, { method, target, body }, hashing)
      this.#sent = { room, nonce, proof, fresh }
      return this.#next(request.header('authorization', proof.value))
    }
    if (!this.#covers(nonce)) return send(this.#request)
    return covered(this.#request, nonce.algorithm).pipe(switchMap(({ request, hash }) => send(request, hash)))
  }

  /** Whether the proof covers the body: where that is wanted, by either side, and can be. */
  #covers({ qops }: DigestNonce): boolean {
    if (qops?.includes('auth-int') !== true) return false
    const must = !qops.includes('auth')
    const request = this.#request
    if (isHashable(request.body)) return must || this.#options.integrity
    if (!must) return false
    throw new HttpError(
      'BODY',
      `${describe(request, request.attempt)} needs the hash of its body before it is sent (Digest with auth-int alone), and its body can be produced only once; give a function that returns a new one, as in () => createReadStream(path).`,
      { phase: 'send', request, attempt: request.attempt, requestWritten: 'no' },
    )
  }

  /** Learns from an answer that stands. */
  #settle(outcome: Outcome, head: ResponseHead): void {
    const sent = this.#sent
    if (sent === undefined) return
    const { room, nonce, proof } = sent
    if (head.status === 401) {
      room.refused(nonce)
      return
    }
    const said = [...head.headers.getAll('authentication-info')]
    said.push(...(outcome.response?.trailers.getAll('authentication-info') ?? []))
    const info = saidOf(proof, parseAuthParams(said))
    if (!isProven(info, outcome, proof, nonce.algorithm)) {
      room.refused(nonce)
      throw unanswered(
        this.#request,
        outcome,
        'PROTOCOL',
        'was answered by somebody who does not know the password: rspauth is wrong (RFC 7616 §3.5)',
      )
    }
    room.accepted(nonce)
    const next = nonce.next(info.get('nextnonce') ?? '')
    if (next !== undefined) room.accepted(room.note(next))
  }
}
