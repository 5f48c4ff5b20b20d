/** multipart/form-data (RFC 7578), written so that its length is known before it is sent. */
import type { PreparedBody } from './body.ts'
import { shown } from './check.ts'
import { config } from './errors.ts'
import { fromBlob } from './upload.ts'

/** Recognises FormData of any realm: the platform's, undici's, jsdom's. */
export function isFormData(value: object): value is FormData {
  return (
    (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'FormData' &&
    typeof (value as Partial<FormData>).entries === 'function'
  )
}

/** Prepares a form; it can be sent again as long as its files can be read. Throws `CONFIG` for a part that is no file. */
export function multipart(form: FormData): PreparedBody {
  // 160 bits from the platform's secure source: nobody can put a boundary they guessed into a part.
  const boundary = `sluice-${Array.from(crypto.getRandomValues(new Uint8Array(20)), hex).join('')}`
  const parts: BlobPart[] = []
  for (const [name, value] of form.entries()) {
    parts.push(`--${boundary}\r\nContent-Disposition: form-data; name="${escape(lines(name))}"`)
    if (typeof value === 'string') parts.push(`\r\n\r\n${lines(value)}`)
    else parts.push(`; filename="${escape(value.name)}"\r\nContent-Type: ${typeOf(name, value)}\r\n\r\n`, value)
    parts.push('\r\n')
  }
  parts.push(`--${boundary}--\r\n`)
  return { body: fromBlob(new Blob(parts)), contentType: `multipart/form-data; boundary=${boundary}` }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** The escaping of browsers (HTML standard, "multipart/form-data encoding algorithm"). */
function escape(name: string): string {
  return name.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22')
}

/** Line ends of names and texts are CRLF; those of file names stay what they are. */
function lines(text: string): string {
  return text.replace(/\r\n?|\n/g, '\r\n')
}

function typeOf(name: string, file: unknown): string {
  if (!(file instanceof Blob)) {
    throw config(`The part ${JSON.stringify(name)} of a form must be text, a Blob or a File, not ${shown(file)}.`)
  }
  const { type } = file
  if (type === '') return 'application/octet-stream'
  // A Blob of the platform has no other type, but somebody may have put one over it.
  if (typeof type !== 'string' || !/^[\x20-\x7e]*$/.test(type)) {
    throw config(`The file ${JSON.stringify(name)} of a form has a type with characters that no media type has.`)
  }
  return type
}
