/** What a schema makes of a message, whatever it is that it does. */
import type { HttpErrorDetails, Schema, SchemaIssue, SchemaResult } from '../../src/index.ts'

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
    return { fits: false, what: `does not match its schema${place(issues)}`, details: { issues } }
  } catch (cause) {
    return uncheckable(cause)
  }
}

function uncheckable(cause: unknown): Checked {
  return { fits: false, what: 'could not be checked by its schema', details: { cause } }
}

/** Where the first issue is. What it says may quote the message. */
function place([issue]: readonly SchemaIssue[]): string {
  const path = (issue?.path ?? []).map(step => String(typeof step === 'object' ? step.key : step))
  return path.length === 0 ? '' : ` at ${path.join('.')}`
}
