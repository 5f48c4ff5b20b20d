/** Files on this machine out of answers. Node only. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Observable } from 'rxjs'
import { HttpError, shown, type CallOptions, type Client, type HttpHeaders, type Url } from '../src/index.ts'
import { nameIn } from './download/file-name.ts'
import { settled, type DownloadEvent, type DownloadOptions } from './download/options.ts'
import { Transfer } from './download/transfer.ts'

export type { BackoffOptions } from './again/backoff.ts'
export type { DownloadEvent, DownloadOptions } from './download/options.ts'

/**
 * Downloads to a file, through whatever breaks: it tells of its progress, and at last where the file is, how long, and its
 * SHA-256. Until then there is nothing under that name, or the old file: the bytes are written beside it, are synced to the
 * disk, compared with the digest that is known, and only then given the name.
 *
 * When it breaks off, what is missing is asked for by `Range` and `If-Range`, after growing, jittered waits; a process that was
 * killed leaves what the next one goes on with. When the server has something else by then, it starts over and says so. The
 * disk holds the server back. Leaving it closes socket and file and leaves nothing behind, unless `keep` says so.
 *
 * Every request goes through the plugins of the client: leave out `retry` or `timeout` by their names. A status that is no
 * success is a `STATUS` error; 408, 425, 429 and 5xx are waited out first. A digest that does not fit, and a disk that refuses,
 * is `BODY`. A file that is there already, a directory, and options that cannot be, are `CONFIG`. Names that servers give are
 * not looked at: see {@link fileName}.
 *
 * The file holds what the client makes of the body; encoded bodies are asked for as they are (`identity`). What a killed process
 * left is believed as it is: after a loss of power only a digest tells. For bytes that go elsewhere use `client.stream`, with
 * the plugin `resume`.
 *
 * @example
 * ```ts
 * import { mkdtemp } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { createClient } from 'sluice'
 * import { download } from 'sluice/streams/download'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/' })
 * const folder = await mkdtemp(join(tmpdir(), 'sluice-'))
 * download(client, 'breaking.iso', join(folder, 'some.iso'), { backoff: { first: 10 } }).subscribe(event => {
 *   if (event.type === 'progress') process.stdout.write(`${event.loaded} of ${event.total ?? '?'}\n`)
 *   if (event.type === 'done') console.log(event.size, event.sha256.slice(0, 8)) // 1048576 30e14955
 * })
 * ```
 */
export function download<const U extends Url, O = object>(
  client: Client<O>,
  url: U,
  file: string | URL,
  ...options: DownloadArgs<U, O>
): Observable<DownloadEvent> {
  const path = pathOf(file)
  const { options: said, call } = settled(options[0])
  return new Observable(subscriber => {
    const transfer = new Transfer({ client: client as Client, url, file: path, options: said, call }, subscriber)
    transfer.run().then(
      () => {
        subscriber.complete()
      },
      (error: unknown) => {
        subscriber.error(error)
      },
    )
    return () => {
      transfer.stop()
    }
  })
}

/** The options of a download: needed where its url has params. */
export type DownloadArgs<U, O> =
  object extends CallOptions<U, O>
    ? [options?: DownloadOptions & CallOptions<U, O>]
    : [options: DownloadOptions & CallOptions<U, O>]

/**
 * The name a server suggests for what it sends (`Content-Disposition`, RFC 6266), made harmless: never a path, never hidden, never
 * a device, nothing invisible in it, short enough to be a file. `undefined` when it suggests none, or nothing is left of it.
 *
 * @example
 * ```ts
 * import { HttpHeaders } from 'sluice'
 * import { fileName } from 'sluice/streams/download'
 *
 * const headers = HttpHeaders.of({ 'content-disposition': 'attachment; filename="../../etc/passwd"' })
 * console.log(fileName({ headers })) // passwd
 * ```
 */
export function fileName(answer: { readonly headers: HttpHeaders }): string | undefined {
  return nameIn(answer)
}

function pathOf(file: string | URL): string {
  const wrong = (what: string): HttpError =>
    new HttpError('CONFIG', `The file of a download must be a path or a file: url, not ${what}.`, { phase: 'config' })
  if (file instanceof URL) {
    if (file.protocol !== 'file:') throw wrong(`a ${file.protocol} url`)
    return fileURLToPath(file)
  }
  if (typeof file !== 'string') throw wrong(shown(file))
  if (file === '' || file.includes('\0')) throw wrong(file === '' ? 'an empty string' : 'one with a NUL in it')
  return resolve(file)
}
