/** `npm start -- <url>`: one GET with the usual plugins, its timings and its body. */
import { lastValueFrom } from 'rxjs'
import { createClient, isHttpError } from 'sluice'
import { client, say, size, trouble } from './terminal.ts'

/** Gets a url and prints what came; true when there was an answer. */
export async function getOne(url: string): Promise<boolean> {
  const http = createClient()
  try {
    const response = await lastValueFrom(http.get(url))
    const { connected = 0, firstByte = 0, done = 0 } = response.timings
    client(`${response.status} ${response.statusText} from ${response.url}`)
    say(
      `connected ${connected.toFixed(1)} ms, first byte ${firstByte.toFixed(1)} ms, done ${done.toFixed(1)} ms, ${size(response.bytes.length)}`,
    )
    for (const [name, value] of Object.entries(response.headers.toJSON())) say(`${name}: ${value}`)
    console.log(`\n${response.text()}`)
    return true
  } catch (error) {
    if (!isHttpError(error)) throw error
    trouble(`${error.code}: ${error.message}`)
    return false
  } finally {
    await http.close()
  }
}
