/** Items that a schema looks at before anybody else does. */
import type { ObservableInput } from 'rxjs'
import { from, mergeMap } from 'rxjs'
import { isSchema, issuePlace, type Check, type Schema, type SchemaResult } from '../../src/index.ts'
import { fault, type Origin } from './fault.ts'
import type { Project } from './items.ts'

/** Wants a Standard Schema. */
export const schema: Check = value =>
  isSchema(value) ? undefined : 'a schema that follows Standard Schema (zod, valibot, arktype, …)'

/**
 * Makes a projector that validates each item, and hands what the schema makes of it to `project`, or emits it. An asynchronous
 * schema is waited for. Throws `BODY` with the number of the item, counted from 1, and the issues; it never quotes the item.
 */
export function validated<T, R>(
  response: Origin,
  { '~standard': standard }: Schema<T>,
  project: Project<T, R> = value => [value as unknown as R],
): Project<unknown, R> {
  return (item, index): ObservableInput<R> => {
    const judge = (result: SchemaResult<T>): T => {
      if (result.issues === undefined) return result.value
      throw fault('BODY', response, `Item ${index + 1} of`, `does not match its schema${issuePlace(result.issues)}`, {
        issues: result.issues,
      })
    }
    const result = standard.validate(item)
    if (!('then' in result)) return project(judge(result), index)
    return from(result).pipe(mergeMap(late => project(judge(late), index)))
  }
}
