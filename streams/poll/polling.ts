/** The same request every few seconds. */
import type { Observable } from 'rxjs'
import type { Client, Url } from '../../src/index.ts'
import type { Asked, Call } from '../again/asked.ts'
import type { PollOptions } from './options.ts'
import { Repeating, type Repeated } from './repeating.ts'
import { canBeConditional, Validators } from './validators.ts'
import { seen } from './visibility.ts'

/** {@link PollOptions}, checked. */
export type Polled = Repeated & Required<Pick<PollOptions, 'every' | 'conditional'>> & Pick<PollOptions, 'visibility'>

/** Asks again `every` milliseconds after the last answer. */
export class Polling extends Repeating {
  readonly #call: Call
  readonly #options: Polled
  readonly #validators: Validators | undefined

  constructor(client: Client, url: Url, call: Call, options: Polled) {
    super(client, url, options)
    this.#call = call
    this.#options = options
    this.#validators = options.conditional === true && canBeConditional(call) ? new Validators() : undefined
  }

  protected override ready(): Observable<unknown> {
    const { visibility } = this.#options
    return visibility === undefined ? super.ready() : seen(visibility)
  }

  protected override call(): Call {
    return this.#validators?.on(this.#call) ?? this.#call
  }

  protected override hear(asked: Asked): void {
    this.#validators?.hear(asked)
  }

  protected override isSilence(): boolean {
    return false
  }

  protected override pause(): number {
    return this.#options.every
  }
}
