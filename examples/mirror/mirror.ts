/** A copy of what a server lists: so many files at a time, each resumed, verified, and left alone once it is there. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { catchError, defer, EMPTY, map, mergeMap, of, switchMap, type Observable } from 'rxjs'
import type { Client } from 'sluice'
import { download, type DownloadEvent } from 'sluice/streams/download'

type Entry = { readonly path: string; readonly sha256: string }
type MirrorEvent = { readonly path: string } & (DownloadEvent | { readonly type: 'failed'; readonly error: unknown })

/** Leaving it ends all downloads; what has come of them is kept for the next run. One that fails stops no other. */
export function mirror(client: Client, folder: string, atATime = 4): Observable<MirrorEvent> {
  const copy = ({ path, sha256 }: Entry): Observable<MirrorEvent> => {
    const options = { params: { path: path.split('/') }, verify: { sha256 }, keep: true, overwrite: true }
    return defer(() => place(folder, path, sha256)).pipe(
      switchMap(file => (file === undefined ? EMPTY : download(client, 'files{/path*}', file, options))),
      catchError((error: unknown) => of({ type: 'failed', error } as const)),
      map(event => ({ ...event, path })),
    )
  }
  const entries = client.get('index.json').pipe(mergeMap(response => response.json<Entry[]>()))
  return entries.pipe(mergeMap(copy, atATime))
}

/** Where a file goes, once its folder is there; nowhere when it is there itself. */
async function place(folder: string, path: string, sha256: string): Promise<string | undefined> {
  const file = resolve(folder, path)
  // A list comes from a stranger: `../../.ssh/authorized_keys` is none of its business.
  if (!file.startsWith(resolve(folder) + sep)) throw new Error(`${path} leads out of the folder.`)
  await mkdir(dirname(file), { recursive: true })
  const hash = createHash('sha256')
  const found = await pipeline(createReadStream(file), hash).catch(() => 'nothing there')
  return found === undefined && hash.digest('hex') === sha256 ? undefined : file
}
