/** A process that may write no file beyond a size; run by its path, with the folder. It says what it kept. */
import { cacheDirectory } from 'sluice/stores/cache-directory'

const store = cacheDirectory(process.argv[2] ?? '')

async function keep(key: string, body: Uint8Array): Promise<void> {
  const writer = await store.begin(key, '', { until: 8.64e15 })
  await writer?.write(body)
  await writer?.commit()
}

const said: string[] = []
const say = (text: string): void => {
  said.push(text)
}
await keep('small', Buffer.from('x'))
say('kept small')
await keep('large', new Uint8Array(100_000)).catch((error: unknown) => {
  say(`large: ${(error as { readonly code: string }).code}`)
})
await keep('small', Buffer.from('x'))
say('kept small again')
process.stdout.write(said.join('; '))
