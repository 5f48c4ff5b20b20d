/** Where credentials may go: to the origins they belong to, and only on ways the user chose. */
import { config, STRAYED, type HttpRequest, type PluginContext } from '../../src/index.ts'

/**
 * Tells whether a request may carry the credentials of `plugin`: its origin is one of theirs, and no other origin led
 * there. Without `given` origins they belong to that of the client's base url; throws `CONFIG` when there is none
 * either, because then nobody can tell whose they are.
 */
export function atHome(
  request: HttpRequest,
  given: readonly string[] | undefined,
  plugin: string,
  { baseUrl }: Pick<PluginContext, 'baseUrl'>,
): boolean {
  if (given === undefined && baseUrl === undefined) {
    throw config(
      `${plugin} does not know where its credentials may go: give the client a baseUrl, or name the origins, as in ${plugin}({ origins: ['https://api.example.com'] }).`,
    )
  }
  if (request.read(STRAYED) === true) return false
  const { origin } = request
  return given === undefined ? baseUrl?.startsWith(`${origin}/`) === true : given.includes(origin)
}
