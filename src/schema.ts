/** The part of the Standard Schema interface (standardschema.dev, version 1) that sluice calls. */

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

/** Tells an asynchronous answer from one that is here, also when its promise is of another realm. What it rejects with is nobody's. */
export function isPromise<Output>(
  result: SchemaResult<Output> | Promise<SchemaResult<Output>>,
): result is Promise<SchemaResult<Output>> {
  if (!('then' in result) || typeof result.then !== 'function') return false
  result.then(undefined, () => undefined)
  return true
}

/** Ends a sentence with where the first issue is, as in ` at users.0.name`. What the issue says is left out: it may quote the value. */
export function issuePlace([issue]: readonly SchemaIssue[]): string {
  const path = (issue?.path ?? []).map(step => String(typeof step === 'object' ? step.key : step))
  return path.length === 0 ? '' : ` at ${path.join('.')}`
}
