/** One request that waits to be asked for Basic credentials. */
import type { Observable } from 'rxjs'
import {
  canBeSentAgain,
  discard,
  notice,
  parseChallenges,
  reissue,
  type Handler,
  type HttpEvent,
  type HttpRequest,
  type NoticeEvent,
  type Outcome,
  type ResponseHead,
} from '../../src/index.ts'
import { isRealm } from '../auth/realm.ts'
import type { Spaces } from '../auth/spaces.ts'
import { cannotBeSentAgain } from '../auth/unanswered.ts'

/** What a request that waits has to do with. */
export interface EnteringParts {
  readonly request: HttpRequest
  readonly next: Handler
  readonly realm: string | undefined
  /** Sends with the credentials. */
  readonly enter: () => Observable<HttpEvent>
  readonly spaces: Spaces<string>
}

/** Sends without credentials, and with them if that is what the answer asks for. */
export class Entering {
  readonly #parts: EnteringParts
  #realm: string | undefined

  constructor(parts: EnteringParts) {
    this.#parts = parts
  }

  run(): Observable<HttpEvent> {
    const { request, next } = this.#parts
    const asks = (head: ResponseHead): boolean => this.#asked(head) !== undefined && canBeSentAgain(request)
    return next(discard(request, asks)).pipe(reissue((outcome, tell) => this.#decide(outcome, tell)))
  }

  #decide(outcome: Outcome, tell: (event: NoticeEvent) => void): Observable<HttpEvent> | undefined {
    const { head } = outcome
    const { request, enter } = this.#parts
    if (head === undefined) return undefined
    if (this.#realm !== undefined) {
      if (head.status !== 401) this.#learn(this.#realm)
      return undefined
    }
    const realm = this.#asked(head)
    if (realm === undefined) return undefined
    if (!canBeSentAgain(request)) throw cannotBeSentAgain('Basic', request, outcome)
    this.#realm = realm
    tell(notice('basic', 'answering', { status: head.status, realm }))
    return enter()
  }

  /** The realm for which an answer asks for Basic. One to credentials of somebody further in, as a proof by Digest, is the answer. */
  #asked({ status, headers, request }: ResponseHead): string | undefined {
    if (status !== 401 || this.#realm !== undefined || request.headers.has('authorization')) return undefined
    const wanted = this.#parts.realm
    return parseChallenges(headers.getAll('www-authenticate'))
      .filter(({ scheme }) => scheme === 'basic')
      .map(({ params }) => params.get('realm') ?? '')
      .find(realm => isRealm(realm, wanted))
  }

  /** RFC 7617 §2.2: what is as deep as this url or deeper asks for the same. */
  #learn(realm: string): void {
    const { request, spaces } = this.#parts
    const path = request.url.replace(/[?#].*$/, '')
    const folder = path.slice(0, path.lastIndexOf('/') + 1)
    spaces.learn(`${folder} ${realm}`, [folder], realm)
  }
}
