/** Subresource integrity: an answer that has another digest than the caller was told is no answer (W3C SRI). */

/** The digests of the standard, the weakest first. */
const ALGORITHMS = ['sha256', 'sha384', 'sha512']

/** Reads the whole answer and gives it on if one of the strongest digests named fits; rejects with `TypeError` otherwise. */
export async function verified(response: Response, integrity: string): Promise<Response> {
  const wanted = strongest(integrity)
  if (wanted.length === 0) return response
  const bytes = new Uint8Array(await response.clone().arrayBuffer())
  for (const [algorithm, digest] of wanted) {
    const found = new Uint8Array(await crypto.subtle.digest(algorithm.replace('sha', 'SHA-'), bytes))
    if (same(found, digest)) return response
  }
  await response.body?.cancel()
  throw new TypeError('fetch failed', {
    cause: new Error('The answer does not have the integrity that was asked for.'),
  })
}

/** What is no digest of a known kind is not looked at, as the standard says. */
function strongest(integrity: string): readonly (readonly [algorithm: string, digest: string])[] {
  const all = integrity.split(/[\t\n\f\r ]+/).flatMap(item => {
    const parts = /^(sha256|sha384|sha512)-([\w+/-]+=*)(?:\?.*)?$/i.exec(item)
    return parts === null ? [] : [[parts[1]?.toLowerCase() ?? '', parts[2] ?? ''] as const]
  })
  const best = Math.max(...all.map(([algorithm]) => ALGORITHMS.indexOf(algorithm)))
  return all.filter(([algorithm]) => ALGORITHMS.indexOf(algorithm) === best)
}

function same(found: Uint8Array, digest: string): boolean {
  const standard = digest.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
  return btoa(String.fromCharCode(...found)).replace(/=+$/, '') === standard
}
