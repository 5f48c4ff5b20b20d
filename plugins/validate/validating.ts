/** Holds a whole answer back until its schema has said what it is. */
import { from, map, type Observable, type Subscription } from 'rxjs'
import {
  answerOf,
  HttpError,
  isBodiless,
  isPromise,
  mismatch,
  Stage,
  type HttpEvent,
  type HttpResponse,
  type Schema,
  type SchemaResult,
  type Sink,
} from '../../src/index.ts'
import { schemaFor, type Schemas } from './schemas.ts'

/** Validates answers on their way out. */
export class Validating extends Stage {
  readonly #schemas: Schemas
  #later: Subscription | undefined
  #waiting = false
  #completed = false

  constructor(schemas: Schemas, out: Sink) {
    super(out)
    this.#schemas = schemas
  }

  override next(event: HttpEvent): void {
    if (this.ended) return
    const schema = event.type === 'response' ? schemaFor(event.response.status, this.#schemas) : undefined
    if (event.type !== 'response' || schema === undefined || isBodiless(event.response)) super.next(event)
    else this.#judge(event.response, schema)
  }

  override complete(): void {
    if (this.#waiting) this.#completed = true
    else super.complete()
  }

  override unsubscribe(): void {
    super.unsubscribe()
    this.#later?.unsubscribe()
  }

  #judge(response: HttpResponse, schema: Schema): void {
    let judged = response
    try {
      const read = valueOf(response)
      if (read !== undefined) {
        const result = schema['~standard'].validate(read.value)
        if (isPromise(result)) {
          this.#wait(from(result).pipe(map(late => judgement(response, answerOf(schema, late)))))
          return
        }
        judged = judgement(response, answerOf(schema, result))
      }
    } catch (error) {
      this.error(error)
      return
    }
    super.next({ type: 'response', response: judged })
  }

  #wait(judged: Observable<HttpResponse>): void {
    this.#waiting = true
    this.#later = judged.subscribe({
      next: response => {
        this.#waiting = false
        super.next({ type: 'response', response })
        if (this.#completed) super.complete()
      },
      error: (error: unknown) => {
        this.error(error)
      },
    })
  }
}

/** The answer with the value its schema made of it, or with the error of asking for that. Throws for a success that does not match. */
function judgement(response: HttpResponse, result: SchemaResult<unknown>): HttpResponse {
  if (result.issues === undefined) return response.with({ settled: { value: result.value } })
  const error = mismatch(response, result.issues)
  // That the status is an error is the greater news: it goes on, and whoever wants the value hears of the rest.
  if (response.ok) throw error
  return response.with({ settled: { error } })
}

/** The value of an answer; `undefined` where the body of an error cannot be read, be it broken, too large or of no known type. Throws for a success. */
function valueOf(response: HttpResponse): { readonly value: unknown } | undefined {
  try {
    return { value: response.value() }
  } catch (error) {
    if (response.ok || !(error instanceof HttpError) || error.code === 'CONFIG') throw error
    return undefined
  }
}
