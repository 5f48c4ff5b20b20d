/** An `XMLHttpRequest` that does what a test says. */

/** Stands in for the real one; has what the engine touches. */
export class ScriptedXhr {
  readyState = 0
  status = 0
  statusText = ''
  responseURL = ''
  responseType = ''
  withCredentials: boolean | undefined
  response: ArrayBuffer | null = null
  readonly upload: { onprogress?: (event: { loaded: number }) => void; onload?: () => void } = {}
  onreadystatechange: (() => void) | undefined
  onprogress: ((event: { loaded: number }) => void) | undefined
  onload: (() => void) | undefined
  onerror: (() => void) | undefined
  opened: readonly [method: string, url: string] | undefined
  body: unknown
  aborted = 0
  readonly fields: [string, string][] = []
  #headers = ''

  open(method: string, url: string): void {
    this.opened = [method, url]
  }

  setRequestHeader(name: string, value: string): void {
    this.fields.push([name, value])
  }

  send(body: unknown): void {
    this.body = body
  }

  abort(): void {
    this.aborted++
  }

  getAllResponseHeaders(): string {
    return this.#headers
  }

  /** The head of an answer comes. */
  head(status: number, headers = ''): void {
    this.#headers = headers
    this.status = status
    this.readyState = 2
    this.onreadystatechange?.()
  }

  /** A whole answer comes. */
  answer(status: number, body: string, headers?: string): void {
    this.head(status, headers)
    this.response = new TextEncoder().encode(body).buffer
    this.readyState = 4
    this.onreadystatechange?.()
    this.onload?.()
  }
}
