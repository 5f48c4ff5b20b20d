/** What a schema makes of a message, whatever it is that it does. */
import { issuePlace, type HttpErrorDetails, type Schema, type SchemaResult } from '../../src/index.ts'

/** A message that fits, or why it does not. */
export type Checked =
  | { readonly fits: true; readonly value: unknown }
  | { readonly fits: false; readonly what: string; readonly details: HttpErrorDetails }

/** Asks a schema; an answer that comes later never rejects. */
export function checked({ '~standard': standard }: Schema, message: unknown): Checked | Promise<Checked> {
  try {
    const result = standard.validate(message)
    return 'then' in result ? Promise.resolve(result).then(judged, uncheckable) : judged(result)
  } catch (cause) {
    return uncheckable(cause)
  }
}

function judged(result: SchemaResult<unknown>): Checked {
  try {
    const { issues } = result
    if (issues === undefined) return { fits: true, value: result.value }
    return { fits: false, what: `does not match its schema${issuePlace(issues)}`, details: { issues } }
  } catch (cause) {
    return uncheckable(cause)
  }
}

function uncheckable(cause: unknown): Checked {
  return { fits: false, what: 'could not be checked by its schema', details: { cause } }
}
