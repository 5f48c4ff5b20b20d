/** Hands on answers that are what they should be, and nothing else. */
import { definePlugin, LIVE, optional, staged, type PluginFactory, type Schema } from '../src/index.ts'
import { aSchema, byStatus, type ErrorSchemas } from './validate/schemas.ts'
import { Validating } from './validate/validating.ts'

export type { ErrorSchemas } from './validate/schemas.ts'

/** What answers have to be. */
export interface ValidateOptions {
  /**
   * The schema of answers with a status from 200 to 299; it may be asynchronous. Default: none. What it makes of the body is
   * `response.value()`, typed by it when it is given per call. Throws `CONFIG` for what is no Standard Schema.
   */
  schema: Schema | undefined
  /**
   * The schemas of other answers by status, `'4xx'`, `'5xx'` or `default`. Default: none. Given per call they replace those of
   * the client. Throws `CONFIG` for another key and for what is no Standard Schema.
   */
  errors: ErrorSchemas
}

const DEFAULTS: ValidateOptions = { schema: undefined, errors: {} }

/**
 * Validates the value of whole answers (`response.value()`) by a [Standard Schema](https://standardschema.dev) before they are handed out, and
 * makes what the schema says of it their value. Schemas may be asynchronous: the answer waits for them.
 *
 * A success that does not match fails with `BODY` in the phase `decode`; `error.issues` says why, and the message where, without
 * quoting it; as issues may quote it, what shows the error leaves them out. An answer that is no success and does not match `errors` passes: its status is the greater news. Its `value()` throws that error
 * then, and the `STATUS` error that `expectSuccess` makes of it has the `issues`; a body that cannot be read at all, as JSON that
 * breaks off or an image, changes nothing. `text()`, `json()` and `bytes` stay what came.
 *
 * Answers without a body (204, 205, 304, `HEAD`) pass. So do live ones (`client.stream`): their readers take schemas themselves. For one
 * schema in one place `response.value(schema)` does, without a plugin.
 *
 * It stands once per call (`call`) around everything that sends, so that an answer is judged once and an invalid one is not asked
 * for again; inside of `expectSuccess`, which takes the judged answer into its error. Which codec reads the value (`codecs`) does
 * not depend on the order.
 *
 * @example
 * ```ts
 * import { createClient, type Schema } from 'sluice'
 * import { validate } from 'sluice/plugins/validate'
 *
 * // As zod, valibot and arktype make them.
 * const User: Schema<{ name: string }> = {
 *   '~standard': {
 *     version: 1,
 *     vendor: 'mine',
 *     validate: value =>
 *       typeof (value as { name?: unknown }).name === 'string'
 *         ? { value: value as { name: string } }
 *         : { issues: [{ message: 'must be a string', path: ['name'] }] },
 *   },
 * }
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: [validate()] })
 * client.get('users/7', { validate: { schema: User } }).subscribe(response => console.log(response.value().name)) // Ada
 * ```
 */
export const validate: PluginFactory<'validate', ValidateOptions> = definePlugin({
  name: 'validate',
  scope: 'call',
  inside: { expectSuccess: 'the error of a status takes the validated answer along' },
  defaults: DEFAULTS,
  check: { schema: optional(aSchema), errors: byStatus },
  install: () => (request, next, options) =>
    request.read(LIVE) ? next(request) : staged(out => new Validating(options, out))(next(request)),
})
