/** The part of the Standard Schema interface (standardschema.dev, version 1) that sluice calls. */
import { config } from './errors.ts'

/** One thing a schema found wrong. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Any schema of zod, valibot, arktype or another library that follows Standard Schema. */
export interface Schema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** What a schema answers: a value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** Tells a Standard Schema from options and functions. Some libraries make functions of theirs. */
export function isSchema(value: unknown): value is Schema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !('~standard' in value))
    return false
  // Plain objects are options; what is on their prototype is not theirs.
  if (Object.getPrototypeOf(value) === Object.prototype && !Object.hasOwn(value, '~standard')) return false
  const standard = value['~standard']
  return (
    typeof standard === 'object' &&
    standard !== null &&
    'validate' in standard &&
    typeof standard.validate === 'function'
  )
}

/** Tells an asynchronous answer from one that is here, also when its promise is of another realm. What it rejects with is nobody's. */
export function isPromise<Output>(
  result: SchemaResult<Output> | Promise<SchemaResult<Output>>,
): result is Promise<SchemaResult<Output>> {
  // A broken schema may answer anything.
  if (typeof result !== 'object' || (result as object | null) === null) return false
  if (!('then' in result) || typeof result.then !== 'function') return false
  result.then(undefined, () => undefined)
  return true
}

/** What a schema answered. Throws `CONFIG` when that is neither a value nor a list of issues: it is not shown, for it may be the value. */
export function answerOf<Output>(
  { '~standard': { vendor } }: Schema,
  result: SchemaResult<Output>,
): SchemaResult<Output> {
  const sound =
    typeof result === 'object' &&
    (result as object | null) !== null &&
    (result.issues === undefined || Array.isArray(result.issues))
  if (sound) return result
  throw config(
    `The schema of ${vendor} answered neither with a value nor with a list of issues, as Standard Schema wants.`,
  )
}

const MOST_PLACE = 100
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Surrogate}]/gu

/** Ends a sentence with where the first issue is, as in ` at users.0.name`. What the issue says is left out: it may quote the value. */
export function issuePlace([issue]: readonly SchemaIssue[]): string {
  const path = (issue?.path ?? []).map(step => String(typeof step === 'object' ? step.key : step)).join('.')
  if (path === '') return ''
  // The names in it may be those of a record, which the server chose.
  const place = path.length > MOST_PLACE ? `${path.slice(0, MOST_PLACE)}…` : path
  return ` at ${place.replace(UNPRINTABLE, '\ufffd')}`
}
