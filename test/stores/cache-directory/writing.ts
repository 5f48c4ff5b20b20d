/** A process that keeps answers until it is ended; run by its path, with the folder and a seed. It tells of every write and commit. */
import { cacheDirectory } from 'sluice/stores/cache-directory'

const [, , folder = '', seed = '0'] = process.argv
const store = cacheDirectory(folder, { maxBytes: 2_000_000 })

for (let n = Number(seed); ; n++) {
  const key = `key ${n % 7}`
  const size = (n * 7919) % 60_000
  const writer = await store.begin(key, `${n % 3}`, { until: 8.64e15, n, size })
  for (let at = 0; at < size; at += 8192) {
    await writer?.write(new Uint8Array(Math.min(8192, size - at)).fill(n % 251))
    process.stdout.write('w')
  }
  await writer?.commit()
  process.stdout.write('.')
  const [entry] = await store.list(key)
  if (entry !== undefined && n % 4 === 0) await store.update(key, entry.id, { ...entry.meta, again: n })
  if (n % 11 === 0) await store.remove(key)
}
