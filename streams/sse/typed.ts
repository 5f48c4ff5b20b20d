/** Events by name: which are wanted, and what their data is. */
import { isSchema, issuePlace, shown, type Check, type Schema } from '../../src/index.ts'
import { fault, type Origin } from '../reading/fault.ts'
import type { Emit, Parser } from '../reading/parser.ts'
import type { ServerSentEvent } from './event.ts'

/** How the data of an event is read: `'text'` as it came, a Standard Schema as JSON that has to match it. */
export type DataReading = 'text' | Schema

/** The events that are wanted, by their type, and how their data is read. */
export type EventReadings = { readonly [type: string]: DataReading }

/** The events that come of {@link EventReadings}; all of them, with their data as text, when none are named. */
export type EventOf<E extends EventReadings> = string extends keyof E
  ? ServerSentEvent
  : { [Type in keyof E & string]: ServerSentEvent<Type, DataOf<E[Type]>> }[keyof E & string]

type DataOf<R> = R extends Schema<infer Data> ? Data : string

/** Wants events with what reads their data. */
export const eventReadings: Check = value =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isReading)
    ? undefined
    : "an object of event types, each 'text' or a Standard Schema (zod, valibot, arktype, json())"

function isReading(value: unknown): boolean {
  return value === 'text' || isSchema(value)
}

/** Lets through the events that are wanted, their data read. */
export class TypedEvents implements Parser<ServerSentEvent<string, unknown>> {
  readonly #origin: Origin
  readonly #parser: Parser<ServerSentEvent>
  readonly #readings: ReadonlyMap<string, DataReading>
  #count = 0

  constructor(origin: Origin, parser: Parser<ServerSentEvent>, readings: EventReadings) {
    this.#origin = origin
    this.#parser = parser
    this.#readings = new Map(Object.entries(readings))
  }

  push(bytes: Uint8Array, emit: Emit<ServerSentEvent<string, unknown>>): void {
    this.#parser.push(bytes, event => {
      this.#count++
      const reading = this.#readings.get(event.type)
      if (reading === undefined) return true
      return emit(reading === 'text' ? event : { ...event, data: this.#read(event, reading) })
    })
  }

  end(): void {
    this.#parser.end(() => false)
  }

  #read({ type, data }: ServerSentEvent, schema: Schema): unknown {
    const standard = schema['~standard']
    let value: unknown
    try {
      value = JSON.parse(data)
    } catch {
      // The parser's own message quotes the data, which may hold secrets.
      throw this.#wrong(type, 'is no valid JSON')
    }
    const result = standard.validate(value)
    if ('then' in result) {
      result.then(undefined, () => undefined)
      throw this.#wrong(
        type,
        `has an asynchronous schema of ${standard.vendor}; use it in the projector, where it may take its time`,
      )
    }
    if (result.issues === undefined) return result.value
    const { issues } = result
    throw fault('BODY', this.#origin, this.#name(type), `does not match its schema${issuePlace(issues)}`, { issues })
  }

  #wrong(type: string, what: string): Error {
    return fault('BODY', this.#origin, this.#name(type), what)
  }

  #name(type: string): string {
    return `Event ${this.#count} (${shown(type)}) of`
  }
}

/**
 * Takes the data of an event for JSON of a type, without looking: for servers you trust.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { json, sse } from 'sluice/streams/sse'
 *
 * interface Price { readonly symbol: string; readonly price: number }
 *
 * createClient()
 *   .stream('https://api.example.com/prices', sse({ events: { price: json<Price>(), done: 'text' } }))
 *   .subscribe(event => {
 *     if (event.type === 'price') console.log(event.data.price) // 12.5
 *   })
 * ```
 */
export function json<T>(): Schema<T> {
  return { '~standard': { version: 1, vendor: 'sluice', validate: value => ({ value: value as T }) } }
}
