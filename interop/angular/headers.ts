/** Header fields of Angular and of ours. */
import { HttpHeaders as AngularHeaders } from '@angular/common/http'
import { HttpHeaders } from '../../src/index.ts'

/** Ours as Angular's. */
export function angularHeaders(headers: HttpHeaders): AngularHeaders {
  const fields = new Map<string, string[]>()
  for (const [name, value] of headers) fields.set(name, [...(fields.get(name) ?? []), value])
  return new AngularHeaders(Object.fromEntries(fields))
}

/** Angular's as ours. */
export function sluiceHeaders(headers: AngularHeaders): HttpHeaders {
  return HttpHeaders.of(
    headers.keys().flatMap(name => (headers.getAll(name) ?? []).map(value => [name, value] as const)),
  )
}
