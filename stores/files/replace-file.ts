/** A file is either the old or the new one, whatever happens. */
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Puts `content` in the place of the file `path`, for its owner alone, by way of a file `temporary` beside it. */
export async function replaceFile(path: string, temporary: string, content: string | Uint8Array): Promise<void> {
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/** Without this a crash of the machine could bring an old name back, or take a new one away. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; there the name is as safe as the file system makes it.
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle === undefined) return
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
