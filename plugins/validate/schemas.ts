/** Which schema an answer is held to. */
import { isSchema, type Check, type Schema } from '../../src/index.ts'

/** Schemas of the answers that are no success: the status itself counts before its class, that before `default`. */
export interface ErrorSchemas {
  readonly [status: number]: Schema
  readonly '3xx'?: Schema | undefined
  readonly '4xx'?: Schema | undefined
  readonly '5xx'?: Schema | undefined
  /** All others from 400 on. */
  readonly default?: Schema | undefined
}

/** The schemas of a client or a call. */
export interface Schemas {
  readonly schema: Schema | undefined
  readonly errors: ErrorSchemas
}

/** The schema for a status; `undefined` where nothing is wanted of it. */
export function schemaFor(status: number, { schema, errors }: Schemas): Schema | undefined {
  if (status >= 200 && status <= 299) return schema
  const keys = [String(status), `${Math.trunc(status / 100)}xx`, ...(status >= 400 ? ['default'] : [])]
  const key = keys.find(one => Object.hasOwn(errors, one))
  return key === undefined ? undefined : (errors as Readonly<Record<string, Schema>>)[key]
}

/** Wants a Standard Schema. Those of some libraries are functions. */
export const aSchema: Check = value => (isSchema(value) ? undefined : 'a Standard Schema (zod, valibot, arktype, …)')

/** Wants schemas by status. */
export const byStatus: Check = value => {
  const wanted = "schemas by status, as in { 422: …, '4xx': …, default: … }, from 300 on"
  if (typeof value !== 'object' || value === null) return wanted
  const fine = Object.entries(value).every(([key, one]) => KEY.test(key) && (one === undefined || isSchema(one)))
  return fine ? undefined : wanted
}

const KEY = /^(?:[3-9]\d\d|[3-5]xx|default)$/
