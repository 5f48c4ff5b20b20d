/** Text out of bytes, in the charset an answer names. */
import type { HttpHeaders } from '../../src/index.ts'
import { fault, type Origin } from './fault.ts'

/** The charset of `Content-Type`; UTF-8 when there is none. */
export function charsetOf(headers: HttpHeaders): string {
  return /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(headers.get('content-type') ?? '')?.[1] ?? 'utf-8'
}

/** Makes a decoder. Throws `BODY` for a charset the platform does not know. */
export function decoder(
  label: string,
  { fatal, ignoreBOM }: { readonly fatal: boolean; readonly ignoreBOM: boolean },
  response: Origin,
): TextDecoder {
  try {
    return new TextDecoder(label, { fatal, ignoreBOM })
  } catch (cause) {
    throw fault(
      'BODY',
      response,
      'The text of',
      `has the charset ${JSON.stringify(label)}, which this platform cannot decode`,
      { cause },
    )
  }
}
