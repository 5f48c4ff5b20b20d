/** Why a body cannot be read, said by those who do not know whose body it is. */

/** The end of a sentence about an answer: `is no valid JSON`. It never quotes the body. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: 'BODY' | 'TOO_LARGE'

  constructor(code: 'BODY' | 'TOO_LARGE', why: string, cause?: unknown) {
    super(why, { cause })
    this.code = code
  }
}
