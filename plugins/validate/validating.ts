/** Holds a whole answer back until its schema has said what it is. */
import { from, type Subscription } from 'rxjs'
import {
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
    let result: SchemaResult<unknown> | Promise<SchemaResult<unknown>>
    try {
      const value = valueOf(response)
      if (value === undefined) {
        super.next({ type: 'response', response })
        return
      }
      result = schema['~standard'].validate(value.value)
    } catch (error) {
      this.error(error)
      return
    }
    if (isPromise(result)) this.#wait(response, result)
    else this.#settle(response, result)
  }

  #wait(response: HttpResponse, promise: Promise<SchemaResult<unknown>>): void {
    this.#waiting = true
    this.#later = from(promise).subscribe({
      next: result => {
        this.#waiting = false
        this.#settle(response, result)
        if (this.#completed) super.complete()
      },
      error: (error: unknown) => {
        this.error(error)
      },
    })
  }

  #settle(response: HttpResponse, result: SchemaResult<unknown>): void {
    if (result.issues === undefined) {
      super.next({ type: 'response', response: response.with({ settled: { value: result.value } }) })
      return
    }
    const error = mismatch(response, result.issues)
    // That the status is an error is the greater news: it goes on, and whoever wants the value hears of the rest.
    if (response.ok) this.error(error)
    else super.next({ type: 'response', response: response.with({ settled: { error } }) })
  }
}

/** The value of an answer; `undefined` where a body that comes with an error is none, as a page of a proxy. Throws for a success. */
function valueOf(response: HttpResponse): { readonly value: unknown } | undefined {
  try {
    return { value: response.value() }
  } catch (error) {
    if (response.ok || !(error instanceof HttpError) || error.code !== 'BODY') throw error
    return undefined
  }
}
