/** Bodies of answers as Angular reads them. */
import type { HttpRequest } from '@angular/common/http'

/** What servers write before JSON so that it is no script. */
const XSSI_PREFIX = /^\)\]\}',?\n/

/** Reads a body as the request wants it. Throws what `JSON.parse` throws, but for refusals, whose text then is the body. */
export function bodyOf(
  responseType: HttpRequest<unknown>['responseType'],
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  refused: boolean,
): unknown {
  switch (responseType) {
    case 'json': {
      const text = new TextDecoder().decode(bytes).replace(XSSI_PREFIX, '')
      if (text === '') return null
      try {
        return JSON.parse(text) as unknown
      } catch (error) {
        if (refused) return text
        throw error
      }
    }
    case 'text':
      return decoderOf(contentType).decode(bytes)
    case 'blob':
      return new Blob([bytes], { type: contentType })
    case 'arraybuffer':
      return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer
  }
}

/** Decodes text by the charset it was sent with, UTF-8 where that is none. */
export function decoderOf(contentType: string): TextDecoder {
  try {
    return new TextDecoder(/charset=\s*"?([^\s;"]+)/i.exec(contentType)?.[1])
  } catch {
    return new TextDecoder()
  }
}
