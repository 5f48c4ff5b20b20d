/** Uploads that go on where they broke off, by the tus protocol. */
import { Observable } from 'rxjs'
import { HttpError, shown, type CallOptions, type Client, type Url } from '../src/index.ts'
import { settled, type TusEvent, type TusOptions } from './tus/options.ts'
import { Upload } from './tus/upload.ts'

export type { BackoffOptions } from './again/backoff.ts'
export type { TusEvent, TusOptions } from './tus/options.ts'

/** The options of an upload: needed where its url has params. */
export type TusArgs<U, O> =
  object extends CallOptions<U, O>
    ? [options?: TusOptions & CallOptions<U, O>]
    : [options: TusOptions & CallOptions<U, O>]

/**
 * Uploads a blob to a server that speaks tus 1.0.0 (https://tus.io/protocols/resumable-upload), through whatever breaks. `url` is where
 * uploads are created; with `uploadUrl`, one that was begun before is gone on with, also by another process. A file of a form is
 * a blob, and on Node `openAsBlob(path)` makes one; it is read slice by slice.
 *
 * When it breaks off, or the server is busy (409, 423, 429, 5xx), the server is asked how much it has, after growing, jittered waits, and
 * gets the rest. What it has forgotten (404, 410) is created anew. Any other answer is the error `STATUS`; one that breaks the
 * protocol, says another length, or leads to another origin, is `PROTOCOL`. Leaving it ends the request; the upload stays at the server.
 *
 * Every request goes through the plugins of the client; the headers of the call go with all of them, its query and params with the creation
 * only. Where the client has a base url, uploads must be inside of it, unless it has `confine: false`.
 *
 * Not for servers that know nothing of tus: `client.post(url, blob)`.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { tusUpload } from 'sluice/streams/tus'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/' })
 * tusUpload(client, 'uploads', new Blob(['some bytes']), { metadata: { filename: 'some.txt' } }).subscribe(event => {
 *   if (event.type === 'created') console.log(event.uploadUrl) // https://api.example.com/uploads/7
 *   if (event.type === 'done') console.log(event.size) // 10
 * })
 * ```
 */
export function tusUpload<const U extends Url, O = object>(
  client: Client<O>,
  url: U,
  blob: Blob,
  ...options: TusArgs<U, O>
): Observable<TusEvent> {
  if (!(blob instanceof Blob)) {
    throw new HttpError(
      'CONFIG',
      `tusUpload() wants a Blob or a File, not ${shown(blob)}; new Blob([bytes]) makes one.`,
      {
        phase: 'config',
      },
    )
  }
  const { options: said, call } = settled(options[0])
  return new Observable(subscriber => {
    const upload = new Upload({ client: client as Client, url, blob, options: said, call }, subscriber)
    upload.run().then(
      () => {
        subscriber.complete()
      },
      (error: unknown) => {
        subscriber.error(error)
      },
    )
    return () => {
      upload.stop()
    }
  })
}
