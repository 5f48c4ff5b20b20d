/** A server of one file, and a folder to have it in. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lastValueFrom, toArray } from 'rxjs'
import type { Client } from 'sluice'
import { download, type DownloadEvent, type DownloadOptions } from 'sluice/streams/download'
import { reply, type Reply, type ServedRequest } from 'sluice/testing'

export const MIB: number = 1024 * 1024

/** Bytes that tell where they stand. */
export const made = (size: number, seed = 7): Uint8Array =>
  Uint8Array.from({ length: size }, (_, at) => (at * seed + (at >> 8) * 13 + (at >> 16) * 5) % 251)

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Which bytes are asked for; nothing when all of them are. */
export function rangeOf({
  headers,
}: Pick<ServedRequest, 'headers'>): { readonly from: number; readonly to: number | undefined } | undefined {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(String(headers['range'])) ?? []
  return from === undefined ? undefined : { from: Number(from), to: to ? Number(to) + 1 : undefined }
}

/** What an honest server says to a request, with changes. */
export function honest(request: ServedRequest, bytes: Uint8Array, change: Partial<Reply> & object = {}): Reply {
  const headers = {
    etag: '"v1"',
    'accept-ranges': 'bytes',
    ...(change as { headers?: Record<string, string> }).headers,
  }
  const range = rangeOf(request)
  if (range === undefined || request.header('if-range') !== headers.etag) return { body: bytes, ...change, headers }
  const to = Math.min(range.to ?? bytes.length, bytes.length)
  if (range.from >= bytes.length) return reply.status(416, { headers: { 'content-range': `bytes */${bytes.length}` } })
  return {
    status: 206,
    body: bytes.subarray(range.from, to),
    ...change,
    headers: { 'content-range': `bytes ${range.from}-${to - 1}/${bytes.length}`, ...headers },
  }
}

export const quick: DownloadOptions = { backoff: { first: 1, most: 5 }, interval: 0 }

/** A folder that goes with its test. */
export class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'sluice-download-'))
  readonly file: string = join(this.path, 'big.iso')

  /** What is in it. */
  get names(): string[] {
    return readdirSync(this.path).toSorted()
  }

  /** Downloads into it, and gives all that was told. */
  fill(client: Client, url: string, options: DownloadOptions = {}): Promise<DownloadEvent[]> {
    return lastValueFrom(download(client, url, this.file, { ...quick, ...options }).pipe(toArray()))
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
