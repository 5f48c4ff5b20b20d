/** One call that carries a token which is bound to a key. */
import { from, switchMap, type Observable } from 'rxjs'
import { tapAnswer, type HttpEvent, type HttpRequest, type ResponseHead, type Sink } from '../../src/index.ts'
import { Carrying, type CarryingParts } from '../auth/carrying.ts'
import type { HeldToken } from '../auth/held-token.ts'
import { asksForNonce, type Proofs } from './proofs.ts'

/** Sends a token with a proof, made anew for every send. */
export class Proving extends Carrying {
  readonly #proofs: Proofs

  constructor(parts: CarryingParts, proofs: Proofs, sink: Sink) {
    super(parts, sink)
    this.#proofs = proofs
  }

  protected override send(request: HttpRequest, token: HeldToken): Observable<HttpEvent> {
    return from(this.#proofs.prove(request, token.value)).pipe(
      switchMap(({ header, heard }) => {
        const headers = request.headers.fill(token.headers).setSecret('dpop', header)
        return this.parts.next(request.with({ headers })).pipe(tapAnswer(heard))
      }),
    )
  }

  protected override asksAgain(head: ResponseHead): boolean {
    return asksForNonce(head)
  }
}
