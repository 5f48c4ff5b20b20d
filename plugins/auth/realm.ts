/** Realms by the names users give them. */

const UTF8 = new TextEncoder()

/**
 * True for the realm that was named, and for any where none was. A field comes as bytes, one a character; beyond ASCII they mean what the server
 * thinks they do, as a rule UTF-8 (RFC 7616 §3.3).
 */
export function isRealm(said: string, named: string | undefined): boolean {
  return named === undefined || said === named || said === String.fromCharCode(...UTF8.encode(named))
}
