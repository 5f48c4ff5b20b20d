/** The usual list of plugins, in an order that works. */
import { arrange, type AnyPlugin } from '../src/index.ts'
import { bodyLimit } from './body-limit.ts'
import { deadline } from './deadline.ts'
import { decode } from './decode.ts'
import { redirect } from './redirect.ts'
import { retry } from './retry.ts'
import { timeout } from './timeout.ts'
import { userAgent } from './user-agent.ts'

/** The plugins every client should have unless its author decides otherwise. */
type Usual =
  | ReturnType<typeof deadline>
  | ReturnType<typeof redirect>
  | ReturnType<typeof retry>
  | ReturnType<typeof userAgent>
  | ReturnType<typeof bodyLimit>
  | ReturnType<typeof decode>
  | ReturnType<typeof timeout>

/** A usual plugin whose name none of the extra ones has, or one of those. */
type With<Extra extends readonly AnyPlugin[]> = Exclude<Usual, { readonly name: Extra[number]['name'] }> | Extra[number]

/**
 * Gives the usual plugins: `deadline`, `redirect`, `retry`, `userAgent`, `bodyLimit`, `decode` and `timeout`, each with its
 * defaults. `extra` ones are put where they belong; one that has the name of a usual plugin replaces it. A status stays a
 * value: add `expectSuccess()` if you want errors. Throws `CONFIG` when a name stands twice or no order can work.
 *
 * @example
 * ```ts
 * import { createClient, recommended } from 'sluice'
 * import { logging } from 'sluice/plugins/logging'
 * import { retry } from 'sluice/plugins/retry'
 *
 * const client = createClient({
 *   baseUrl: 'https://api.example.com/',
 *   plugins: recommended(logging(), retry({ times: 5 })),
 * })
 * client.get('users/7', { timeout: { headers: 2_000 }, logging: false }).subscribe(response => console.log(response.status))
 * ```
 */
export function recommended<const Extra extends readonly AnyPlugin[]>(...extra: Extra): readonly With<Extra>[] {
  const usual = [deadline(), redirect(), retry(), userAgent(), bodyLimit(), decode(), timeout()] as const
  const chosen: AnyPlugin[] = usual.map(plugin => extra.find(({ name }) => name === plugin.name) ?? plugin)
  const all = [...chosen, ...extra.filter(plugin => !chosen.includes(plugin))]
  return arrange(all as With<Extra>[])
}
