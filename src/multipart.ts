/** multipart/form-data (RFC 7578), written so that its length is known before it is sent. */
import type { PreparedBody } from './body.ts'
import { fromBlob } from './upload.ts'

/** Recognises FormData of any realm: the platform's, undici's, jsdom's. */
export function isFormData(value: object): value is FormData {
  return (
    (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'FormData' &&
    typeof (value as Partial<FormData>).entries === 'function'
  )
}

/** Prepares a form; it can be sent again as long as its files can be read. */
export function multipart(form: FormData): PreparedBody {
  const boundary = `sluice-${crypto.randomUUID()}`
  const parts: BlobPart[] = []
  for (const [name, value] of form.entries()) {
    parts.push(`--${boundary}\r\nContent-Disposition: form-data; name="${escape(name)}"`)
    if (typeof value === 'string') parts.push(`\r\n\r\n${value.replace(/\r\n|\r|\n/g, '\r\n')}`)
    else
      parts.push(
        `; filename="${escape(value.name)}"\r\nContent-Type: ${value.type || 'application/octet-stream'}\r\n\r\n`,
        value,
      )
    parts.push('\r\n')
  }
  parts.push(`--${boundary}--\r\n`)
  return { body: fromBlob(new Blob(parts)), contentType: `multipart/form-data; boundary=${boundary}` }
}

/** The escaping of browsers (HTML standard, "multipart/form-data encoding algorithm"). */
function escape(name: string): string {
  return name.replace(/\r\n|\r|\n/g, '%0D%0A').replace(/"/g, '%22')
}
