/** Keeps answers in a directory, for the next run and for other processes. */
import { config, shown } from '../src/index.ts'
import type { CacheStore } from '../plugins/cache.ts'
import { Folder } from './cache-directory/folder.ts'
import { bytesOf, optionsOf } from './keeping/checked.ts'

/** How much a directory may hold. */
export interface CacheDirectoryOptions {
  /** The most bytes all entries may take; what was not used for the longest time goes first. Default: 67108864 (64 MiB). */
  readonly maxBytes?: number | undefined
  /** The most bytes the body of one entry may have. Default: 8388608 (8 MiB). */
  readonly maxEntry?: number | undefined
}

const DEFAULTS: CacheDirectoryOptions = { maxBytes: 64 * 1024 * 1024, maxEntry: 8 * 1024 * 1024 }

/**
 * Keeps the answers of `cache` in a directory, so that they outlive the process. Processes on one machine may share it; each
 * sees what the others keep, and all together stay below `maxBytes`, give or take an eighth for each that writes. Node only.
 *
 * An entry is one file that appears by a rename when it is whole, and has a checksum over everything in it, which is verified before
 * its first byte is handed out: whatever happens to process or disk, what is not whole was never kept, and what was being written is removed
 * when the directory is used again. Only its owner may read it (modes 0700 and 0600), and the names in it are hashes. The bodies are not
 * encrypted: do not keep in it what must not be on the disk.
 *
 * The directory is made when it is first needed; everything is in a directory `v1` in it. What the file system refuses (no room, no
 * permission) counts as not kept, and no request fails for it. Of one url the 32 answers kept last stay. Use it from several machines only where renames are atomic for all.
 * Throws `CONFIG` for a path that is none and for sizes that are not above 0.
 *
 * @example
 * ```ts
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { cacheDirectory } from 'sluice/stores/cache-directory'
 *
 * const store = cacheDirectory(join(tmpdir(), 'sluice-example'), { maxBytes: 10_000_000 })
 * await store.clear()
 * console.log((await store.list('https://api.example.com/users/7')).length) // 0
 * ```
 */
export function cacheDirectory(path: string, options: CacheDirectoryOptions = {}): CacheStore {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw config(`cacheDirectory() must be given the path of a directory, not ${shown(path)}.`)
  }
  const { maxBytes, maxEntry } = optionsOf('cacheDirectory', options, DEFAULTS)
  return new Folder(
    path,
    bytesOf('cacheDirectory', 'maxBytes', maxBytes),
    bytesOf('cacheDirectory', 'maxEntry', maxEntry),
  )
}
